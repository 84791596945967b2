/**
 * Where the programs of one host meet. Packages make a folder per socket, because a folder's group says who may connect;
 * where such a folder is missing (tests, quickstart) the socket lies directly in the runtime directory. The one place that
 * decides this, so that all programs agree.
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'

export interface SocketPaths {
  /** The agent's HTTP API. */
  readonly api: string
  /** The agent's link to its proxies. */
  readonly link: string
  /** The server's RPC for operators of this machine. */
  readonly server: string
  /** Where the proxy takes commands. */
  readonly control: string
  /** Not a socket, but for the same readers: a token by which the server lets its own host's agent in. */
  readonly token: string
}

export function socketPaths(runtimeDirectory: string): SocketPaths {
  const place = (folder: string, name: string): string =>
    join(isFolder(join(runtimeDirectory, folder)) ? join(runtimeDirectory, folder) : runtimeDirectory, name)
  return {
    api: place('agent', 'api.sock'),
    link: place('link', 'link.sock'),
    server: place('server', 'server.sock'),
    control: place('proxy', 'control.sock'),
    token: place('server', 'enrollment.token'),
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
