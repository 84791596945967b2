/**
 * What the registry tells those who follow it inside the agent: anti-entropy, the check runner, the saved statuses.
 * Told after the operation that caused it is done, so a listener sees all of its effects.
 */
import type { CheckStatus } from '../../model/check.ts'
import type { LocalCheck } from '../contract.ts'

export type RegistryEvent =
  /** A service came, went or changed. */
  | { readonly kind: 'service'; readonly id: string }
  /** A check is new or has another definition; `ttlLeftMs` is what remains of a TTL check's life. */
  | { readonly kind: 'check-defined'; readonly check: LocalCheck; readonly ttlLeftMs: number }
  | { readonly kind: 'check-removed'; readonly checkId: string; readonly serviceId: string }
  | { readonly kind: 'status'; readonly check: LocalCheck; readonly previous: CheckStatus }
  | { readonly kind: 'output'; readonly check: LocalCheck }
  /** A TTL check was heard of; its status may be the same. */
  | { readonly kind: 'heartbeat'; readonly check: LocalCheck }
  /** A check shows other tags or another service name. */
  | { readonly kind: 'check-renamed'; readonly check: LocalCheck }
