/**
 * The rows that this host puts into the catalog: services and checks with their present status, and which of them the
 * catalog does not have yet. Every change becomes a `RegistryEvent`, told after the whole operation is done.
 * Knows no rules of registration (local-state.ts) and sends nothing (anti-entropy.ts).
 */
import type { Check, CheckDefinition, CheckStatus } from '../../model/check.ts'
import { formatDuration } from '../../model/duration.ts'
import { sameValue } from '../../model/equality.ts'
import { assert } from '../../model/errors.ts'
import type { Service } from '../../model/service.ts'
import type { LocalCheck, LocalService, RegistrationSource } from '../contract.ts'
import type { RegistryEvent } from './events.ts'
import { boundedText } from './output.ts'
import type { RestoredStatus } from './saved-statuses.ts'

/** Ids of rows that the catalog must still be told of. */
export interface PendingRows {
  readonly services: ReadonlySet<string>
  readonly checks: ReadonlySet<string>
  readonly removedServices: ReadonlySet<string>
  readonly removedChecks: ReadonlySet<string>
}

export class Rows {
  readonly #node: string
  readonly #discardOutput: boolean
  readonly #restore: (definition: CheckDefinition) => RestoredStatus | undefined
  readonly #services = new Map<string, LocalService>()
  readonly #checks = new Map<string, LocalCheck>()
  readonly #checksOfService = new Map<string, Set<string>>()
  readonly #pending = {
    services: new Set<string>(),
    checks: new Set<string>(),
    removedServices: new Set<string>(),
    removedChecks: new Set<string>(),
  }
  readonly #listeners: ((event: RegistryEvent) => void)[] = []
  readonly #events: RegistryEvent[] = []
  #telling: boolean = false
  #serviceList: readonly LocalService[] | undefined
  #checkList: readonly LocalCheck[] | undefined

  /** `restore` gives the status that a check had before this process started. `discardOutput`: statuses are all that is kept. */
  constructor(
    node: string,
    restore: (definition: CheckDefinition) => RestoredStatus | undefined,
    discardOutput = false,
  ) {
    this.#node = node
    this.#discardOutput = discardOutput
    this.#restore = restore
  }

  observe(listener: (event: RegistryEvent) => void): void {
    this.#listeners.push(listener)
  }

  /** The same array until a service changes. */
  services(): readonly LocalService[] {
    this.#serviceList ??= [...this.#services.values()]
    return this.#serviceList
  }

  checks(): readonly LocalCheck[] {
    this.#checkList ??= [...this.#checks.values()]
    return this.#checkList
  }

  get serviceCount(): number {
    return this.#services.size
  }

  get checkCount(): number {
    return this.#checks.size
  }

  service(id: string): LocalService | undefined {
    return this.#services.get(id)
  }

  check(id: string): LocalCheck | undefined {
    return this.#checks.get(id)
  }

  /** Checks of one service; of the node itself for ''. */
  checkIdsOf(serviceId: string): ReadonlySet<string> {
    return this.#checksOfService.get(serviceId) ?? new Set()
  }

  pending(): PendingRows {
    return this.#pending
  }

  setService(service: Service, source: RegistrationSource): void {
    const before = this.#services.get(service.id)
    if (before !== undefined && before.source === source && sameValue(before.service, service)) return
    this.#putService({ service, source, synced: false })
    this.#pending.removedServices.delete(service.id)
    this.#events.push({ kind: 'service', id: service.id })
    for (const checkId of this.checkIdsOf(service.id)) this.#renameCheck(checkId, service)
  }

  removeService(id: string): void {
    assert(this.checkIdsOf(id).size === 0, `service ${id} goes after its checks`)
    if (!this.#services.delete(id)) return
    this.#serviceList = undefined
    this.#pending.services.delete(id)
    this.#pending.removedServices.add(id)
    this.#events.push({ kind: 'service', id })
  }

  setCheck(definition: CheckDefinition, source: RegistrationSource): void {
    const before = this.#checks.get(definition.checkId)
    const unchanged = before?.source === source && sameValue(before.definition, definition)
    if (unchanged) return
    if (before !== undefined && before.check.serviceId !== definition.serviceId) this.#forget(before)
    const restored = before === undefined ? this.#restore(definition) : undefined
    const { status, output } = before?.check ?? restored ?? { status: definition.initialStatus, output: '' }
    const check = { ...this.#describe(definition), status, output }
    const row: LocalCheck = { definition, check, source, synced: false }
    this.#putCheck(row)
    this.#pending.removedChecks.delete(definition.checkId)
    const ttlMs = definition.probe.type === 'ttl' ? definition.probe.ttlMs : 0
    this.#events.push({ kind: 'check-defined', check: row, ttlLeftMs: restored?.ttlLeftMs ?? ttlMs })
  }

  removeCheck(checkId: string): void {
    const row = this.#checks.get(checkId)
    if (row === undefined) return
    this.#forget(row)
    this.#pending.checks.delete(checkId)
    this.#pending.removedChecks.add(checkId)
    this.#events.push({ kind: 'check-removed', checkId, serviceId: row.check.serviceId })
  }

  /** A result of a check. Unknown ids are ignored: a probe may end after its check is gone. */
  report(checkId: string, status: CheckStatus, output: string): void {
    const row = this.#checks.get(checkId)
    if (row === undefined) return
    const bounded = this.#discardOutput ? '' : boundedText(output, row.definition.outputMaxBytes)
    const { status: previous, output: outputBefore } = row.check
    if (previous === status && outputBefore === bounded) return
    const check = { ...row.check, status, output: bounded }
    if (previous !== status) {
      const next = this.#putCheck({ ...row, check, synced: false })
      this.#events.push({ kind: 'status', check: next, previous })
    } else {
      const next = this.#putCheck({ ...row, check })
      this.#events.push({ kind: 'output', check: next })
    }
    this.tell()
  }

  /** The port of the proxy through which a check is asked; undefined: it is asked directly. */
  setExposedPort(checkId: string, port: number | undefined): void {
    const row = this.#checks.get(checkId)
    if (row === undefined || row.check.exposedPort === port) return
    const { exposedPort: _before, ...rest } = row.check
    const check = port === undefined ? rest : { ...rest, exposedPort: port }
    this.#events.push({ kind: 'check-renamed', check: this.#putCheck({ ...row, check, synced: false }) })
    this.tell()
  }

  heartbeat(checkId: string): void {
    const row = this.#checks.get(checkId)
    if (row !== undefined) this.#events.push({ kind: 'heartbeat', check: row })
    this.tell()
  }

  /** The catalog has, or lacks, this version of a service; an older version than the present one changes nothing. */
  markService(service: Service, synced: boolean): void {
    const row = this.#services.get(service.id)
    if (row !== undefined && row.service === service && row.synced !== synced)
      this.#putService({ ...row, synced })
  }

  /** As `markService`; a check whose output moved on meanwhile still counts as synced. */
  markCheck(check: Check, synced: boolean): void {
    const row = this.#checks.get(check.checkId)
    if (row === undefined || row.synced === synced) return
    if (row.check === check || sameValue(row.check, check, outputOnly)) this.#putCheck({ ...row, synced })
  }

  /** Takes over tags that somebody else wrote into the catalog, where the service allows that. */
  adoptTags(id: string, tags: readonly string[]): void {
    const row = this.#services.get(id)
    if (row === undefined) return
    const service = { ...row.service, tags }
    this.#putService({ ...row, service })
    this.#events.push({ kind: 'service', id })
    for (const checkId of this.checkIdsOf(id)) this.#renameCheck(checkId, service)
  }

  /** A row that only the catalog has: to be removed there. */
  markForeign(kind: 'services' | 'checks', id: string): void {
    if (kind === 'services') this.#pending.removedServices.add(id)
    else this.#pending.removedChecks.add(id)
  }

  markRemoved(kind: 'services' | 'checks', id: string): void {
    if (kind === 'services') this.#pending.removedServices.delete(id)
    else this.#pending.removedChecks.delete(id)
  }

  /** Tells what changed since the last call. Listeners may change rows; that is told in the same call, in order. */
  tell(): void {
    if (this.#telling) return
    this.#telling = true
    // By position and not by iterator over a copy: listeners may add events, which are told in the same call.
    for (let at = 0; at < this.#events.length; at++) {
      const event = this.#events[at]
      if (event !== undefined) for (const listener of this.#listeners) listener(event)
    }
    this.#events.length = 0
    this.#telling = false
  }

  #putService(row: LocalService): void {
    this.#services.set(row.service.id, row)
    this.#serviceList = undefined
    if (row.synced) this.#pending.services.delete(row.service.id)
    else this.#pending.services.add(row.service.id)
  }

  #putCheck(row: LocalCheck): LocalCheck {
    const { checkId, serviceId } = row.check
    this.#checks.set(checkId, row)
    this.#checkList = undefined
    const ofService = this.#checksOfService.get(serviceId)
    if (ofService === undefined) this.#checksOfService.set(serviceId, new Set([checkId]))
    else ofService.add(checkId)
    if (row.synced) this.#pending.checks.delete(checkId)
    else this.#pending.checks.add(checkId)
    return row
  }

  #forget(row: LocalCheck): void {
    this.#checks.delete(row.check.checkId)
    this.#checkList = undefined
    const ofService = this.#checksOfService.get(row.check.serviceId)
    ofService?.delete(row.check.checkId)
    if (ofService?.size === 0) this.#checksOfService.delete(row.check.serviceId)
  }

  #renameCheck(checkId: string, service: Service): void {
    const row = this.#checks.get(checkId)
    if (row === undefined) return
    const check = { ...row.check, serviceName: service.name, serviceTags: service.tags }
    if (sameValue(check, row.check)) return
    this.#events.push({ kind: 'check-renamed', check: this.#putCheck({ ...row, check, synced: false }) })
  }

  #describe(definition: CheckDefinition): Omit<Check, 'status' | 'output'> {
    const { checkId, name, notes, serviceId, probe, intervalMs, timeoutMs } = definition
    const service = this.#services.get(serviceId)?.service
    const scheduled = !toldTypes.has(probe.type)
    return {
      node: this.#node,
      checkId,
      name,
      notes,
      serviceId,
      serviceName: service?.name ?? '',
      serviceTags: service?.tags ?? [],
      type: probe.type,
      interval: scheduled ? formatDuration(intervalMs) : '',
      timeout: scheduled ? formatDuration(timeoutMs) : '',
    }
  }
}

/** Checks that nobody runs: an interval and a timeout would mean nothing. */
const toldTypes: ReadonlySet<string> = new Set(['ttl', 'alias', 'maintenance'])

const outputOnly: ReadonlySet<string> = new Set(['output'])
