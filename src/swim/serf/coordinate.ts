/**
 * Places in Vivaldi's space: some dimensions, and the height of a host above the network's core (Dabek et al. 2004). All in
 * seconds. Distances stand in model/coordinate.ts, how a member finds its place in vivaldi.ts.
 */
import type { NetworkCoordinate } from '../../model/serf-message.ts'

/** What makes a coordinate valid; all members of a pool use the same. */
export const dimensions = 8
/** Nothing is known yet. */
export const errorMax = 1.5
/** Heights stay positive, and far below any round trip of a network. */
export const heightMin = 10e-6
/** Closer points count as one: the direction between them means nothing. */
const zero = 1e-6

export function originCoordinate(): NetworkCoordinate {
  return { vector: new Array<number>(dimensions).fill(0), error: errorMax, adjustment: 0, height: heightMin }
}

/** A coordinate of another member, from its packet, that can be calculated with. */
export function isUsable(coordinate: NetworkCoordinate): boolean {
  const { vector, error, adjustment, height } = coordinate
  return vector.length === dimensions && [...vector, error, adjustment, height].every(Number.isFinite)
}

export function magnitude(vector: readonly number[]): number {
  let sum = 0
  for (const part of vector) sum += part * part
  return Math.sqrt(sum)
}

/** `point` moved by `force` seconds away from `other`; towards it where the force is negative. */
export function pushed(
  point: NetworkCoordinate,
  force: number,
  other: NetworkCoordinate,
  random: () => number,
): NetworkCoordinate {
  const apart = point.vector.map((part, at) => part - (other.vector[at] ?? 0))
  const gap = magnitude(apart)
  const direction = gap > zero ? apart.map((part) => part / gap) : randomDirection(random)
  const vector = point.vector.map((part, at) => part + force * (direction[at] ?? 0))
  const height =
    gap > zero
      ? Math.max(heightMin, ((point.height + other.height) * force) / gap + point.height)
      : point.height
  return { ...point, vector, height }
}

function randomDirection(random: () => number): number[] {
  const parts = Array.from({ length: dimensions }, () => random() - 0.5)
  const length = magnitude(parts)
  return length > zero ? parts.map((part) => part / length) : parts.map((_, at) => (at === 0 ? 1 : 0))
}
