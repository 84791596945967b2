/**
 * How servers that are to found a cluster together (`bootstrap_expect`) find out about each other before any of them has a
 * certificate: one that waits says so in plain text on its port. A server of a cluster keeps silent there, because it expects a
 * TLS handshake. Nothing secret is said and nothing is decided by it but who founds: founding.ts.
 */
import { connect, createServer, type Server } from 'node:net'
import { failed, ok, type Result } from '../model/errors.ts'
import type { Clock } from '../platform/ports.ts'

const words = 'mesh-agent: this server waits for its cluster\n'
/** A waiting server speaks at once. */
const silenceMs = 2_000

export interface WaitingPlace {
  /** Frees the port. */
  close(done: () => void): void
}

/** Says to everybody who connects that this server waits. */
export function announceWaiting(
  host: string,
  port: number,
  done: (result: Result<WaitingPlace>) => void,
): void {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end(words, () => socket.destroy())
  })
  const refused = (error: Error): void => done(failed('no-server', `cannot listen: ${error.message}`))
  server.once('error', refused)
  server.listen({ host, port }, () => {
    server.off('error', refused)
    server.on('error', () => undefined)
    done(ok({ close: (closed) => server.close(() => closed()) }))
  })
}

export type Founder =
  | 'waiting'
  /** It serves: there is a cluster already. */
  | 'serving'
  | 'away'

/** What the server at `address` (host:port) is doing. */
export function probeFounder(address: string, clock: Clock, done: (found: Founder) => void): void {
  const at = address.lastIndexOf(':')
  const host = address.slice(0, at).replace(/^\[|\]$/g, '')
  let said = ''
  let isConnected = false
  let isOver = false
  const finish = (found: Founder): void => {
    if (isOver) return
    isOver = true
    late.cancel()
    socket.destroy()
    done(found)
  }
  const socket = connect({ host, port: Number(address.slice(at + 1)) })
  const late = clock.after(silenceMs, () => finish(isConnected ? 'serving' : 'away'))
  socket.on('connect', () => {
    isConnected = true
  })
  socket.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString('latin1')).slice(0, words.length)
    if (said === words) finish('waiting')
  })
  socket.on('error', () => finish('away'))
  socket.on('close', () => finish('away'))
}
