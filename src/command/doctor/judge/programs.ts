/** Do the programs run, steadily, with the rights they need, and in the version that is installed? */
import { amiss, type Line, unseen, well } from '../line.ts'
import type { ProgramName } from './ports.ts'

/** Of `systemctl show`, by its own names. */
export interface UnitFacts {
  readonly program: ProgramName
  readonly load: string
  readonly active: string
  readonly sub: string
  readonly result: string
  /** `enabled`, `disabled`, `masked`, ...; '' where the unit has no such state. */
  readonly fileState: string
  readonly restarts: number
  /** Exit status of the main process that ended last. */
  readonly exitStatus: number
  /** Since it is active; undefined where it is not. */
  readonly activeForMs: number | undefined
  readonly maxFiles: number
  /** The unit file on disk is newer than what systemd read. */
  readonly isChanged: boolean
}

export interface ProgramFacts {
  /** Undefined: no systemd runs here. */
  readonly units: readonly UnitFacts[] | undefined
  /** Undefined where it is not known. */
  readonly systemdVersion: number | undefined
  /** Which programs the configuration wants; the server's only where `server = true`. */
  readonly wanted: ReadonlySet<ProgramName>
  /** Before the first start nothing needs to run. */
  readonly isBefore: boolean
}

const oldestSystemd = 247
const fewFiles = 65_536
const recentMs = 600_000
/** EX_CONFIG of sysexits.h: a program found its configuration wrong. */
const configurationStatus = 78

export function judgePrograms({ units, systemdVersion, wanted, isBefore }: ProgramFacts): readonly Line[] {
  if (units === undefined)
    return [unseen('no systemd runs here, so units were not looked at', 'ps -ef | grep mesh')]
  const old =
    systemdVersion !== undefined && systemdVersion < oldestSystemd
      ? [
          amiss(
            'systemd-old',
            `systemd ${systemdVersion} is older than the units need`,
            `upgrade the system to a release with systemd ${oldestSystemd} or newer`,
          ),
        ]
      : []
  return [
    ...old,
    ...units.filter(({ program }) => wanted.has(program)).flatMap((unit) => judgeUnit(unit, isBefore)),
  ]
}

function judgeUnit(unit: UnitFacts, isBefore: boolean): readonly Line[] {
  const name = `mesh-${unit.program}`
  const file = judgeFile(unit, name)
  // What else is told of a unit without its file are systemd's defaults.
  if (file !== undefined) return [file]
  const state = judgeState(unit, name, isBefore)
  const beside = [...judgeEnabled(unit, name), ...judgeLimits(unit, name)]
  return state.mark === 'ok' && beside.length > 0 ? beside : [state, ...beside]
}

function judgeFile({ load, fileState }: UnitFacts, name: string): Line | undefined {
  if (load === 'masked' || fileState === 'masked')
    return amiss(
      'unit-masked',
      `${name} is masked: nobody can start it`,
      `systemctl unmask ${name} && systemctl start mesh-agent`,
    )
  if (load !== 'loaded')
    return amiss(
      'unit-missing',
      `the unit ${name} is not there (${load})`,
      'apt-get install --reinstall mesh-agent',
    )
  return undefined
}

function judgeState(unit: UnitFacts, name: string, isBefore: boolean): Line {
  const { active, sub, result, restarts, activeForMs } = unit
  const read = `journalctl -u ${name} -n 20`
  if (active === 'failed')
    return amiss(
      'unit-failed',
      `${name} failed: ${reasonOf(unit)}`,
      `${read}; then systemctl reset-failed ${name} && systemctl start mesh-agent`,
    )
  if (sub === 'auto-restart')
    return amiss('unit-restarting', `${name} fails again and again: ${reasonOf(unit)}`, read)
  if (active === 'activating' || active === 'reloading') return well(`${name} is ${active}`)
  if (active !== 'active')
    return isBefore
      ? well(`${name} is ready to be started`)
      : amiss('unit-stopped', `${name} does not run`, 'systemctl start mesh-agent')
  if (restarts > 0 && activeForMs !== undefined && activeForMs < recentMs)
    return amiss(
      'unit-unsteady',
      `${name} was started again by itself ${minutes(activeForMs)} ago (${restarts} times since its start; ${result === 'success' ? 'it had crashed' : result})`,
      read,
    )
  return well(`${name} runs`)
}

function reasonOf({ result, exitStatus }: UnitFacts): string {
  if (result === 'watchdog') return 'its watchdog found it hanging'
  if (exitStatus === configurationStatus) return 'its configuration or its state is wrong (status 78)'
  return result === 'exit-code' ? `it ended with status ${exitStatus}` : result
}

const minutes = (ms: number): string =>
  ms < 120_000 ? `${Math.round(ms / 1_000)} seconds` : `${Math.round(ms / 60_000)} minutes`

/** The agent brings the others along, so it alone is enabled. */
const judgeEnabled = ({ program, fileState }: UnitFacts, name: string): readonly Line[] =>
  program === 'agent' && fileState === 'disabled'
    ? [amiss('unit-disabled', `${name} is not started at boot`, `systemctl enable ${name}`)]
    : []

function judgeLimits({ maxFiles, isChanged }: UnitFacts, name: string): readonly Line[] {
  const lines: Line[] = []
  if (maxFiles < fewFiles)
    lines.push(
      amiss(
        'limit-low',
        `${name} may open only ${maxFiles} files`,
        `systemctl edit ${name}: [Service] LimitNOFILE=524288`,
      ),
    )
  if (isChanged)
    lines.push(
      amiss(
        'unit-changed',
        `the unit file of ${name} is newer than what systemd knows`,
        `systemctl daemon-reload && systemctl restart ${name}`,
      ),
    )
  return lines
}
