/**
 * Runs one probe once and says what it means, in Consul's words. When it runs, and how many results it takes to change
 * a status, is decided elsewhere (runner.ts, thresholds.ts).
 */
import type { CheckDefinition, CheckStatus, Probe } from '../../model/check.ts'
import { formatDuration } from '../../model/duration.ts'
import type { HttpProbeAnswer, Probes, Processes, ProcessResult } from '../../platform/ports.ts'

/** Probes that are run on a schedule; TTL and alias checks are told their status. */
export type ScheduledProbe = Extract<Probe, { readonly type: 'http' | 'tcp' | 'script' }>

export interface ProbeOutcome {
  readonly status: CheckStatus
  readonly output: string
}

export interface ProbePorts {
  readonly probes: Probes
  readonly processes: Processes
}

const defaultTimeoutMs = 10_000
const defaultScriptTimeoutMs = 30_000

/** Calls `done` once. `cancel` ends what can be ended; `done` may still be called. */
export function runProbe(
  probe: ScheduledProbe,
  definition: Pick<CheckDefinition, 'timeoutMs' | 'outputMaxBytes'>,
  ports: ProbePorts,
  done: (outcome: ProbeOutcome) => void,
): { cancel(): void } {
  const { outputMaxBytes } = definition
  const timeoutMs = timeoutOf(probe, definition.timeoutMs)
  switch (probe.type) {
    case 'http':
      ports.probes.request({ ...probe, outputMaxBytes }, timeoutMs, (answer) =>
        done(httpOutcome(probe, answer)),
      )
      return { cancel: () => {} }
    case 'tcp':
      ports.probes.connect(probe, timeoutMs, (error) =>
        done(
          error === undefined
            ? { status: 'passing', output: `TCP connect ${probe.address}: Success` }
            : { status: 'critical', output: error },
        ),
      )
      return { cancel: () => {} }
    case 'script': {
      const run = ports.processes.run(probe.args, { timeoutMs, outputMaxBytes }, (result) =>
        done(scriptOutcome(result, timeoutMs)),
      )
      return { cancel: () => run.kill() }
    }
  }
}

function timeoutOf(probe: ScheduledProbe, timeoutMs: number): number {
  if (timeoutMs > 0) return timeoutMs
  return probe.type === 'script' ? defaultScriptTimeoutMs : defaultTimeoutMs
}

function httpOutcome(probe: Extract<Probe, { type: 'http' }>, answer: HttpProbeAnswer): ProbeOutcome {
  if ('error' in answer) return { status: 'critical', output: answer.error }
  const { status, statusText, body } = answer
  const method = probe.method === '' ? 'GET' : probe.method
  return {
    status: status >= 200 && status < 300 ? 'passing' : status === 429 ? 'warning' : 'critical',
    output: `HTTP ${method} ${probe.url}: ${status} ${statusText} Output: ${body}`,
  }
}

/** Exit status 0 passes, 1 warns, anything else is critical, as monitoring plugins have it. */
function scriptOutcome(result: ProcessResult, timeoutMs: number): ProbeOutcome {
  const { exitCode, timedOut, output } = result
  if (timedOut)
    return {
      status: 'critical',
      output: `Timed out (${formatDuration(timeoutMs)}) running check${output === '' ? '' : `\n\n${output}`}`,
    }
  if (exitCode === 0) return { status: 'passing', output }
  return { status: exitCode === 1 ? 'warning' : 'critical', output }
}
