// The rooms of one agent in memory: registry, leaves and views behind their contracts, feeding a fake cluster.
import type {
  Leaf,
  Leaves,
  LocalCheck,
  LocalRegistry,
  LocalService,
  View,
  Views,
} from '../../../src/agent/contract.ts'
import type { DrainControl, DrainProgress } from '../../../src/agent/drain/contract.ts'
import { changeMaintenance } from '../../../src/agent/registry/maintenance.ts'
import type { Check, CheckDefinition } from '../../../src/model/check.ts'
import { type Failure, failed, ok } from '../../../src/model/errors.ts'
import type { ServiceDefinition } from '../../../src/model/service.ts'
import type { Subject } from '../../../src/model/topic.ts'
import { checkRow, type FakeCluster } from './fake-cluster.ts'

/** Answers at once and writes through to the cluster, as anti-entropy would a moment later. */
export class FakeRegistry implements LocalRegistry {
  private readonly rows = new Map<string, LocalService>()
  private readonly checkRows = new Map<string, LocalCheck>()
  private readonly listeners: (() => void)[] = []
  private readonly cluster: FakeCluster
  private readonly node: string

  constructor(cluster: FakeCluster, node: string) {
    this.cluster = cluster
    this.node = node
  }

  services = (): readonly LocalService[] => [...this.rows.values()]
  service = (id: string): LocalService | undefined => this.rows.get(id)
  checks = (): readonly LocalCheck[] => [...this.checkRows.values()]
  check = (id: string): LocalCheck | undefined => this.checkRows.get(id)

  register(definition: ServiceDefinition, options: { source: 'file' | 'api'; replaceChecks: boolean }) {
    const { service, checks, sidecar } = definition
    if (options.replaceChecks) this.dropChecks(service.id)
    this.rows.set(service.id, { service, source: options.source, synced: true })
    this.cluster.addService(this.node, service)
    for (const check of checks) this.registerCheck(check)
    if (sidecar !== undefined) {
      const placed = { ...sidecar.service, port: sidecar.service.port === 0 ? 21_000 : sidecar.service.port }
      this.rows.set(placed.id, { service: placed, source: options.source, synced: true })
      this.cluster.addService(this.node, placed)
      for (const check of sidecar.checks) this.registerCheck(check)
    }
    return this.changed()
  }

  deregister(serviceId: string) {
    for (const id of [serviceId, `${serviceId}-sidecar-proxy`]) {
      if (!this.rows.delete(id)) continue
      this.dropChecks(id)
      this.cluster.removeService(this.node, id)
    }
    return this.changed()
  }

  registerCheck(definition: CheckDefinition) {
    const service = this.rows.get(definition.serviceId)?.service
    const check: Check = checkRow(this.node, definition.checkId, {
      name: definition.name,
      notes: definition.notes,
      status: definition.initialStatus,
      serviceId: definition.serviceId,
      serviceName: service?.name ?? '',
      serviceTags: service?.tags ?? [],
      type: definition.probe.type,
      interval: definition.intervalMs === 0 ? '' : `${definition.intervalMs / 1_000}s`,
    })
    this.checkRows.set(definition.checkId, { definition, check, source: 'api', synced: true })
    this.cluster.addCheck(check)
    return this.changed()
  }

  deregisterCheck(checkId: string) {
    this.checkRows.delete(checkId)
    this.cluster.checks.delete(`${this.node}/${checkId}`)
    return this.changed()
  }

  setMaintenance = (serviceId: string, maintenance: { readonly reason: string } | undefined) =>
    changeMaintenance(this, serviceId, maintenance)

  updateTtl(checkId: string, status: Check['status'], output: string) {
    const row = this.checkRows.get(checkId)
    if (row === undefined) return failed('not-found', `no check ${checkId}`)
    const check = { ...row.check, status, output }
    this.checkRows.set(checkId, { ...row, check })
    this.cluster.addCheck(check)
    return this.changed()
  }

  replaceFileDefinitions() {
    return this.changed()
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener)
  }

  private dropChecks(serviceId: string): void {
    for (const [id, row] of this.checkRows)
      if (row.definition.serviceId === serviceId) this.deregisterCheck(id)
  }

  private changed() {
    for (const listener of this.listeners) listener()
    return ok(true) as { ok: true; value: true }
  }
}

export class FakeLeaves implements Leaves {
  private readonly kept = new Map<string, Leaf>()
  private readonly listeners: ((service: string) => void)[] = []
  failure: Failure | undefined

  want(): void {}

  leaf(service: string): Leaf | undefined {
    return this.kept.get(service)
  }

  request(service: string, reply: Parameters<Leaves['request']>[1]): void {
    if (this.failure !== undefined) reply({ ok: false, failure: this.failure })
    else reply(ok(this.kept.get(service) ?? this.renew(service)))
  }

  renew(service: string): Leaf {
    const generation = (this.kept.get(service)?.generation ?? 0) + 1
    const leaf: Leaf = {
      service,
      uri: `spiffe://11111111-2222-4333-8444-555555555555.consul/ns/default/dc/dc1/svc/${service}`,
      certificatePem: '-----BEGIN CERTIFICATE-----\nleaf\n-----END CERTIFICATE-----\n',
      privateKeyPem: '-----BEGIN PRIVATE KEY-----\nkey\n-----END PRIVATE KEY-----\n',
      serialNumber: `0${generation}:ff`,
      notBeforeMs: Date.UTC(2026, 2, 1),
      notAfterMs: Date.UTC(2026, 2, 4),
      generation,
    }
    this.kept.set(service, leaf)
    for (const listener of this.listeners) listener(service)
    return leaf
  }

  onChange(listener: (service: string) => void): void {
    this.listeners.push(listener)
  }
}

export class FakeViews implements Views {
  private readonly kept = new Map<string, View>()
  private readonly listeners: ((subject: Subject) => void)[] = []

  want(): void {}

  view(subject: Subject): View | undefined {
    return this.kept.get(`${subject.topic}/${subject.key}`)
  }

  onChange(listener: (subject: Subject) => void): void {
    this.listeners.push(listener)
  }

  set(view: View): void {
    this.kept.set(`${view.subject.topic}/${view.subject.key}`, view)
    for (const listener of this.listeners) listener(view.subject)
  }
}

/** Drains that go no further by themselves; `shown` is what a test says of them. */
export class FakeDrains implements DrainControl {
  readonly begun: unknown[] = []
  readonly #registry: FakeRegistry
  readonly #progress = new Map<string, DrainProgress>()

  constructor(registry: FakeRegistry) {
    this.#registry = registry
  }

  begin(serviceId: string, options: { readonly timeoutMs: number; readonly reason: string }) {
    this.begun.push([serviceId, options])
    const { timeoutMs: leftMs } = options
    const progress = {
      serviceId,
      phase: 'leaving',
      known: undefined,
      open: undefined,
      cut: 0,
      leftMs,
    } as const
    this.#progress.set(serviceId, progress)
    return this.#registry.setMaintenance(serviceId, options)
  }

  undo(serviceId: string) {
    if (!this.#progress.delete(serviceId)) return failed('not-found', `"${serviceId}" is in use`)
    return this.#registry.setMaintenance(serviceId, undefined)
  }

  progress(serviceId: string) {
    return this.#progress.get(serviceId)
  }
}
