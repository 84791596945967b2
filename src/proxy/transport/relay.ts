/**
 * Carries bytes between a plain socket and a byte stream, both ways, each end and each error where it belongs. Back
 * pressure: the socket is read only while the stream has room, and credit is returned only for bytes that the socket's
 * kernel took. Makes nothing per chunk. Knows neither TLS nor policy.
 */
import type net from 'node:net'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import type { PairCounters, PairSlot } from '../telemetry/counters.ts'
import { abort, type ReadableEnd } from './local-socket.ts'
import { creditStepBytes } from './stream.ts'
import type { ByteStream, StreamListener } from './transport.ts'

export interface RelayEnds {
  readonly socket: net.Socket
  readonly end: ReadableEnd
  readonly stream: ByteStream
  /** Which end of the connection the socket is. */
  readonly socketIs: 'source' | 'destination'
}

export interface RelayMeter {
  readonly counters: PairCounters
  readonly slot: PairSlot
}

export class Relay implements StreamListener {
  /** Bytes from the socket into the stream, and from the stream into the socket. */
  sent = 0
  received = 0
  private readonly ends: RelayEnds
  private readonly meter: RelayMeter
  private readonly onDone: (code: EndCode) => void
  /** Rest of a chunk for which there was no room. */
  private held: Buffer | undefined
  private holding: boolean = false
  private socketEnded: boolean = false
  private streamEnded: boolean = false
  private returned = 0
  private done: boolean = false

  /** `onDone` is called once, when both directions have ended or either was cut. */
  constructor(ends: RelayEnds, meter: RelayMeter, onDone: (code: EndCode) => void) {
    this.ends = ends
    this.meter = meter
    this.onDone = onDone
  }

  start(): void {
    const { socket, end, stream } = this.ends
    stream.listen(this)
    socket.on('end', this.onSocketEnd)
    socket.on('error', this.onSocketError)
    socket.on('close', this.onSocketClose)
    end.start(this.take)
  }

  /** Cuts both sides now. */
  cut(code: EndCode, text: string): void {
    if (this.done) return
    this.ends.stream.reset(code, text)
    this.finish(code)
  }

  onData(bytes: Buffer): void {
    const { socket } = this.ends
    this.received += bytes.length
    this.count('fromStream', bytes.length)
    this.holding = false
    if (socket.destroyed || socket.writableEnded) return
    const mustWait = socket.writableLength > 0
    // A few bytes that wait must not keep the whole buffer of a record from being used again.
    const own = mustWait ? copyOf(bytes) : bytes
    // Without a callback a write is cheaper; with less than a step outstanding nobody waits for its credit.
    if (this.received - this.returned < creditStepBytes) socket.write(own)
    else socket.write(own, this.onWritten)
    this.holding = !mustWait && socket.writableLength > 0
    this.onWritten()
  }

  /** Only a chunk of which the kernel took a part is referred to. */
  holds(): boolean {
    return this.holding
  }

  onEnd(): void {
    this.streamEnded = true
    this.ends.socket.end()
  }

  onReset(code: EndCode, _text: string): void {
    this.finish(code)
  }

  onRoom(): void {
    const { held } = this
    if (held !== undefined) {
      this.held = undefined
      if (!this.take(held)) return
    }
    if (this.socketEnded) this.ends.stream.end()
    else this.ends.end.resume()
  }

  /** Returns whether more may be read. */
  private readonly take = (bytes: Buffer): boolean => {
    if (this.done) return false
    // A chunk that was read before "stop" took effect lines up behind what is held.
    if (this.held !== undefined) {
      this.held = Buffer.concat([this.held, bytes])
      return false
    }
    const { stream } = this.ends
    const room = stream.room()
    const now = bytes.length <= room ? bytes : bytes.subarray(0, room)
    if (now.length > 0) {
      stream.send(now)
      this.sent += now.length
      this.count('toStream', now.length)
    }
    // Asking is what makes `onRoom` come when there is none.
    const more = stream.room() > 0
    if (now.length === bytes.length) return more
    // Copied, because the reader uses its buffer again.
    this.held = Buffer.from(bytes.subarray(now.length))
    return false
  }

  private readonly onWritten = (): void => {
    const accepted = this.received - this.ends.socket.writableLength - this.returned
    if (accepted <= 0) return
    this.returned += accepted
    this.ends.stream.accepted(accepted)
  }

  private readonly onSocketEnd = (): void => {
    this.socketEnded = true
    if (this.held === undefined) this.ends.stream.end()
  }

  private readonly onSocketError = (): void => {
    this.cut('closed', '')
  }

  private readonly onSocketClose = (): void => {
    if (this.socketEnded && this.streamEnded) this.finish('closed')
    else this.cut('closed', '')
  }

  private count(way: 'toStream' | 'fromStream', bytes: number): void {
    const { counters, slot } = this.meter
    if ((way === 'toStream') === (this.ends.socketIs === 'source')) counters.toDestination(slot, bytes)
    else counters.toSource(slot, bytes)
  }

  private finish(code: EndCode): void {
    if (this.done) return
    this.done = true
    this.held = undefined
    const { socket } = this.ends
    if (!(this.socketEnded && this.streamEnded)) abort(socket)
    this.onDone(code)
  }
}

/** Of exactly that size: Node's pool would keep 64 KiB for the sake of any part of it. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}
