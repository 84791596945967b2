/**
 * The agent of a host leaves for good: its services go out of use first, as in a drain of the whole host, with a time that
 * fits into what systemd grants a stopping program. What says so in the registry is taken back at the next start.
 */
import { nodeMaintenanceId } from '../../model/check.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log } from '../../platform/ports.ts'
import type { LocalRegistry } from '../contract.ts'
import type { DrainControl } from './contract.ts'

const reason = 'The agent of this host leaves.'

/** Calls `done` when nothing is open any more or the time is over; at once where the host cannot be drained. */
export function leaveHost(
  { drains, clock, log }: { readonly drains: DrainControl; readonly clock: Clock; readonly log: Log },
  done: () => void,
): void {
  const begun = drains.begin('', { timeoutMs: limits.leaveDrainMs, reason })
  if (!begun.ok) {
    log.error('The services of this host could not be taken out of use', { reason: begun.failure.message })
    clock.after(0, done)
    return
  }
  const look = (): void => {
    const progress = drains.progress('')
    if (progress === undefined || progress.phase === 'drained') done()
    else clock.after(limits.drainLookMs, look)
  }
  clock.after(limits.drainLookMs, look)
}

/** To be called when registrations were loaded: an agent that starts is back. Maintenance by an operator stays. */
export function returnHost(registry: Pick<LocalRegistry, 'check' | 'setMaintenance'>): void {
  if (registry.check(nodeMaintenanceId)?.check.notes === reason) registry.setMaintenance('', undefined)
}
