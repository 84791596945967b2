// One connection of a soak: how much goes each way, who reads slowly, who ends first, who breaks off where. Both ends are
// played here; the service finds its plan by the number that the client sends first.
import net from 'node:net'
import { Stream } from './bytes.ts'

export interface Plan {
  readonly id: number
  readonly upBytes: number
  readonly downBytes: number
  /** Who stops for a while after every so many bytes. */
  readonly slow: 'client' | 'service' | 'nobody'
  /** Who breaks off when it has received so many bytes; both directions. */
  readonly reset: { readonly by: 'client' | 'service'; readonly afterBytes: number } | undefined
  /** The client half-closes when all is sent; else when all has come. */
  readonly endsEarly: boolean
}

export interface Outcome {
  readonly plan: Plan
  readonly kind: 'whole' | 'reset' | 'cut' | 'wrong'
  readonly text: string
  readonly startedMs: number
  readonly endedMs: number
}

export const headerBytes = 4
const pieceBytes = 48 * 1024
const slowEveryBytes = 32 * 1024

export function planOf(id: number, random: (below: number) => number): Plan {
  const size = (): number => {
    const kind = random(10)
    if (kind < 6) return 1 + random(4_096)
    return kind < 9 ? 1 + random(1_000_000) : 1 + random(8_000_000)
  }
  const [upBytes, downBytes] = [size(), size()]
  const slow =
    upBytes + downBytes > 2_000_000 ? 'nobody' : (['client', 'service', 'nobody'] as const)[random(3)]
  const by = random(2) === 0 ? 'client' : 'service'
  const afterBytes = random(by === 'client' ? downBytes : upBytes)
  return {
    id,
    upBytes,
    downBytes,
    slow: slow ?? 'nobody',
    reset: random(5) === 0 ? { by, afterBytes } : undefined,
    endsEarly: random(2) === 0,
  }
}

/** One end: sends its stream, compares the other's. */
class End {
  received = 0
  ended: boolean = false
  wrong: boolean = false
  private readonly socket: net.Socket
  private readonly plan: Plan
  private readonly who: 'client' | 'service'
  private readonly out: Stream
  private readonly in: Stream
  private left: number

  constructor(socket: net.Socket, plan: Plan, who: 'client' | 'service') {
    this.socket = socket
    this.plan = plan
    this.who = who
    const isClient = who === 'client'
    this.out = new Stream(2 * plan.id + (isClient ? 0 : 1))
    this.in = new Stream(2 * plan.id + (isClient ? 1 : 0))
    this.left = isClient ? plan.upBytes : plan.downBytes
    socket.on('drain', () => this.pump())
    socket.on('end', () => {
      this.ended = true
      // The other end is gone: nobody would end this one.
      if (this.received < this.wanted) socket.destroy()
      else this.endIfDone()
    })
  }

  get wanted(): number {
    return this.who === 'client' ? this.plan.downBytes : this.plan.upBytes
  }

  pump(): void {
    while (this.left > 0 && !this.socket.destroyed) {
      const piece = this.out.next(Math.min(pieceBytes, this.left))
      this.left -= piece.length
      if (!this.socket.write(piece)) break
    }
    this.endIfDone()
  }

  take(chunk: Buffer): void {
    if (!this.in.isNext(chunk)) this.wrong = true
    const before = this.received
    this.received += chunk.length
    const { reset, slow } = this.plan
    if (this.wrong || (reset?.by === this.who && this.received > reset.afterBytes)) {
      this.socket.resetAndDestroy()
      return
    }
    if (this.received >= this.wanted) this.endIfDone()
    if (slow !== this.who || before % slowEveryBytes <= this.received % slowEveryBytes) return
    this.socket.pause()
    setTimeout(() => this.socket.resume(), 1 + (this.received % 20))
  }

  private endIfDone(): void {
    const mayEnd = this.who === 'client' && this.plan.endsEarly ? true : this.received >= this.wanted
    if (this.left === 0 && mayEnd && !this.socket.writableEnded) this.socket.end()
  }
}

/** The service of all conversations. */
export class Service {
  readonly sockets = new Set<net.Socket>()
  readonly plans = new Map<number, Plan>()
  /** Conversations whose bytes arrived wrong at the service. */
  readonly wrong = new Set<number>()
  /** Conversations of which everything arrived, and then the end. */
  readonly whole = new Set<number>()
  private readonly states = new Map<net.Socket, () => object>()
  private readonly server: net.Server

  /** What is open, to name it in an error. */
  describe(): string {
    return Array.from(this.sockets, (socket) =>
      JSON.stringify({
        ...this.states.get(socket)?.(),
        writableEnded: socket.writableEnded,
        paused: socket.isPaused(),
      }),
    ).join(', ')
  }

  constructor() {
    this.server = net.createServer({ allowHalfOpen: true }, (socket) => this.serve(socket))
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', () => resolve((this.server.address() as net.AddressInfo).port))
    })
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
  }

  private serve(socket: net.Socket): void {
    this.sockets.add(socket)
    let header = Buffer.alloc(0)
    let end: End | undefined
    let plan: Plan | undefined
    socket.on('error', () => {})
    // Broken off before the client's number came through.
    socket.on('end', () => {
      if (end === undefined) socket.destroy()
    })
    socket.once('close', () => {
      this.sockets.delete(socket)
      this.states.delete(socket)
      if (plan === undefined || end === undefined) return
      if (end.wrong || end.received > plan.upBytes) this.wrong.add(plan.id)
      else if (end.ended && end.received === plan.upBytes) this.whole.add(plan.id)
    })
    socket.on('data', (chunk: Buffer) => {
      if (end !== undefined) return end.take(chunk)
      header = Buffer.concat([header, chunk])
      if (header.length < headerBytes) return
      plan = this.plans.get(header.readUInt32BE(0))
      // A number that nobody sent: bytes that went astray.
      if (plan === undefined) throw new Error('the service got a header that no client sent')
      end = new End(socket, plan, 'service')
      this.states.set(socket, () => ({ plan, received: end?.received, ended: end?.ended }))
      end.pump()
      if (header.length > headerBytes) end.take(header.subarray(headerBytes))
    })
  }
}

/** Plays one conversation through `port`. */
export function converse(port: number, plan: Plan, service: Service): Promise<Outcome> {
  const startedMs = performance.now()
  service.plans.set(plan.id, plan)
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const end = new End(socket, plan, 'client')
    let text = ''
    socket.on('connect', () => {
      const header = Buffer.alloc(headerBytes)
      header.writeUInt32BE(plan.id, 0)
      socket.write(header)
      end.pump()
    })
    socket.on('data', (chunk: Buffer) => end.take(chunk))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      text = error.code ?? error.message
    })
    socket.once('close', () => {
      const kind = kindOf(end, plan)
      resolve({
        plan,
        kind,
        text: `${text} ${end.received} of ${plan.downBytes}`,
        startedMs,
        endedMs: performance.now(),
      })
    })
  })
}

function kindOf(end: End, plan: Plan): Outcome['kind'] {
  if (end.wrong || end.received > plan.downBytes) return 'wrong'
  if (end.ended && end.received === plan.downBytes) return 'whole'
  return plan.reset === undefined ? 'cut' : 'reset'
}
