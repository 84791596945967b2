/**
 * The worker's end of the link: dials the agent's socket, says hello, hands on what comes, dials again when it breaks.
 * Knows nothing of what the messages do.
 */
import net from 'node:net'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Random, Timer } from '../../platform/ports.ts'
import { encodeLinkFrame, LinkDecoder } from '../../wire/link/frame.ts'
import { type FromProxy, type LinkPart, linkProtocol, partsSince } from '../../wire/link/message.ts'

export interface LinkOptions {
  readonly socketPath: string
  readonly pid: number
  /** Random per worker process. */
  readonly worker: string
  readonly version: string
  /** Absent: everything. */
  readonly part?: LinkPart
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface LinkListener {
  /** A new connection: what was under way on the last one is void. */
  onUp(): void
  /** One message, parsed and not yet checked. */
  onMessage(message: unknown): void
}

export class LinkClient {
  private readonly options: LinkOptions
  private readonly listener: LinkListener
  private socket: net.Socket | undefined
  private timer: Timer | undefined
  private failures = 0
  private stopped: boolean = false

  constructor(options: LinkOptions, listener: LinkListener) {
    this.options = options
    this.listener = listener
  }

  /** Dials, and goes on dialling until `stop`. */
  start(): void {
    const { socketPath, pid, worker, version, part } = this.options
    const decoder = new LinkDecoder()
    const socket = net.connect(socketPath)
    this.socket = socket
    socket.once('connect', () => {
      const { max } = linkProtocol
      // An agent that knows no parts would send everything, and this worker would serve it.
      const wanted = part === undefined ? { min: linkProtocol.min } : { min: partsSince, part }
      const { min, ...rest } = wanted
      this.send({ kind: 'hello', minProtocol: min, maxProtocol: max, pid, worker, version, ...rest })
      this.listener.onUp()
    })
    socket.on('data', (chunk: Buffer) => {
      const messages = decoder.push(chunk)
      if (!messages.ok) return this.hangUp(messages.failure.message)
      for (const message of messages.value) if (this.socket === socket) this.listener.onMessage(message)
    })
    socket.on('error', () => {
      // 'close' follows and redials; without an agent this is the ordinary state.
    })
    socket.once('close', () => this.onClose(socket))
  }

  /** False where there is no connection; the agent learns everything anew on the next one. */
  send(message: FromProxy): boolean {
    const frame = encodeLinkFrame(message)
    if (!frame.ok || this.socket === undefined || this.socket.destroyed) return false
    this.socket.write(frame.value)
    if (this.socket.writableLength > limits.linkFrameBytes) this.hangUp('the agent does not read')
    return true
  }

  /** Everything is in order: the next redial is quick again. */
  settled(): void {
    this.failures = 0
  }

  /** Ends this connection and dials again later. */
  hangUp(reason: string): void {
    this.options.log.warn('the link to the agent is closed', { reason })
    this.socket?.destroy()
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
    this.socket?.end()
  }

  private onClose(socket: net.Socket): void {
    if (this.stopped || this.socket !== socket) return
    this.socket = undefined
    this.failures += 1
    const longest = Math.min(
      limits.linkRedialMaxMs,
      limits.linkRedialMinMs * 2 ** Math.min(this.failures, 16),
    )
    // Half of it at random, so that many proxies do not return to a restarted agent in one moment.
    const waitMs = longest * (0.5 + 0.5 * this.options.random.fraction())
    this.timer = this.options.clock.after(waitMs, () => this.start())
  }
}
