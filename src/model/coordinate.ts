/** Expected round trips between two places in Vivaldi's space (Dabek et al. 2004): dimensions, and heights above the core. */
import type { NetworkCoordinate } from './serf-message.ts'

/** Seconds, without the adjustments. */
export function rawDistance(a: NetworkCoordinate, b: NetworkCoordinate): number {
  let sum = 0
  for (const [at, part] of a.vector.entries()) sum += (part - (b.vector[at] ?? 0)) ** 2
  return Math.sqrt(sum) + a.height + b.height
}

/** Seconds. Adjustments that would make it negative are left out. */
export function distance(a: NetworkCoordinate, b: NetworkCoordinate): number {
  const raw = rawDistance(a, b)
  const adjusted = raw + a.adjustment + b.adjustment
  return adjusted > 0 ? adjusted : raw
}
