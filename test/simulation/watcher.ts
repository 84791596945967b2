/**
 * A client that waits for changes with blocking queries, by the rules that clients of Consul rely on: the index is never
 * 0, never goes backwards without a reason, an answer is the truth at its index, and nobody is answered early for nothing.
 */

import { sameValue } from '../../src/model/equality.ts'
import type { Queries, QueryName, ReadAnswer } from '../../src/model/query.ts'
import { planNode, planService } from '../../src/server/queries/catalog.ts'
import { planEntry, planMatch } from '../../src/server/queries/intentions.ts'
import { planKvEntries, planKvEntry } from '../../src/server/queries/kv.ts'
import type { Plan, Reading } from '../../src/server/queries/plan.ts'
import type { View } from '../../src/server/store/view.ts'
import type { Calls } from './calls.ts'
import type { SeededRandom } from './random.ts'
import type { SimulatedServer, World } from './server.ts'
import { hold } from './violation.ts'

interface Watched<Name extends QueryName> {
  readonly name: Name
  readonly args: Queries[Name]['args']
  readonly plan: (view: View) => Plan<Queries[Name]['answer']>
}

const watched = <Name extends QueryName>(
  name: Name,
  args: Queries[Name]['args'],
  plan: (view: View, args: Queries[Name]['args']) => Plan<Queries[Name]['answer']>,
): Watched<Name> => ({ name, args, plan: (view) => plan(view, args) })

const filter = { tags: [], nodeMeta: {} }

const choices = [
  watched('catalog.service', { service: 'db', ...filter }, planService),
  watched('catalog.service', { service: 'web', ...filter }, planService),
  watched('catalog.service', { service: 'nobody', ...filter }, planService),
  watched('catalog.node', { node: 'ext-1' }, planNode),
  watched('config.get', { kind: 'service-intentions', name: 'cfg-1' }, planEntry),
  watched('kv.get', { key: 'settings/web' }, planKvEntry),
  watched('kv.list', { prefix: 'settings/' }, planKvEntries),
  watched('intentions.match', { by: 'destination', names: ['db'] }, planMatch),
] as const

type Choice = (typeof choices)[number]

/** Slack for ways there and back, and for clocks that run fast. */
const earlyShare = 0.85

export interface WatcherPorts {
  readonly world: World
  readonly calls: Calls
  readonly random: SeededRandom
}

export class Watcher {
  readonly #ports: WatcherPorts
  readonly #name: string
  readonly #watched: Choice
  readonly #isStale: boolean
  /** A stale watcher stays with one server process: another one may know less. */
  #server: SimulatedServer | undefined
  #process: object | undefined
  #index = 0
  #answer: unknown

  constructor(ports: WatcherPorts, number: number) {
    this.#ports = ports
    this.#name = `watcher ${number}`
    this.#watched = ports.random.pick(choices)
    this.#isStale = ports.random.chance(0.3)
  }

  start(): void {
    this.#ask()
  }

  /** Whether its last answer is what the store says now. */
  isCurrent(): boolean {
    const plan = this.#watched.plan(this.#ports.world.truth.newest)
    return this.#index === Math.max(1, plan.index) && sameValue(this.#answer, answerOf(plan))
  }

  get what(): string {
    return `${this.#name} of ${this.#watched.name} (${this.#isStale ? 'stale' : 'default'}), at index ${this.#index}`
  }

  #ask(): void {
    const { calls, random, world } = this.#ports
    const isSame = this.#server?.process !== undefined && this.#server.process === this.#process
    if (!this.#isStale || !isSame || random.chance(0.05)) {
      this.#server = calls.pick()
      this.#process = this.#server?.process
      if (this.#isStale) this.#index = 0
    }
    const server = this.#server
    if (server === undefined) {
      world.clock.after(200, () => this.#ask())
      return
    }
    const waitMs = random.between(500, 8_000)
    const minIndex = this.#index
    const { name, args } = this.#watched
    const options = { consistency: this.#isStale ? 'stale' : 'default', minIndex, waitMs } as const
    const startedMs = world.clock.monotonicMs()
    calls.call<ReadAnswer<QueryName>>(
      server,
      { kind: 'read', timeoutMs: waitMs * 1.3 + 5_000 },
      (rooms, reply) => rooms.reader.read({ name, args, options, token: '' }, reply).cancel,
      (result) => {
        // A server that has started again meanwhile may be behind what its life before had answered.
        if (this.#isStale && server.process !== this.#process) this.#index = 0
        if (result.ok) {
          const waitedMs = world.clock.monotonicMs() - startedMs
          this.#take(result.value, { minIndex, waitMs, waitedMs })
        }
        world.clock.after(result.ok ? 0 : 300, () => this.#ask())
      },
    )
  }

  #take(
    { meta, answer }: ReadAnswer<QueryName>,
    asked: { readonly minIndex: number; readonly waitMs: number; readonly waitedMs: number },
  ): void {
    const { truth, reached } = this.#ports.world
    const { index } = meta
    hold(index >= 1, 'watch-index', () => `${this.what} is answered with index ${index}`)
    hold(index >= this.#index, 'watch-index', () => `${this.what} is answered with index ${index}`)
    const plan = this.#watched.plan(truth.viewAt(index))
    hold(
      Math.max(1, plan.index) === index && sameValue(answer, answerOf(plan)),
      'watch-equals-store',
      () =>
        `${this.what} is answered ${JSON.stringify(answer)} at ${index}; the store has ${JSON.stringify(answerOf(plan))}, changed at ${plan.index}`,
    )
    if (index > asked.minIndex) {
      if (asked.minIndex > 0) reached.hit('watch woken')
    } else if (asked.waitedMs >= asked.waitMs * earlyShare) reached.hit('watch timed out')
    else reached.hit('watch woken by a new state')
    this.#index = index
    this.#answer = answer
  }
}

function answerOf(plan: Plan<unknown>): unknown {
  const reading: Reading<unknown> = plan.read()
  for (;;) {
    const step = reading.next()
    if (step.done === true) return step.value
  }
}
