/**
 * What holder and worker say to one another over the child process's channel. A holder outlives upgrades, so its workers may
 * be of a later version, by any number of releases: messages and fields here, and the arguments that a worker is started
 * with, are only ever added to, and either side does without what the other one does not know.
 */
import type { ListenAddress } from '../../platform/ports.ts'

export interface ListenRequest {
  readonly kind: 'listen'
  /** Repeated in the answers. */
  readonly id: number
  /** Everything that shall stay open. */
  readonly wanted: readonly ListenAddress[]
  /** Keys of those that the worker does not have. */
  readonly missing: readonly string[]
  /** Close what is not wanted. */
  readonly release: boolean
}

export interface ListenFailure {
  readonly key: string
  readonly reason: string
}

export type FromWorker =
  | ListenRequest
  /** Every `limits.workerBeatMs`: its event loop turns. */
  | { readonly kind: 'alive' }
  /** From a guide: all services that want a worker. */
  | { readonly kind: 'services'; readonly names: readonly string[] }

export type FromHolder =
  /** Comes with the handle itself. */
  | { readonly kind: 'handle'; readonly id: number; readonly key: string }
  /** After the last handle. */
  | { readonly kind: 'listened'; readonly id: number; readonly failures: readonly ListenFailure[] }
  /** No new connections; open ones have this long to finish. */
  | { readonly kind: 'stop'; readonly drainMs: number }

/** One text per address, also for people. */
export function listenKey(at: ListenAddress): string {
  if (at.kind === 'unix') return at.mode === '' ? at.path : `${at.path} (${at.mode})`
  const place = at.address.includes(':') ? `[${at.address}]:${at.port}` : `${at.address}:${at.port}`
  return at.kind === 'udp' ? `udp ${place}` : place
}

export function isFromWorker(message: unknown): message is FromWorker {
  return ['listen', 'alive', 'services'].includes(kindOf(message))
}

export function isFromHolder(message: unknown): message is FromHolder {
  return ['handle', 'listened', 'stop'].includes(kindOf(message))
}

function kindOf(message: unknown): string {
  const kind = typeof message === 'object' && message !== null && 'kind' in message ? message.kind : ''
  return typeof kind === 'string' ? kind : ''
}
