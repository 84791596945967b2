/**
 * Says loudly when a local service's own certificate has run out or is about to: the far side then refuses it, and the
 * cause is here. Nothing is switched off, because clocks may be wrong and the far side decides.
 */
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import type { ServiceIdentity } from './service-identity.ts'

/** Renewal begins after half of a life; with this share left it has failed for a long time. */
const soonShare = 0.2
/** Looked at again at least this often, because the time of day may jump. */
const lookEveryMs = 60_000

export interface ExpiryWatch {
  /** The identities of now; looks at them at once. */
  update(identities: Iterable<ServiceIdentity>): void
  /** Certificates that have run out. */
  expired(): number
  stop(): void
}

export function createExpiryWatch(clock: Clock, log: Log): ExpiryWatch {
  let identities: readonly ServiceIdentity[] = []
  /** What was said last about each certificate, so that it is said once per step. */
  let said = new Map<ServiceIdentity, 'soon' | 'expired'>()
  let expired = 0
  let timer: Timer | undefined

  const look = (): void => {
    timer?.cancel()
    const nowMs = clock.wallMs()
    const saidNow = new Map<ServiceIdentity, 'soon' | 'expired'>()
    expired = 0
    let nextMs = lookEveryMs
    for (const identity of identities) {
      const leftMs = identity.notAfterMs - nowMs
      if (leftMs > 0) nextMs = Math.min(nextMs, leftMs + 1)
      const soonMs = soonShare * (identity.notAfterMs - identity.notBeforeMs)
      if (leftMs > soonMs) {
        nextMs = Math.min(nextMs, leftMs - soonMs + 1)
        continue
      }
      const state = leftMs <= 0 ? 'expired' : 'soon'
      if (state === 'expired') expired += 1
      saidNow.set(identity, state)
      if (said.get(identity) === state) continue
      const fields = { service: identity.service, uri: identity.uri, notAfterMs: identity.notAfterMs }
      if (state === 'expired')
        log.error('the own certificate of a service has expired: other proxies refuse it', fields)
      else log.warn('the own certificate of a service expires soon and was not renewed', fields)
    }
    said = saidNow
    timer = identities.length === 0 ? undefined : clock.after(nextMs, look)
  }

  return {
    update(next) {
      identities = [...next]
      look()
    },
    expired: () => expired,
    stop: () => timer?.cancel(),
  }
}
