/**
 * Sockets that read into memory of ours instead of memory that Node makes for each read: it allocates 64 KiB per read of a
 * TCP socket and 16 KiB per TLS record, and collecting them costs more than the reading. Node offers this (`onread`) only
 * for sockets that it dials itself, not for accepted ones nor for TLS over a socket; the same fields are set here, after it
 * was tried that this Node has them. Without them sockets are read in the ordinary way. Knows nothing of what is read.
 */
import net from 'node:net'
import type tls from 'node:tls'

/** Gets what was read, valid only during the call. False: stop reading until `socket.resume()`. */
export type Take = (bytes: Buffer) => boolean

/** The part of Node's stream handles that is used. */
interface Handle {
  useUserBuffer?(buffer: Buffer): void
}

interface Internals {
  readonly buffer: symbol
  readonly callback: symbol
  readonly nextBuffer: symbol
}

type Fields = Record<symbol, unknown> & { readonly _handle?: Handle | null }

const fieldsOf = (socket: net.Socket): Fields => socket as unknown as Fields

/** What `onread` sets on a socket, found on one that was made with it; undefined where this Node keeps it elsewhere. */
function findInternals(): Internals | undefined {
  const buffer = Buffer.alloc(1)
  const callback = (): boolean => true
  const next = (): Buffer => buffer
  const socket = new net.Socket({ onread: { buffer: next, callback } })
  const fields = fieldsOf(socket)
  const symbols = Object.getOwnPropertySymbols(fields)
  const named = (name: string): symbol | undefined => symbols.find((each) => each.description === name)
  const [inBuffer, inCallback, inNext] = [named('kBuffer'), named('kBufferCb'), named('kBufferGen')]
  socket.destroy()
  if (inBuffer === undefined || inCallback === undefined || inNext === undefined) return undefined
  if (fields[inCallback] !== callback || fields[inNext] !== next) return undefined
  return { buffer: inBuffer, callback: inCallback, nextBuffer: inNext }
}

const internals = findInternals()

interface Reading {
  readonly first: Buffer
  /** The buffer for the read after this one; the same where it is null. */
  readonly next: (() => Buffer) | null
  readonly take: Take
}

function read(socket: net.Socket, { first, next, take }: Reading): void {
  const fields = fieldsOf(socket)
  const handle = fields._handle
  if (internals === undefined || typeof handle?.useUserBuffer !== 'function') {
    readOrdinarily(socket, take)
    return
  }
  fields[internals.buffer] = first
  fields[internals.callback] = (count: number, buffer: Buffer): boolean => take(buffer.subarray(0, count))
  fields[internals.nextBuffer] = next
  handle.useUserBuffer(first)
  takeEarly(socket, take)
}

/** What came before our buffer did lies in the stream. */
function takeEarly(socket: net.Socket, take: Take): void {
  let more = true
  while (socket.readableLength > 0) {
    const early: unknown = socket.read()
    if (!Buffer.isBuffer(early)) break
    more = take(early) && more
  }
  if (more) socket.resume()
  else socket.pause()
}

function readOrdinarily(socket: net.Socket, take: Take): void {
  socket.on('data', (bytes: Buffer) => {
    if (!take(bytes)) socket.pause()
  })
  socket.resume()
}

/**
 * Read buffer of every plain socket of the process. One is enough, because what is taken was copied on when `take` returns,
 * and a plain socket that was told to stop delivers nothing more.
 */
export const sharedReadBuffer = Buffer.allocUnsafeSlow(64 * 1024)

/** Reads a plain socket from now on. `take` copies what it wants to keep. */
export function readPlain(socket: net.Socket, take: Take): void {
  read(socket, { first: sharedReadBuffer, next: null, take })
}

/** What a TLS record carries at most, and so the most that a TLS socket delivers at once. */
const recordBytes = 16 * 1024

/**
 * Reads a TLS socket from now on, without ever stopping. `take` says whether it still refers to the bytes; their buffer is
 * then left to it, and a new one made.
 */
export function readRecords(socket: tls.TLSSocket, take: (bytes: Buffer) => 'held' | 'done'): void {
  let buffer = Buffer.allocUnsafeSlow(recordBytes)
  let held = false
  read(socket, {
    first: buffer,
    next: () => {
      if (held) buffer = Buffer.allocUnsafeSlow(recordBytes)
      held = false
      return buffer
    },
    take: (bytes) => {
      held = take(bytes) === 'held'
      return true
    },
  })
}
