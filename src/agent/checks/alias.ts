/**
 * Alias checks: a check that shows the health of another service. A target on this host is followed row by row; one on
 * another host is watched at the servers (alias-remote.ts).
 */
import type { LocalCheck } from '../contract.ts'
import type { RegistryEvent } from '../registry/events.ts'
import { aliasOutcome, missingTarget } from './alias-outcome.ts'
import { RemoteAlias, type RemoteAliasOptions } from './alias-remote.ts'

export interface AliasOptions extends RemoteAliasOptions {
  readonly node: string
}

export class AliasChecks {
  readonly #options: AliasOptions
  /** Alias check to the local service it stands for, and the way back; '' is the node itself. */
  readonly #targets = new Map<string, string>()
  readonly #aliasesOf = new Map<string, Set<string>>()
  readonly #remote = new Map<string, RemoteAlias>()

  constructor(options: AliasOptions) {
    this.#options = options
    options.rows.observe((event) => this.#follow(event))
  }

  stop(): void {
    for (const remote of this.#remote.values()) remote.stop()
    this.#remote.clear()
  }

  #follow(event: RegistryEvent): void {
    switch (event.kind) {
      case 'service':
        this.#refreshAliasesOf(event.id)
        break
      case 'check-defined':
        this.#forget(event.check.check.checkId)
        this.#add(event.check)
        this.#refreshAliasesOf(event.check.check.serviceId)
        break
      case 'check-removed':
        this.#forget(event.checkId)
        this.#refreshAliasesOf(event.serviceId)
        break
      case 'status':
      case 'output':
        this.#refreshAliasesOf(event.check.check.serviceId)
        break
      case 'heartbeat':
      case 'check-renamed':
    }
  }

  #add({ definition }: LocalCheck): void {
    const { checkId, probe } = definition
    if (probe.type !== 'alias') return
    if (probe.node !== '' && probe.node !== this.#options.node) {
      this.#remote.set(checkId, new RemoteAlias(checkId, probe, this.#options))
      return
    }
    const aliases = this.#aliasesOf.get(probe.serviceId) ?? new Set()
    this.#aliasesOf.set(probe.serviceId, aliases.add(checkId))
    this.#targets.set(checkId, probe.serviceId)
    this.#refresh(checkId, probe.serviceId)
  }

  #forget(checkId: string): void {
    this.#remote.get(checkId)?.stop()
    this.#remote.delete(checkId)
    const target = this.#targets.get(checkId)
    if (target === undefined) return
    this.#targets.delete(checkId)
    const aliases = this.#aliasesOf.get(target)
    aliases?.delete(checkId)
    if (aliases?.size === 0) this.#aliasesOf.delete(target)
  }

  /** A check of the node counts for every service on it. */
  #refreshAliasesOf(serviceId: string): void {
    if (serviceId === '') for (const [checkId, target] of this.#targets) this.#refresh(checkId, target)
    else for (const checkId of this.#aliasesOf.get(serviceId) ?? []) this.#refresh(checkId, serviceId)
  }

  #refresh(aliasId: string, target: string): void {
    const { rows, node } = this.#options
    const ids = new Set([...rows.checkIdsOf(''), ...rows.checkIdsOf(target)])
    // Were it to count itself, it could never recover.
    ids.delete(aliasId)
    const checks = [...ids].flatMap((checkId) => rows.check(checkId)?.check ?? [])
    const found = target === '' || rows.service(target) !== undefined
    const { status, output } = found ? aliasOutcome(checks) : missingTarget(target, node)
    rows.report(aliasId, status, output)
  }
}
