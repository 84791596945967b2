// Several raft cores without drivers: messages, syncs and time move only when the test says so.
import type { ClusterConfiguration, Suffrage } from '../../../src/model/cluster.ts'
import { type LogIndex, logIndex, type NodeId, nodeId, term } from '../../../src/model/ids.ts'
import type { Entry, HardState, LogPosition } from '../../../src/model/log-entry.ts'
import type { RaftMessage } from '../../../src/model/raft-message.ts'
import { decodeConfiguration, type IndexedConfiguration } from '../../../src/raft/configurations.ts'
import type { Effects, Persist } from '../../../src/raft/effects.ts'
import type { Input } from '../../../src/raft/input.ts'
import type { LogStore } from '../../../src/raft/log.ts'
import { Raft } from '../../../src/raft/raft.ts'
import { TermRuns } from '../../../src/raft/terms.ts'
import { SeededRandom } from '../../simulation/random.ts'

export const electionTimeoutMs = 1_000
export const heartbeatMs = 100

export interface Envelope {
  readonly from: NodeId
  readonly to: NodeId
  readonly message: RaftMessage
}

/** The durable part of one server, and what is handed to its disk and not synced. */
export class MemoryStore implements LogStore {
  hardState: HardState = { term: term(0), vote: undefined }
  base: LogPosition = { index: logIndex(0), term: term(0) }
  baseConfiguration: ClusterConfiguration = { servers: [] }
  log: Entry[] = []
  pending: Persist[] = []

  entries(from: LogIndex, to: LogIndex, bytesMax: number): readonly Entry[] {
    const found: Entry[] = []
    let bytes = 0
    for (const entry of this.log) {
      if (entry.index < from || entry.index > to) continue
      if (found.length > 0 && bytes + entry.data.length > bytesMax) break
      bytes += entry.data.length
      found.push(entry)
    }
    return found
  }

  /** Makes the oldest `count` persists durable; the ticket reached, or 0. */
  sync(count: number): number {
    let ticket = 0
    for (const persist of this.pending.splice(0, count)) {
      if (persist.hardState !== undefined) this.hardState = persist.hardState
      if (persist.reset !== undefined) {
        this.base = persist.reset
        this.log = []
      }
      const keep = persist.truncateAfter
      if (keep !== undefined) this.log = this.log.filter((entry) => entry.index <= keep.index)
      this.log.push(...persist.entries)
      ticket = persist.ticket
    }
    return ticket
  }

  recoverTerms(): TermRuns {
    const terms = new TermRuns(this.base)
    for (const entry of this.log) terms.append(entry.term)
    return terms
  }

  recoverConfigurations(): readonly IndexedConfiguration[] {
    const known: IndexedConfiguration[] = [{ index: this.base.index, configuration: this.baseConfiguration }]
    for (const entry of this.log) {
      if (entry.kind !== 'configuration') continue
      const decoded = decodeConfiguration(entry.data)
      if (decoded.ok) known.push({ index: entry.index, configuration: decoded.value })
    }
    return known
  }
}

export class Core {
  readonly id: NodeId
  readonly store = new MemoryStore()
  readonly random: SeededRandom
  raft: Raft
  applied: Entry[] = []
  ready: { request: number; index: LogIndex }[] = []
  failedReads: number[] = []
  snapshotsNeeded: NodeId[] = []
  held: { ticket: number; envelope: Envelope }[] = []
  /** Of the newest persist. */
  ticket = 0
  #synced = 0
  readonly #send: (envelope: Envelope) => void

  constructor(id: NodeId, random: SeededRandom, send: (envelope: Envelope) => void) {
    this.id = id
    this.random = random
    this.#send = send
    this.raft = this.#boot()
  }

  #boot(): Raft {
    return new Raft(
      {
        id: this.id,
        electionTimeoutMs,
        heartbeatMs,
        random: () => this.random.fraction(),
        store: this.store,
        recentLogBytes: 512,
        uncommittedBytes: 100_000,
      },
      {
        hardState: this.store.hardState,
        snapshot: this.store.base,
        terms: this.store.recoverTerms(),
        configurations: this.store.recoverConfigurations(),
      },
    )
  }

  /** The process dies; what was not synced is lost, and the state machine starts from the snapshot. */
  restart(): void {
    this.store.pending = []
    this.held = []
    this.ticket = 0
    this.#synced = 0
    this.applied = this.applied.filter((entry) => entry.index <= this.store.base.index)
    this.ready = []
    this.failedReads = []
    this.raft = this.#boot()
  }

  step(input: Input): Effects {
    const effects = this.raft.step(input)
    if (effects.persist !== undefined) {
      this.ticket = effects.persist.ticket
      this.store.pending.push(effects.persist)
    }
    for (const { to, message } of effects.free) this.#send({ from: this.id, to, message })
    for (const { to, message } of effects.afterSync)
      this.held.push({ ticket: this.ticket, envelope: { from: this.id, to, message } })
    this.ready.push(...effects.reads)
    this.failedReads.push(...effects.readsFailed)
    this.snapshotsNeeded.push(...effects.snapshotsNeeded)
    this.#release()
    const last = effects.apply[effects.apply.length - 1]
    if (last !== undefined) {
      this.applied.push(...effects.apply)
      this.step({ type: 'applied', index: last.index })
    }
    return effects
  }

  sync(count = Number.POSITIVE_INFINITY): void {
    const ticket = this.store.sync(count)
    if (ticket === 0) return
    this.#synced = ticket
    this.#release()
    this.step({ type: 'synced', ticket })
  }

  #release(): void {
    while (this.held[0] !== undefined && this.held[0].ticket <= this.#synced) {
      const { envelope } = this.held[0]
      this.held.shift()
      this.#send(envelope)
    }
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
export const bytesOf = (text: string): Uint8Array => encoder.encode(text)
export const textOf = (entry: Entry): string => decoder.decode(entry.data)

/** Ids that read well in a failure: a, b, c. */
export const ids = (count: number): NodeId[] =>
  Array.from({ length: count }, (_, at) => nodeId(String.fromCharCode(97 + at)))

export function configurationOf(
  voters: readonly NodeId[],
  learners: readonly NodeId[] = [],
): ClusterConfiguration {
  const server = (id: NodeId, suffrage: Suffrage) => ({
    id,
    address: `${id}:1`,
    suffrage,
    publicKey: `key ${id}`,
  })
  return {
    servers: [...voters.map((id) => server(id, 'voter')), ...learners.map((id) => server(id, 'learner'))],
  }
}

export class Cores {
  readonly all = new Map<NodeId, Core>()
  wire: Envelope[] = []
  /** Messages for which this says yes are lost. */
  drop: (envelope: Envelope) => boolean = () => false

  constructor(names: readonly NodeId[], seed = 1) {
    const random = new SeededRandom(seed)
    for (const id of names)
      this.all.set(id, new Core(id, random.fork(), (envelope) => this.wire.push(envelope)))
  }

  /** All servers of a new cluster, bootstrapped and idle. */
  static started(voters: number, seed = 1): Cores {
    const names = ids(voters)
    const cores = new Cores(names, seed)
    for (const core of cores.all.values())
      core.step({ type: 'bootstrap', configuration: configurationOf(names) })
    cores.settle()
    return cores
  }

  core(id: string): Core {
    const core = this.all.get(nodeId(id))
    if (core === undefined) throw new Error(`no core ${id}`)
    return core
  }

  /** Syncs all disks and delivers messages until nothing moves; no time passes. */
  settle(): void {
    for (let round = 0; ; round += 1) {
      if (round > 10_000) throw new Error('the cores never come to rest: a message storm')
      for (const core of this.all.values()) core.sync()
      const batch = this.wire
      const isIdle = [...this.all.values()].every((core) => core.store.pending.length === 0)
      if (batch.length === 0 && isIdle) return
      this.wire = []
      for (const envelope of batch) this.deliver(envelope)
    }
  }

  deliver(envelope: Envelope): void {
    if (this.drop(envelope)) return
    this.all.get(envelope.to)?.step({ type: 'message', from: envelope.from, message: envelope.message })
  }

  tick(elapsedMs: number, only?: readonly string[]): void {
    for (const core of this.all.values())
      if (only === undefined || only.includes(core.id)) core.step({ type: 'tick', elapsedMs })
  }

  /** Time passes for all, with heartbeats on the way. */
  pass(durationMs: number): void {
    for (let passed = 0; passed < durationMs; passed += heartbeatMs) {
      this.tick(heartbeatMs)
      this.settle()
    }
  }

  /** Lets `id`'s election timeout run out, alone. */
  timeOut(id: string): void {
    this.tick(
      electionTimeoutMs,
      [...this.all.keys()].filter((other) => other !== id),
    )
    this.tick(2 * electionTimeoutMs, [id])
    this.settle()
  }

  leaders(): readonly string[] {
    return [...this.all.values()].filter((core) => core.raft.role === 'leader').map((core) => core.id)
  }

  propose(id: string, ...texts: string[]): Effects {
    return this.core(id).step({ type: 'propose', commands: texts.map(bytesOf) })
  }

  /** What each server's state machine has seen. */
  appliedTexts(id: string): readonly string[] {
    return this.core(id)
      .applied.filter((entry) => entry.kind === 'command')
      .map(textOf)
  }
}

export const between =
  (...pair: readonly string[]) =>
  ({ from, to }: Envelope): boolean =>
    pair.includes(from) !== pair.includes(to)
