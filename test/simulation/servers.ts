/**
 * Servers with the real driver, log and snapshots over a simulated clock, network and disk. They can be stopped, killed,
 * cut off and started again; everything is decided by one seed.
 */
import type { ClusterConfiguration, Suffrage } from '../../src/model/cluster.ts'
import type { Applied } from '../../src/model/command.ts'
import type { Failure, Result } from '../../src/model/errors.ts'
import { type NodeId, nodeId } from '../../src/model/ids.ts'
import type { RaftMessage } from '../../src/model/raft-message.ts'
import type { Clock, Log, Metrics, Timer } from '../../src/platform/ports.ts'
import type { RaftTransport } from '../../src/server/consensus/contract.ts'
import type { Driver } from '../../src/server/consensus/driver.ts'
import { openConsensus } from '../../src/server/consensus/open.ts'
import type { SnapshotThresholds } from '../../src/server/consensus/snapshotting.ts'
import { VirtualClock } from './clock.ts'
import { SimulatedDisk } from './disk.ts'
import { Ledger, wordEnvelope } from './ledger.ts'
import { SimulatedNetwork } from './network.ts'
import { SeededRandom } from './random.ts'

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLog,
}

export const noMetrics: Metrics = { count: () => undefined, gauge: () => undefined }

export interface ServersOptions {
  readonly seed: number
  readonly thresholds?: SnapshotThresholds
  readonly segmentBytes?: number
  readonly syncMaxMs?: number
}

/** A clock whose timers end with their process. */
class ProcessClock implements Clock {
  readonly #clock: Clock
  isAlive = true
  /** By how much all timers of the process come late: an event loop that stands still. */
  lateMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs()
  }

  wallMs(): number {
    return this.#clock.wallMs()
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#clock.after(delayMs + this.lateMs, () => {
      if (this.isAlive) callback()
    })
  }
}

/** One machine: its disk outlives the processes that run on it. */
export interface Machine {
  readonly id: NodeId
  readonly disk: SimulatedDisk
  /** Of the process that runs, or is on its way to. */
  process: ProcessClock | undefined
  /** Once it is ready. */
  driver: Driver | undefined
  ledger: Ledger
  /** Why the last start was refused, or why the process ended. */
  failure: Failure | undefined
}

export class Servers {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: SimulatedNetwork<RaftMessage>
  readonly machines = new Map<NodeId, Machine>()
  readonly #options: ServersOptions

  constructor(options: ServersOptions) {
    this.#options = options
    this.random = new SeededRandom(options.seed)
    this.network = new SimulatedNetwork(this.clock, this.random.fork())
  }

  machine(name: string): Machine {
    const known = this.machines.get(nodeId(name))
    if (known !== undefined) return known
    const random = this.random.fork()
    const syncMaxMs = this.#options.syncMaxMs ?? 1
    return this.#add(name, new SimulatedDisk({ clock: this.clock, random, syncMaxMs }))
  }

  /** A machine with a copy of another's disk, which from here on lives by this clock. */
  adopt(name: string, disk: SimulatedDisk): Machine {
    return this.#add(name, disk.fork(this.clock, this.random.fork()))
  }

  #add(name: string, disk: SimulatedDisk): Machine {
    const id = nodeId(name)
    const machine: Machine = {
      id,
      disk,
      process: undefined,
      driver: undefined,
      ledger: new Ledger(),
      failure: undefined,
    }
    this.machines.set(id, machine)
    return machine
  }

  /** Starts the server on this machine; the driver is there when the clock has run a little. */
  start(name: string): Machine {
    const machine = this.machine(name)
    if (machine.process !== undefined) return machine
    const process = new ProcessClock(this.clock)
    machine.process = process
    machine.ledger = new Ledger()
    machine.failure = undefined
    const { thresholds, segmentBytes } = this.#options
    openConsensus(
      {
        id: machine.id,
        disk: machine.disk,
        clock: process,
        random: this.random.fork(),
        log: silentLog,
        metrics: noMetrics,
        transport: this.#transport(machine.id),
        stateMachine: machine.ledger,
        onFatal: (failure) => {
          this.kill(machine.id)
          machine.failure = failure
        },
        ...(thresholds === undefined ? {} : { thresholds }),
        ...(segmentBytes === undefined ? {} : { segmentBytes }),
      },
      (result) => {
        if (result.ok) machine.driver = result.value
        else {
          this.kill(machine.id)
          machine.failure = result.failure
        }
      },
    )
    return machine
  }

  /** Starts servers and makes them one cluster. */
  bootstrap(names: readonly string[]): void {
    for (const name of names) this.start(name)
    this.clock.runUntil(() => names.every((name) => this.machine(name).driver !== undefined), 60_000)
    let durable = 0
    for (const name of names)
      this.driver(name).bootstrap(configurationOf(names), (result) => {
        durable += result.ok ? 1 : 0
      })
    this.clock.runUntil(() => durable === names.length, 60_000)
  }

  /** SIGKILL: the process is gone, its page cache is not. */
  kill(name: string): void {
    const machine = this.machine(name)
    this.network.leave(name)
    machine.disk.kill()
    if (machine.process !== undefined) machine.process.isAlive = false
    machine.process = undefined
    machine.driver = undefined
    machine.failure = undefined
  }

  /** The power goes: what was not synced may be lost. */
  crash(name: string): void {
    this.kill(name)
    this.machine(name).disk.crash(this.random)
  }

  driver(name: string): Driver {
    const { driver, failure } = this.machine(name)
    if (driver === undefined) throw new Error(`${name} does not run: ${failure?.message ?? 'not started'}`)
    return driver
  }

  /** The running leader of the highest term. */
  leader(): Machine | undefined {
    return [...this.machines.values()]
      .filter((machine) => machine.driver?.status().role === 'leader')
      .sort((a, b) => (b.driver?.status().term ?? 0) - (a.driver?.status().term ?? 0))[0]
  }

  /** Runs until some server leads and says so. */
  awaitLeader(withinMs = 10_000): Machine {
    this.clock.runUntil(() => this.leader() !== undefined, withinMs)
    const leader = this.leader()
    if (leader === undefined) throw new Error('no leader was elected in time')
    return leader
  }

  propose(name: string, word: string, done: (result: Result<Applied>) => void = () => undefined): void {
    this.driver(name).propose(wordEnvelope(word), done)
  }

  #transport(id: NodeId): RaftTransport {
    return {
      send: (to, message) => this.network.send(id, to, message),
      onMessage: (listener) => this.network.listen(id, (from, message) => listener(nodeId(from), message)),
      setServers: () => undefined,
    }
  }
}

export function configurationOf(
  voters: readonly string[],
  learners: readonly string[] = [],
): ClusterConfiguration {
  const server = (name: string, suffrage: Suffrage) => ({
    id: nodeId(name),
    address: `${name}:8300`,
    suffrage,
    publicKey: `key of ${name}`,
  })
  return {
    servers: [
      ...voters.map((name) => server(name, 'voter')),
      ...learners.map((name) => server(name, 'learner')),
    ],
  }
}
