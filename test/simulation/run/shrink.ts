/**
 * Makes a failing case smaller while it still breaks the same rule: fewer kinds of faults, half the time, fewer agents,
 * clients and watchers. What is left is what somebody has to read.
 */
import type { KnobChanges } from '../knobs.ts'
import type { CaseSize, Job, Report } from './job.ts'

export interface Shrunk {
  readonly report: Report
  readonly attempts: number
}

const attemptsMax = 80

/** `run` runs one job; `isOutOfTime` ends the search with what is found. */
export async function shrink(
  failing: Report,
  run: (job: Job) => Promise<Report>,
  isOutOfTime: () => boolean,
): Promise<Shrunk> {
  let smallest = failing
  let attempts = 0
  for (let hasShrunk = true; hasShrunk; ) {
    hasShrunk = false
    for (const smaller of smallerThan(smallest.size)) {
      if (attempts >= attemptsMax || isOutOfTime()) return { report: smallest, attempts }
      attempts += 1
      const changes = { ...smallest.job.changes, ...smaller }
      const report = await run({ ...smallest.job, changes })
      if (report.finding?.rule !== failing.finding?.rule) continue
      smallest = report
      hasShrunk = true
      break
    }
  }
  return { report: smallest, attempts }
}

function* smallerThan(size: CaseSize): Generator<KnobChanges> {
  if (size.durationMs > 1_000) yield { durationMs: Math.ceil(size.durationMs / 2) }
  if (size.agents > 0) {
    yield { agents: 0 }
    yield { agents: size.agents >> 1 }
  }
  if (size.watchers > 0) yield { watchers: 0 }
  for (const kind of size.faults) yield { faults: new Set(size.faults.filter((other) => other !== kind)) }
  if (size.clients > 1) yield { clients: size.clients >> 1 }
  if (size.spares > 0) yield { spares: 0 }
}

/** What to type to see the case again. */
export function commandOf({ job, size }: Report): string {
  const { servers, spares, agents, clients, watchers, durationMs, faults } = size
  return [
    `npm run sim -- --seed ${job.seed}`,
    `--seconds ${durationMs / 1_000}`,
    `--servers ${servers}`,
    `--spares ${spares}`,
    `--agents ${agents}`,
    `--clients ${clients}`,
    `--watchers ${watchers}`,
    `--faults ${faults.length === 0 ? 'none' : faults.join(',')}`,
  ].join(' ')
}
