// A cluster for the DNS server of one agent: a catalog that the test writes to, servers that may be away, and views that
// follow what DNS wants, as the real ones do. Questions and answers are read and written by dns-packet, not by our own code.
import dnsPacket from 'dns-packet'
import type { View } from '../../../src/agent/contract.ts'
import { createDns, type DnsAnswering, type DnsOptions } from '../../../src/agent/dns/serve.ts'
import { type DnsSettings, dnsDefaults } from '../../../src/config/dns-settings.ts'
import type { Check, CheckStatus } from '../../../src/model/check.ts'
import type { Node } from '../../../src/model/node.ts'
import type { QueryName, ReadAnswer } from '../../../src/model/query.ts'
import type { ServiceEntry } from '../../../src/model/service.ts'
import { type Subject, subjectKey } from '../../../src/model/topic.ts'
import type { Clock } from '../../../src/platform/ports.ts'
import type { ReadRequest, Reply } from '../../../src/rpc/contract.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { RecordingLog, RecordingMetrics } from '../agent/fakes.ts'

export interface Instance {
  readonly node: string
  readonly nodeAddress?: string
  readonly nodeMeta?: Readonly<Record<string, string>>
  readonly name: string
  readonly id?: string
  readonly address?: string
  readonly port?: number
  readonly tags?: readonly string[]
  readonly weights?: { readonly passing: number; readonly warning: number }
  readonly virtualAddress?: string
  readonly status?: CheckStatus
}

/** The package's types leave the result out. */
export type Packet = dnsPacket.DecodedPacket & { readonly rcode?: string }

export const decoded = (bytes: Uint8Array | undefined): Packet => dnsPacket.decode(Buffer.from(bytes ?? []))

const indexes = { createIndex: 1, modifyIndex: 1 }

export function entryOf(instance: Instance): ServiceEntry {
  const { node, name, id = `${name}-${node}`, status = 'passing' } = instance
  const check: Check = {
    node,
    checkId: `service:${id}`,
    name: 'check',
    status,
    notes: '',
    output: '',
    serviceId: id,
    serviceName: name,
    serviceTags: [],
    type: 'ttl',
    interval: '',
    timeout: '',
  }
  return {
    node: { ...nodeOf(node, instance.nodeAddress ?? '10.0.0.1', instance.nodeMeta), ...indexes },
    service: {
      kind: '',
      id,
      name,
      tags: instance.tags ?? [],
      meta: {},
      address: instance.address ?? '',
      port: instance.port ?? 8080,
      socketPath: '',
      taggedAddresses:
        instance.virtualAddress === undefined
          ? {}
          : { 'consul-virtual': { address: instance.virtualAddress, port: 8080 } },
      weights: instance.weights ?? { passing: 1, warning: 1 },
      enableTagOverride: false,
      connectNative: false,
      ...indexes,
    },
    checks: [{ ...check, ...indexes }],
  }
}

export const nodeOf = (name: string, address: string, meta: Node['meta'] = {}): Node => ({
  id: '',
  name,
  address,
  datacenter: 'dc1',
  taggedAddresses: {},
  meta,
})

export class DnsWorld {
  readonly clock = new VirtualClock()
  readonly log = new RecordingLog()
  readonly metrics = new RecordingMetrics()
  readonly dns: DnsAnswering
  readonly options: DnsOptions
  /** Questions that reached a server. */
  readonly reads: string[] = []
  wanted: readonly Subject[] = []
  connected = true
  settings: DnsSettings = dnsDefaults
  /** Subjects that the stream has delivered; a wanted one that is not here is on its way. */
  streaming = true
  /** Other datacenters that the servers are federated with. */
  readonly others = new Map<string, DnsWorld>()
  private readonly entries = new Map<string, ServiceEntry>()
  private readonly mesh = new Map<string, ServiceEntry>()
  private readonly nodes = new Map<string, Node>()
  private readonly views = new Map<string, View>()
  private readonly listeners: ((subject: Subject) => void)[] = []
  private viewsAsOfMs = 0

  constructor(overrides: { readonly clock?: Clock; readonly domains?: readonly string[] } = {}) {
    this.options = {
      addresses: ['127.0.0.1'],
      port: nextPort(),
      domains: overrides.domains ?? ['mesh', 'consul'],
      datacenter: 'dc1',
      settings: () => this.settings,
      ownNode: () => nodeOf('here', '10.9.9.9', { rack: 'r1' }),
      views: {
        view: (subject) => this.views.get(subjectKey(subject)),
        onChange: (listener) => this.listeners.push(listener),
        ageMs: (subject) =>
          this.views.get(subjectKey(subject))?.live === true ? 0 : this.clock.wallMs() - this.viewsAsOfMs,
      },
      want: (subjects) => this.follow(subjects),
      read: (request, reply) => this.read(request, reply),
      connected: () => this.connected,
      clock: overrides.clock ?? this.clock,
      random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)), fraction: this.fraction },
      log: this.log,
      metrics: this.metrics,
    }
    this.dns = createDns(this.options)
  }

  /** Registers or changes an instance; of `mesh` when it stands for its service there. */
  put(instance: Instance, mesh = false): void {
    const entry = entryOf(instance)
    const key = `${entry.node.name}/${entry.service.id}`
    const table = mesh ? this.mesh : this.entries
    table.set(key, entry)
    this.nodes.set(entry.node.name, entry.node)
    this.changed(instance.name)
  }

  putNode(node: Node): void {
    this.nodes.set(node.name, node)
  }

  remove(node: string, id: string, name: string): void {
    this.entries.delete(`${node}/${id}`)
    this.changed(name)
  }

  /** The servers and the stream go away, and come back. */
  disconnect(): void {
    this.connected = false
    this.viewsAsOfMs = this.clock.wallMs()
    for (const [key, view] of this.views) {
      this.views.set(key, { ...view, live: false })
      this.tell(view.subject)
    }
  }

  reconnect(): void {
    this.connected = true
    for (const subject of this.wanted) this.refresh(subject)
  }

  /** The answer to one question, read by dns-packet; undefined where there was none at all. */
  ask(
    name: string,
    type: dnsPacket.RecordType | 'ANY' = 'A',
    how: { readonly tcp?: boolean; readonly edns?: number; readonly flags?: number } = {},
  ): Packet | undefined {
    const answer = this.askRaw(question(name, type, how), how.tcp === true ? 'tcp' : 'udp')
    return answer === undefined ? undefined : decoded(answer)
  }

  askRaw(bytes: Buffer, transport: 'udp' | 'tcp' = 'udp'): Uint8Array | undefined {
    const { handler } = this.dns
    let found = handler.repeated(bytes, transport)
    if (found !== undefined) return found
    handler.handle(bytes, { transport, address: '127.0.0.1' }, (answer) => {
      found = answer
    })
    this.clock.run(10)
    return found
  }

  private readonly fraction = seededFraction(7)

  private read<Name extends QueryName>(
    request: ReadRequest<Name>,
    reply: Reply<ReadAnswer<Name>>,
  ): { cancel(): void } {
    const { name, args } = request as unknown as { name: QueryName; args: Record<string, string> }
    const timer = this.options.clock.after(1, () => {
      if (!this.connected) {
        reply({ ok: false, failure: { code: 'no-server', message: 'away' } })
        return
      }
      this.reads.push(`${name} ${args['service'] ?? args['node'] ?? args['address'] ?? ''}`)
      const meta = { index: 5, knownLeader: true, lastContactMs: 0, effective: 'stale' } as const
      const { datacenter } = request
      const there = datacenter === undefined ? this : this.others.get(datacenter)
      if (there === undefined)
        reply({ ok: false, failure: { code: 'unknown-datacenter', message: 'no such datacenter' } })
      else if (!there.connected)
        reply({ ok: false, failure: { code: 'datacenter-unreachable', message: 'the link is cut' } })
      else reply({ ok: true, value: { meta, answer: there.answer(name, args) as never } })
    })
    return { cancel: () => timer.cancel() }
  }

  private answer(name: QueryName, args: Record<string, string>): unknown {
    const { service = '', node = '', address = '' } = args
    switch (name) {
      case 'catalog.service':
        return this.of(this.entries, service)
      case 'catalog.mesh':
        return this.of(this.mesh, service)
      case 'catalog.node': {
        const row = this.nodes.get(node)
        return row === undefined ? null : { node: row, services: [], checks: [] }
      }
      case 'catalog.address': {
        const services = [...this.entries.values()].filter((entry) => entry.service.address === address)
        const nodes = [...this.nodes.values()].filter((row) => row.address === address)
        return {
          nodes: nodes.map((row) => row.name),
          services: services.map((entry) => entry.service.name),
        }
      }
      default:
        throw new Error(`DNS has no business with ${name}`)
    }
  }

  private of(table: ReadonlyMap<string, ServiceEntry>, service: string): readonly ServiceEntry[] {
    return [...table.values()].filter((entry) => entry.service.name === service)
  }

  private follow(subjects: readonly Subject[]): void {
    const keys = new Set(subjects.map(subjectKey))
    for (const [key, view] of this.views)
      if (view.live && !keys.has(key)) {
        this.views.set(key, { ...view, live: false })
        this.tell(view.subject)
      }
    this.wanted = subjects
    if (this.connected && this.streaming) for (const subject of subjects) this.refresh(subject)
  }

  private changed(service: string): void {
    if (!this.connected) return
    for (const subject of this.wanted) if (subject.key === service) this.refresh(subject)
  }

  private refresh(subject: Subject): void {
    const { topic } = subject
    if (topic !== 'service-health' && topic !== 'mesh-health') return
    const entries = this.of(topic === 'mesh-health' ? this.mesh : this.entries, subject.key)
    const bodies = entries.map((entry) => ({ topic, op: 'upsert', entry }) as const)
    this.views.set(subjectKey(subject), { subject, index: 5, bodies, live: true })
    this.tell(subject)
  }

  private tell(subject: Subject): void {
    for (const listener of this.listeners) listener(subject)
  }
}

export function question(
  name: string,
  type: dnsPacket.RecordType | 'ANY' = 'A',
  how: { readonly edns?: number; readonly flags?: number } = {},
): Buffer {
  return dnsPacket.encode({
    type: 'query',
    id: 4711,
    flags: how.flags ?? dnsPacket.RECURSION_DESIRED,
    questions: [{ type: type as dnsPacket.RecordType, name }],
    additionals:
      how.edns === undefined
        ? []
        : [
            {
              type: 'OPT',
              name: '.',
              udpPayloadSize: how.edns,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: 0,
              flag_do: false,
              options: [],
            },
          ],
  })
}

/** Records as `TYPE name data`, sorted: what a section says, whatever its order. */
export function said(records: readonly dnsPacket.Answer[] | undefined): readonly string[] {
  return (records ?? [])
    .filter((record) => record.type !== 'OPT')
    .map((record) => `${record.type} ${record.name} ${dataOf(record)}`)
    .sort()
}

function dataOf(record: dnsPacket.Answer): string {
  if (!('data' in record)) return ''
  const { data } = record
  if (record.type === 'TXT') return (Array.isArray(data) ? data : [data]).map(String).join('')
  if (record.type === 'SRV') {
    const { priority, weight, port, target } = record.data
    return `${priority} ${weight} ${port} ${target}`
  }
  if (record.type === 'SOA') return `${record.data.mname} ${record.data.rname}`
  return String(data)
}

let ports = 0

/** Below the ports that the kernel gives to clients: one that is free for UDP may be such a client's for TCP. */
function nextPort(): number {
  ports += 1
  return 23_000 + ((process.pid * 97 + ports) % 8_000)
}

function seededFraction(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
