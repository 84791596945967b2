/**
 * The last good state on disk, with which a worker serves on when neither agent nor servers are there. Holds leaf keys:
 * 0600, in the proxy's own folder. A damaged or foreign file counts as none. Knows nothing of what resources mean.
 */
import { createHash } from 'node:crypto'
import { failed, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import { type ProxyResource, resourceOrder } from '../../model/proxy-config.ts'
import type { Clock, Log, StateFiles, Timer } from '../../platform/ports.ts'
import { readResources } from '../../wire/link/resource.ts'

const path = 'last-good.json'
export const lastGoodVersion = 1
/** First line of the file: format and checksum of the rest. */
const format = `mesh-proxy-state ${lastGoodVersion}`
/** Writing takes at most this share of the time. */
const writeShare = 0.05

export interface LastGood {
  /** What was kept, in resource order; a failure says why there is nothing. */
  load(): Result<readonly ProxyResource[]>
  /** Keeps `resources`, shortly after; of several calls in a row the last one counts. */
  save(resources: ReadonlyMap<string, ProxyResource>): void
  /** Writes what is waiting to be written, and nothing after it. */
  stop(): void
}

export function createLastGood(files: StateFiles, clock: Clock, log: Log): LastGood {
  let waiting: ReadonlyMap<string, ProxyResource> | undefined
  let timer: Timer | undefined
  let lastWriteMs = 0
  let stopped = false

  const flush = (): void => {
    timer?.cancel()
    timer = undefined
    if (waiting === undefined) return
    const startedMs = clock.monotonicMs()
    const error = files.write(path, encode([...waiting.values()]), { mode: 0o600 })
    waiting = undefined
    lastWriteMs = clock.monotonicMs() - startedMs
    if (error !== undefined) log.error('the last good state could not be kept', { error: error.message })
  }

  return {
    load() {
      const bytes = files.read(path)
      return bytes === undefined ? failed('not-found', 'no state was kept') : decode(Buffer.from(bytes))
    },
    save(resources) {
      if (stopped) return
      waiting = resources
      timer ??= clock.after(Math.max(limits.lastGoodDelayMs, lastWriteMs / writeShare), flush)
    },
    stop() {
      flush()
      stopped = true
    },
  }
}

function encode(resources: readonly ProxyResource[]): Buffer {
  const rank = (resource: ProxyResource): number => resourceOrder.indexOf(resource.kind)
  const body = Buffer.from(JSON.stringify(resources.toSorted((a, b) => rank(a) - rank(b))))
  return Buffer.concat([Buffer.from(`${format} ${digest(body)}\n`), body])
}

function decode(bytes: Buffer): Result<readonly ProxyResource[]> {
  const end = bytes.indexOf('\n')
  const head = bytes.subarray(0, Math.max(0, end)).toString()
  const body = bytes.subarray(end + 1)
  if (!head.startsWith(`${format} `)) return failed('internal', 'the kept state has another format')
  if (head !== `${format} ${digest(body)}`) return failed('internal', 'the kept state is damaged')
  const list: unknown = JSON.parse(body.toString())
  return Array.isArray(list) ? readResources(list) : failed('internal', 'the kept state is not a list')
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
