/**
 * One seed to run and what came of it, as plain values that pass between threads. A job names what its caller fixed; the
 * rest is drawn from the seed (knobs.ts).
 */
import { drawKnobs, type FaultKind, type KnobChanges } from '../knobs.ts'
import type { ReachableState } from '../reached.ts'
import { simulate } from '../simulation.ts'

export interface Job {
  readonly seed: number
  readonly changes: KnobChanges
  /** Keeps the last lines of the trace; costs time. */
  readonly isRecording: boolean
}

export interface Finding {
  readonly rule: string
  readonly message: string
  readonly stack: string
}

/** The knobs that a case can be shrunk by. */
export interface CaseSize {
  readonly servers: number
  readonly spares: number
  readonly agents: number
  readonly clients: number
  readonly watchers: number
  readonly durationMs: number
  readonly faults: readonly FaultKind[]
}

export interface Report {
  readonly job: Job
  readonly size: CaseSize
  readonly hash: string
  readonly simulatedMs: number
  readonly events: number
  readonly operations: number
  readonly acknowledged: number
  readonly unknown: number
  readonly reached: ReadonlyMap<ReachableState, number>
  readonly finding: Finding | undefined
  readonly lines: readonly string[]
  /** Of this thread's own work; wall time says more about who else uses the machine. */
  readonly cpuMs: number
}

export function runJob(job: Job): Report {
  const cpuBefore = process.threadCpuUsage()
  const outcome = simulate(drawKnobs(job.seed, job.changes), job.isRecording)
  const cpu = process.threadCpuUsage(cpuBefore)
  const { knobs, violation, hash, simulatedMs, events, operations, acknowledged, unknown } = outcome
  const { servers, spares, agents, clients, watchers, durationMs } = knobs
  return {
    job,
    size: { servers, spares, agents, clients, watchers, durationMs, faults: [...knobs.faults] },
    ...{ hash, simulatedMs, events, operations, acknowledged, unknown },
    reached: outcome.reached,
    finding: violation && { rule: violation.rule, message: violation.message, stack: violation.stack ?? '' },
    lines: outcome.lines,
    cpuMs: (cpu.user + cpu.system) / 1_000,
  }
}
