/**
 * The log of a program: pino behind the `Log` port, written synchronously to standard output so that the last line
 * before a crash is there. One JSON object per line, or one line for people.
 * Knows nothing of what is logged, except names of fields that must never appear.
 */
import pino from 'pino'
import { limits } from '../model/limits.ts'
import type { Log, LogFields, LogLevelName, LogLines } from './ports.ts'

const levels: readonly LogLevelName[] = ['debug', 'info', 'warn', 'error']

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

export interface ProgramLog extends Log, LogLines {
  /** Changes what is written from now on, for this log and all made from it by `with`. */
  setLevel(level: LogLevelName): void
}

/** Who gets which lines. Levels are ranks in `levels`. */
interface Outlets {
  own: number
  /** Lowest rank that anybody wants. */
  least: number
  /** Rank of the line that is being written: the writer calls the sink before it returns. */
  current: number
  readonly followers: Set<Follower>
}

interface Follower {
  readonly rank: number
  readonly json: boolean
  readonly take: (line: string) => void
}

export function createLog(options: LogOptions): ProgramLog {
  const outlets = { own: levels.indexOf(options.level), least: 0, current: 0, followers: new Set<Follower>() }
  const settle = (): void => {
    outlets.least = Math.min(outlets.own, ...[...outlets.followers].map(({ rank }) => rank))
  }
  settle()
  const logger = pino(
    {
      level: 'debug',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
    },
    sinkOf(outlets, options.write ?? standardOutput(), options.json),
  )
  const root = options.fields === undefined ? logger : logger.child(plainFields(options.fields))
  return Object.assign(portOf(root, outlets), {
    setLevel: (level: LogLevelName) => {
      outlets.own = levels.indexOf(level)
      settle()
    },
    follow: ({ level, json }: Parameters<LogLines['follow']>[0], take: (line: string) => void) => {
      if (outlets.followers.size >= limits.logFollowers) return undefined
      const follower = { rank: levels.indexOf(level), json, take }
      outlets.followers.add(follower)
      settle()
      return {
        stop: () => {
          outlets.followers.delete(follower)
          settle()
        },
      }
    },
  })
}

function sinkOf(outlets: Outlets, own: (line: string) => void, json: boolean): { write(line: string): void } {
  const deliver = (
    line: string,
    to: { readonly json: boolean; readonly take: (line: string) => void },
  ): void => to.take(to.json ? line : humanLine(line))
  return {
    write(line) {
      if (outlets.current >= outlets.own) deliver(line, { json, take: own })
      for (const follower of outlets.followers) if (outlets.current >= follower.rank) deliver(line, follower)
    },
  }
}

function standardOutput(): (line: string) => void {
  const destination = pino.destination({ dest: 1, sync: true })
  return (line) => {
    destination.write(line)
  }
}

/** Levels are kept here and not in pino, whose child loggers copy the level once and never follow a change. */
function portOf(logger: pino.Logger, outlets: Outlets): Log {
  const at = (level: LogLevelName) => {
    const rank = levels.indexOf(level)
    return (message: string, fields?: LogFields): void => {
      if (rank < outlets.least) return
      outlets.current = rank
      if (fields === undefined) logger[level](message)
      else logger[level](plainFields(fields), message)
    }
  }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => portOf(logger.child(plainFields(fields)), outlets),
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
