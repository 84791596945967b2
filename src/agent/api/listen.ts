/**
 * Listening on one address: TCP, or a unix socket whose file permissions say who has local rights.
 */
import type { Server } from 'node:http'
import { assert } from '../../model/errors.ts'
import { listenOnUnixSocket, type UnixSocket } from '../../rpc/unix-socket.ts'

export type ListenTarget =
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number }
  | ({ readonly kind: 'unix' } & UnixSocket)

export interface Listener {
  readonly address: string
  close(): Promise<void>
}

export async function listenOn(server: Server, target: ListenTarget): Promise<Listener> {
  await new Promise<void>((resolve, reject) => {
    if (target.kind === 'unix') {
      listenOnUnixSocket(server, target, (error) => (error === '' ? resolve() : reject(new Error(error))))
      return
    }
    server.once('error', reject)
    server.listen({ host: target.address, port: target.port }, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
  return { address: addressOf(server), close: () => closeAll(server) }
}

function addressOf(server: Server): string {
  const address = server.address()
  assert(address !== null, 'a listening server has an address')
  if (typeof address === 'string') return address
  return address.family === 'IPv6'
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`
}

function closeAll(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
