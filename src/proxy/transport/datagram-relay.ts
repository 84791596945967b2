/**
 * Carries datagrams between a local end and a stream, both ways. Nothing is held back for want of room: as on any network a
 * datagram that does not fit now is dropped, and counted. Knows neither sockets nor policy; bytes are relay.ts.
 */
import type { EndCode } from '../../wire/tunnel/codes.ts'
import {
  DatagramReader,
  datagramHeaderBytes,
  maxDatagramBytes,
  withLength,
} from '../../wire/tunnel/datagram.ts'
import type { RelayMeter } from './relay.ts'
import type { ByteStream, StreamListener } from './transport.ts'

/** Who sends and gets the datagrams on this host. */
export interface DatagramEnd {
  /** False where it cannot be taken now. `payload` is valid only during the call. */
  send(payload: Buffer): boolean
  /** Nothing is sent any more. */
  close(): void
}

export interface DatagramEnds {
  readonly stream: ByteStream
  readonly end: DatagramEnd
  /** Which end of the flow the local one is. */
  readonly endIs: 'source' | 'destination'
}

export class DatagramRelay implements StreamListener {
  /** Payload bytes from the local end into the stream, and from the stream to the local end. */
  sent = 0
  received = 0
  private readonly ends: DatagramEnds
  private readonly meter: RelayMeter
  private readonly onDone: (code: EndCode) => void
  private readonly reader = new DatagramReader()
  private done: boolean = false

  /** `onDone` is called once, when the flow is over on either side. */
  constructor(ends: DatagramEnds, meter: RelayMeter, onDone: (code: EndCode) => void) {
    this.ends = ends
    this.meter = meter
    this.onDone = onDone
  }

  start(): void {
    this.ends.stream.listen(this)
  }

  /** Ends the flow on both sides now. */
  cut(code: EndCode, text: string): void {
    if (this.done) return
    this.ends.stream.reset(code, text)
    this.finish(code)
  }

  /** One from the local end. */
  take(payload: Buffer): void {
    if (this.done) return
    const { stream, endIs } = this.ends
    const { counters, slot } = this.meter
    const fits = payload.length <= maxDatagramBytes && stream.room() >= datagramHeaderBytes + payload.length
    if (!fits) {
      counters.datagramDropped(slot)
      return
    }
    stream.send(withLength(payload))
    this.sent += payload.length
    this.count(endIs === 'source' ? 'destination' : 'source', payload.length)
  }

  onData(bytes: Buffer): void {
    const isRight = this.reader.push(bytes, this.deliver)
    if (isRight) this.ends.stream.accepted(bytes.length)
    else this.cut('protocol-error', 'a datagram of more bytes than any can have')
  }

  /** Half of a flow is none. */
  onEnd(): void {
    this.cut('closed', '')
  }

  onReset(code: EndCode, _text: string): void {
    this.finish(code)
  }

  onRoom(): void {
    // Nothing waits for room.
  }

  private readonly deliver = (payload: Buffer): void => {
    if (this.done) return
    const { end, endIs } = this.ends
    this.received += payload.length
    if (end.send(payload)) this.count(endIs, payload.length)
    else this.meter.counters.datagramDropped(this.meter.slot)
  }

  private count(to: 'source' | 'destination', bytes: number): void {
    const { counters, slot } = this.meter
    counters.datagram(slot, to)
    if (to === 'destination') counters.toDestination(slot, bytes)
    else counters.toSource(slot, bytes)
  }

  private finish(code: EndCode): void {
    if (this.done) return
    this.done = true
    this.ends.end.close()
    this.onDone(code)
  }
}
