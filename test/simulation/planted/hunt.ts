/**
 * Looks for one planted bug: seed after seed until a checker complains. A finding counts only where the same seed without
 * the bug is clean.
 */
import type { Finding, Job, Report } from '../run/job.ts'
import type { NewText } from '../run/patch.ts'
import { runJobs } from '../run/pool.ts'

export interface HuntOptions {
  readonly threads: number
  readonly firstSeed: number
  readonly seedsMost: number
  /** Of a core's time, for one bug: on a busy machine the clock on the wall says little. */
  readonly withinCpuMs: number
  /** A run that takes longer than this hangs. */
  readonly runTimeoutMs: number
}

export interface Kill {
  readonly seed: number
  readonly finding: Finding
}

export interface Hunted {
  /** Undefined: it survived. */
  readonly kill: Kill | undefined
  readonly seeds: number
  readonly wallMs: number
}

/** Seeds that fail without any bug, by what they say; they prove nothing. */
export class Controls {
  readonly #known = new Map<number, Finding | undefined>()
  readonly #runTimeoutMs: number

  constructor(runTimeoutMs: number) {
    this.#runTimeoutMs = runTimeoutMs
  }

  /** Runs the seed as it is, once. */
  async run(seed: number): Promise<Finding | undefined> {
    if (this.#known.has(seed)) return this.#known.get(seed)
    const options = { threads: 1, timeoutMs: 10 * this.#runTimeoutMs }
    await runJobs([{ seed, changes: {}, isRecording: false }], options, (report) => {
      this.#known.set(seed, report.finding)
      return undefined
    })
    return this.#known.get(seed)
  }

  /** Seeds that were run and were not clean. */
  get failing(): readonly number[] {
    return [...this.#known].flatMap(([seed, finding]) => (finding === undefined ? [] : [seed]))
  }
}

export async function hunt(
  texts: readonly NewText[],
  controls: Controls,
  options: HuntOptions,
): Promise<Hunted> {
  const startedMs = performance.now()
  const startedCpu = process.cpuUsage()
  const isOver = (): boolean => cpuMsSince(startedCpu) >= options.withinCpuMs
  let seeds = 0
  let firstSeed = options.firstSeed
  const lastSeed = firstSeed + options.seedsMost
  while (firstSeed < lastSeed && !isOver()) {
    let found: Report | undefined
    const { threads, runTimeoutMs } = options
    await runJobs(seedsFrom(firstSeed, lastSeed), { threads, timeoutMs: runTimeoutMs, texts }, (report) => {
      seeds += 1
      if (report.finding !== undefined) found = report
      return found !== undefined || isOver() ? 'stop' : undefined
    })
    if (found?.finding === undefined) break
    const { finding, job } = found
    if ((await controls.run(job.seed)) === undefined) {
      const kill = { seed: job.seed, finding }
      return { kill, seeds, wallMs: performance.now() - startedMs }
    }
    firstSeed = job.seed + 1
  }
  return { kill: undefined, seeds, wallMs: performance.now() - startedMs }
}

/** Of all threads of this process. */
function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

function* seedsFrom(first: number, end: number): Generator<Job> {
  for (let seed = first; seed < end; seed += 1) yield { seed, changes: {}, isRecording: false }
}
