// One server of a story: the real core, a disk that syncs at once unless the story stops it, and a voice that tells
// what every step changed.
import { type LogIndex, logIndex, type NodeId } from '../../src/model/ids.ts'
import type { Entry } from '../../src/model/log-entry.ts'
import type { RaftMessage } from '../../src/model/raft-message.ts'
import type { Effects } from '../../src/raft/effects.ts'
import type { Input } from '../../src/raft/input.ts'
import { Raft } from '../../src/raft/raft.ts'
import type { SnapshotMeta } from '../../src/server/consensus/snapshot-file.ts'
import { electionTimeoutMs, heartbeatMs, MemoryStore } from '../unit/raft/cores.ts'
import { SnapshotRoom } from './snapshots.ts'
import { changesText, commandText, lookAt, position, serversText } from './words.ts'

export interface Applied {
  readonly index: LogIndex
  /** Empty where the entry is no command. */
  readonly text: string
}

export interface ServerParts {
  readonly send: (from: NodeId, to: NodeId, message: RaftMessage) => void
  readonly say: (line: string) => void
  /** Everything that a state machine was given, for the checks that end every command. */
  readonly onApplied: (id: NodeId, applied: Applied) => void
}

export class Server {
  readonly id: NodeId
  readonly store = new MemoryStore()
  raft: Raft
  /** What an election timeout will be when it is drawn next; one to two election timeouts of the options. */
  timeoutMs: number
  diskIsStopped = false
  /** The state machine: commands in the order of the log. */
  state: Applied[] = []
  readonly #parts: ServerParts
  readonly #snapshots: SnapshotRoom
  #held: { readonly ticket: number; readonly to: NodeId; readonly message: RaftMessage }[] = []
  #ticket = 0
  #synced = 0

  constructor(id: NodeId, timeoutMs: number, parts: ServerParts) {
    this.id = id
    this.timeoutMs = timeoutMs
    this.#parts = parts
    this.raft = this.#boot()
    this.#snapshots = new SnapshotRoom({
      raft: () => this.raft,
      send: (to, message) => parts.send(id, to, message),
      received: (meta, state) => this.#install(meta, state),
    })
  }

  #boot(): Raft {
    const { store } = this
    return new Raft(
      {
        id: this.id,
        electionTimeoutMs,
        heartbeatMs,
        random: () => this.timeoutMs / electionTimeoutMs - 1,
        store,
        recentLogBytes: 512,
        uncommittedBytes: 100_000,
      },
      {
        hardState: store.hardState,
        snapshot: store.base,
        terms: store.recoverTerms(),
        configurations: store.recoverConfigurations(),
      },
    )
  }

  /** The process dies and comes back; what the disk had not synced is lost. */
  restart(): void {
    this.store.pending = []
    this.#held = []
    this.#ticket = 0
    this.#synced = 0
    this.diskIsStopped = false
    this.state = this.state.filter(({ index }) => index <= this.store.base.index)
    this.#snapshots.restart()
    this.raft = this.#boot()
  }

  step(input: Input): Effects {
    const before = lookAt(this.raft)
    const effects = this.raft.step(input)
    this.say(...changesText(before, lookAt(this.raft), effects))
    if (effects.persist !== undefined) {
      this.#ticket = effects.persist.ticket
      this.store.pending.push(effects.persist)
    }
    for (const { to, message } of effects.free) this.#parts.send(this.id, to, message)
    for (const { to, message } of effects.afterSync) this.#held.push({ ticket: this.#ticket, to, message })
    this.#release()
    for (const peer of effects.snapshotsNeeded) this.#snapshots.needed(peer)
    const { snapshotTraffic } = effects
    if (snapshotTraffic !== undefined) this.#snapshots.traffic(snapshotTraffic.from, snapshotTraffic.message)
    this.#apply(effects.apply)
    if (!this.diskIsStopped) this.sync()
    return effects
  }

  tick(elapsedMs: number): void {
    this.step({ type: 'tick', elapsedMs })
    this.#snapshots.tick(elapsedMs)
  }

  /** Everything handed to the disk becomes durable. */
  sync(): void {
    const ticket = this.store.sync(Number.POSITIVE_INFINITY)
    if (ticket === 0) return
    this.#synced = ticket
    if (this.diskIsStopped) this.say('disk has everything')
    this.#release()
    this.step({ type: 'synced', ticket })
  }

  /** Takes a snapshot of the state and forgets the log up to it. */
  takeSnapshot(bytes: number): void {
    const index = logIndex(this.store.base.index + this.#appliedSinceBase())
    const term = this.raft.termAt(index)
    if (term === undefined) throw new Error(`server ${this.id} has nothing to take a snapshot of`)
    const meta = { last: { index, term }, configuration: this.raft.configurationAt(index) }
    this.#snapshots.take(meta, JSON.stringify(this.state), bytes)
    this.say(
      `snapshot ${position(meta.last)} is taken: ${this.stateText()}; ${serversText(meta.configuration)}`,
    )
    this.store.base = meta.last
    this.store.baseConfiguration = meta.configuration
    this.store.log = this.store.log.filter((entry) => entry.index > index)
    this.step({ type: 'compacted', index })
  }

  stateText(): string {
    const texts = this.state.filter(({ text }) => text !== '').map(({ text }) => text)
    return texts.length === 0 ? 'empty' : texts.join(' ')
  }

  say(...changes: readonly string[]): void {
    if (changes.length > 0) this.#parts.say(`${this.id}: ${changes.join('; ')}`)
  }

  #appliedSinceBase(): number {
    return this.state.filter(({ index }) => index > this.store.base.index).length
  }

  #apply(entries: readonly Entry[]): void {
    for (const { index, kind, data } of entries) {
      const applied = { index, text: kind === 'command' ? commandText(data) : '' }
      this.state.push(applied)
      this.#parts.onApplied(this.id, applied)
    }
    const last = entries[entries.length - 1]
    if (last !== undefined) this.step({ type: 'applied', index: last.index })
  }

  #install(meta: SnapshotMeta, state: string): void {
    const newest = this.state[this.state.length - 1]
    if (newest !== undefined && newest.index >= meta.last.index) return
    this.state = JSON.parse(state) as Applied[]
    for (const applied of this.state) this.#parts.onApplied(this.id, applied)
    this.say(`snapshot ${position(meta.last)} is whole: ${this.stateText()}`)
    this.store.baseConfiguration = meta.configuration
    this.step({ type: 'snapshot-installed', ...meta })
  }

  #release(): void {
    while (this.#held[0] !== undefined && this.#held[0].ticket <= this.#synced) {
      const { to, message } = this.#held[0]
      this.#held.shift()
      this.#parts.send(this.id, to, message)
    }
  }
}
