/**
 * Listening on one address: TCP, or a unix socket whose file permissions say who has local rights.
 */
import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { assert } from '../../model/errors.ts'

export type ListenTarget =
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number }
  | {
      readonly kind: 'unix'
      readonly path: string
      /** Octal, such as 0o660. */
      readonly mode: number
      /** Numeric group that may connect; absent: the process's own. */
      readonly groupId?: number
    }

export interface Listener {
  readonly address: string
  close(): Promise<void>
}

export async function listenOn(server: Server, target: ListenTarget): Promise<Listener> {
  if (target.kind === 'unix') await removeStaleSocket(target.path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const listening = (): void => {
      server.removeListener('error', reject)
      resolve()
    }
    if (target.kind === 'tcp') server.listen({ host: target.address, port: target.port }, listening)
    else listenPrivately(server, target.path, listening)
  })
  if (target.kind === 'unix') {
    if (target.groupId !== undefined) chownSync(target.path, -1, target.groupId)
    chmodSync(target.path, target.mode)
  }
  return { address: addressOf(server), close: () => closeAll(server) }
}

/** The socket is born closed to others; the wanted mode comes after the group, so nobody slips in between. */
function listenPrivately(server: Server, path: string, listening: () => void): void {
  const before = process.umask(0o177)
  try {
    server.listen(path, listening)
  } finally {
    process.umask(before)
  }
}

/** A killed agent leaves its socket file; one that still answers belongs to a living agent and is an error. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new Error(`${path} exists and is no socket; remove it from ${dirname(path)}`)
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
  if (alive) throw new Error(`${path} is in use by another agent; stop it first`)
  unlinkSync(path)
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
