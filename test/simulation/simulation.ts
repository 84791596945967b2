/**
 * One run of one seed: found a cluster in quiet, let everything go wrong while clients and agents work (safety), then
 * heal a core and demand that it carries on (liveness). Everything is checked all the time; a broken rule ends the run.
 */
import { AssertionError } from '../../src/model/errors.ts'
import { limits } from '../../src/model/limits.ts'
import type { RaftMessage } from '../../src/model/raft-message.ts'
import { timing } from '../../src/server/consensus/timing.ts'
import { Store } from '../../src/server/store/store.ts'
import { SimulatedAgent } from './agent.ts'
import { Calls } from './calls.ts'
import { History } from './checks/history.ts'
import { RaftChecker } from './checks/raft.ts'
import { Truth } from './checks/truth.ts'
import { WriteChecker } from './checks/writes.ts'
import { SimulatedClient } from './client.ts'
import { VirtualClock } from './clock.ts'
import { Cluster } from './cluster.ts'
import { Denials } from './enforcement.ts'
import { Faults, healthyNetwork } from './faults.ts'
import { LeakError, withoutRealTime } from './guard.ts'
import { type Knobs, withLimits } from './knobs.ts'
import { Liveness } from './liveness.ts'
import { SimulatedNetwork } from './network.ts'
import { SeededRandom } from './random.ts'
import { type ReachableState, Reached } from './reached.ts'
import type { World } from './server.ts'
import { Trace } from './trace.ts'
import { Violation } from './violation.ts'
import { Watcher } from './watcher.ts'

export interface Outcome {
  readonly knobs: Knobs
  /** Of everything that happened, in order: two runs of one seed have the same. */
  readonly hash: string
  readonly simulatedMs: number
  readonly events: number
  readonly operations: number
  readonly acknowledged: number
  readonly unknown: number
  readonly reached: ReadonlyMap<ReachableState, number>
  readonly violation: Violation | undefined
  /** The last lines before the end; only where they were asked for. */
  readonly lines: readonly string[]
}

/** Hosts do something of their own this often: each, and all together at most. */
const agentActsEveryMs = 4_000
const anyAgentActsEveryMs = 300
const denialEveryMs = 3_000

export function simulate(knobs: Knobs, isRecording = false): Outcome {
  return withLimits(limits, knobs.limits, () =>
    withoutRealTime(() => {
      const simulation = new Simulation(knobs, isRecording)
      return simulation.run()
    }),
  )
}

class Simulation {
  readonly #knobs: Knobs
  readonly #random: SeededRandom
  readonly #world: World
  readonly #cluster: Cluster
  readonly #calls: Calls
  readonly #agents: readonly SimulatedAgent[]
  readonly #history: History
  readonly #writes: WriteChecker
  readonly #watchers: readonly Watcher[]
  readonly #clients: readonly SimulatedClient[]

  constructor(knobs: Knobs, isRecording: boolean) {
    this.#knobs = knobs
    // Each part draws from its own source, so that a run with fewer kinds of faults is otherwise much the same.
    const source = (salt: number): SeededRandom =>
      new SeededRandom(Math.imul(knobs.seed + 1, 2_654_435_761) + salt)
    const clock = new VirtualClock()
    const trace = new Trace(() => clock.monotonicMs(), isRecording)
    const reached = new Reached()
    const truth = new Truth(reached, trace, new Store().view())
    const network = new SimulatedNetwork(clock, source(1), healthyNetwork, channelOf)
    const raft = new RaftChecker(reached, trace, timing(knobs.raftMultiplier).electionTimeoutMs)
    this.#world = { knobs, clock, network, trace, reached, truth, raft }
    this.#cluster = new Cluster(this.#world, source(2))
    this.#calls = new Calls(clock, source(3), this.#cluster.servers)
    const hosts = source(4)
    this.#agents = Array.from(
      { length: knobs.agents },
      (_, at) => new SimulatedAgent(this.#world, this.#calls, at + 1, hosts.fork()),
    )
    this.#history = new History(truth)
    this.#writes = new WriteChecker(truth)
    this.#random = source(5)
    const ports = { world: this.#world, calls: this.#calls, history: this.#history, writes: this.#writes }
    this.#clients = Array.from(
      { length: knobs.clients },
      (_, at) => new SimulatedClient({ ...ports, random: this.#random.fork() }, at + 1),
    )
    this.#watchers = Array.from(
      { length: knobs.watchers },
      (_, at) => new Watcher({ ...ports, random: this.#random.fork() }, at + 1),
    )
  }

  run(): Outcome {
    let violation: Violation | undefined
    try {
      this.#phases()
    } catch (error) {
      violation = asViolation(error)
    }
    const { trace, clock, reached } = this.#world

    return {
      knobs: this.#knobs,
      hash: trace.hash,
      simulatedMs: clock.monotonicMs(),
      events: trace.events,
      operations: this.#history.operations,
      acknowledged: this.#writes.acknowledgedWrites,
      unknown: this.#history.unknown,
      reached: reached.counts,
      violation,
      lines: trace.lines(),
    }
  }

  #phases(): void {
    const { clock } = this.#world
    this.#cluster.found()
    const faults = new Faults({
      cluster: this.#cluster,
      agents: this.#agents,
      calls: this.#calls,
      random: new SeededRandom(this.#knobs.seed ^ 0x5bd1_e995),
    })
    for (const agent of this.#agents) agent.start()
    for (const watcher of this.#watchers) watcher.start()
    const workload = new Workload(this.#world, this.#random.fork())
    this.#load(workload)
    faults.begin()
    clock.run(this.#knobs.durationMs)
    workload.stop()
    new Liveness({
      cluster: this.#cluster,
      agents: this.#agents,
      watchers: this.#watchers,
      clients: this.#clients,
      calls: this.#calls,
      faults,
      random: this.#random.fork(),
    }).demand()
    this.#history.check()
  }

  #load(workload: Workload): void {
    const { writesPerSecond, readsPerSecond } = this.#knobs
    for (const client of this.#clients) {
      workload.every((1_000 * this.#clients.length) / writesPerSecond, () => client.write())
      workload.every((1_000 * this.#clients.length) / readsPerSecond, () => client.read())
    }
    for (const agent of this.#agents) {
      agent.act()
      workload.every(Math.max(agentActsEveryMs, anyAgentActsEveryMs * this.#agents.length), () => agent.act())
    }
    if (this.#agents.length === 0) return
    const denials = new Denials({
      world: this.#world,
      calls: this.#calls,
      random: this.#random.fork(),
      agents: this.#agents,
    })
    workload.every(denialEveryMs, () => denials.act())
  }
}

/** As the transport between servers does it: what is urgent never waits behind what is large (DESIGN D5). */
function channelOf({ type }: RaftMessage): string {
  if (type === 'append') return type
  return type === 'snapshot-chunk' ? type : ''
}

/** Things that are done again and again, at random times with a given mean. */
class Workload {
  readonly #world: World
  readonly #random: SeededRandom
  #isOver: boolean = false

  constructor(world: World, random: SeededRandom) {
    this.#world = world
    this.#random = random
  }

  every(meanMs: number, work: () => void): void {
    this.#world.clock.after(-Math.log(1 - this.#random.fraction()) * meanMs, () => {
      if (this.#isOver) return
      work()
      this.every(meanMs, work)
    })
  }

  stop(): void {
    this.#isOver = true
  }
}

/** What a broken rule of a checker, a broken invariant of the product and a leak of the real world have in common. */
function asViolation(error: unknown): Violation {
  if (error instanceof Violation) return error
  const rule =
    error instanceof AssertionError ? 'assertion' : error instanceof LeakError ? 'real-time' : 'error'
  const text = error instanceof Error ? error.message : String(error)
  const violation = new Violation(rule, text)
  if (error instanceof Error && error.stack !== undefined) violation.stack = error.stack
  return violation
}
