// A cluster in memory behind the ServerClient contract: enough of catalog, intentions and authority for the API's tests.
import { aggregateStatus, type Check, memberCheckId } from '../../../src/model/check.ts'
import type { Command } from '../../../src/model/command.ts'
import type { ConfigEntry } from '../../../src/model/config-entry.ts'
import { type Failure, failed, ok, type Result, unwrap } from '../../../src/model/errors.ts'
import { compileFilter } from '../../../src/model/filter/compile.ts'
import { byPrecedence, decide, type Intention, precedenceOf } from '../../../src/model/intention.ts'
import type { Node } from '../../../src/model/node.ts'
import type { Enforcement, Queries, QueryName, ReadMeta } from '../../../src/model/query.ts'
import { meshNameOf, type RowIndexes, type Service, type ServiceEntry } from '../../../src/model/service.ts'
import type { ReadRequest, Reply, WriteRequest } from '../../../src/rpc/contract.ts'
import type { OperationAnswer, OperationName, OperationRequest } from '../../../src/rpc/operator.ts'
import { catalogServiceJson } from '../../../src/wire/http-json/catalog.ts'
import { catalogServiceFields } from '../../../src/wire/http-json/filter-fields.ts'
import { KvStore } from './kv-store.ts'
import { operatorAnswers } from './operator-answers.ts'

type Row<T> = T & RowIndexes
type AnyAnswer = OperationAnswer<OperationName>
type Table = 'catalog' | 'intentions' | 'config' | 'roots'

export const operatorToken = 'operator-token-of-the-tests-0123456789'

export const rootPem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'

export function nodeRow(name: string, address: string, meta: Readonly<Record<string, string>> = {}): Node {
  return {
    id: `0000000${name.at(-1) ?? '0'}-0000-4000-8000-000000000000`,
    name,
    address,
    datacenter: 'dc1',
    taggedAddresses: { lan: address, lan_ipv4: address, wan: address, wan_ipv4: address },
    meta,
  }
}

export function serviceRow(name: string, port: number, more: Partial<Service> = {}): Service {
  return {
    kind: '',
    id: name,
    name,
    tags: [],
    meta: {},
    address: '',
    port,
    socketPath: '',
    taggedAddresses: {},
    weights: { passing: 1, warning: 1 },
    enableTagOverride: false,
    connectNative: false,
    ...more,
  }
}

export function checkRow(node: string, checkId: string, more: Partial<Check> = {}): Check {
  return {
    node,
    checkId,
    name: checkId,
    status: 'passing',
    notes: '',
    output: '',
    serviceId: '',
    serviceName: '',
    serviceTags: [],
    type: '',
    interval: '',
    timeout: '',
    ...more,
  }
}

interface Waiter {
  readonly table: Table
  readonly minIndex: number
  readonly answer: () => void
}

export class FakeCluster {
  readonly nodes = new Map<string, Row<Node>>()
  readonly services = new Map<string, Row<Service> & { node: string }>()
  readonly checks = new Map<string, Row<Check>>()
  readonly intentions = new Map<string, Row<Intention>>()
  readonly entries = new Map<string, Row<ConfigEntry>>()
  readonly reads: ReadRequest<QueryName>[] = []
  readonly writes: WriteRequest[] = []
  /** Set: every read and write fails with it. */
  failure: Failure | undefined
  /** Set: reads are answered as the agent's reader does in an outage, with this instead of a server's word. */
  keptMeta: ReadMeta | undefined
  /** Milliseconds since the leader was heard, for stale reads. */
  lagMs = 0
  cancelled = 0
  readonly operations: OperationRequest<OperationName>[] = []
  /** What operations answer, by name; a failure is told as one. */
  readonly answers = new Map<OperationName, (request: OperationRequest<OperationName>) => Result<AnyAnswer>>(
    (Object.entries(operatorAnswers) as [OperationName, AnyAnswer['answer']][]).map(([name, answer]) => [
      name,
      () => ok({ answer, data: new Uint8Array(0) }),
    ]),
  )
  /** The one part that is real: the server's own store and queries. */
  readonly kv = new KvStore()
  enforcement: Enforcement = { enforced: 0, total: 0, waitingFor: [] }
  index = 10
  readonly changedAt: Record<Table, number> = { catalog: 10, intentions: 10, config: 10, roots: 10 }
  private readonly waiters = new Set<Waiter>()

  addHost(name: string, address: string, meta: Readonly<Record<string, string>> = {}): void {
    this.nodes.set(name, this.row('catalog', nodeRow(name, address, meta)))
    this.addCheck(
      checkRow(name, memberCheckId, {
        name: 'Serf Health Status',
        type: 'member',
        output: 'Agent alive and reachable',
      }),
    )
  }

  addService(node: string, service: Service): void {
    const key = `${node}/${service.id}`
    const before = this.services.get(key)
    this.services.set(key, { ...this.row('catalog', service, before), node })
  }

  addCheck(check: Check): void {
    const key = `${check.node}/${check.checkId}`
    this.checks.set(key, this.row('catalog', check, this.checks.get(key)))
  }

  removeService(node: string, serviceId: string): void {
    this.services.delete(`${node}/${serviceId}`)
    for (const [key, check] of this.checks)
      if (check.node === node && check.serviceId === serviceId) this.checks.delete(key)
    this.touch('catalog')
  }

  /** The blocking reads that are held now. */
  held(): number {
    return this.waiters.size
  }

  private row<T extends object>(table: Table, value: T, before?: RowIndexes): T & RowIndexes {
    this.touch(table)
    return { ...value, createIndex: before?.createIndex ?? this.index, modifyIndex: this.index }
  }

  private touch(table: Table): void {
    this.index += 1
    this.changedAt[table] = this.index
    queueMicrotask(() => {
      for (const waiter of [...this.waiters])
        if (this.changedAt[waiter.table] > waiter.minIndex) waiter.answer()
    })
  }

  operate = <Name extends OperationName>(
    request: OperationRequest<Name>,
    reply: Reply<OperationAnswer<Name>>,
  ): void => {
    this.operations.push(request as OperationRequest<OperationName>)
    const answer = this.answers.get(request.name)?.(request as OperationRequest<OperationName>)
    const result = this.failure === undefined ? answer : { ok: false as const, failure: this.failure }
    queueMicrotask(() =>
      reply((result ?? failed('unsupported-feature', request.name)) as Result<OperationAnswer<Name>>),
    )
  }

  read = <Name extends QueryName>(
    request: ReadRequest<Name>,
    reply: Reply<{ meta: ReadMeta; answer: Queries[Name]['answer'] }>,
  ): { cancel(): void } => {
    this.reads.push(request as unknown as ReadRequest<QueryName>)
    if (/^(kv|session|txn)\./.test(request.name)) return this.kv.read(request, reply)
    const { minIndex, waitMs, consistency } = request.options
    const table = tableOf(request.name)
    const answer = (): void => {
      if (this.failure !== undefined) {
        reply({ ok: false, failure: this.failure })
        return
      }
      const effective = ({ default: 'leader', stale: 'stale', consistent: 'consistent' } as const)[
        consistency
      ]
      reply(
        ok({
          answer: this.answer(request),
          meta: this.keptMeta ?? {
            index: this.changedAt[table],
            knownLeader: true,
            lastContactMs: consistency === 'stale' ? this.lagMs : 0,
            effective,
          },
        }),
      )
    }
    // Larger than anything here: an index from before a restore, which must not wait.
    if (minIndex === 0 || minIndex < this.changedAt[table] || minIndex > this.index) {
      queueMicrotask(answer)
      return { cancel: () => undefined }
    }
    const end = (): void => {
      clearTimeout(timer)
      this.waiters.delete(waiter)
    }
    const wake = (): void => {
      end()
      answer()
    }
    const waiter: Waiter = { table, minIndex, answer: wake }
    const timer = setTimeout(waiter.answer, Math.min(waitMs, 60_000))
    this.waiters.add(waiter)
    return {
      cancel: () => {
        this.cancelled += 1
        end()
      },
    }
  }

  write = (request: WriteRequest, reply: Reply<never>): void => {
    this.writes.push(request)
    const done = reply as unknown as (result: Result<unknown>) => void
    queueMicrotask(() => {
      if (this.failure !== undefined) return done({ ok: false, failure: this.failure })
      if (request.token !== operatorToken)
        return done(failed('bad-token', 'this change needs an operator token'))
      if (/^(kv\.|session\.|txn$)/.test(request.command.type)) return this.kv.write(request.command, done)
      const changed = this.apply(request.command)
      done(ok({ ok: true, index: this.index, value: { kind: changed ? 'done' : 'unchanged' } }))
    })
  }

  private entriesOf(
    wanted: (service: Service) => boolean,
    args: Queries['catalog.service']['args'],
  ): ServiceEntry[] {
    const rows = [...this.services.values()].filter((row) => wanted(row))
    return rows
      .filter((row) =>
        args.tags.every((tag) => row.tags.some((has) => has.toLowerCase() === tag.toLowerCase())),
      )
      .map((row) => ({ row, node: this.nodes.get(row.node) }))
      .filter((pair): pair is { row: typeof pair.row; node: Row<Node> } => pair.node !== undefined)
      .filter(({ node }) => Object.entries(args.nodeMeta).every(([key, value]) => node.meta[key] === value))
      .sort((a, b) => (a.node.name + a.row.id < b.node.name + b.row.id ? -1 : 1))
      .map(({ row, node }) => {
        const { node: _node, ...service } = row
        const checks = this.checksOf((check) => check.node === node.name)
        return {
          node,
          service,
          checks: [
            ...checks.filter((check) => check.serviceId === ''),
            ...checks.filter((check) => check.serviceId === row.id),
          ],
        }
      })
  }

  private checksOf(wanted: (check: Check) => boolean): Row<Check>[] {
    return [...this.checks.values()]
      .filter(wanted)
      .sort((a, b) => (a.node + a.checkId < b.node + b.checkId ? -1 : 1))
  }

  private answer(request: ReadRequest<QueryName> | ReadRequest<never>): never {
    const { name, args, token } = request as { name: QueryName; args: never; token: string }
    const sorted = [...this.intentions.values()].sort(byPrecedence)
    const answers: {
      [Name in Exclude<QueryName, `${'kv' | 'session' | 'txn'}.${string}`>]: (
        args: Queries[Name]['args'],
      ) => Queries[Name]['answer']
    } = {
      'catalog.datacenters': () => ['dc1'],
      'catalog.nodes': ({ nodeMeta }) =>
        [...this.nodes.values()].filter((node) =>
          Object.entries(nodeMeta).every(([key, value]) => node.meta[key] === value),
        ),
      'catalog.services': ({ nodeMeta, filter = '' }) => {
        const passes = unwrap(compileFilter(filter, catalogServiceFields))
        const tags: Record<string, string[]> = {}
        for (const row of this.services.values()) {
          const node = this.nodes.get(row.node)
          if (node === undefined || !passes(catalogServiceJson({ node, service: row, checks: [] }))) continue
          if (!Object.entries(nodeMeta).every(([key, value]) => node.meta[key] === value)) continue
          tags[row.name] = [...new Set([...(tags[row.name] ?? []), ...row.tags])]
        }
        return tags
      },
      'catalog.service': (filter) => this.entriesOf((row) => row.name === filter.service, filter),
      'catalog.mesh': (filter) => this.entriesOf((row) => meshNameOf(row) === filter.service, filter),
      'catalog.node': ({ node }) => {
        const row = this.nodes.get(node)
        if (row === undefined) return null
        const services = [...this.services.values()].filter((service) => service.node === node)
        return { node: row, services, checks: this.checksOf((check) => check.node === node) }
      },
      'catalog.address': ({ address }) => ({
        nodes: [...this.nodes.values()].filter((row) => row.address === address).map((row) => row.name),
        services: [],
      }),
      'health.state': ({ state }) => this.checksOf((check) => state === 'any' || check.status === state),
      'intentions.list': () => sorted,
      'intentions.exact': ({ source, destination }) =>
        this.intentions.get(`${source}/${destination}`) ?? null,
      'intentions.match': ({ by, names }) =>
        Object.fromEntries(
          names.map((match) => [
            match,
            sorted.filter((row) => {
              const own = by === 'source' ? row.sourceName : row.destinationName
              return own === match || own === '*'
            }),
          ]),
        ),
      'intentions.check': ({ source, destination }) => decide(sorted, source, destination, 'deny'),
      'intentions.enforcement': () => this.enforcement,
      'config.get': ({ kind, name: entry }) => this.entries.get(`${kind}/${entry}`) ?? null,
      'config.list': ({ kind }) => [...this.entries.values()].filter((entry) => entry.kind === kind),
      'ca.roots': () => ({ activeRootId: caRoot.id, trustDomain: caRoot.trustDomain, roots: [caRoot] }),
      'mesh.services': () =>
        [...new Set([...this.services.values()].map((row) => row.name))].sort().map((service) => {
          const rows = this.entriesOf((row) => row.name === service, { service, tags: [], nodeMeta: {} })
          const count = (...statuses: string[]): number =>
            rows.filter((row) => statuses.includes(aggregateStatus(row.checks))).length
          return {
            name: service,
            kind: rows[0]?.service.kind ?? '',
            tags: [...new Set(rows.flatMap((row) => row.service.tags))].sort(),
            instances: rows.length,
            passing: count('passing'),
            warning: count('warning'),
            critical: count('critical', 'maintenance'),
            meshInstances: [...this.services.values()].filter((row) => meshNameOf(row) === service).length,
          }
        }),
      'mesh.members': () =>
        [...this.nodes.values()].map((node) => ({
          node,
          status: this.checks.get(`${node.name}/${memberCheckId}`)?.status === 'passing' ? 'alive' : 'failed',
          server: node.name === 'host-1',
        })),
      'mesh.neighbours': () => [],
      'mesh.join': () => ({
        clusterId: '11111111-2222-4333-8444-555555555555',
        datacenter: 'dc1',
        hostRootPin: Array(32).fill('ab').join(':'),
        servers: ['10.0.0.1:8300'],
      }),
      'federation.facts': () => ({
        own: {
          name: 'dc1',
          clusterId: '',
          hostRoots: [],
          serviceRoots: [],
          servers: ['10.0.0.1:8300'],
          gossip: [],
        },
        others: [],
        primary: 'dc1',
      }),
      'federation.members': () => [],
      'mesh.principal': () => ({ kind: token === operatorToken ? 'operator' : 'host' }),
      'status.leader': () => '10.0.0.1:8300',
      'status.peers': () => ['10.0.0.1:8300'],
    }
    return (answers[name as keyof typeof answers] as (args: never) => unknown)(args) as never
  }

  /** Applies a command; false where nothing changed. */
  private apply(command: Command): boolean {
    switch (command.type) {
      case 'catalog.register': {
        const name = typeof command.node === 'string' ? command.node : command.node.name
        if (typeof command.node !== 'string')
          this.nodes.set(name, this.row('catalog', command.node, this.nodes.get(name)))
        for (const service of command.services) this.addService(name, service)
        for (const check of command.checks) this.addCheck(check)
        return true
      }
      case 'catalog.deregister':
        if (command.serviceId !== undefined) this.removeService(command.node, command.serviceId)
        else if (command.checkId !== undefined) this.checks.delete(`${command.node}/${command.checkId}`)
        else this.nodes.delete(command.node)
        this.touch('catalog')
        return true
      case 'intention.upsert': {
        const key = `${command.sourceName}/${command.destinationName}`
        const before = this.intentions.get(key)
        const at = Date.UTC(2026, 2, 1, 12, 0, 0, 500)
        this.intentions.set(
          key,
          this.row(
            'intentions',
            {
              ...command,
              id: before?.id ?? command.id,
              precedence: precedenceOf(command.sourceName, command.destinationName),
              createdAtMs: at,
              updatedAtMs: at,
            },
            before,
          ),
        )
        return true
      }
      case 'intention.delete': {
        const had = this.intentions.delete(`${command.sourceName}/${command.destinationName}`)
        if (had) this.touch('intentions')
        return had
      }
      case 'config-entry.upsert': {
        const key = `${command.entry.kind}/${command.entry.name}`
        const before = this.entries.get(key)
        if (command.casIndex !== undefined && command.casIndex !== (before?.modifyIndex ?? 0)) return false
        this.entries.set(key, this.row('config', command.entry, before))
        return true
      }
      case 'config-entry.delete': {
        const key = `${command.kind}/${command.name}`
        const before = this.entries.get(key)
        if (command.casIndex !== undefined && command.casIndex !== (before?.modifyIndex ?? 0)) return false
        this.entries.delete(key)
        this.touch('config')
        return before !== undefined
      }
      case 'enrollment.create':
        this.touch('roots')
        return true
      case 'host.evict':
        this.touch('roots')
        return this.nodes.delete(command.node)
      case 'root.activate':
        return true
      default:
        throw new Error(`the fake cluster has no ${command.type}`)
    }
  }
}

export const caRoot = {
  id: 'aa:bb',
  plane: 'service',
  name: 'Mesh CA',
  trustDomain: '11111111-2222-4333-8444-555555555555.consul',
  certificatePem: rootPem,
  serialNumber: 'de:ad:be:ef:de:ad:be:ef:01',
  signingKeyId: '01:02',
  notBeforeMs: Date.UTC(2026, 0, 1),
  notAfterMs: Date.UTC(2036, 0, 1),
  active: true,
  privateKeyType: 'ec',
  privateKeyBits: 256,
  createIndex: 3,
  modifyIndex: 3,
} as const

function tableOf(name: QueryName): Table {
  if (name.startsWith('intentions')) return 'intentions'
  if (name.startsWith('config')) return 'config'
  return name === 'ca.roots' ? 'roots' : 'catalog'
}
