/**
 * Composition root of a proxy worker process: a child of the holder, which it asks for listening handles. Ends when the
 * holder says so, on SIGTERM, and when the holder is gone.
 */
import { assert } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import { systemClock } from '../platform/clock.ts'
import type { Log } from '../platform/ports.ts'
import { systemRandom } from '../platform/random.ts'
import { createStateFiles } from '../platform/state-files.ts'
import { isFromHolder } from './holder/message.ts'
import { createHolderChannel } from './worker/holder-channel.ts'
import { startWorker } from './worker/worker.ts'

export interface ProxyWorkerOptions {
  /** The proxy's own folder, for its last good state. */
  readonly stateDirectory: string
  readonly linkSocketPath: string
  readonly log: Log
  /** Version of the product. */
  readonly version: string
}

/** Runs until the process ends; it sets up the process's signals. Must be called in a child made by `startProxy`. */
export function startProxyWorker(options: ProxyWorkerOptions): void {
  assert(process.send !== undefined, 'a proxy worker is started by a holder')
  const channel = createHolderChannel((message) => process.send?.(message))
  const { linkSocketPath, log, version } = options
  const worker = startWorker({
    clock: systemClock,
    random: systemRandom,
    log,
    files: createStateFiles(options.stateDirectory),
    handles: channel.handles,
    linkSocketPath,
    pid: process.pid,
    version,
  })
  let stopping = false
  const stop = (drainMs: number = limits.workerDrainMs): void => {
    if (stopping) return
    stopping = true
    worker.stop(drainMs, () => process.exit(0))
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
}
