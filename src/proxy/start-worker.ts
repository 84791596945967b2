/**
 * Composition root of a proxy worker process: a child of the holder, which it asks for listening handles. Ends when the
 * holder says so, on SIGTERM, and when the holder is gone.
 */
import { join } from 'node:path'
import { assert } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import { systemClock } from '../platform/clock.ts'
import { openLineFile } from '../platform/line-file.ts'
import type { LineFile, Log } from '../platform/ports.ts'
import { systemRandom } from '../platform/random.ts'
import { createSocketOwners } from '../platform/socket-owners.ts'
import { createStateFiles } from '../platform/state-files.ts'
import { type FromWorker, isFromHolder } from './holder/message.ts'
import { scopeFolder, type WorkerScope } from './holder/scope.ts'
import { startGuide } from './worker/guide.ts'
import { createHolderChannel } from './worker/holder-channel.ts'
import { startWorker } from './worker/worker.ts'

export interface ProxyWorkerOptions {
  /** The proxy's own folder, for its last good state. */
  readonly stateDirectory: string
  readonly linkSocketPath: string
  readonly log: Log
  /** File for one line per connection; without it they stand in the log. */
  readonly accessLogPath?: string
  /** Version of the product. */
  readonly version: string
  /** What the worker is for, as its arguments say; default: everything. */
  readonly scope?: WorkerScope
}

/** A worker or a guide, once it runs. */
interface Running {
  stop(drainMs: number, done: () => void): void
}

/** Runs until the process ends; it sets up the process's signals. Must be called in a child made by `startProxy`. */
export function startProxyWorker(options: ProxyWorkerOptions): void {
  assert(process.send !== undefined, 'a proxy worker is started by a holder')
  const send = (message: FromWorker): void => {
    process.send?.(message)
  }
  const channel = createHolderChannel(send)
  const running = run(options, channel.handles, send)
  let stopping = false
  const stop = (drainMs: number = limits.workerDrainMs): void => {
    if (stopping) return
    stopping = true
    running.stop(drainMs, () => process.exit(0))
  }
  process.on('message', (message: unknown, handle: unknown) => {
    if (!isFromHolder(message)) return
    if (message.kind === 'stop') stop(message.drainMs)
    else channel.onMessage(message, handle as object | undefined)
  })
  process.on('disconnect', () => stop())
  process.on('SIGTERM', () => stop())
  // Ctrl-C in a terminal reaches the whole group; the holder decides what it means.
  process.on('SIGINT', () => {})
  const beat = (): void => {
    if (process.connected) send({ kind: 'alive' })
    systemClock.after(limits.workerBeatMs, beat)
  }
  beat()
}

function run(
  options: ProxyWorkerOptions,
  handles: ReturnType<typeof createHolderChannel>['handles'],
  send: (message: FromWorker) => void,
): Running {
  const { linkSocketPath, log, version, scope = { kind: 'host' } } = options
  const common = {
    clock: systemClock,
    random: systemRandom,
    log,
    files: createStateFiles(join(options.stateDirectory, scopeFolder(scope))),
    linkSocketPath,
    pid: process.pid,
    version,
  }
  if (scope.kind !== 'guide')
    return startWorker({
      ...common,
      handles,
      owners: createSocketOwners(),
      ...accessFile(options),
      ...(scope.kind === 'service' ? { service: scope.service } : {}),
    })
  const guide = startGuide({ ...common, onServices: (names) => send({ kind: 'services', names }) })
  return {
    stop(_drainMs, done) {
      guide.stop()
      done()
    },
  }
}

function accessFile({ accessLogPath: path = '', log }: ProxyWorkerOptions): {
  readonly accessFile?: LineFile
} {
  return path === '' ? {} : { accessFile: openLineFile({ path, clock: systemClock, log }) }
}
