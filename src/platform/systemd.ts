/**
 * Tells systemd how a program is doing: ready, status, reloading, stopping, and the watchdog's sign of life.
 * It runs the `systemd-notify` binary, because Node cannot open the datagram socket that systemd listens on; a child
 * process needs `NotifyAccess=all` in the unit. Does not know what makes a program ready or alive: start files say so.
 * Protocol: sd_notify(3), systemd.service(5).
 */
import { execFile } from 'node:child_process'

/** What a program says to systemd. Where systemd did not start it, every call does nothing. */
export interface Notifier {
  /** The program serves; also ends a `reloading`. `status` is one line for `systemctl status`. */
  ready(status: string): void
  /** Replaces the line that `systemctl status` shows. */
  status(text: string): void
  /** Shutdown has begun. */
  stopping(): void
  /** The configuration is being read again; `ready` must follow. */
  reloading(): void
  /**
   * Starts the watchdog: `alive` is asked twice per period and each `true` is passed on. It must answer from the work
   * loop (has it gone round since the last question?), because a timer that fires proves little. Returns how to end it.
   */
  watch(alive: () => boolean): () => void
}

/** What a unit's environment holds for the notifier. */
export type Environment = Record<string, string | undefined>

export interface NotifierOptions {
  /** The program to run instead of `/usr/bin/systemd-notify`. */
  readonly program?: string
  /** Told why a message did not arrive; the program goes on either way. */
  readonly onFailure?: (why: string) => void
}

/** systemd-notify itself waits up to 5 s for systemd to take a message. */
const sendTimeoutMs = 6_000
const statusMaxLength = 256

/**
 * Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` from `environment` and removes them from it, so that
 * script checks and workers, which inherit the environment, cannot speak for the program.
 */
export function createNotifier(environment: Environment, options: NotifierOptions = {}): Notifier {
  const socket = environment['NOTIFY_SOCKET']
  const periodMs = watchdogPeriodMs(environment)
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name]
  if (socket === undefined || socket === '') return silent
  const tell = messenger(socket, options)
  return {
    ready: (status) => tell({ READY: '1', STATUS: oneLine(status) }),
    status: (text) => tell({ STATUS: oneLine(text) }),
    stopping: () => tell({ STOPPING: '1' }),
    // Type=notify-reload wants the time as well; it is a later systemd's, and older ones ignore the field.
    reloading: () => tell({ RELOADING: '1', MONOTONIC_USEC: String(process.hrtime.bigint() / 1000n) }),
    watch: (alive) => {
      if (periodMs === undefined) return () => undefined
      const timer = setInterval(() => {
        if (alive()) tell({ WATCHDOG: '1' })
      }, periodMs / 2)
      timer.unref()
      return () => clearInterval(timer)
    },
  }
}

const silent: Notifier = {
  ready: () => undefined,
  status: () => undefined,
  stopping: () => undefined,
  reloading: () => undefined,
  watch: () => () => undefined,
}

function watchdogPeriodMs(environment: Environment): number | undefined {
  const owner = environment['WATCHDOG_PID']
  if (owner !== undefined && owner !== String(process.pid)) return undefined
  const periodMs = Number(environment['WATCHDOG_USEC']) / 1000
  return periodMs > 0 ? periodMs : undefined
}

/** A line break would let a status carry assignments of its own; a zero byte cannot stand in an argument. */
function oneLine(text: string): string {
  return text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, statusMaxLength)
}

type Fields = Readonly<Record<string, string>>

/** The later word cancels the earlier one while both still wait to be sent. */
const cancels: Readonly<Record<string, readonly string[]>> = {
  READY: ['RELOADING', 'MONOTONIC_USEC'],
  RELOADING: ['READY'],
  STOPPING: ['READY', 'RELOADING', 'MONOTONIC_USEC', 'WATCHDOG'],
}

/** Sends in order, one child at a time; what comes meanwhile is merged by field, so nothing can pile up. */
function messenger(socket: string, options: NotifierOptions): (fields: Fields) => void {
  const program = options.program ?? '/usr/bin/systemd-notify'
  let waiting: Record<string, string> = {}
  let busy = false
  const send = (): void => {
    const assignments = Object.entries(waiting).map(([name, value]) => `${name}=${value}`)
    if (busy || assignments.length === 0) return
    waiting = {}
    busy = true
    const environment = { NOTIFY_SOCKET: socket }
    execFile(program, assignments, { env: environment, timeout: sendTimeoutMs }, (error) => {
      busy = false
      if (error !== null) options.onFailure?.(error.message)
      send()
    })
  }
  return (fields) => {
    for (const name of Object.keys(fields)) for (const old of cancels[name] ?? []) delete waiting[old]
    Object.assign(waiting, fields)
    send()
  }
}
