/**
 * The log of a program: pino behind the `Log` port, written synchronously to standard output so that the last line
 * before a crash is there. One JSON object per line, or one line for people.
 * Knows nothing of what is logged, except names of fields that must never appear.
 */
import pino from 'pino'
import type { Log, LogFields } from './ports.ts'

const levels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevelName = (typeof levels)[number]

/** Fields that would carry a secret if a caller forgot; their values are replaced. */
const secretFields = ['privateKeyPem', 'secret', 'token', 'sealedKey']

export interface LogOptions {
  readonly level: LogLevelName
  /** One JSON object per line; otherwise a line for people. */
  readonly json: boolean
  /** Added to each line, such as the program's name. */
  readonly fields?: LogFields
  /** Takes finished lines; standard output when not given. */
  readonly write?: (line: string) => void
}

export interface ProgramLog extends Log {
  /** Changes what is written from now on, for this log and all made from it by `with`. */
  setLevel(level: LogLevelName): void
}

export function createLog(options: LogOptions): ProgramLog {
  const write = options.write ?? standardOutput()
  const sink = options.json ? { write } : { write: (line: string) => write(humanLine(line)) }
  const logger = pino(
    {
      level: 'debug',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
    },
    sink,
  )
  const threshold = { rank: levels.indexOf(options.level) }
  const root = options.fields === undefined ? logger : logger.child(plainFields(options.fields))
  return Object.assign(portOf(root, threshold), {
    setLevel: (level: LogLevelName) => {
      threshold.rank = levels.indexOf(level)
    },
  })
}

function standardOutput(): (line: string) => void {
  const destination = pino.destination({ dest: 1, sync: true })
  return (line) => {
    destination.write(line)
  }
}

/** Levels are kept here and not in pino, whose child loggers copy the level once and never follow a change. */
function portOf(logger: pino.Logger, threshold: { readonly rank: number }): Log {
  const at = (level: LogLevelName) => {
    const rank = levels.indexOf(level)
    return (message: string, fields?: LogFields): void => {
      if (rank < threshold.rank) return
      if (fields === undefined) logger[level](message)
      else logger[level](plainFields(fields), message)
    }
  }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => portOf(logger.child(plainFields(fields)), threshold),
  }
}

/** An `Error` has no own enumerable text and would be written as `{}`. */
function plainFields(fields: LogFields): Record<string, unknown> {
  const plain: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields))
    plain[name] = value instanceof Error ? (value.stack ?? value.message) : value
  return plain
}

/** `2026-11-21T05:04:13.123Z INFO  Message  field=value`; the JSON line is parsed back because only people wait for it. */
function humanLine(json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Record<string, unknown>
  const tail = Object.entries(fields).map(([name, value]) => ` ${name}=${humanValue(value)}`)
  return `${String(time)} ${String(level).toUpperCase().padEnd(5)} ${String(msg)}${tail.join('')}\n`
}

function humanValue(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  return /^[\w.:/@*,+-]+$/.test(value) ? value : JSON.stringify(value)
}
