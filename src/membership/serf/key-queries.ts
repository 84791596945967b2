/**
 * Operations on the keyrings of a whole pool: asked as Serf's queries, answered by every member for itself. The answers
 * are counted, because a rotation may only go on when all members did the step before.
 */
import { ok, type Result } from '../../model/errors.ts'
import { noBytes } from '../../model/gossip-message.ts'
import { type KeyResponse, type Query, type QueryFilter, serfQueries } from '../../model/serf-message.ts'
import {
  decodeKeyRequest,
  decodeKeyResponse,
  encodeKeyRequest,
  encodeKeyResponse,
} from '../../wire/gossip/serf-answer.ts'
import type { KeyReport } from '../contract.ts'
import { type KeyStore, textOfKey } from '../key-store.ts'
import type { Below } from './below.ts'
import type { Asked, OpenQueries } from './open-queries.ts'

export type KeyOperation = 'install' | 'use' | 'remove' | 'list'

const queryNames: Readonly<Record<KeyOperation, string>> = {
  install: serfQueries.installKey,
  use: serfQueries.useKey,
  remove: serfQueries.removeKey,
  list: serfQueries.listKeys,
}

/** Undefined: the query has nothing to do with keys. */
export function answerAboutKeys(query: Query, store: KeyStore): Uint8Array | undefined {
  const response = responseTo(query, store)
  return response === undefined ? undefined : encodeKeyResponse(response)
}

function responseTo(query: Query, store: KeyStore): KeyResponse | undefined {
  if (query.name === serfQueries.listKeys) return listOf(store)
  const operation = (['install', 'use', 'remove'] as const).find((one) => queryNames[one] === query.name)
  if (operation === undefined) return undefined
  const key = decodeKeyRequest(query.payload)
  if (key === undefined) return refusal('the request holds no key')
  const done: Result<true> = store[operation](key)
  return done.ok ? { isDone: true, message: '', keys: [], primaryKey: '' } : refusal(done.failure.message)
}

function listOf({ keyring }: KeyStore): KeyResponse {
  const { keys, primary } = keyring
  if (primary === undefined) return refusal('gossip is not encrypted on this member')
  return { isDone: true, message: '', keys: keys.map(textOfKey), primaryKey: textOfKey(primary) }
}

const refusal = (message: string): KeyResponse => ({ isDone: false, message, keys: [], primaryKey: '' })

export interface KeyQuestion {
  readonly operation: KeyOperation
  /** Of no meaning for `list`. */
  readonly key: Uint8Array
  readonly relayFactor: number
}

/** A query is gossip, and may miss a member; one that did not answer is asked again. */
const rounds = 3
/** Names that fit into a query beside a key; with more missing everybody is asked again. */
const nameBytesPerQuery = 512

/** `done` is called when all members answered, or when those that are missing were asked often enough. */
export function askAboutKeys(
  below: Below,
  queries: OpenQueries,
  question: KeyQuestion,
  done: (report: Result<KeyReport>) => void,
): void {
  const tally = new Tally(livingNames(below.swim))
  const ask = (round: number): void => {
    let asked: Result<Asked> | undefined
    asked = queries.ask({
      name: queryNames[question.operation],
      payload: encodeKeyRequest(question.operation === 'list' ? noBytes : question.key),
      relayFactor: question.relayFactor,
      filters: round === 1 ? [] : filtersFor(tally.silent()),
      onAnswer: (from, payload) => {
        tally.add(from, decodeKeyResponse(payload))
        if (tally.isComplete && asked?.ok === true) asked.value.end()
      },
      onEnd: () => {
        if (tally.isComplete || round === rounds) done(ok(tally.report()))
        else ask(round + 1)
      },
    })
    if (!asked.ok) done(asked)
    // We may have been the only one, and answered already.
    else if (tally.isComplete) asked.value.end()
  }
  ask(1)
}

function livingNames(swim: Below['swim']): readonly string[] {
  const names: string[] = []
  for (const { name, isGone } of swim.members()) if (!isGone) names.push(name)
  return names
}

function filtersFor(silent: readonly string[]): readonly QueryFilter[] {
  const bytes = silent.reduce((sum, name) => sum + Buffer.byteLength(name) + 3, 0)
  return bytes <= nameBytesPerQuery ? [{ kind: 'nodes', nodes: silent }] : []
}

class Tally {
  readonly #asked: readonly string[]
  readonly #heard = new Set<string>()
  readonly #failures = new Map<string, string>()
  readonly #installed = new Map<string, number>()
  readonly #inUse = new Map<string, number>()

  constructor(asked: readonly string[]) {
    this.#asked = asked
  }

  get isComplete(): boolean {
    return this.#heard.size >= this.#asked.length
  }

  report(): KeyReport {
    const { size: answered } = this.#heard
    return {
      members: this.#asked.length,
      answered,
      failures: this.#failures,
      installed: this.#installed,
      inUse: this.#inUse,
    }
  }

  silent(): readonly string[] {
    return this.#asked.filter((name) => !this.#heard.has(name))
  }

  add(from: string, response: KeyResponse | undefined): void {
    if (this.#heard.has(from)) return
    this.#heard.add(from)
    if (response === undefined) this.#failures.set(from, 'its answer cannot be read')
    else if (!response.isDone) this.#failures.set(from, response.message)
    for (const key of response?.keys ?? []) countIn(this.#installed, key)
    if (response !== undefined && response.primaryKey !== '') countIn(this.#inUse, response.primaryKey)
  }
}

function countIn(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
