/**
 * The last answers of servers about catalog and health, for the time when no server is there. Only what was asked before
 * can be answered; keys, sessions, rules and rights are not kept, because acting on old ones does harm. Bounded by answers
 * and by rows; the one not used for longest goes first.
 */
import { limits } from '../../model/limits.ts'
import type { Queries, QueryName, ReadAnswer } from '../../model/query.ts'
import type { Clock } from '../../platform/ports.ts'

export interface Question<Name extends QueryName> {
  readonly name: Name
  readonly args: Queries[Name]['args']
}

const kept: ReadonlySet<QueryName> = new Set([
  'catalog.datacenters',
  'catalog.nodes',
  'catalog.services',
  'catalog.service',
  'catalog.mesh',
  'catalog.node',
  'health.state',
  'ca.roots',
  'mesh.services',
  'mesh.members',
] as const)

/** Questions with a name in them that anybody can make up: that there is no such thing is not worth anybody's place. */
const named: ReadonlySet<QueryName> = new Set(['catalog.service', 'catalog.mesh', 'catalog.node'] as const)

interface Remembered {
  readonly answer: unknown
  readonly index: number
  /** Monotonic time at which the answer was true. */
  readonly asOfMs: number
  readonly rows: number
}

export class AnswerMemory {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  /** The least lately used first. */
  readonly #answers = new Map<string, Remembered>()
  #rows = 0

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** Whether answers to it are kept at all. */
  keeps(name: QueryName): boolean {
    return kept.has(name)
  }

  remember<Name extends QueryName>(question: Question<Name>, { answer, meta }: ReadAnswer<Name>): void {
    if (!this.keeps(question.name) || meta.kept === true) return
    const key = keyOf(question)
    this.#forget(key)
    const rows = rowsOf(answer)
    if (rows > limits.answerRowsRemembered || (named.has(question.name) && isAbsence(answer))) return
    const asOfMs = this.#clock.monotonicMs() - meta.lastContactMs
    this.#answers.set(key, { answer, index: meta.index, asOfMs, rows })
    this.#rows += rows
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= limits.answersRemembered && this.#rows <= limits.answerRowsRemembered) break
      this.#forget(oldest)
    }
  }

  /** The last answer, which says how old it is. */
  recall<Name extends QueryName>(question: Question<Name>): ReadAnswer<Name> | undefined {
    const key = keyOf(question)
    const found = this.#answers.get(key)
    if (found === undefined) return undefined
    this.#answers.delete(key)
    this.#answers.set(key, found)
    const lastContactMs = Math.round(this.#clock.monotonicMs() - found.asOfMs)
    return {
      // The key holds the name of the query, so the answer is of its type.
      answer: found.answer as Queries[Name]['answer'],
      meta: { index: found.index, knownLeader: false, lastContactMs, effective: 'stale', kept: true },
    }
  }

  #forget(key: string): void {
    const found = this.#answers.get(key)
    if (found === undefined) return
    this.#answers.delete(key)
    this.#rows -= found.rows
  }
}

const isAbsence = (answer: unknown): boolean =>
  answer === null || (Array.isArray(answer) && answer.length === 0)

const keyOf = ({ name, args }: Question<QueryName>): string => `${name} ${JSON.stringify(args)}`

/** What an answer weighs: items of a list, members of an object, and the lists inside those of a node. */
function rowsOf(answer: unknown): number {
  if (typeof answer !== 'object' || answer === null) return 1
  const values: readonly unknown[] = Array.isArray(answer) ? answer : Object.values(answer)
  const lists = values.reduce<number>((sum, value) => sum + (Array.isArray(value) ? value.length : 0), 0)
  return 1 + values.length + lists
}
