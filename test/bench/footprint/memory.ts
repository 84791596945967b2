// What processes hold of the machine's memory, as the kernel counts it, and lines through such figures.
import { readFileSync } from 'node:fs'

export interface Memory {
  /** Proportional set size: pages that several processes share count in parts. MB. */
  readonly pssMb: number
  /**
   * The same on a host of a mesh, where the agent is the one other process that shares pages with these two: what is theirs
   * alone, and two thirds of what is shared. Here it is shared by whatever else runs Node, so PSS itself says too little. MB.
   */
  readonly hostMb: number
  /** As if nothing else shared any page: the shared ones once. MB. */
  readonly aloneMb: number
}

export function memoryOf(pids: readonly number[]): Memory {
  const rows = pids.map(rollup)
  const sum = (name: string): number => rows.reduce((total, row) => total + (row.get(name) ?? 0), 0)
  const shared = rows.map((row) => (row.get('Shared_Clean') ?? 0) + (row.get('Shared_Dirty') ?? 0))
  const own = sum('Private_Clean') + sum('Private_Dirty')
  const once = Math.max(0, ...shared)
  return { pssMb: sum('Pss') / 1_024, hostMb: (own + (once * 2) / 3) / 1_024, aloneMb: (own + once) / 1_024 }
}

function rollup(pid: number): ReadonlyMap<string, number> {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return new Map(
    Array.from(text.matchAll(/^(\w+):\s+(\d+) kB$/gm), ([, name = '', kb]) => [name, Number(kb)]),
  )
}

/** Waits until `measure` moves by less than `steadyMb` in two seconds, at most half a minute. */
export async function settled(measure: () => Memory, steadyMb = 0.5): Promise<Memory> {
  let before = measure()
  for (let count = 15; count > 0; count -= 1) {
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    const now = measure()
    if (Math.abs(now.pssMb - before.pssMb) < steadyMb) return now
    before = now
  }
  return before
}

/** Least squares: y = at0 + slope * x. */
export function lineThrough(points: readonly (readonly [number, number])[]): {
  readonly at0: number
  readonly slope: number
} {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, each) => sum + each, 0) / values.length
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, value]) => value))]
  const slope =
    points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0) /
    points.reduce((sum, [at]) => sum + (at - x) ** 2, 0)
  return { at0: y - slope * x, slope }
}
