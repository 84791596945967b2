/**
 * Queries of other members: whether we are meant, the word that it arrived, and the answer, which may also go through
 * further members where the network between loses packets.
 */
import { unreachable } from '../../model/errors.ts'
import { compilePattern } from '../../model/filter/pattern.ts'
import { noBytes } from '../../model/gossip-message.ts'
import { limits } from '../../model/limits.ts'
import type { Query, QueryFilter, QueryResponse } from '../../model/serf-message.ts'
import { serfQueries } from '../../model/serf-message.ts'
import { encodeSerf } from '../../wire/gossip/serf-message.ts'
import type { HeardQuery } from '../contract.ts'
import { type Below, livingMembers } from './below.ts'

export interface AnsweringOptions {
  readonly below: Below
  readonly tags: () => ReadonlyMap<string, string>
  /** Answers to Serf's own queries; undefined: none is given. */
  readonly internal: (query: Query) => Uint8Array | undefined
  /** Answers to our own queries do not leave this host. */
  readonly toOurselves: (response: QueryResponse) => void
}

/** Relays of members since this version of Serf's protocol. */
const relayVersion = 5

export class Answering {
  readonly #options: AnsweringOptions

  constructor(options: AnsweringOptions) {
    this.#options = options
  }

  /** A query that was not heard before. */
  hear(query: Query): void {
    const { below, internal, tags } = this.#options
    if (!query.filters.every((filter) => isMeant(filter, below.swim.self.name, tags()))) return
    if (query.wantsAck) this.#respond(query, true, noBytes)
    if (isInternal(query.name)) {
      const answer = internal(query)
      if (answer !== undefined) this.#respond(query, false, answer)
    } else below.tell({ type: 'query', query: this.#heard(query) })
  }

  #heard(query: Query): HeardQuery {
    const { clock } = this.#options.below
    const untilMs = clock.monotonicMs() + query.timeoutMs
    let isAnswered = false
    return {
      name: query.name,
      payload: query.payload,
      from: query.source.node,
      respond: (payload) => {
        if (isAnswered || clock.monotonicMs() > untilMs) return false
        isAnswered = this.#respond(query, false, payload)
        return isAnswered
      },
    }
  }

  #respond(query: Query, isAck: boolean, payload: Uint8Array): boolean {
    const { below, toOurselves } = this.#options
    const { time, id, source, relayFactor } = query
    const from = below.swim.self.name
    const response: QueryResponse = { type: 'query-response', time, id, from, isAck, payload }
    const message = encodeSerf(response)
    if (message.length > limits.serfAnswerBytes) return false
    if (source.node === from) toOurselves(response)
    else {
      below.send(source, message)
      if (relayFactor > 0) this.#relay(query, message)
    }
    return true
  }

  /** In pools too small for it the answer goes its own way only (Serf). */
  #relay({ source, relayFactor }: Query, message: Uint8Array): void {
    const { below } = this.#options
    const { swim } = below
    if (livingMembers(swim) < relayFactor + 1) return
    const relay = encodeSerf({ type: 'relay', to: source, node: source.node, message })
    for (const member of someOf(below, relayFactor, source.node)) below.send(member, relay)
  }
}

const isInternal = (name: string): boolean => Object.values(serfQueries).some((one) => one === name)

/** Up to `count` random members that can relay, in one walk (reservoir sampling, algorithm R). */
function someOf({ swim, random }: Below, count: number, except: string): { address: string; port: number }[] {
  const picked: { address: string; port: number }[] = []
  let seen = 0
  for (const { name, status, record } of swim.members()) {
    if (status !== 'alive' || name === except || name === swim.self.name) continue
    if (record.versions[4] < relayVersion) continue
    seen += 1
    const at = picked.length < count ? picked.length : Math.floor(random.fraction() * seen)
    if (at < count) picked[at] = record
  }
  return picked
}

/** The expression comes from the network: the matcher takes time in proportion to its length, whatever it is. */
function isMeant(filter: QueryFilter, self: string, tags: ReadonlyMap<string, string>): boolean {
  switch (filter.kind) {
    case 'nodes':
      return filter.nodes.includes(self)
    case 'tag': {
      const test = compilePattern(filter.expression)
      return test.ok && test.value(tags.get(filter.tag) ?? '')
    }
    default:
      return unreachable(filter)
  }
}
