/**
 * One connection that has a TLS session of its own, as peers without the tunnel speak (Envoy, openssl): bytes as they are,
 * the end of a direction is TLS's close_notify with TCP's FIN, and a reset is TCP's. No reason crosses such a connection;
 * it stands in our log. Knows neither who the peer is nor what is relayed.
 */
import type net from 'node:net'
import type tls from 'node:tls'
import { limits } from '../../model/limits.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import type { BufferPool } from './buffers.ts'
import type { FarSocket } from './far-socket.ts'
import { keepAlive } from './local-socket.ts'
import { Outbox, type TurnEnd } from './outbox.ts'
import type { OfferedStream, StreamListener } from './transport.ts'

/** Bytes that may wait for the destination before the peer is not read any more, and when it is read again. */
const stopReadingBytes = limits.streamWindowBytes
const readAgainBytes = stopReadingBytes / 2

export class PlainStream implements OfferedStream {
  private readonly raw: net.Socket
  private readonly socket: tls.TLSSocket
  private readonly outbox: Outbox
  private readonly onGone: () => void
  private listener: StreamListener | undefined
  private unaccepted = 0
  private reading: boolean = false
  private endSent: boolean = false
  private endReceived: boolean = false
  private over: boolean = false

  /** Of a finished handshake. `onGone`: the connection is closed; once. */
  constructor(
    far: FarSocket,
    place: { readonly pool: BufferPool; readonly turnEnd: TurnEnd },
    onGone: () => void,
  ) {
    const { raw, socket } = far
    this.raw = raw
    this.socket = socket
    this.onGone = onGone
    this.outbox = new Outbox(socket, place.pool, place.turnEnd, () => this.onRoom())
    // Each direction ends on its own. Only from here on: an unfinished handshake has to end with its client.
    socket.allowHalfOpen = true
    socket.setNoDelay(true)
    keepAlive(socket)
    socket.on('end', () => this.onEnd())
    socket.on('error', () => this.lost())
    socket.once('close', () => this.onClose())
  }

  /** Reads from now on. Until then what the peer sends stays in its and our kernel. */
  accept(): void {
    if (this.over) return
    this.reading = true
    this.socket.on('data', (bytes: Buffer) => this.onData(bytes))
  }

  /** No word of why can be said. */
  refuse(code: EndCode, text: string): void {
    this.reset(code, text)
  }

  listen(listener: StreamListener): void {
    this.listener = listener
  }

  room(): number {
    return this.over || this.endSent ? 0 : this.outbox.room()
  }

  send(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += limits.tunnelFrameBytes) {
      const part = bytes.subarray(at, at + limits.tunnelFrameBytes)
      this.outbox.reserve(part.length)
      this.outbox.position += part.copy(this.outbox.buffer, this.outbox.position)
    }
  }

  end(): void {
    if (this.over || this.endSent) return
    this.endSent = true
    this.outbox.end()
    // Or the end of the other direction waits for ever behind bytes that nobody reads.
    if (this.endReceived) this.over = true
  }

  reset(_code: EndCode, _text: string): void {
    if (this.over && this.socket.destroyed) return
    this.over = true
    // A connection that is shutting down cannot be reset any more.
    if (this.endSent || this.raw.destroyed) this.socket.destroy()
    else this.raw.resetAndDestroy()
  }

  /** Ends both directions and tells the listener, which may have asked for neither. */
  cut(code: EndCode, text: string): void {
    const wasOpen = !this.over
    this.reset(code, text)
    if (wasOpen) this.listener?.onReset(code, text)
  }

  accepted(bytes: number): void {
    this.unaccepted -= bytes
    if (this.reading || this.over || this.unaccepted >= readAgainBytes) return
    this.reading = true
    this.socket.resume()
  }

  private onData(bytes: Buffer): void {
    this.unaccepted += bytes.length
    if (this.unaccepted >= stopReadingBytes) {
      this.reading = false
      this.socket.pause()
    }
    this.listener?.onData(bytes)
  }

  private onEnd(): void {
    if (this.over) return
    this.endReceived = true
    if (this.endSent) this.over = true
    this.listener?.onEnd()
  }

  private onRoom(): void {
    if (!this.over && !this.endSent) this.listener?.onRoom()
  }

  private onClose(): void {
    this.lost()
    this.onGone()
  }

  private lost(): void {
    if (this.over) return
    this.over = true
    this.listener?.onReset('closed', 'the connection to the far proxy ended')
  }
}
