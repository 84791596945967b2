/**
 * Runs the checks of this host: scheduled probes with a bound on how many run at once. TTL checks (ttl.ts), alias checks
 * (alias.ts) and the reaper (reaper.ts) follow the same rows by themselves.
 */
import type { CheckDefinition, Probe } from '../../model/check.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Metrics, Random, Timer } from '../../platform/ports.ts'
import type { LocalCheck } from '../contract.ts'
import type { RegistryEvent } from '../registry/events.ts'
import type { Rows } from '../registry/rows.ts'
import { type ProbeOutcome, type ProbePorts, runProbe, type ScheduledProbe } from './probe-run.ts'
import { Slots } from './slots.ts'
import { Thresholds } from './thresholds.ts'

export interface CheckRunnerOptions extends ProbePorts {
  readonly rows: Rows
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  /** What is asked in place of the check's own probe, where that is another one. */
  readonly probeOf?: (definition: CheckDefinition) => Probe
}

interface Schedule {
  readonly definition: CheckDefinition
  readonly probe: ScheduledProbe
  readonly intervalMs: number
  readonly thresholds: Thresholds
  timer: Timer | undefined
  /** Ends the wait for a place, or the probe that runs. */
  running: { cancel(): void } | undefined
  /** Failures since it was defined; undefined once it passed: from then on the interval alone counts. */
  failedStarts: number | undefined
}

/** First runs are spread over this long, and a little more for each check that there is. */
const spreadMs = 250
const spreadPerCheckMs = 20
/** What is starting is looked at more often than the interval says, so that it is in service soon after it can be. */
const startPauseMs = 250

export class CheckRunner {
  readonly #options: CheckRunnerOptions
  readonly #schedules = new Map<string, Schedule>()
  readonly #slots = new Slots(limits.checksInFlight)

  /** Runs every scheduled check that is defined in `rows` from now on. */
  constructor(options: CheckRunnerOptions) {
    this.#options = options
    options.rows.observe((event) => this.#follow(event))
  }

  stop(): void {
    for (const checkId of [...this.#schedules.keys()]) this.#forget(checkId)
  }

  #follow(event: RegistryEvent): void {
    if (event.kind === 'check-removed') this.#forget(event.checkId)
    if (event.kind === 'check-defined') {
      this.#forget(event.check.check.checkId)
      this.#add(event.check)
    }
  }

  /** First runs are spread, so that a host with many checks does not run them all at once. */
  #add({ definition, check }: LocalCheck): void {
    const { probe } = definition
    if (!isScheduled(probe)) return
    const schedule: Schedule = {
      definition,
      probe,
      intervalMs: Math.max(definition.intervalMs, limits.checkIntervalMinMs),
      thresholds: new Thresholds(definition),
      timer: undefined,
      running: undefined,
      failedStarts: check.status === 'critical' ? 0 : undefined,
    }
    this.#schedules.set(definition.checkId, schedule)
    const spread = Math.min(schedule.intervalMs, spreadMs + spreadPerCheckMs * this.#schedules.size)
    this.#runAfter(schedule, this.#options.random.fraction() * spread)
  }

  #forget(checkId: string): void {
    const schedule = this.#schedules.get(checkId)
    this.#schedules.delete(checkId)
    schedule?.timer?.cancel()
    schedule?.running?.cancel()
  }

  #runAfter(schedule: Schedule, delayMs: number): void {
    schedule.timer = this.#options.clock.after(delayMs, () => {
      schedule.timer = undefined
      const turn = this.#slots.acquire(() => this.#run(schedule))
      schedule.running ??= turn
    })
  }

  #run(schedule: Schedule): void {
    const { definition } = schedule
    const through = this.#options.probeOf?.(definition)
    const probe = through !== undefined && isScheduled(through) ? through : schedule.probe
    schedule.running = runProbe(probe, definition, this.#options, (outcome) => {
      this.#slots.release()
      // Replaced or removed while it ran: its result says nothing about what is there now.
      if (this.#schedules.get(definition.checkId) !== schedule) return
      schedule.running = undefined
      this.#runAfter(schedule, pauseAfter(schedule, outcome))
      this.#take(schedule, outcome)
    })
  }

  #take({ definition, thresholds }: Schedule, { status, output }: ProbeOutcome): void {
    const { metrics, rows } = this.#options
    metrics.count('mesh_check_runs_total', { type: definition.probe.type, status })
    const shown = thresholds.take(status)
    if (shown !== undefined) rows.report(definition.checkId, shown, output)
  }
}

const isScheduled = (probe: Probe): probe is ScheduledProbe =>
  probe.type !== 'ttl' && probe.type !== 'alias' && probe.type !== 'maintenance'

/** The interval; shorter, and doubling, while the check has not passed since it was defined. */
function pauseAfter(schedule: Schedule, { status }: ProbeOutcome): number {
  if (status !== 'critical') schedule.failedStarts = undefined
  if (schedule.failedStarts === undefined) return schedule.intervalMs
  const pauseMs = startPauseMs * 2 ** schedule.failedStarts
  schedule.failedStarts += 1
  return Math.min(schedule.intervalMs, pauseMs)
}
