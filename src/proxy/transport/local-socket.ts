/**
 * The plain sockets at the two outer ends: an application that connected to us, or a local service that we dialled.
 * Hides how each of them is read, and how one is cut. Knows nothing of streams.
 */
import net from 'node:net'
import { limits } from '../../model/limits.ts'
import { readPlain, sharedReadBuffer } from './read-buffer.ts'

/** Reads bytes until `take` says stop; `resume` goes on. */
export interface ReadableEnd {
  /** From now on `take` gets what arrives; `bytes` are valid only during the call. False: stop reading. */
  start(take: (bytes: Buffer) => boolean): void
  resume(): void
}

/** A client of an outbound listener, accepted paused. */
export function acceptedEnd(socket: net.Socket): ReadableEnd {
  return {
    start(take) {
      readPlain(socket, take)
    },
    resume: () => socket.resume(),
  }
}

export interface LocalAddress {
  readonly address: string
  readonly port: number
  /** Used instead of address and port when it is not empty. */
  readonly socketPath: string
}

/** Connects to a local service; the socket's own events tell how it went. */
export function dialLocal(at: LocalAddress): { readonly socket: net.Socket; readonly end: ReadableEnd } {
  let taker: ((bytes: Buffer) => boolean) | undefined
  const onread = {
    buffer: sharedReadBuffer,
    callback: (count: number): boolean => taker?.(sharedReadBuffer.subarray(0, count)) ?? false,
  }
  const place = at.socketPath === '' ? { host: at.address, port: at.port } : { path: at.socketPath }
  const socket = net.connect({ ...place, allowHalfOpen: true, noDelay: true, onread })
  // Nothing may be read, and lost, before somebody takes it.
  socket.pause()
  return {
    socket,
    end: {
      start(take) {
        taker = take
        socket.resume()
      },
      resume: () => socket.resume(),
    },
  }
}

/** Lets the kernel find out that the other host is gone. */
export function keepAlive(socket: net.Socket): void {
  socket.setKeepAlive(true, limits.tcpKeepAliveMs)
}

/**
 * Cuts a plain socket so that its peer sees a reset and not an ordinary end. After our own end that is not possible any
 * more (a socket that is shutting down cannot be reset, and Node would leak it), and a unix socket knows no reset.
 */
export function abort(socket: net.Socket): void {
  if (socket.destroyed) return
  if (socket.connecting || socket.writableEnded || socket.localFamily === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
