/**
 * Seeds as a test runs them: in this thread, one after the other. A broken rule becomes the test's failure, with the seed,
 * the command that shows it again, and the last events.
 */
import { drawKnobs, type KnobChanges } from './knobs.ts'
import { runJob } from './run/job.ts'
import { commandOf } from './run/shrink.ts'
import { type Outcome, simulate } from './simulation.ts'

/** As many as one test runs, so that a failure names few and none takes long. */
export const seedsPerTest = 20
/** They need some 7 s of a core; the machine may be busy with other things. */
export const batchTimeoutMs = 300_000

/** First seeds of `tests` tests, from `first` on. */
export const batches = (first: number, tests: number): readonly number[] =>
  Array.from({ length: tests }, (_, at) => first + at * seedsPerTest)

export function runSeeds(first: number): void {
  for (let seed = first; seed < first + seedsPerTest; seed += 1) runSeed(seed)
}

/** Throws where a rule is broken. */
export function runSeed(seed: number, changes: KnobChanges = {}): Outcome {
  const outcome = simulate(drawKnobs(seed, changes))
  if (outcome.violation === undefined) return outcome
  const report = runJob({ seed, changes, isRecording: true })
  const { finding } = report
  throw new Error(
    [
      `seed ${seed} breaks a rule: ${outcome.violation.message}`,
      `again: ${commandOf(report)}`,
      `its last ${report.lines.length} events:`,
      ...report.lines,
      finding?.stack ?? 'the second run of the seed was another: something from outside leaks in',
    ].join('\n'),
  )
}
