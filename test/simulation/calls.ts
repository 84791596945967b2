/**
 * Calls from hosts to servers: request and answer each take their time, either can get lost with the connection, and a
 * server that dies breaks what hangs on it. The answer comes exactly once, as the contract of rpc/ says; a write that
 * had left and got no answer has an unknown outcome.
 */
import { type Failure, failed, type Result } from '../../src/model/errors.ts'
import type { Reply } from '../../src/rpc/contract.ts'
import type { VirtualClock } from './clock.ts'
import type { SeededRandom } from './random.ts'
import type { Rooms, SimulatedServer } from './server.ts'

export interface CallOptions {
  readonly kind: 'read' | 'write'
  readonly timeoutMs: number
}

/** Lost connections show after so long at most; the kernel of a dead host says nothing. */
const noticeMaxMs = 500

export class Calls {
  readonly #clock: VirtualClock
  readonly #random: SeededRandom
  readonly #servers: readonly SimulatedServer[]
  /** Longest way from a host to a server. */
  delayMaxMs = 10
  /** Chance of each request and each answer to get lost. */
  loss = 0

  constructor(clock: VirtualClock, random: SeededRandom, servers: readonly SimulatedServer[]) {
    this.#clock = clock
    this.#random = random
    this.#servers = servers
  }

  /** Servers that take calls now. */
  serving(): readonly SimulatedServer[] {
    return this.#servers.filter((server) => server.rooms !== undefined)
  }

  /** Any server that takes calls, or undefined. */
  pick(): SimulatedServer | undefined {
    const serving = this.serving()
    return serving.length === 0 ? undefined : this.#random.pick(serving)
  }

  /** Whom to ask after `refused` said that it does not lead: its leader if it knows one, else any other. */
  next(refused: SimulatedServer): SimulatedServer | undefined {
    const leader = refused.driver?.status().leader
    const known = this.#servers.find((server) => server.id === leader && server !== refused)
    return known?.rooms === undefined ? this.pick() : known
  }

  /** Runs `work` on the server and brings back what it replies. The result cancels: then nothing is replied. */
  call<Value>(
    server: SimulatedServer,
    options: CallOptions,
    work: (rooms: Rooms, reply: Reply<Value>) => (() => void) | undefined,
    reply: Reply<Value>,
  ): () => void {
    const call = new Call<Value>(reply)
    const unknown = options.kind === 'write' ? outcomeUnknown : noServer
    this.#clock.after(options.timeoutMs, () => call.finish(call.hasLeft ? unknown : noServer))
    this.#way(() => {
      const { rooms, process } = server
      if (rooms === undefined || process === undefined) {
        this.#notice(() => call.finish(noServer))
        return
      }
      call.hasLeft = true
      const detach = (): void => this.#notice(() => call.finish(unknown))
      server.attached.add(detach)
      process.run(() => {
        call.cancelThere = work(rooms, (result) => {
          server.attached.delete(detach)
          this.#way(() => call.finish(result))
        })
      })
    })
    return () => {
      call.isDone = true
      this.#way(() => server.process?.run(() => call.cancelThere?.()))
    }
  }

  delayMs(): number {
    return this.#random.fraction() * this.delayMaxMs
  }

  #way(then: () => void): void {
    if (!this.#random.chance(this.loss)) this.#clock.after(this.delayMs(), then)
  }

  #notice(then: () => void): void {
    this.#clock.after(this.#random.fraction() * noticeMaxMs, then)
  }
}

class Call<Value> {
  readonly #reply: Reply<Value>
  hasLeft = false
  isDone = false
  cancelThere: (() => void) | undefined

  constructor(reply: Reply<Value>) {
    this.#reply = reply
  }

  finish(result: Result<Value>): void {
    if (this.isDone) return
    this.isDone = true
    this.#reply(result)
  }
}

const noServer = failed('no-server', 'the server cannot be reached')
const outcomeUnknown = failed('write-outcome-unknown', 'the server was lost before it answered')

/** Failures after which the write was surely not made, so that another server may be asked. */
export const surelyNotMade = ({ code }: Failure): boolean => code === 'no-leader' || code === 'no-server'
