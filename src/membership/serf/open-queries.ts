/**
 * Queries that this member asked and that may still be answered. Each answer counts once per member, however many ways it
 * came, and none after the query's time.
 */

import { failed, ok, type Result } from '../../model/errors.ts'
import type { GossipSource } from '../../model/gossip-message.ts'
import { limits } from '../../model/limits.ts'
import type { LamportTime, Query, QueryFilter, QueryResponse } from '../../model/serf-message.ts'
import { encodeSerf } from '../../wire/gossip/serf-message.ts'
import { queryTimeoutMs } from '../timing.ts'
import { type Below, livingMembers } from './below.ts'

export interface Question {
  readonly name: string
  readonly payload: Uint8Array
  readonly filters?: readonly QueryFilter[]
  /** Default: Serf's, from the size of the pool. */
  readonly timeoutMs?: number
  readonly relayFactor?: number
  readonly onAck?: (from: string) => void
  readonly onAnswer: (from: string, payload: Uint8Array) => void
  /** Its time is over. */
  readonly onEnd: () => void
}

interface OpenQuery {
  readonly question: Question
  readonly acked: Set<string>
  readonly answered: Set<string>
  /** Ends it before its time: everybody has answered. */
  readonly end: () => void
}

export interface OpenQueriesOptions {
  readonly below: Below
  /** Where answers shall go. */
  readonly source: GossipSource
  readonly nextTime: () => LamportTime
  /** The query as others will hear it: ours to answer too, and to tell. */
  readonly hear: (query: Query, payload: Uint8Array) => void
}

export interface Asked {
  /** No further answers are waited for; `onEnd` is called. Idempotent. */
  end(): void
}

export class OpenQueries {
  readonly #options: OpenQueriesOptions
  readonly #open = new Map<string, OpenQuery>()

  constructor(options: OpenQueriesOptions) {
    this.#options = options
  }

  ask(question: Question): Result<Asked> {
    const { below, source, nextTime, hear } = this.#options
    if (this.#open.size >= limits.serfQueriesOpen)
      return failed('overloaded', `${limits.serfQueriesOpen} queries wait for answers already`)
    const members = livingMembers(below.swim)
    const wantedMs = question.timeoutMs ?? queryTimeoutMs(below.timing.swim, members)
    const timeoutMs = Math.min(wantedMs, limits.serfQueryMaxMs)
    const query: Query = {
      type: 'query',
      time: nextTime(),
      id: Math.floor(below.random.fraction() * 0x1_0000_0000),
      source,
      filters: question.filters ?? [],
      wantsAck: question.onAck !== undefined,
      isDirect: false,
      relayFactor: question.relayFactor ?? 0,
      timeoutMs,
      name: question.name,
      payload: question.payload,
    }
    const payload = encodeSerf(query)
    if (payload.length > limits.serfQueryBytes)
      return failed(
        'too-large',
        `the query has ${payload.length} bytes, the limit is ${limits.serfQueryBytes}`,
      )
    const asked = this.#keep(query, question, timeoutMs)
    hear(query, payload)
    return ok(asked)
  }

  hear(response: QueryResponse): void {
    const open = this.#open.get(keyOf(response))
    if (open === undefined) return
    const { question, acked, answered } = open
    const heard = response.isAck ? acked : answered
    if (heard.has(response.from) || heard.size >= limits.gossipMembers) return
    heard.add(response.from)
    if (response.isAck) question.onAck?.(response.from)
    else question.onAnswer(response.from, response.payload)
  }

  close(): void {
    for (const open of [...this.#open.values()]) open.end()
  }

  #keep(query: Query, question: Question, timeoutMs: number): Asked {
    const key = keyOf(query)
    const end = (): void => {
      if (!this.#open.delete(key)) return
      timer.cancel()
      question.onEnd()
    }
    const timer = this.#options.below.clock.after(timeoutMs, end)
    this.#open.set(key, { question, acked: new Set(), answered: new Set(), end })
    return { end }
  }
}

const keyOf = ({ time, id }: { readonly time: LamportTime; readonly id: number }): string => `${time} ${id}`
