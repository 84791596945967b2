/**
 * This host's own services and checks and the rules by which they are registered, replaced and removed (Consul's).
 * What comes through the API is on disk before the caller hears "ok". Telling the catalog is anti-entropy.ts's business.
 */
import type { PortRange } from '../../config/ports.ts'
import type { CheckDefinition, CheckStatus } from '../../model/check.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { ServiceDefinition } from '../../model/service.ts'
import type { Clock, Log, StateFiles } from '../../platform/ports.ts'
import type { LocalCheck, LocalRegistry, LocalService, RegistrationSource } from '../contract.ts'
import { draftFileDefinitions } from './file-draft.ts'
import { Holdings } from './holdings.ts'
import { changeMaintenance, maintenanceCheckId } from './maintenance.ts'
import { keepChecks, placeSidecar, type Registration } from './registration.ts'
import { Rows } from './rows.ts'
import { SavedRegistrations } from './saved-registrations.ts'
import { SavedStatuses } from './saved-statuses.ts'
import { checkScripts, type ScriptPolicy } from './script-policy.ts'
import { SidecarPorts } from './sidecar-ports.ts'

export interface LocalStateOptions {
  readonly node: string
  /** Rooted in the agent's own state folder. */
  readonly files: StateFiles
  readonly clock: Clock
  readonly log: Log
  readonly sidecarPorts: PortRange
  /** Where sidecars of this host listen, unless they say otherwise. */
  readonly bindAddress: string
  readonly scripts: ScriptPolicy
  /** `discard_check_output`. */
  readonly discardOutput?: boolean
}

interface RegisterOptions {
  readonly source: RegistrationSource
  readonly replaceChecks: boolean
}

export class LocalState implements LocalRegistry {
  /** For anti-entropy, the check runner and alias checks, which follow single rows. */
  readonly rows: Rows
  readonly #options: LocalStateOptions
  readonly #saved: SavedRegistrations
  readonly #statuses: SavedStatuses
  readonly #ports: SidecarPorts
  readonly #holdings: Holdings
  /** Saved checks whose service a file defines that was not read yet. */
  #waiting: readonly CheckDefinition[] = []
  #swept: boolean = false

  constructor(options: LocalStateOptions) {
    this.#options = options
    this.#saved = new SavedRegistrations(options.files, options.log)
    this.#statuses = new SavedStatuses(options)
    this.#ports = new SidecarPorts(this.#saved, options.sidecarPorts)
    const restore = (definition: CheckDefinition) => this.#statuses.restore(definition)
    this.rows = new Rows(options.node, restore, options.discardOutput)
    this.rows.observe((event) => this.#statuses.follow(event))
    this.#holdings = new Holdings(this.rows, (checkId) => this.#forgetSavedCheck(checkId))
  }

  /** Brings back what the API registered before; to be called once, after all observers of `rows` are in place. */
  load(): void {
    for (const definition of this.#saved.services()) {
      const prepared = this.#prepare(definition, { source: 'api', replaceChecks: true })
      if (prepared.ok) this.#holdings.put(prepared.value)
      else this.#logUnusable(definition.service.id, prepared.failure.message)
    }
    const checks = this.#saved.checks()
    this.#waiting = checks.filter((check) => !this.#serviceExists(check))
    this.#loadChecks(checks.filter((check) => this.#serviceExists(check)))
    this.rows.tell()
  }

  /** Writes what is only in memory; for an orderly stop. */
  close(): void {
    this.#statuses.flush()
  }

  services(): readonly LocalService[] {
    return this.rows.services()
  }

  service(id: string): LocalService | undefined {
    return this.rows.service(id)
  }

  checks(): readonly LocalCheck[] {
    return this.rows.checks()
  }

  check(id: string): LocalCheck | undefined {
    return this.rows.check(id)
  }

  onChange(listener: () => void): void {
    this.rows.observe((event) => {
      if (event.kind !== 'heartbeat') listener()
    })
  }

  register(definition: ServiceDefinition, options: RegisterOptions): Result<true> {
    const prepared = this.#prepare(definition, options)
    if (!prepared.ok) return prepared
    const { asked } = prepared.value
    const saved = options.source === 'api' ? this.#saved.writeService(asked) : ok(true as const)
    if (!saved.ok) return saved
    this.#holdings.put(prepared.value)
    if (options.replaceChecks)
      // An operator took the service out; a program that registers itself again must not bring it back.
      for (const checkId of this.#holdings.standaloneOf(asked.service.id, options.source))
        if (checkId !== maintenanceCheckId(asked.service.id)) this.#holdings.dropStandalone(checkId)
    this.rows.tell()
    return ok(true)
  }

  deregister(serviceId: string): Result<true> {
    const owner = this.#holdings.ownership.ownerOfService(serviceId)
    const registration = this.#holdings.registration(owner?.id ?? '')
    if (registration === undefined)
      return failed(
        'not-found',
        `Unknown service ID "${serviceId}". Ensure that the service ID is passed, not the service name.`,
      )
    const { source, asked } = registration
    if (serviceId !== asked.service.id)
      return this.register({ service: asked.service, checks: asked.checks }, { source, replaceChecks: false })
    const removed = source === 'api' ? this.#saved.removeService(serviceId) : ok(true as const)
    if (!removed.ok) return removed
    this.#holdings.drop(registration)
    this.rows.tell()
    return ok(true)
  }

  registerCheck(check: CheckDefinition, source: RegistrationSource): Result<true> {
    const owner = this.#holdings.ownership.ownerOfCheck(check.checkId)
    const registration = owner?.kind === 'registration' ? this.#holdings.registration(owner.id) : undefined
    if (registration?.source === source && registration.asked.service.id === check.serviceId) {
      const others = registration.asked.checks.filter(({ checkId }) => checkId !== check.checkId)
      const asked = { ...registration.asked, checks: [...others, check] }
      return this.register(asked, { source, replaceChecks: false })
    }
    const allowed = this.#allowCheck(check, source)
    if (!allowed.ok) return allowed
    const saved = source === 'api' ? this.#saved.writeCheck(check) : ok(true as const)
    if (!saved.ok) return saved
    this.#holdings.putStandalone(check, source)
    this.rows.tell()
    return ok(true)
  }

  deregisterCheck(checkId: string): Result<true> {
    const owner = this.#holdings.ownership.ownerOfCheck(checkId)
    if (owner === undefined) return unknownCheck(checkId)
    const registration = owner.kind === 'registration' ? this.#holdings.registration(owner.id) : undefined
    if (registration === undefined) {
      this.#holdings.dropStandalone(checkId)
      this.rows.tell()
      return ok(true)
    }
    const { source, asked } = registration
    const checks = asked.checks.filter((check) => check.checkId !== checkId)
    if (checks.length === asked.checks.length)
      return failed(
        'bad-request',
        `check "${checkId}" belongs to the sidecar of service "${owner.id}"; deregister the sidecar instead`,
      )
    return this.#withoutCheck({ ...asked, checks }, source)
  }

  setMaintenance(serviceId: string, maintenance: { readonly reason: string } | undefined): Result<true> {
    return changeMaintenance(this, serviceId, maintenance)
  }

  updateTtl(checkId: string, status: CheckStatus, output: string): Result<true> {
    const row = this.rows.check(checkId)
    if (row === undefined) return unknownCheck(checkId)
    if (row.definition.probe.type !== 'ttl')
      return failed('bad-request', `CheckID "${checkId}" does not have associated TTL`)
    this.rows.report(checkId, status, output)
    this.rows.heartbeat(checkId)
    return ok(true)
  }

  replaceFileDefinitions(
    services: readonly ServiceDefinition[],
    checks: readonly CheckDefinition[],
  ): Result<true> {
    const draft = draftFileDefinitions(services, checks, {
      registrations: this.#holdings.registrationsFrom('api'),
      standalone: this.#holdings.standaloneFrom('api'),
      ports: this.#ports,
      scripts: this.#options.scripts,
      bindAddress: this.#options.bindAddress,
    })
    if (!draft.ok) return draft
    this.#holdings.replaceFiles(draft.value)
    const waiting = this.#waiting
    this.#waiting = []
    this.#loadChecks(waiting)
    if (!this.#swept) this.#statuses.sweep(this.rows.checks().map((row) => row.check.checkId))
    this.#swept = true
    this.rows.tell()
    return ok(true)
  }

  /** Everything that may refuse a registration, with a port found for its sidecar. */
  #prepare(definition: ServiceDefinition, options: RegisterOptions): Result<Registration> {
    const { source } = options
    const before = this.#holdings.registration(definition.service.id)
    const keeps = before !== undefined && before.source === source && !options.replaceChecks
    const asked = keeps ? keepChecks(definition, before.asked) : definition
    const room = this.#checkRoom(before === undefined ? 1 : 0, asked.checks.length)
    if (!room.ok) return room
    const scripts = checkScripts(
      [...asked.checks, ...(asked.sidecar?.checks ?? [])],
      source,
      this.#options.scripts,
    )
    if (!scripts.ok) return scripts
    const absorbed = this.#holdings.standaloneOf(asked.service.id, source)
    const { ownership } = this.#holdings
    // Before a port is looked for: a refused registration must not use one up.
    const free = ownership.checkRegistration({ source, asked, placed: asked }, absorbed)
    if (!free.ok) return free
    const ports = this.#ports.take([asked], this.#holdings.definitionsBut(before))
    if (!ports.ok) return ports
    const placed = placeSidecar(asked, ports.value, this.#options.bindAddress)
    const claimed = ownership.checkRegistration({ source, asked, placed }, absorbed)
    return claimed.ok ? ok({ source, asked, placed }) : claimed
  }

  #allowCheck(check: CheckDefinition, source: RegistrationSource): Result<true> {
    if (!this.#serviceExists(check))
      return failed('not-found', `ServiceID "${check.serviceId}" does not exist`)
    const room = this.#checkRoom(0, 1)
    if (!room.ok) return room
    const scripts = checkScripts([check], source, this.#options.scripts)
    return scripts.ok ? this.#holdings.ownership.checkCheck(check.checkId, source) : scripts
  }

  #checkRoom(services: number, checks: number): Result<true> {
    if (this.rows.serviceCount + services > limits.servicesPerAgent)
      return failed('overloaded', `this host has ${limits.servicesPerAgent} services, which is the limit`)
    if (this.rows.checkCount + checks > limits.checksPerAgent)
      return failed('overloaded', `this host has ${limits.checksPerAgent} checks, which is the limit`)
    return ok(true)
  }

  /** As `register` with the checks replaced, but checks registered by themselves stay. */
  #withoutCheck(asked: ServiceDefinition, source: RegistrationSource): Result<true> {
    const prepared = this.#prepare(asked, { source, replaceChecks: true })
    if (!prepared.ok) return prepared
    const saved = source === 'api' ? this.#saved.writeService(asked) : ok(true as const)
    if (!saved.ok) return saved
    this.#holdings.put(prepared.value)
    this.rows.tell()
    return ok(true)
  }

  #serviceExists(check: CheckDefinition): boolean {
    return check.serviceId === '' || this.rows.service(check.serviceId) !== undefined
  }

  #loadChecks(checks: readonly CheckDefinition[]): void {
    for (const check of checks) {
      const allowed = this.#allowCheck(check, 'api')
      if (allowed.ok) this.#holdings.putStandalone(check, 'api')
      else this.#logUnusable(check.checkId, allowed.failure.message)
    }
  }

  /** The check goes with its service, which was answered for; the file alone cannot hold that up. */
  #forgetSavedCheck(checkId: string): void {
    const removed = this.#saved.removeCheck(checkId)
    if (!removed.ok)
      this.#options.log.error('A saved check could not be removed; it may come back at the next start', {
        check: checkId,
        reason: removed.failure.message,
      })
  }

  #logUnusable(id: string, reason: string): void {
    this.#options.log.error('A saved registration cannot be used; its file is left alone', { id, reason })
  }
}

function unknownCheck(checkId: string): Result<true> {
  return failed(
    'not-found',
    `Unknown check ID "${checkId}". Ensure that the check ID is passed, not the check name.`,
  )
}
