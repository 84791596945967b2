/** What a drain is, for those who begin one and those who watch it. */
import type { Result } from '../../model/errors.ts'

/**
 * `leaving`: out of balancing and DNS, the other proxies are being told. `closing`: new streams are refused, open ones live.
 * `drained`: nothing is open any more, or the rest was cut.
 */
export type DrainPhase = 'leaving' | 'closing' | 'drained'

export interface DrainProgress {
  /** '' for the whole host. */
  readonly serviceId: string
  readonly phase: DrainPhase
  /** Of the proxies that balance over the service, how many know that the instance is out; undefined: not known yet. */
  readonly known: { readonly proxies: number; readonly total: number } | undefined
  /** Streams that are open; undefined: not known yet. */
  readonly open: number | undefined
  /** Streams that were open at the deadline. */
  readonly cut: number
  /** Until the deadline; 0 when it is over. */
  readonly leftMs: number
}

export interface DrainControl {
  /** Takes a service of this host, or for '' the whole host, out of use; a drain that is there begins anew. */
  begin(serviceId: string, options: { readonly timeoutMs: number; readonly reason: string }): Result<true>
  /** Puts it back into use. Fails where nothing was taken out. */
  undo(serviceId: string): Result<true>
  progress(serviceId: string): DrainProgress | undefined
}
