/**
 * Public ports of this host's sidecars: those that files and callers name, and found ones for the rest, remembered on
 * disk so that a service keeps its port over restarts and re-registrations.
 */
import { allocateSidecarPorts, type PortRange, portsInUse } from '../../config/ports.ts'
import { ok, type Result } from '../../model/errors.ts'
import type { ServiceDefinition } from '../../model/service.ts'
import type { SavedRegistrations } from './saved-registrations.ts'

export class SidecarPorts {
  readonly #saved: SavedRegistrations
  readonly #range: PortRange
  #remembered: ReadonlyMap<string, number>

  constructor(saved: SavedRegistrations, range: PortRange) {
    this.#saved = saved
    this.#range = range
    this.#remembered = saved.ports()
  }

  /**
   * Ports of the sidecars in `asked` that name none, by sidecar id; durable when it returns ok. `others` are definitions
   * of this host that keep their ports.
   */
  take(
    asked: readonly ServiceDefinition[],
    others: readonly ServiceDefinition[],
  ): Result<ReadonlyMap<string, number>> {
    const wanted = asked.flatMap(({ sidecar }) =>
      sidecar !== undefined && sidecar.service.port === 0 ? [sidecar.service.id] : [],
    )
    if (wanted.length === 0) return ok(new Map())
    const used = portsInUse([...asked, ...others])
    const found = allocateSidecarPorts(wanted, this.#remembered, this.#range, used)
    return found.ok ? this.#remember(found.value) : found
  }

  /** Ports of services that are gone stay remembered until another service needs the number. */
  #remember(found: ReadonlyMap<string, number>): Result<ReadonlyMap<string, number>> {
    const fresh = [...found].filter(([id, port]) => this.#remembered.get(id) !== port)
    if (fresh.length === 0) return ok(found)
    const taken = new Set(found.values())
    const kept = [...this.#remembered].filter(([, port]) => !taken.has(port))
    const next = new Map([...kept, ...found])
    const saved = this.#saved.writePorts(next)
    if (!saved.ok) return saved
    this.#remembered = next
    return ok(found)
  }
}
