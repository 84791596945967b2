// Two ends of a tunnel session without sockets: what one end writes is kept until the test hands it over.
import { BufferPool } from '../../../src/proxy/transport/buffers.ts'
import { Outbox, type OutboxSocket, TurnEnd } from '../../../src/proxy/transport/outbox.ts'
import { type SessionListener, TunnelSession } from '../../../src/proxy/transport/session.ts'
import type { TunnelStream } from '../../../src/proxy/transport/stream.ts'
import type { StreamListener } from '../../../src/proxy/transport/transport.ts'
import type { OpenMetadata } from '../../../src/wire/tunnel/metadata.ts'

/** A socket that takes everything and calls back when the test says so. */
export class MemorySocket implements OutboxSocket {
  destroyed = false
  ended = false
  readonly written: Buffer[] = []
  private readonly waiting: (() => void)[] = []
  private readonly slow: boolean

  constructor(slow = false) {
    this.slow = slow
  }

  write(bytes: Buffer, done?: () => void): boolean {
    // A copy: the buffer is used again once the write was taken.
    this.written.push(Buffer.from(bytes))
    if (done !== undefined) {
      if (this.slow) this.waiting.push(done)
      else done()
    }
    return true
  }

  /** Calls back for the writes so far, of a slow socket. */
  drained(): void {
    for (const done of this.waiting.splice(0)) done()
  }

  take(): Buffer {
    return Buffer.concat(this.written.splice(0))
  }

  cork(): void {}
  uncork(): void {}
  end(): void {
    this.ended = true
  }
}

export interface End {
  readonly socket: MemorySocket
  readonly outbox: Outbox
  readonly session: TunnelSession
  /** What the session said to its owner, as short texts. */
  readonly events: string[]
  /** Streams that the other side opened. */
  readonly offered: { readonly stream: TunnelStream; readonly metadata: OpenMetadata }[]
  readonly turnEnd: { run(): void }
}

/** `answer` is called with each stream that the other side opens; by default the test answers later. */
export function makeEnd(
  role: 'dialler' | 'acceptor',
  socket = new MemorySocket(),
  answer: (stream: TunnelStream) => void = () => {},
  nowMs: () => number = () => 0,
): End {
  let turns: (() => void)[] = []
  const turnEnd = new TurnEnd((callback) => {
    turns.push(callback)
  })
  const events: string[] = []
  const offered: End['offered'] = []
  const listener: SessionListener = {
    onOpen: (stream, metadata) => {
      events.push(`open ${metadata.source}>${metadata.target}`)
      offered.push({ stream, metadata })
      answer(stream)
    },
    onIdle: () => {
      events.push('idle')
    },
    onOver: (code, text) => {
      events.push(`over ${code}: ${text}`)
    },
  }
  const outbox = new Outbox(socket, new BufferPool(), turnEnd, () => session.onRoom())
  const session: TunnelSession = new TunnelSession(role, outbox, listener, nowMs)
  return {
    socket,
    outbox,
    session,
    events,
    offered,
    turnEnd: {
      run() {
        const now = turns
        turns = []
        for (const turn of now) turn()
      },
    },
  }
}

/** Hands over what each side has written until nobody has anything to say. */
export function exchangeAll(a: End, b: End): void {
  for (;;) {
    a.turnEnd.run()
    b.turnEnd.run()
    const fromA = a.socket.take()
    const fromB = b.socket.take()
    if (fromA.length === 0 && fromB.length === 0) return
    if (fromA.length > 0) b.session.receive(fromA)
    if (fromB.length > 0) a.session.receive(fromB)
  }
}

/** A stream's listener that keeps what it got and accepts it, or not. */
export class Recorder implements StreamListener {
  readonly parts: Buffer[] = []
  readonly events: string[] = []
  private readonly stream: TunnelStream
  private readonly accepts: boolean

  constructor(stream: TunnelStream, accepts = true) {
    this.stream = stream
    this.accepts = accepts
    stream.listen(this)
  }

  get text(): string {
    return Buffer.concat(this.parts).toString()
  }

  get bytes(): number {
    return this.parts.reduce((sum, part) => sum + part.length, 0)
  }

  onData(bytes: Buffer): void {
    this.parts.push(Buffer.from(bytes))
    if (this.accepts) this.stream.accepted(bytes.length)
  }

  onEnd(): void {
    this.events.push('end')
  }

  onReset(code: string): void {
    this.events.push(`reset ${code}`)
  }

  onRoom(): void {
    this.events.push('room')
  }
}
