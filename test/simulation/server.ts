/**
 * One machine that runs a server: its disk, network name and clock chip stay, processes with the whole real server stack
 * come and go on it. What may happen to it (crash, kill, pause, orderly stop) is here; when, faults.ts decides.
 */
import type { Principal } from '../../src/model/access.ts'
import type { Command } from '../../src/model/command.ts'
import type { ConfigEntry } from '../../src/model/config-entry.ts'
import { type Failure, MeshError } from '../../src/model/errors.ts'
import { type NodeId, nodeId } from '../../src/model/ids.ts'
import type { RaftMessage } from '../../src/model/raft-message.ts'
import type { Reply } from '../../src/rpc/contract.ts'
import { Admission } from '../../src/server/admission/admission.ts'
import { Machine } from '../../src/server/apply/machine.ts'
import type { RaftTransport } from '../../src/server/consensus/contract.ts'
import type { Driver } from '../../src/server/consensus/driver.ts'
import { recoverHardState } from '../../src/server/consensus/hard-state.ts'
import { openConsensus } from '../../src/server/consensus/open.ts'
import { walDirectory } from '../../src/server/consensus/segment.ts'
import { timing } from '../../src/server/consensus/timing.ts'
import { Publisher } from '../../src/server/events/publisher.ts'
import { Configured } from '../../src/server/leader/configured.ts'
import { GossipView } from '../../src/server/leader/gossip-view.ts'
import { Membership } from '../../src/server/leader/membership.ts'
import { OwnNode } from '../../src/server/leader/own-node.ts'
import { Reader } from '../../src/server/queries/reader.ts'
import { SessionHub } from '../../src/server/sessions/hub.ts'
import { hashOf } from '../../src/server/store/snapshot.ts'
import { Store } from '../../src/server/store/store.ts'
import type { RaftChecker } from './checks/raft.ts'
import { ObservedMachine, type Truth } from './checks/truth.ts'
import type { VirtualClock } from './clock.ts'
import { SimulatedDisk } from './disk.ts'
import type { Knobs } from './knobs.ts'
import type { SimulatedNetwork } from './network.ts'
import { type MachineClock, SimulatedProcess } from './process.ts'
import type { SeededRandom } from './random.ts'
import type { Reached } from './reached.ts'
import { noMetrics, silentLog } from './servers.ts'
import type { End } from './streams.ts'
import { kinds, type Trace } from './trace.ts'
import { hold, Violation } from './violation.ts'

/** What all machines of a run share. */
export interface World {
  readonly knobs: Knobs
  readonly clock: VirtualClock
  readonly network: SimulatedNetwork<RaftMessage>
  readonly trace: Trace
  readonly reached: Reached
  readonly truth: Truth
  readonly raft: RaftChecker
}

/** The rooms of one server process; there once its state holds a cluster. */
export interface Rooms {
  readonly admission: Admission
  readonly reader: Reader
  readonly hub: SessionHub
}

export const bootstrapEntry: ConfigEntry = {
  kind: 'service-intentions',
  name: 'configured',
  meta: {},
  sources: [{ name: 'web', action: 'allow', description: 'from the servers’ configuration', precedence: 0 }],
}

export class SimulatedServer {
  readonly id: NodeId
  readonly number: number
  readonly disk: SimulatedDisk
  readonly clock: MachineClock
  readonly #world: World
  readonly #random: SeededRandom
  process: SimulatedProcess | undefined
  driver: Driver | undefined
  rooms: Rooms | undefined
  store: Store | undefined
  /** Why it can never start again; an operator has to replace it. */
  lost: Failure | undefined
  /** A byte of its disk has changed by itself: only then may it refuse to start. */
  hasRotted: boolean = false
  /** An operator keeps it down. */
  isRetired: boolean = false
  /** What hangs on the process from outside: broken when it ends. */
  readonly attached = new Set<() => void>()
  readonly streams = new Set<End>()
  /** It was asked to stop and has not done so yet. */
  isStopping: boolean = false

  constructor(world: World, number: number, random: SeededRandom, clock: MachineClock) {
    const { knobs } = world
    this.#world = world
    this.#random = random
    this.number = number
    this.id = nodeId(`s${number}`)
    this.clock = clock
    this.disk = new SimulatedDisk({
      // The disk answers the process that asked: it waits while that is paused, and ends with it.
      clock: { monotonicMs: () => 0, wallMs: () => 0, after: (ms, work) => this.#hardware(ms, work) },
      random: random.fork(),
      writeMaxMs: knobs.writeMaxMs,
      syncMaxMs: knobs.syncMaxMs,
    })
    this.disk.onRead = (path) => {
      if (this.driver !== undefined && path.startsWith(walDirectory))
        world.reached.hit('entries read from disk for a follower')
    }
  }

  get isUp(): boolean {
    return this.process !== undefined
  }

  get leads(): boolean {
    return this.driver?.status().role === 'leader'
  }

  stateHash(): string {
    return this.store === undefined ? 'down' : hashOf(this.store.view())
  }

  start(): void {
    if (this.process !== undefined || this.lost !== undefined || this.isRetired) return
    const { clock, knobs, truth, raft } = this.#world
    const process = new SimulatedProcess(clock, this.clock, (error) => this.#failed(process, error))
    this.process = process
    this.#note('starts', 1)
    const store = new Store()
    // Before anything else that listens: events have to be marked before sessions hear of a commit.
    const publisher = new Publisher(store, knobs.eventsKept)
    const machine = new ObservedMachine(this.id, new Machine(store), store, truth)
    const random = this.#random.fork()
    process.run(() =>
      openConsensus(
        {
          id: this.id,
          disk: this.disk,
          clock: process,
          random,
          log: silentLog,
          metrics: noMetrics,
          transport: this.#transport(process),
          stateMachine: machine,
          onFatal: (failure) => this.#fatal(failure),
          timing: timing(knobs.raftMultiplier),
          thresholds: {
            afterEntries: knobs.snapshotAfterEntries,
            afterBytes: 1e9,
            trailEntries: knobs.snapshotTrailEntries,
          },
          segmentBytes: knobs.segmentBytes,
          observer: {
            opened: (core) => raft.opened(this.id, core, this.#voteOnDisk(core.term)),
            stepped: (core, input, effects) => raft.stepped(this.id, core, input, effects),
          },
        },
        (result) => {
          if (result.ok) this.#opened({ driver: result.value, store, publisher, process, random })
          else this.#fatal(result.failure)
        },
      ),
    )
  }

  /** The process is gone at once; the machine stays up and keeps what the process wrote. */
  kill(why: string): void {
    const { process } = this
    if (process === undefined) return
    this.#note(why, 0)
    this.#world.network.leave(this.id)
    process.kill()
    this.disk.kill()
    this.process = undefined
    this.isStopping = false
    this.driver = undefined
    this.rooms = undefined
    this.store = undefined
    this.#world.raft.down(this.id)
    for (const stream of this.streams) stream.abandon()
    this.streams.clear()
    const attached = [...this.attached]
    this.attached.clear()
    for (const detach of attached) detach()
  }

  /** The power goes. */
  crash(): void {
    if (this.leads) this.#world.reached.hit('crash of the leader')
    this.kill('loses power')
    if (this.disk.crash(this.#random)) this.#world.reached.hit('crash lost unsynced writes')
  }

  pause(): void {
    if (this.process === undefined || this.process.isPaused) return
    this.#note('is paused', 2)
    this.#world.reached.hit('server paused')
    this.process.pause()
    for (const stream of this.streams) stream.pauseReading(true)
  }

  resume(): void {
    if (this.process?.isPaused !== true) return
    this.#note('goes on', 3)
    this.process.resume()
    for (const stream of this.streams) stream.pauseReading(false)
  }

  /** SIGTERM: hands over, finishes, ends. */
  stop(): void {
    const { process, driver, rooms } = this
    if (process === undefined || driver === undefined) return
    this.#note('stops in order', 4)
    this.isStopping = true
    process.run(() => {
      rooms?.hub.stop()
      let hasStopped = false
      driver.stop(() => {
        hold(!hasStopped, 'stopped-twice', () => `${this.id} says twice that it has stopped`)
        hasStopped = true
        this.#world.reached.hit('server stopped in order')
        if (this.process === process) this.kill('has stopped')
      })
    })
  }

  /** Writes as this server itself. */
  write(command: Command, reply: Reply<unknown>): void {
    const principal: Principal = { kind: 'server', node: this.id }
    if (this.rooms === undefined) reply({ ok: false, failure: { code: 'no-server', message: 'not open' } })
    else this.rooms.admission.write(principal, command, reply)
  }

  #opened(opened: {
    readonly driver: Driver
    readonly store: Store
    readonly publisher: Publisher
    readonly process: SimulatedProcess
    readonly random: SeededRandom
  }): void {
    const { driver, store, process } = opened
    this.driver = driver
    this.store = store
    const admission = new Admission({ consensus: driver, clock: process, log: silentLog, metrics: noMetrics })
    const open = (): void => {
      if (this.rooms === undefined) this.rooms = this.#openRooms(opened, admission)
    }
    // Like start-cluster.ts: nobody is served before the state holds a cluster.
    if (store.view().settings() !== undefined) open()
    store.onCommit((view) => {
      if (this.rooms === undefined && view.settings() !== undefined) open()
    })
    store.onReplaced((view) => {
      if (view.settings() !== undefined) open()
    })
  }

  #openRooms(
    {
      driver,
      store,
      publisher,
      process,
      random,
    }: {
      readonly driver: Driver
      readonly store: Store
      readonly publisher: Publisher
      readonly process: SimulatedProcess
      readonly random: SeededRandom
    },
    admission: Admission,
  ): Rooms {
    const ports = { store, clock: process, random, log: silentLog, metrics: noMetrics }
    const hub = new SessionHub({ ...ports, publisher, consensus: driver, server: this.id, version: '0.1.0' })
    const servers = () => driver.configuration().servers
    const reader = new Reader({
      ...ports,
      consensus: driver,
      cluster: {
        addressOf: (id) => servers().find((server) => server.id === id)?.address,
        peers: () => servers().map((server) => server.address),
        nodes: () => new Set([this.id]),
      },
      enforcement: hub.enforcement,
    })
    const write = (command: Command, reply: Reply<unknown>): void =>
      admission.write({ kind: 'server', node: this.id }, command, reply)
    const duty = { ...ports, consensus: driver, write }
    new Configured({ ...duty, defaultIntentionAction: 'deny', bootstrapEntries: [bootstrapEntry] })
    new Membership({ ...duty, presence: hub, gossip: new GossipView(ports) })
    const node = {
      id: '',
      name: this.id,
      address: '10.0.0.9',
      datacenter: 'dc1',
      taggedAddresses: {},
      meta: {},
    }
    new OwnNode({ ...duty, node, port: 8300, version: '0.1.0' })
    return { admission, reader, hub }
  }

  #hardware(ms: number, work: () => void): { cancel(): void } {
    // A process that has just ended may still let go of things.
    return this.process?.after(ms, work) ?? { cancel: () => undefined }
  }

  #transport(process: SimulatedProcess): RaftTransport {
    const { network, raft } = this.#world
    // As rpc/raft-transport.ts: it reaches the servers that it was told of, and those that came to it.
    let told: ReadonlySet<string> = new Set()
    const introduced = new Set<string>()
    return {
      send: (to, message) => {
        if (!told.has(to) && !introduced.has(to)) return
        raft.sent(this.id, to, message)
        network.send(this.id, to, message)
      },
      onMessage: (listener) =>
        network.listen(this.id, (from, message) => {
          introduced.add(from)
          this.#world.trace.event(
            kinds.message,
            this.number,
            message.type.length,
            () => `${from} -> ${this.id} ${describeMessage(message)}`,
          )
          process.run(() => listener(nodeId(from), message))
        }),
      setServers: (servers) => {
        told = new Set(servers.map(({ id }) => id))
      },
    }
  }

  /** Consensus said that the process must end. */
  #fatal(failure: Failure): void {
    const { reached } = this.#world
    // One byte of the FORMAT file that rots can read like a later format.
    if (this.hasRotted && (failure.code === 'log-damaged' || failure.code === 'format-too-new')) {
      reached.hit('server refused to start')
      this.lost = failure
    } else if (failure.code === 'disk-failed' && mayDiskFail(this.#world.knobs)) reached.hit('disk failed')
    else throw new Violation('server-ends', `${this.id}: ${failure.code}: ${failure.message}`)
    this.kill(`ends: ${failure.message}`)
  }

  /** An error that nobody caught ends a process; a broken invariant ends the run too. */
  #failed(process: SimulatedProcess, error: unknown): void {
    if (error instanceof MeshError && this.process === process) this.#fatal(error.failure)
    else throw error
  }

  #voteOnDisk(term: number): string | undefined {
    const recovered = recoverHardState(this.disk)
    return recovered.ok && recovered.value.state.term === term ? recovered.value.state.vote : undefined
  }

  #note(what: string, code: number): void {
    this.#world.trace.event(kinds.server, this.number, code, () => `${this.id} ${what}`)
  }
}

const mayDiskFail = ({ faults }: Knobs): boolean => faults.has('write-error') || faults.has('sync-error')

export function describeMessage(message: RaftMessage): string {
  switch (message.type) {
    case 'append': {
      const { previous, entries, commit } = message
      return `append t${message.term} after ${previous.index}/t${previous.term} +${entries.length} commit ${commit}`
    }
    case 'snapshot-chunk':
      return `snapshot-chunk t${message.term} of ${message.last.index} at ${message.offset}/${message.fileBytes}`
    default: {
      const { type, term, ...rest } = message
      return `${type} t${term} ${JSON.stringify(rest)}`
    }
  }
}
