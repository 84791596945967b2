/**
 * Who owns which service id and which check id on this host. An id has one owner: a registration (which owns the ids of
 * its sidecar and checks too) or a check registered by itself. A second claim is refused and never silently wins.
 */
import type { CheckDefinition } from '../../model/check.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import type { RegistrationSource } from '../contract.ts'
import { checksOf, type Registration, servicesOf } from './registration.ts'

export type Owner =
  | { readonly kind: 'registration'; readonly id: string; readonly source: RegistrationSource }
  | { readonly kind: 'check'; readonly id: string; readonly source: RegistrationSource }

export interface StandaloneCheck {
  readonly definition: CheckDefinition
  readonly source: RegistrationSource
}

export class Ownership {
  readonly #services = new Map<string, Owner>()
  readonly #checks = new Map<string, Owner>()

  static of(registrations: Iterable<Registration>, standalone: Iterable<StandaloneCheck>): Ownership {
    const ownership = new Ownership()
    for (const registration of registrations) ownership.takeRegistration(registration)
    for (const { definition, source } of standalone) ownership.takeCheck(definition.checkId, source)
    return ownership
  }

  ownerOfService(id: string): Owner | undefined {
    return this.#services.get(id)
  }

  ownerOfCheck(id: string): Owner | undefined {
    return this.#checks.get(id)
  }

  /**
   * Says which id of a registration is taken, and by whom; ok when all are free or its own. Checks in `absorbed` are
   * free too.
   */
  checkRegistration(registration: Registration, absorbed: ReadonlySet<string> = new Set()): Result<true> {
    const owner = ownerOf(registration)
    for (const { id } of servicesOf(registration)) {
      const other = this.#services.get(id)
      if (other !== undefined && !sameOwner(other, owner)) return taken(`service id "${id}"`, owner, other)
    }
    const named = new Set<string>()
    for (const { checkId } of checksOf(registration)) {
      const other = this.#checks.get(checkId)
      if (other !== undefined && !sameOwner(other, owner) && !absorbed.has(checkId))
        return taken(`check id "${checkId}"`, owner, other)
      if (named.has(checkId))
        return failed('invalid-service', `service "${owner.id}" names the check id "${checkId}" twice`)
      named.add(checkId)
    }
    return ok(true)
  }

  checkCheck(checkId: string, source: RegistrationSource): Result<true> {
    const owner: Owner = { kind: 'check', id: checkId, source }
    const other = this.#checks.get(checkId)
    if (other !== undefined && !sameOwner(other, owner)) return taken(`check id "${checkId}"`, owner, other)
    return ok(true)
  }

  takeRegistration(registration: Registration): void {
    const owner = ownerOf(registration)
    for (const { id } of servicesOf(registration)) this.#services.set(id, owner)
    for (const { checkId } of checksOf(registration)) this.#checks.set(checkId, owner)
  }

  takeCheck(checkId: string, source: RegistrationSource): void {
    this.#checks.set(checkId, { kind: 'check', id: checkId, source })
  }

  releaseRegistration(registration: Registration): void {
    for (const { id } of servicesOf(registration)) this.#services.delete(id)
    for (const { checkId } of checksOf(registration)) this.#checks.delete(checkId)
  }

  releaseCheck(checkId: string): void {
    this.#checks.delete(checkId)
  }
}

function ownerOf(registration: Registration): Owner {
  return { kind: 'registration', id: registration.asked.service.id, source: registration.source }
}

function sameOwner(a: Owner, b: Owner): boolean {
  return a.kind === b.kind && a.id === b.id && a.source === b.source
}

function taken(what: string, claimant: Owner, holder: Owner): ReturnType<typeof failed> {
  if (holder.source !== claimant.source)
    return failed(
      'invalid-service',
      holder.source === 'file'
        ? `${what} is defined by a configuration file of this host; change it there, or choose another id`
        : `${what} was registered through the HTTP API; deregister it first, or choose another id`,
    )
  const by = holder.kind === 'registration' ? `service "${holder.id}"` : `the check "${holder.id}"`
  return failed('invalid-service', `${what} is already used by ${by} on this host; choose another id`)
}
