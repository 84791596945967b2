/**
 * `npm run sim`: runs seeds in threads and says what came of them. A violation is printed with its seed, shrunk as far as
 * it goes, with the last events of the shrunk case and the command that shows it again; then the exit code is 1.
 */
import type { Job, Report } from './run/job.ts'
import { type RunOptions, readOptions, usage } from './run/options.ts'
import { runJobs } from './run/pool.ts'
import { commandOf, shrink } from './run/shrink.ts'
import { Summary } from './run/summary.ts'

/** Of processor time; the longest honest runs take ten seconds. */
const runTimeoutMs = 120_000
const shrinkWithinMs = 120_000
/** Shrinking every one of many failures of one bug helps nobody. */
const shrunkMost = 3
const progressEveryMs = 20_000

async function main(options: RunOptions): Promise<number> {
  const startedMs = performance.now()
  const wallMs = (): number => performance.now() - startedMs
  const summary = new Summary()
  const failing: Report[] = []
  let toldMs = 0
  await runJobs(jobsOf(options), { threads: options.jobs, timeoutMs: runTimeoutMs }, (report) => {
    summary.add(report)
    if (report.finding !== undefined) {
      failing.push(report)
      console.log(`seed ${report.job.seed}: ${report.finding.message}`)
    }
    if (options.isVerbose) console.log(report.lines.join('\n'))
    if (options.seeds === 1)
      console.log(`seed ${report.job.seed}: trace hash ${report.hash}\n${commandOf(report)}`)
    if (wallMs() - toldMs >= progressEveryMs) {
      toldMs = wallMs()
      console.log(`  ${summary.seeds} of ${options.seeds} seeds, ${summary.speed.toFixed(0)}x per core`)
    }
    return undefined
  })
  for (const report of failing.slice(0, shrunkMost)) await explain(report)
  console.log(summary.states())
  console.log(summary.line(wallMs()))
  if (options.isSpeed)
    console.log(JSON.stringify({ speed: Math.round(summary.speed), unit: 'x real time per core' }))
  return failing.length === 0 ? 0 : 1
}

function* jobsOf({ firstSeed, seeds, changes, isVerbose }: RunOptions): Generator<Job> {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1)
    yield { seed, changes, isRecording: isVerbose }
}

async function explain(failing: Report): Promise<void> {
  const startedMs = performance.now()
  const { report, attempts } = await shrink(
    failing,
    runOne,
    () => performance.now() - startedMs > shrinkWithinMs,
  )
  const recorded = await runOne({ ...report.job, isRecording: true })
  console.log(`\nseed ${failing.job.seed}, shrunk in ${attempts} attempts to:\n  ${commandOf(report)}`)
  console.log(`its last ${recorded.lines.length} events:\n${recorded.lines.join('\n')}`)
  console.log(recorded.finding?.stack ?? `the shrunk case did not fail again: ${failing.finding?.stack}`)
}

async function runOne(job: Job): Promise<Report> {
  const reports: Report[] = []
  await runJobs([job], { threads: 1, timeoutMs: runTimeoutMs }, (report) => {
    reports.push(report)
    return undefined
  })
  const [report] = reports
  if (report === undefined) throw new Error('a job gives a report')
  return report
}

const options = process.argv.includes('--swim') ? 'swim' : readOptions(process.argv.slice(2))
if (options === 'swim') {
  const { runSwim } = await import('./swim/run.ts')
  process.exitCode = await runSwim(process.argv.slice(2))
} else if (typeof options === 'string') {
  console.error(`${options}\n${usage}`)
  process.exitCode = 2
} else process.exitCode = await main(options)
