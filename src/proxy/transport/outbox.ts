/**
 * What a session has to send: frames are laid into staging buffers during a turn of the event loop and go out as one
 * TLS write at its end, one write at a time. Knows the layout of no frame and the state of no stream.
 */

import { limits } from '../../model/limits.ts'
import type { FrameTarget } from '../../wire/tunnel/encode.ts'
import type { BufferPool } from './buffers.ts'

/** The part of a TLS socket that is used. */
export interface OutboxSocket {
  readonly destroyed: boolean
  write(bytes: Buffer, done?: (error?: Error | null) => void): boolean
  cork(): void
  uncork(): void
  end(): void
}

/** Runs what was put in once the present turn has read all its sockets: one `setImmediate` for all sessions. */
export class TurnEnd {
  private waiting: Outbox[] = []
  private readonly defer: (callback: () => void) => void

  constructor(defer: (callback: () => void) => void = setImmediate) {
    this.defer = defer
  }

  add(outbox: Outbox): void {
    if (this.waiting.push(outbox) === 1) this.defer(this.run)
  }

  private readonly run = (): void => {
    const now = this.waiting
    this.waiting = []
    for (const outbox of now) outbox.flush()
  }
}

const nothing = Buffer.alloc(0)
/** Below this a session that had stopped reading goes on. */
const roomAgainBytes = limits.tunnelBacklogBytes / 2

export class Outbox implements FrameTarget {
  buffer: Buffer = nothing
  position = 0
  private readonly socket: OutboxSocket
  private readonly pool: BufferPool
  private readonly turnEnd: TurnEnd
  private readonly onRoom: () => void
  private scheduled: boolean = false
  /** Full buffers of this batch before `buffer`; `fullUsed` says how much of each. */
  private readonly full: Buffer[] = []
  private readonly fullUsed: number[] = []
  private fullBytes = 0
  /** Buffers of the write under way. */
  private readonly flying: Buffer[] = []
  private flyingBytes = 0
  private wasFull: boolean = false
  private ending: boolean = false
  private ended: boolean = false

  constructor(socket: OutboxSocket, pool: BufferPool, turnEnd: TurnEnd, onRoom: () => void) {
    this.socket = socket
    this.pool = pool
    this.turnEnd = turnEnd
    this.onRoom = onRoom
  }

  /** Bytes that the socket has not taken yet. */
  get backlogBytes(): number {
    return this.position + this.fullBytes + this.flyingBytes
  }

  /** Room for data; asking when there is none makes `onRoom` come. Frames of the session itself are not bound by it. */
  room(): number {
    const room = limits.tunnelBacklogBytes - this.backlogBytes
    if (room <= 0) this.wasFull = true
    return Math.max(0, room)
  }

  reserve(bytes: number): void {
    if (!this.scheduled) {
      this.scheduled = true
      this.turnEnd.add(this)
    }
    if (this.buffer.length - this.position >= bytes) return
    const old = this.buffer
    if (this.pool.isSmall(old)) {
      this.buffer = this.pool.take(this.position + bytes)
      old.copy(this.buffer, 0, 0, this.position)
      this.pool.give(old)
    } else {
      this.full.push(old)
      this.fullUsed.push(this.position)
      this.fullBytes += this.position
      this.buffer = this.pool.take(bytes)
      this.position = 0
    }
  }

  /** Sends what is staged now instead of at the end of the turn. */
  flush(): void {
    this.scheduled = false
    if (this.flyingBytes > 0 || this.ended || this.socket.destroyed) return
    if (this.position === 0 && this.fullBytes === 0) {
      if (!this.ending) return
      this.ended = true
      this.socket.end()
      return
    }
    this.flyingBytes = this.fullBytes + this.position
    const last = this.buffer.subarray(0, this.position)
    this.flying.push(this.buffer)
    this.buffer = nothing
    this.position = 0
    if (this.fullBytes === 0) this.socket.write(last, this.onWritten)
    else this.writeSeveral(last)
  }

  /** One gathered write, so that the TLS layer makes full records across the buffers. */
  private writeSeveral(last: Buffer): void {
    const parts = this.full.map((buffer, i) => buffer.subarray(0, this.fullUsed[i]))
    this.flying.push(...this.full)
    this.full.length = 0
    this.fullUsed.length = 0
    this.fullBytes = 0
    this.socket.cork()
    for (const part of parts) this.socket.write(part)
    this.socket.write(last, this.onWritten)
    this.socket.uncork()
  }

  /** Sends what is staged and then ends the socket; what is staged later goes nowhere. */
  end(): void {
    this.ending = true
    this.flush()
  }

  private readonly onWritten = (error?: Error | null): void => {
    // After an error something may still refer to them.
    if (error === undefined || error === null) for (const buffer of this.flying) this.pool.give(buffer)
    this.flying.length = 0
    this.flyingBytes = 0
    if (this.socket.destroyed) return
    if (this.position > 0 || this.fullBytes > 0 || this.ending) this.flush()
    if (this.wasFull && this.backlogBytes < roomAgainBytes) {
      this.wasFull = false
      this.onRoom()
    }
  }
}
