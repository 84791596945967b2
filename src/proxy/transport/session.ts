/**
 * One tunnel session as a state machine over bytes: which frame may come when, streams by id, and how it ends. Carries
 * many streams; how many are put on one is the dialler's choice. Knows neither sockets nor certificates nor policy.
 */
import { assert } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import { FrameDecoder, type FrameVisitor, readEnd, readGoaway, readOpen } from '../../wire/tunnel/decode.ts'
import { putGoaway, putHello, putOpen, putPing } from '../../wire/tunnel/encode.ts'
import {
  type FrameType,
  frameTypes,
  maxCredit,
  maxStreamId,
  tunnelVersions,
} from '../../wire/tunnel/frame.ts'
import type { OpenMetadata } from '../../wire/tunnel/metadata.ts'
import type { Outbox } from './outbox.ts'
import { type StreamOwner, TunnelStream } from './stream.ts'
import { ReceiveWindow } from './window.ts'

export interface SessionListener {
  /** The far side asks for a connection: answer with `stream.accept()` or `stream.refuse()`, now or later. */
  onOpen(stream: TunnelStream, metadata: OpenMetadata): void
  /** The last stream has ended. */
  onIdle(): void
  /** The far side takes no new streams. */
  onGoaway?(): void
  /** Nothing can be sent or received any more: send what is staged and close. `code` is the reason of either side. */
  onOver(code: EndCode, text: string): void
}

/** A session measures one round trip at a time, so its PINGs need not differ. */
const measurement = Buffer.alloc(8)

/** The answer to an OPEN. */
export interface StreamAnswer {
  onAck(stream: TunnelStream): void
  onRefused(code: EndCode, text: string): void
}

export class TunnelSession implements FrameVisitor, StreamOwner {
  readonly outbox: Outbox
  readonly window: ReceiveWindow
  private readonly listener: SessionListener
  private readonly decoder = new FrameDecoder()
  private readonly streams = new Map<number, TunnelStream>()
  private readonly answers = new Map<number, StreamAnswer>()
  private readonly dialler: boolean
  private lastStream: number
  private helloReceived: boolean = false
  /** Of the frames; the lowest until the far side's HELLO says what it reads. */
  private frameVersion: number = tunnelVersions.min
  private over: boolean = false
  /** We or the far side take no new streams. */
  private leaving: boolean = false
  /** Bytes that may still come for streams that we ended first. */
  private orphanCredit = 0
  private held: boolean = false

  /** `nowMs` is only used to measure round trips. */
  constructor(role: 'dialler' | 'acceptor', outbox: Outbox, listener: SessionListener, nowMs: () => number) {
    this.window = new ReceiveWindow(nowMs)
    this.dialler = role === 'dialler'
    // Diallers number their streams 1, 3, 5 and so on; even ids are kept for a version in which both sides open.
    this.lastStream = this.dialler ? -1 : 0
    this.outbox = outbox
    this.listener = listener
    putHello(outbox)
  }

  get openStreams(): number {
    return this.streams.size
  }

  /** Version of the frames that both sides speak, as far as it is known. */
  get version(): number {
    return this.frameVersion
  }

  get isOver(): boolean {
    return this.over
  }

  /** Bytes from the far side. `held`: somebody still refers to them when it returns. */
  receive(chunk: Buffer): 'held' | 'done' {
    if (this.over) return 'done'
    this.held = false
    if (!this.decoder.push(chunk, this) && !this.over) this.fail('protocol-error', this.decoder.fault)
    return this.held ? 'held' : 'done'
  }

  bytesHeld(): void {
    this.held = true
  }

  /** Asks for a connection. Undefined where the session takes no more. */
  open(metadata: Buffer, answer: StreamAnswer): TunnelStream | undefined {
    assert(this.dialler, 'only the dialling side opens streams')
    if (this.over || this.leaving || this.streams.size >= limits.streamsPerSession) return undefined
    if (this.lastStream + 2 > maxStreamId) return undefined
    this.lastStream += 2
    const stream = new TunnelStream(this, this.lastStream, 'asked', 0)
    this.streams.set(stream.id, stream)
    this.answers.set(stream.id, answer)
    putOpen(this.outbox, stream.id, {
      version: this.frameVersion,
      credit: limits.streamWindowBytes,
      metadata,
    })
    return stream
  }

  /** Takes no new streams; those that are open go on. */
  leave(code: EndCode, text: string): void {
    if (this.over || this.leaving) return
    this.leaving = true
    putGoaway(this.outbox, code, Math.max(0, this.lastStream), text)
  }

  /** Asks the dialler to open its next streams elsewhere; what it opens here all the same is served. */
  sendAway(text: string): void {
    if (!this.over && !this.leaving) putGoaway(this.outbox, 'draining', maxStreamId, text)
  }

  /** Says why and ends everything. */
  fail(code: RefusalCode, text: string): void {
    if (this.over) return
    putGoaway(this.outbox, code, Math.max(0, this.lastStream), text)
    this.finish(code, text)
  }

  /** The connection under the session is gone. */
  lost(): void {
    if (!this.over) this.finish('closed', 'the connection to the far proxy ended')
  }

  /** The outbox has room again. */
  onRoom(): void {
    for (const stream of this.streams.values()) stream.onRoom()
  }

  streamClosed(stream: TunnelStream, unusedCredit: number): void {
    this.streams.delete(stream.id)
    this.answers.delete(stream.id)
    this.orphanCredit += unusedCredit
    if (this.streams.size === 0 && !this.over) this.listener.onIdle()
  }

  onData(id: number, bytes: Buffer): boolean {
    if (this.window.onData(bytes.length)) putPing(this.outbox, 'ping', measurement)
    const stream = this.streams.get(id)
    if (stream !== undefined) return stream.onData(bytes) || this.broken(`data beyond credit on stream ${id}`)
    this.orphanCredit -= bytes.length
    return (
      (this.wasOpened(id) && this.orphanCredit >= 0) || this.broken(`data on stream ${id}, which is not open`)
    )
  }

  onFrame(type: FrameType, id: number, payload: Buffer): boolean {
    if (!this.helloReceived && type !== frameTypes.hello) return this.broken('the first frame is not HELLO')
    switch (type) {
      case frameTypes.hello:
        return this.onHello(payload)
      case frameTypes.open:
        return this.onOpen(id, payload)
      case frameTypes.ping:
        return this.onPing(payload)
      case frameTypes.pong:
        this.window.onPong()
        return true
      case frameTypes.goaway:
        return this.onGoaway(payload)
      case frameTypes.data:
        return this.onData(id, payload)
      case frameTypes.ack:
      case frameTypes.refused:
      case frameTypes.fin:
      case frameTypes.reset:
      case frameTypes.window:
        return this.onStreamFrame(type, id, payload)
    }
  }

  private onStreamFrame(type: FrameType, id: number, payload: Buffer): boolean {
    const stream = this.streams.get(id)
    // What crosses our RESET on the way is no fault of the far side.
    if (stream === undefined)
      return this.wasOpened(id) || this.broken(`frame on stream ${id}, which is not open`)
    switch (type) {
      case frameTypes.ack:
        return this.onAck(stream, payload.readUInt32BE(0)) || this.broken(`ACK of stream ${id}`)
      case frameTypes.refused:
        return this.onRefused(stream, payload) || this.broken(`REFUSED of stream ${id}`)
      case frameTypes.fin:
        return stream.onFin() || this.broken(`FIN of stream ${id}`)
      case frameTypes.window:
        return stream.onWindow(payload.readUInt32BE(0)) || this.broken(`WINDOW of stream ${id}`)
      default: {
        const end = readEnd(payload)
        if (end === undefined || stream.phase === 'asked') return this.broken(`RESET of stream ${id}`)
        stream.onReset(end.code, end.text)
        return !this.over
      }
    }
  }

  private onHello(payload: Buffer): boolean {
    if (this.helloReceived) return this.broken('a second HELLO')
    this.helloReceived = true
    const min = Math.max(payload.readUInt8(0), tunnelVersions.min)
    const max = Math.min(payload.readUInt8(1), tunnelVersions.max)
    if (min <= max) {
      this.frameVersion = max
      return true
    }
    this.fail('version-mismatch', `this proxy speaks ${tunnelVersions.min} to ${tunnelVersions.max}`)
    return false
  }

  private onOpen(id: number, payload: Buffer): boolean {
    if (this.dialler || id % 2 === 0 || id <= this.lastStream) return this.broken(`OPEN of stream ${id}`)
    this.lastStream = id
    const open = readOpen(payload)
    if (open.credit > maxCredit) return this.broken(`OPEN of stream ${id}`)
    const stream = new TunnelStream(this, id, 'offered', open.credit)
    const full = this.streams.size >= limits.streamsPerSession
    this.streams.set(id, stream)
    if (this.leaving) stream.refuse('draining', '')
    else if (full) stream.refuse('too-many-connections', `${limits.streamsPerSession} streams in one session`)
    else if (open.version < tunnelVersions.min || open.version > tunnelVersions.max)
      stream.refuse('version-mismatch', `this proxy speaks ${tunnelVersions.min} to ${tunnelVersions.max}`)
    else if (open.metadata === undefined) stream.refuse('protocol-error', 'the metadata cannot be read')
    else this.listener.onOpen(stream, open.metadata)
    return this.mayAnswer()
  }

  private onAck(stream: TunnelStream, credit: number): boolean {
    const answer = this.answers.get(stream.id)
    if (stream.phase !== 'asked' || credit > maxCredit || answer === undefined) return false
    this.answers.delete(stream.id)
    stream.onAck(credit)
    answer.onAck(stream)
    return true
  }

  private onRefused(stream: TunnelStream, payload: Buffer): boolean {
    const end = readEnd(payload)
    const answer = this.answers.get(stream.id)
    if (stream.phase !== 'asked' || end === undefined || answer === undefined) return false
    stream.phase = 'closed'
    this.streamClosed(stream, 0)
    answer.onRefused(end.code, end.text)
    return !this.over
  }

  private onPing(payload: Buffer): boolean {
    putPing(this.outbox, 'pong', payload)
    return this.mayAnswer()
  }

  private onGoaway(payload: Buffer): boolean {
    const goaway = readGoaway(payload)
    if (goaway === undefined) return this.broken('GOAWAY cannot be read')
    this.leaving = true
    if (goaway.code !== 'closed' && goaway.code !== 'draining') {
      this.finish(goaway.code, goaway.text)
      return false
    }
    this.listener.onGoaway?.()
    for (const stream of [...this.streams.values()])
      if (stream.id > goaway.lastStream) this.endStream(stream, goaway.code, goaway.text)
    return !this.over
  }

  /** A peer that asks for answers and does not read them would fill our memory. */
  private mayAnswer(): boolean {
    if (this.outbox.backlogBytes <= 2 * limits.tunnelBacklogBytes) return !this.over
    this.finish('protocol-error', 'the peer does not read')
    return false
  }

  private wasOpened(id: number): boolean {
    return id % 2 === 1 && id <= this.lastStream
  }

  private broken(text: string): false {
    this.fail('protocol-error', text)
    return false
  }

  private finish(code: EndCode, text: string): void {
    this.over = true
    for (const stream of [...this.streams.values()]) this.endStream(stream, code, text)
    this.listener.onOver(code, text)
  }

  private endStream(stream: TunnelStream, code: EndCode, text: string): void {
    const answer = this.answers.get(stream.id)
    stream.onReset(code, text)
    answer?.onRefused(code, text)
  }
}
