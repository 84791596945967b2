// What every benchmark gives back and how it is printed: people read the rows, programs the last line.

export interface BenchResult {
  readonly bench: string
  readonly unit: string
  /** Median of our runs. */
  readonly ours: number
  /** Median of the peer's runs; null where there is no peer to compare with. */
  readonly peer: number | null
  readonly ratio: number | null
  readonly runs: readonly unknown[]
}

/** Thrown by a benchmark that this machine cannot do; the runner prints why and exits 77. */
export class CannotRun extends Error {
  constructor(why: string) {
    super(why)
    this.name = 'CannotRun'
  }
}

export class PeerMissing extends CannotRun {
  constructor(packageName: string) {
    super(`needs the Debian package ${packageName}, which is not installed`)
    this.name = 'PeerMissing'
  }
}

/** Share of a core; a generator that used more was measured itself, and not the servers. */
export const generatorCoreMax = 0.6
export const busyGenerator =
  '  the generator was too busy: the servers could have done more than this figure says'

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

export function round(value: number, digits = 3): number {
  return Number(value.toFixed(digits))
}
