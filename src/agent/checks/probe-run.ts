/**
 * Runs one probe once and says what it means, in Consul's words. When it runs, and how many results it takes to change
 * a status, is decided elsewhere (runner.ts, thresholds.ts).
 */
import type { CheckDefinition, CheckStatus, Probe } from '../../model/check.ts'
import { formatDuration } from '../../model/duration.ts'
import type { HttpProbeAnswer, Probes, Processes, ProcessResult } from '../../platform/ports.ts'

/** Probes that are run on a schedule; TTL, alias and maintenance checks are told their status. */
export type ScheduledProbe = Exclude<Probe, { readonly type: 'ttl' | 'alias' | 'maintenance' }>

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
      return nothingToCancel
    case 'tcp':
      ports.probes.connect(probe, timeoutMs, plainOutcome(`TCP connect ${probe.address}: Success`, done))
      return nothingToCancel
    case 'h2ping':
      ports.probes.ping(probe, timeoutMs, plainOutcome(`HTTP2 ping ${probe.address}: Success`, done))
      return nothingToCancel
    case 'udp':
      ports.probes.datagram(
        probe.address,
        timeoutMs,
        plainOutcome(`UDP connect ${probe.address}: Success`, done),
      )
      return nothingToCancel
    case 'grpc':
      ports.probes.grpcHealth(probe, timeoutMs, (answer) => done(grpcOutcome(probe, answer)))
      return nothingToCancel
    case 'docker':
      ports.probes.execute(
        { container: probe.container, args: inContainer(probe) },
        { timeoutMs, outputMaxBytes },
        (result) => done(scriptOutcome(result, timeoutMs)),
      )
      return nothingToCancel
    case 'script': {
      const run = ports.processes.run(probe.args, { timeoutMs, outputMaxBytes }, (result) =>
        done(scriptOutcome(result, timeoutMs)),
      )
      return { cancel: () => run.kill() }
    }
    case 'os_service': {
      const args = ['systemctl', 'is-active', '--', probe.service]
      const run = ports.processes.run(args, { timeoutMs, outputMaxBytes }, (result) =>
        done(unitOutcome(probe.service, result, timeoutMs)),
      )
      return { cancel: () => run.kill() }
    }
  }
}

/** What opens one connection ends by itself at its timeout. */
const nothingToCancel = { cancel: (): void => {} }

const plainOutcome =
  (success: string, done: (outcome: ProbeOutcome) => void) =>
  (error: string | undefined): void =>
    done(error === undefined ? { status: 'passing', output: success } : { status: 'critical', output: error })

/** As Consul: the arguments become one line for the shell where there is one. */
function inContainer({ shell, args }: Extract<Probe, { type: 'docker' }>): readonly string[] {
  return shell === '' ? args : [shell, '-c', args.join(' ')]
}

function grpcOutcome(
  { address, service }: Extract<Probe, { type: 'grpc' }>,
  answer: { readonly status: string } | { readonly error: string },
): ProbeOutcome {
  const target = service === '' ? address : `${address}/${service}`
  if ('error' in answer) return { status: 'critical', output: `gRPC check ${target}: ${answer.error}` }
  if (answer.status === 'SERVING') return { status: 'passing', output: `gRPC check ${target}: success` }
  return { status: 'critical', output: `gRPC check ${target}: gRPC status is ${answer.status}` }
}

/** `systemctl is-active` says the state in one word and exits with 0 for "active" alone. */
function unitOutcome(unit: string, result: ProcessResult, timeoutMs: number): ProbeOutcome {
  const { exitCode, timedOut, output } = result
  if (timedOut || exitCode === undefined) return scriptOutcome(result, timeoutMs)
  const state = output.trim() === '' ? `exit status ${exitCode}` : output.trim()
  return { status: exitCode === 0 ? 'passing' : 'critical', output: `systemd unit ${unit}: ${state}` }
}

function timeoutOf(probe: ScheduledProbe, timeoutMs: number): number {
  if (timeoutMs > 0) return timeoutMs
  return probe.type === 'script' || probe.type === 'docker' ? defaultScriptTimeoutMs : defaultTimeoutMs
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
