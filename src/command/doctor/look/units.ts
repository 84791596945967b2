/** What systemd says of the units, and of the clock. A systemd that hangs costs `askTimeoutMs` and no more. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { ProgramName } from '../judge/ports.ts'
import type { UnitFacts } from '../judge/programs.ts'

const askTimeoutMs = 5_000
const programs: readonly ProgramName[] = ['agent', 'server', 'proxy']
const properties = [
  'Id',
  'LoadState',
  'ActiveState',
  'SubState',
  'Result',
  'UnitFileState',
  'NRestarts',
  'ExecMainStatus',
  'ActiveEnterTimestampMonotonic',
  'LimitNOFILE',
  'NeedDaemonReload',
]

export interface SystemdFacts {
  readonly version: number | undefined
  readonly units: readonly UnitFacts[]
}

/** Undefined where no systemd runs, or it does not answer. */
export async function askSystemd(): Promise<SystemdFacts | undefined> {
  if (!existsSync('/run/systemd/system')) return undefined
  const [shown, version] = await Promise.all([
    output('systemctl', [
      'show',
      ...programs.map((program) => `mesh-${program}.service`),
      `--property=${properties.join(',')}`,
    ]),
    output('systemctl', ['--version']),
  ])
  if (shown === undefined) return undefined
  const number = Number(/^systemd (\d+)/.exec(version ?? '')?.[1])
  const nowMs = Number(process.hrtime.bigint() / 1_000_000n)
  return {
    version: Number.isNaN(number) ? undefined : number,
    units: readUnits(shown, nowMs),
  }
}

/** `nowMs`: of the monotonic clock, by which systemd tells when a unit became active. */
export function readUnits(shown: string, nowMs: number): readonly UnitFacts[] {
  return shown.split(/\n\s*\n/).flatMap((block) => {
    const values = new Map(block.split('\n').map((line) => keyAndValue(line)))
    const of = (name: string): string => values.get(name) ?? ''
    const program = programs.find((name) => of('Id') === `mesh-${name}.service`)
    if (program === undefined) return []
    const isActive = of('ActiveState') === 'active'
    return [
      {
        program,
        load: of('LoadState'),
        active: of('ActiveState'),
        sub: of('SubState'),
        result: of('Result'),
        fileState: of('UnitFileState'),
        restarts: Number(of('NRestarts')),
        exitStatus: Number(of('ExecMainStatus')),
        activeForMs: isActive ? nowMs - Number(of('ActiveEnterTimestampMonotonic')) / 1_000 : undefined,
        maxFiles: of('LimitNOFILE') === 'infinity' ? Number.POSITIVE_INFINITY : Number(of('LimitNOFILE')),
        isChanged: of('NeedDaemonReload') === 'yes',
      },
    ]
  })
}

function keyAndValue(line: string): readonly [string, string] {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}

export interface ClockService {
  readonly isContainer: boolean
  readonly isSynchronised: boolean | undefined
}

export async function askClock(): Promise<ClockService> {
  const isContainer = existsSync('/run/systemd/container')
  const answer = isContainer ? undefined : await output('timedatectl', ['show', '--property=NTPSynchronized'])
  const word = /^NTPSynchronized=(yes|no)$/m.exec(answer ?? '')?.[1]
  return { isContainer, isSynchronised: word === undefined ? undefined : word === 'yes' }
}

/** Undefined where it is missing, fails or is late. */
function output(program: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const environment = { ...process.env, LC_ALL: 'C', SYSTEMD_PAGER: '' }
    execFile(program, [...args], { timeout: askTimeoutMs, env: environment }, (error, stdout) =>
      resolve(error === null ? stdout : undefined),
    )
  })
}
