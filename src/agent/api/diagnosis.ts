/**
 * What helps to find a fault: the agent's log as it is written, the machine, the process, a CPU profile. Reading a log or
 * taking a profile needs rights over this host; the machine's sizes do not. `mesh debug` collects all of it.
 */
import { parseDurationMs } from '../../model/duration.ts'
import { limits } from '../../model/limits.ts'
import type { LogLevelName } from '../../platform/ports.ts'
import { machineJson } from '../../wire/http-json/machine.ts'
import { claimedConsulVersion, versionText } from '../../wire/http-json/self.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { createPieceStream } from './piece-stream.ts'
import { ApiRefusal, ClientGone, refusalOf } from './refusal.ts'

export const diagnosisEndpoints: readonly Endpoint[] = [
  { path: '/v1/agent/monitor', actions: { GET: { need: 'local', run: monitor } } },
  { path: '/v1/agent/host', actions: { GET: { need: 'read', run: host } } },
  { path: '/v1/agent/version', actions: { GET: { need: 'read', run: version } } },
  { path: '/v1/mesh/debug/process', actions: { GET: { need: 'read', run: processFacts } } },
  { path: '/v1/mesh/debug/profile', actions: { GET: { need: 'local', run: profile } } },
]

const levels: Readonly<Record<string, LogLevelName>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  err: 'error',
  error: 'error',
}

/** Lines from now on; `loglevel` (default info) may be lower than what the agent writes to its own log. */
function monitor(api: Api, { query }: Call): Answer {
  const asked = query.get('loglevel') || 'info'
  const level = levels[asked.toLowerCase()]
  if (level === undefined)
    throw new ApiRefusal(
      'bad-request',
      `Unknown log level: ${asked.slice(0, 64)}; use debug, info, warn or error (bad-request)`,
    )
  const json = query.has('logjson') && query.get('logjson') !== 'false'
  const body = createPieceStream({
    waiting: limits.logLinesWaiting,
    gap: (count) =>
      json ? `{"dropped":${count}}\n` : `(${count} lines left out: this client reads too slowly)\n`,
    onClose: () => following?.stop(),
  })
  const following = api.logLines.follow({ level, json }, (line) => body.push(line))
  if (following === undefined)
    throw refusalOf({
      code: 'overloaded',
      message: `${limits.logFollowers} clients follow this agent's log already`,
    })
  const type = json ? 'application/json' : 'text/plain; charset=utf-8'
  return { stream: { body, type, headersFirst: true } }
}

function host(api: Api): Answer {
  return { json: machineJson(api.diagnostics.machine(api.settings.dataDirectory), api.clock.wallMs()) }
}

function version(api: Api): Answer {
  const facts = { SHA: '', BuildDate: '1970-01-01T00:00:00Z', HumanVersion: claimedConsulVersion, FIPS: '' }
  return { json: { ...facts, MeshAgent: api.version, Version: versionText(api.version) } }
}

function processFacts(api: Api): Answer {
  return { json: api.diagnostics.process() }
}

const profileDefaultMs = 5_000

/** A V8 CPU profile of `seconds` (a number, or a duration), for the profiler of a browser's developer tools. */
function profile(api: Api, call: Call): Promise<Answer> {
  const durationMs = profileDuration(call)
  return call.hold(
    () =>
      new Promise((resolve, reject) => {
        const running = api.diagnostics.profile(durationMs, (text) => {
          call.signal.removeEventListener('abort', stop)
          if (text === undefined) reject(call.signal.aborted ? new ClientGone() : noProfile())
          else resolve({ text: { body: text, type: 'application/json' } })
        })
        const stop = (): void => running?.cancel()
        if (running === undefined)
          reject(refusalOf({ code: 'overloaded', message: 'a CPU profile is being taken already' }))
        else call.signal.addEventListener('abort', stop, { once: true })
      }),
  )
}

const noProfile = (): ApiRefusal =>
  refusalOf({ code: 'internal', message: 'the JavaScript engine took no CPU profile' })

function profileDuration({ query }: Call): number {
  const text = query.get('seconds')
  if (text === null || text === '') return profileDefaultMs
  const durationMs = parseDurationMs(/^\d+$/.test(text) ? `${text}s` : text)
  if (durationMs === undefined || durationMs <= 0 || durationMs > limits.profileMaxMs)
    throw new ApiRefusal(
      'bad-request',
      `Invalid seconds "${text.slice(0, 64)}": write a duration up to ${limits.profileMaxMs / 1_000} seconds (bad-request)`,
    )
  return durationMs
}
