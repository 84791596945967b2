/**
 * A line in the log and a count for each check that changes its status, so that "since when" can be answered on the host.
 * Bounded, because a host may have many checks and all of them may flap.
 */
import { limits } from '../../model/limits.ts'
import { TokenBucket } from '../../model/token-bucket.ts'
import type { Clock, Log, Metrics } from '../../platform/ports.ts'
import type { RegistryEvent } from '../registry/events.ts'
import type { Rows } from '../registry/rows.ts'

/** The first line says what is wrong; the rest can be read from the check itself. */
const outputChars = 200

export interface StatusLogOptions {
  readonly rows: Rows
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly log: Log
  readonly metrics: Metrics
}

/** Follows `rows` from now on. */
export function logStatuses({ rows, clock, log, metrics }: StatusLogOptions): void {
  const lines = new TokenBucket(limits.checkChangesLoggedPerSecond, limits.checkChangesLoggedPerSecond)
  rows.observe((event: RegistryEvent) => {
    if (event.kind !== 'status') return
    const { check } = event.check
    metrics.count('mesh_check_changes_total', { type: check.type, status: check.status })
    if (lines.take(clock.monotonicMs()) > 0) return
    const fields = {
      check: check.checkId,
      service: check.serviceId,
      status: check.status,
      before: event.previous,
      output: (check.output.split('\n', 1)[0] ?? '').slice(0, outputChars),
    }
    // An alias says again what the line of its target has said.
    if (check.type === 'alias') log.debug('a check changed its status', fields)
    else if (check.status === 'critical') log.warn('a check changed its status', fields)
    else log.info('a check changed its status', fields)
  })
}
