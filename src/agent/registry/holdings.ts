/**
 * What is registered on this host now: registrations, checks registered by themselves, and who owns which id. Changes
 * here always succeed; whether one is allowed was decided before, in local-state.ts and file-draft.ts.
 */
import type { CheckDefinition } from '../../model/check.ts'
import type { ServiceDefinition } from '../../model/service.ts'
import type { RegistrationSource } from '../contract.ts'
import type { FileDraft } from './file-draft.ts'
import { Ownership, type StandaloneCheck } from './ownership.ts'
import { checksOf, type Registration, servicesOf } from './registration.ts'
import type { Rows } from './rows.ts'

export class Holdings {
  readonly #rows: Rows
  readonly #removeSavedCheck: (checkId: string) => void
  readonly #registrations = new Map<string, Registration>()
  readonly #standalone = new Map<string, StandaloneCheck>()
  #ownership = new Ownership()

  /** `removeSavedCheck` is called when a check that the API registered by itself goes. */
  constructor(rows: Rows, removeSavedCheck: (checkId: string) => void) {
    this.#rows = rows
    this.#removeSavedCheck = removeSavedCheck
  }

  get ownership(): Ownership {
    return this.#ownership
  }

  registration(serviceId: string): Registration | undefined {
    return this.#registrations.get(serviceId)
  }

  registrationsFrom(source: RegistrationSource): readonly Registration[] {
    return [...this.#registrations.values()].filter((registration) => registration.source === source)
  }

  /** Definitions of all registrations but one, as they were placed. */
  definitionsBut(registration: Registration | undefined): readonly ServiceDefinition[] {
    return [...this.#registrations.values()].flatMap((each) => (each === registration ? [] : [each.placed]))
  }

  standaloneFrom(source: RegistrationSource): readonly StandaloneCheck[] {
    return [...this.#standalone.values()].filter((check) => check.source === source)
  }

  /** Checks that were registered by themselves for a service: a later registration of it may name and so own them. */
  standaloneOf(serviceId: string, source: RegistrationSource): ReadonlySet<string> {
    const ids = [...this.#rows.checkIdsOf(serviceId)]
    return new Set(ids.filter((checkId) => this.#standalone.get(checkId)?.source === source))
  }

  /** Adds or replaces a registration; checks of its own that stood by themselves become part of it. */
  put(registration: Registration): void {
    const { source, asked } = registration
    const before = this.#registrations.get(asked.service.id)
    for (const { checkId } of asked.checks) if (this.#standalone.has(checkId)) this.#forget(checkId)
    if (before !== undefined) this.#ownership.releaseRegistration(before)
    this.#ownership.takeRegistration(registration)
    this.#registrations.set(asked.service.id, registration)
    for (const service of servicesOf(registration)) this.#rows.setService(service, source)
    for (const check of checksOf(registration)) this.#rows.setCheck(check, source)
    if (before !== undefined) this.#removeRest(before, registration)
  }

  /** Removes a registration with its sidecar and all checks, those that stood by themselves included. */
  drop(registration: Registration): void {
    this.#ownership.releaseRegistration(registration)
    this.#registrations.delete(registration.asked.service.id)
    for (const { checkId } of checksOf(registration)) this.#rows.removeCheck(checkId)
    for (const { id } of servicesOf(registration)) this.#removeService(id)
  }

  putStandalone(definition: CheckDefinition, source: RegistrationSource): void {
    this.#ownership.takeCheck(definition.checkId, source)
    this.#standalone.set(definition.checkId, { definition, source })
    this.#rows.setCheck(definition, source)
  }

  dropStandalone(checkId: string): void {
    this.#forget(checkId)
    this.#rows.removeCheck(checkId)
  }

  /** Replaces all that files defined. Sets what is there before it removes what is not: a check may move to another service. */
  replaceFiles(draft: FileDraft): void {
    for (const { check, source } of this.#rows.checks())
      if (source === 'file' && !draft.checkIds.has(check.checkId)) this.#rows.removeCheck(check.checkId)
    for (const [id, { source }] of [...this.#registrations])
      if (source === 'file') this.#registrations.delete(id)
    for (const [checkId, { source }] of [...this.#standalone])
      if (source === 'file') this.#standalone.delete(checkId)
    for (const registration of draft.registrations) {
      this.#registrations.set(registration.asked.service.id, registration)
      for (const service of servicesOf(registration)) this.#rows.setService(service, 'file')
    }
    for (const registration of draft.registrations)
      for (const check of checksOf(registration)) this.#rows.setCheck(check, 'file')
    for (const definition of draft.checks) {
      this.#standalone.set(definition.checkId, { definition, source: 'file' })
      this.#rows.setCheck(definition, 'file')
    }
    for (const { service, source } of this.#rows.services())
      if (source === 'file' && !draft.serviceIds.has(service.id)) this.#removeService(service.id)
    this.#ownership = Ownership.of(this.#registrations.values(), this.#standalone.values())
  }

  #removeRest(before: Registration, after: Registration): void {
    const services = new Set(servicesOf(after).map(({ id }) => id))
    const checks = new Set(checksOf(after).map(({ checkId }) => checkId))
    for (const { checkId } of checksOf(before)) if (!checks.has(checkId)) this.#rows.removeCheck(checkId)
    for (const { id } of servicesOf(before)) if (!services.has(id)) this.#removeService(id)
  }

  #removeService(id: string): void {
    for (const checkId of [...this.#rows.checkIdsOf(id)]) this.dropStandalone(checkId)
    this.#rows.removeService(id)
  }

  #forget(checkId: string): void {
    if (this.#standalone.get(checkId)?.source === 'api') this.#removeSavedCheck(checkId)
    this.#standalone.delete(checkId)
    this.#ownership.releaseCheck(checkId)
  }
}
