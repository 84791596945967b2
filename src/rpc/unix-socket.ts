/**
 * Listens on a unix socket's path: replaces the file that a killed process left behind, never one that is served nor one
 * that is no socket. Used by every program that has such a socket; knows nothing of what is spoken on it. The proxy's
 * raw handles, which no server of the same process serves, are platform/handles.ts.
 */
import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'

export interface UnixSocket {
  readonly path: string
  /** Permissions of the file, such as 0o660; who may enter the folder is the folder's business. */
  readonly mode: number
  /** Numeric group that may connect; absent: the one that the folder or the process gives. */
  readonly groupId?: number
}

/** Calls back once: with '' when `server` accepts, else with path and reason, for people. Later errors are the server's own. */
export function listenOnUnixSocket(server: Server, socket: UnixSocket, done: (error: string) => void): void {
  const { path } = socket
  const failed = (error: NodeJS.ErrnoException): void => done(`${path}: ${error.code ?? error.message}`)
  clearTheWay(path, (obstacle) => {
    if (obstacle !== '') {
      done(`${path}: ${obstacle}`)
      return
    }
    server.once('error', failed)
    // Whatever the process's umask, nobody else can connect between the file's creation and its mode.
    const umask = process.umask(0o177)
    server.listen({ path }, () => {
      server.off('error', failed)
      const reason = reasonOf(() => openUp(socket))
      if (reason !== '') server.close()
      done(reason === '' ? '' : `${path}: ${reason}`)
    })
    process.umask(umask)
  })
}

/** The mode comes after the group, so that no other group slips in between. */
function openUp({ path, mode, groupId }: UnixSocket): void {
  if (groupId !== undefined) chownSync(path, -1, groupId)
  chmodSync(path, mode)
}

/** '' when the path is free. Only a refused connection proves that nobody serves a socket: a busy one answers otherwise. */
function clearTheWay(path: string, done: (obstacle: string) => void): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found?.isSocket() !== true) {
    done(found === undefined ? '' : 'a file that is no socket is there; remove it')
    return
  }
  const probe = connect({ path })
  probe.once('connect', () => {
    probe.destroy()
    done('in use by another process; stop that one first')
  })
  probe.once('error', (error: NodeJS.ErrnoException) => {
    const reason = error.code ?? error.message
    done(reason === 'ECONNREFUSED' ? reasonOf(() => unlinkSync(path)) : reason === 'ENOENT' ? '' : reason)
  })
}

/** '' where `act` succeeds, else the system's reason. */
function reasonOf(act: () => void): string {
  try {
    act()
    return ''
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}
