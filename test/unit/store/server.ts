// One server's state with everything around it, on a virtual clock and with a log that accepts every entry at once.
import type { Principal } from '../../../src/model/access.ts'
import type { Applied, AppliedValue, Command } from '../../../src/model/command.ts'
import type { Result } from '../../../src/model/errors.ts'
import { logIndex, nodeId, term } from '../../../src/model/ids.ts'
import type { Queries, QueryName, ReadAnswer, ReadOptions } from '../../../src/model/query.ts'
import type { Log, Metrics } from '../../../src/platform/ports.ts'
import type { AgentFrame, ServerFrame } from '../../../src/rpc/contract.ts'
import { Admission } from '../../../src/server/admission/admission.ts'
import { Machine } from '../../../src/server/apply/machine.ts'
import type { Consensus, ConsensusStatus } from '../../../src/server/consensus/contract.ts'
import { Publisher } from '../../../src/server/events/publisher.ts'
import { Reader } from '../../../src/server/queries/reader.ts'
import { SessionHub } from '../../../src/server/sessions/hub.ts'
import { Store } from '../../../src/server/store/store.ts'
import { encodeEnvelope } from '../../../src/wire/command.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { SeededRandom } from '../../simulation/random.ts'
import { type StreamPair, streamPair } from '../../simulation/streams.ts'

export const asServer: Principal = { kind: 'server', node: 'server-1' }
export const asOperator: Principal = { kind: 'operator', name: 'alice' }
export const asHost = (node: string, services: readonly string[] = ['*']): Principal => ({
  kind: 'host',
  node,
  nodeId: `id-of-${node}`,
  services,
})

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLog,
}

/** Counts by name and labels. */
export class CountedMetrics implements Metrics {
  readonly counts = new Map<string, number>()

  count(name: string, labels: Readonly<Record<string, string>> = {}, by = 1): void {
    const key = `${name}${JSON.stringify(labels)}`
    this.counts.set(key, (this.counts.get(key) ?? 0) + by)
  }

  gauge(): void {
    // Only counters are looked at.
  }
}

/** Consensus of one server whose log never fails, unless a test makes it. */
export class InstantConsensus implements Consensus {
  readonly machine: Machine
  readonly clock: VirtualClock
  leading = true
  lastIndex = 0
  readonly entries: { readonly index: number; readonly bytes: Uint8Array }[] = []
  readonly #listeners: ((leading: boolean, at: ReturnType<typeof term>) => void)[] = []

  constructor(machine: Machine, clock: VirtualClock) {
    this.machine = machine
    this.clock = clock
  }

  propose(envelope: Parameters<Consensus['propose']>[0], done: (result: Result<Applied>) => void): void {
    if (!this.leading) {
      done({ ok: false, failure: { code: 'no-leader', message: 'no leader' } })
      return
    }
    const bytes = encodeEnvelope(envelope)
    if (!bytes.ok) {
      done(bytes)
      return
    }
    this.lastIndex++
    this.entries.push({ index: this.lastIndex, bytes: bytes.value })
    const applied = this.machine.apply(logIndex(this.lastIndex), bytes.value)
    this.clock.after(0, () => done({ ok: true, value: applied }))
  }

  readBarrier(done: (result: Result<ReturnType<typeof logIndex>>) => void): void {
    this.clock.after(0, () => {
      if (this.leading) done({ ok: true, value: logIndex(this.lastIndex) })
      else done({ ok: false, failure: { code: 'no-leader', message: 'no leader' } })
    })
  }

  status(): ConsensusStatus {
    return {
      id: nodeId('server-1'),
      role: this.leading ? 'leader' : 'follower',
      term: term(1),
      leader: this.leading ? nodeId('server-1') : undefined,
      commitIndex: logIndex(this.lastIndex),
      appliedIndex: logIndex(this.lastIndex),
      lastContactMs: 0,
    }
  }

  onLeadership(listener: (leading: boolean, at: ReturnType<typeof term>) => void): void {
    this.#listeners.push(listener)
    listener(this.leading, term(1))
  }

  setLeading(leading: boolean): void {
    this.leading = leading
    for (const listener of this.#listeners) listener(leading, term(2))
  }

  stop(done: () => void): void {
    done()
  }
}

export class TestServer {
  readonly clock: VirtualClock
  readonly random = new SeededRandom(1)
  readonly metrics = new CountedMetrics()
  readonly store = new Store()
  readonly machine = new Machine(this.store)
  readonly consensus: InstantConsensus
  readonly publisher: Publisher
  readonly hub: SessionHub
  readonly reader: Reader
  readonly admission: Admission

  constructor(options: { readonly eventsKept?: number; readonly clock?: VirtualClock } = {}) {
    this.clock = options.clock ?? new VirtualClock()
    this.consensus = new InstantConsensus(this.machine, this.clock)
    const { store, clock, random, metrics, consensus } = this
    this.admission = new Admission({ consensus, clock, log: silentLog, metrics })
    this.publisher = new Publisher(store, options.eventsKept)
    this.hub = new SessionHub({
      store,
      publisher: this.publisher,
      consensus,
      clock,
      random,
      log: silentLog,
      metrics,
      server: 'server-1',
      version: '0.1.0',
    })
    this.reader = new Reader({
      store,
      consensus,
      cluster: {
        addressOf: () => '10.0.0.1:8300',
        peers: () => ['10.0.0.1:8300'],
        nodes: () => new Set(['server-1']),
      },
      enforcement: this.hub.enforcement,
      clock,
      random,
      metrics,
    })
  }

  /** Applies a command as the next log entry, past admission. */
  apply(command: Command, principal: Principal = asServer): Applied {
    const envelope = encodeEnvelope({ version: 1, principal, atMs: this.clock.wallMs(), command })
    if (!envelope.ok) throw new Error(envelope.failure.message)
    this.consensus.lastIndex++
    this.consensus.entries.push({ index: this.consensus.lastIndex, bytes: envelope.value })
    return this.machine.apply(logIndex(this.consensus.lastIndex), envelope.value)
  }

  /** The same for a command that must succeed; returns its log index. */
  applied(command: Command, principal: Principal = asServer): number {
    const result = this.apply(command, principal)
    if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`)
    return result.index
  }

  value(command: Command): AppliedValue {
    const result = this.apply(command)
    if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`)
    return result.value
  }

  /** Writes through admission; runs the clock until there is an answer. */
  write(principal: Principal, command: Command): Result<Extract<Applied, { readonly ok: true }>> {
    let answer: Result<Extract<Applied, { readonly ok: true }>> | undefined
    this.admission.write(principal, command, (result) => {
      answer = result
    })
    this.clock.runUntil(() => answer !== undefined, 10_000)
    if (answer === undefined) throw new Error('the write was never answered')
    return answer
  }

  ask<Name extends QueryName>(
    name: Name,
    args: Queries[Name]['args'],
    options: Partial<ReadOptions> = {},
  ): Asked<Name> {
    const asked = new Asked<Name>()
    const full: ReadOptions = { consistency: 'default', minIndex: 0, waitMs: 0, ...options }
    const { cancel } = this.reader.read({ name, args, options: full, token: '' }, (result) => {
      if (asked.result !== undefined) throw new Error(`${name} was answered twice`)
      asked.result = result
    })
    asked.cancel = cancel
    this.clock.run(5)
    return asked
  }

  answer<Name extends QueryName>(name: Name, args: Queries[Name]['args']): Queries[Name]['answer'] {
    return this.ask(name, args).answer
  }

  index<Name extends QueryName>(name: Name, args: Queries[Name]['args']): number {
    return this.ask(name, args).index
  }

  /** Replaces the state by its own snapshot, as a server does that fell behind. */
  restoreInPlace(): void {
    const reader = this.machine.snapshot()
    const writer = this.machine.restore(reader.index)
    for (let piece = reader.next(); piece !== undefined; piece = reader.next()) writer.write(piece)
    const finished = writer.finish()
    if (!finished.ok) throw new Error(finished.failure.message)
  }

  connect(
    node: string,
    options: { readonly principal?: Principal; readonly hello?: Partial<Hello> | false } = {},
  ): TestAgent {
    const pair = streamPair<AgentFrame, ServerFrame>({ clock: this.clock })
    const agent = new TestAgent(pair)
    this.hub.open(options.principal ?? asHost(node), pair.right)
    const hello: Hello = {
      kind: 'hello',
      node,
      nodeId: `id-of-${node}`,
      version: '0.1.0',
      minVersion: 1,
      maxVersion: 1,
    }
    if (options.hello !== false) agent.send({ ...hello, ...options.hello })
    return agent
  }
}

type Hello = Extract<AgentFrame, { readonly kind: 'hello' }>

export class Asked<Name extends QueryName> {
  result: Result<ReadAnswer<Name>> | undefined
  cancel: () => void = () => undefined

  get isAnswered(): boolean {
    return this.result !== undefined
  }

  get #read(): ReadAnswer<Name> {
    if (this.result === undefined) throw new Error('not answered yet')
    if (!this.result.ok) throw new Error(this.result.failure.message)
    return this.result.value
  }

  get answer(): Queries[Name]['answer'] {
    return this.#read.answer
  }

  get index(): number {
    return this.#read.meta.index
  }

  get meta(): ReadAnswer<Name>['meta'] {
    return this.#read.meta
  }
}

/** The agent's end of a control stream: keeps all it receives. */
export class TestAgent {
  readonly pair: StreamPair<AgentFrame, ServerFrame>
  readonly frames: ServerFrame[] = []
  closed = false

  constructor(pair: StreamPair<AgentFrame, ServerFrame>) {
    this.pair = pair
    pair.left.listen({
      onFrame: (frame) => this.frames.push(frame),
      onDrain: () => undefined,
      onClose: () => {
        this.closed = true
      },
    })
  }

  send(frame: AgentFrame): void {
    this.pair.left.send(frame)
  }

  take(): readonly ServerFrame[] {
    return this.frames.splice(0)
  }
}
