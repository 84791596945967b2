/**
 * What is said over streams: full exchanges of state in both directions, pings for members that hear no datagrams, and
 * messages too large for one. Streams themselves stand in streams.ts.
 */
import {
  type GossipEndpoint,
  noBytes,
  type Ping,
  type PushPull,
  type StreamMessage,
} from '../model/gossip-message.ts'
import type { SwimInput } from '../swim/input.ts'
import type { Swim } from '../swim/swim.ts'
import { decodeSerfState, encodeSerfState } from '../wire/gossip/serf-state.ts'
import type { Drops } from './drops.ts'
import type { SerfLayer } from './serf/layer.ts'
import type { Answer, Streams } from './streams.ts'

export interface ExchangesOptions {
  readonly swim: Pick<Swim, 'self' | 'states'>
  readonly layer: SerfLayer
  readonly streams: Streams
  readonly drops: Drops
  readonly timeoutMs: number
  readonly step: (input: SwimInput) => void
  readonly hearUser: (payload: Uint8Array, from: GossipEndpoint) => void
}

/** `own`: this host joins; `meeting`: it meets a member again that it had lost; `calm`: one of the regular ones. */
export type ExchangeKind = 'own' | 'meeting' | 'calm'

export class Exchanges {
  readonly #options: ExchangesOptions

  constructor(options: ExchangesOptions) {
    this.#options = options
  }

  /** `done` with '' once the answer is taken in, else with the reason. */
  ask(to: GossipEndpoint, kind: ExchangeKind, done: (reason: string) => void): void {
    const { streams, timeoutMs } = this.#options
    const isAsked = streams.ask(to, this.#state(kind !== 'calm'), timeoutMs, (answer) =>
      done(this.#take(answer, kind, to)),
    )
    if (!isAsked) done('too many streams are open already')
  }

  ping(to: GossipEndpoint, ping: Ping, timeoutMs: number): void {
    const { streams, step } = this.#options
    streams.ask(to, ping, timeoutMs, (answer) => {
      if (answer.ok && answer.message.type === 'ack' && answer.message.sequence === ping.sequence)
        step({ type: 'stream-ack', sequence: ping.sequence })
    })
  }

  /** The answer to a stream of another member, if there is one. */
  serve(message: StreamMessage, from: GossipEndpoint): StreamMessage | undefined {
    const { swim, hearUser } = this.#options
    switch (message.type) {
      case 'push-pull':
        this.#hear(message, false, from)
        return this.#state(message.isJoin)
      case 'ping':
        if (message.node !== '' && message.node !== swim.self.name) return undefined
        return { type: 'ack', sequence: message.sequence, payload: noBytes }
      case 'user':
        hearUser(message.payload, from)
        return undefined
      default:
        return undefined
    }
  }

  #take(answer: Answer, kind: ExchangeKind, from: GossipEndpoint): string {
    if (!answer.ok) return answer.reason
    if (answer.message.type !== 'push-pull') return `it answers with ${answer.message.type}`
    this.#hear(answer.message, kind === 'own', from)
    return ''
  }

  #hear(state: PushPull, isOwnJoin: boolean, from: GossipEndpoint): void {
    const { layer, step, drops } = this.#options
    step({ type: 'push-pull', state })
    if (state.userState.length === 0) return
    const serf = decodeSerfState(state.userState)
    if (typeof serf === 'string') drops.fault(serf, from)
    else layer.merge(serf, isOwnJoin)
  }

  #state(isJoin: boolean): PushPull {
    const { swim, layer } = this.#options
    return { type: 'push-pull', isJoin, members: swim.states(), userState: encodeSerfState(layer.state()) }
  }
}
