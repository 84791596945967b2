// The server's own admission, state machine and queries behind the fake cluster, for tests of the key-value API: its rules
// of indexes and blocking are worth nothing when they are imitated.
import type { Principal } from '../../../src/model/access.ts'
import type { Applied, Command } from '../../../src/model/command.ts'
import type { Result } from '../../../src/model/errors.ts'
import { logIndex, nodeId, term } from '../../../src/model/ids.ts'
import type { QueryName, ReadAnswer } from '../../../src/model/query.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { systemRandom } from '../../../src/platform/random.ts'
import type { ReadRequest, Reply } from '../../../src/rpc/contract.ts'
import { Admission } from '../../../src/server/admission/admission.ts'
import { Machine } from '../../../src/server/apply/machine.ts'
import type { Consensus } from '../../../src/server/consensus/contract.ts'
import { Reader } from '../../../src/server/queries/reader.ts'
import { Store } from '../../../src/server/store/store.ts'
import { encodeEnvelope } from '../../../src/wire/command.ts'
import { noMetrics, silentLog } from '../../simulation/servers.ts'
import { aMemberCheck, aNode } from '../store/rows.ts'

const operator: Principal = { kind: 'operator', name: 'test' }
const server: Principal = { kind: 'server', node: 'server-1' }

export class KvStore {
  readonly store = new Store()
  private readonly machine = new Machine(this.store)
  private readonly admission = new Admission({
    consensus: { propose: (envelope, done) => this.propose(envelope, done) },
    clock: systemClock,
    log: silentLog,
    metrics: noMetrics,
  })
  private readonly reader = new Reader({
    store: this.store,
    consensus: {
      readBarrier: (done) => queueMicrotask(() => done({ ok: true, value: logIndex(this.index) })),
      status: () => ({
        id: nodeId('server-1'),
        role: 'leader',
        term: term(1),
        leader: nodeId('server-1'),
        commitIndex: logIndex(this.index),
        appliedIndex: logIndex(this.index),
        lastContactMs: 0,
      }),
    },
    cluster: { addressOf: () => undefined, peers: () => [], nodes: () => new Set() },
    enforcement: {
      newest: 1,
      versionOf: () => 1,
      follow: () => () => undefined,
      count: function* () {
        yield
        return { enforced: 0, total: 0, waitingFor: [] }
      },
    },
    clock: systemClock,
    random: systemRandom,
    metrics: noMetrics,
  })
  constructor() {
    const checks = [aMemberCheck('host-1', 'passing')]
    const bytes = encodeEnvelope({
      version: 1,
      principal: server,
      atMs: 0,
      command: { type: 'catalog.register', node: aNode('host-1'), services: [], checks },
    })
    if (bytes.ok) this.machine.apply(logIndex(1), bytes.value)
  }

  /** Not 0: a fresh cluster has its settings before anybody writes. */
  private index = 10

  get held(): number {
    return this.reader.held
  }

  read<Name extends QueryName>(
    request: ReadRequest<Name>,
    reply: Reply<ReadAnswer<Name>>,
  ): { cancel(): void } {
    return this.reader.read(request, reply)
  }

  write(command: Command, reply: (result: Result<Extract<Applied, { ok: true }>>) => void): void {
    this.admission.write(command.type === 'kv.reap' ? server : operator, command, reply)
  }

  /** Something that has nothing to do with keys was written. */
  writeElsewhere(): void {
    this.index += 1
    this.store.advance(this.index)
  }

  private propose(...[envelope, done]: Parameters<Consensus['propose']>): void {
    const bytes = encodeEnvelope(envelope)
    if (!bytes.ok) {
      done(bytes)
      return
    }
    this.index += 1
    const applied = this.machine.apply(logIndex(this.index), bytes.value)
    queueMicrotask(() => done({ ok: true, value: applied }))
  }
}
