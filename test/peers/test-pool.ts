// A pool as a host would open it, on the real machine, with the log kept in memory.
import type { PoolOptions } from '../../src/membership/contract.ts'
import { keyFromText } from '../../src/membership/key-store.ts'
import { Pool } from '../../src/membership/pool.ts'
import { lanTiming, localTiming } from '../../src/membership/timing.ts'
import { unwrap } from '../../src/model/errors.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { systemHostNames } from '../../src/platform/host-names.ts'
import { systemPoolSockets } from '../../src/platform/pool-sockets.ts'
import type { Log, LogFields } from '../../src/platform/ports.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { createStateFiles } from '../../src/platform/state-files.ts'

export interface TestPoolOptions {
  readonly node: string
  readonly address: string
  readonly port: number
  readonly key?: string | undefined
  readonly folder: string
  readonly profile: 'lan' | 'local'
  readonly more?: Partial<PoolOptions>
}

export interface LogLine extends LogFields {
  readonly level: string
  readonly message: string
}

/** `lines` grows while the pool runs. */
export function memoryLog(lines: LogLine[]): Log {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ ...fields, level, message })
    }
  const log: Log = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: () => log,
  }
  return log
}

export const noMetrics = { count: () => undefined, gauge: () => undefined }

export async function openTestPool(options: TestPoolOptions): Promise<{ pool: Pool; log: LogLine[] }> {
  const { node, address, port, key, folder, profile, more = {} } = options
  const log: LogLine[] = []
  const pool = await new Promise<Pool>((resolve, reject) =>
    Pool.open(
      {
        pool: 'lan',
        node,
        bind: { address, port },
        advertise: { address: '', port: 0 },
        tags: new Map([['role', 'mesh']]),
        timing: profile === 'lan' ? lanTiming : localTiming,
        label: '',
        keys: key === undefined ? [] : [unwrap(keyFromText(key))],
        verifiesIncoming: true,
        encryptsOutgoing: true,
        allowedNetworks: [],
        isOneDatacenter: true,
        rejoinsAfterLeave: false,
        sockets: systemPoolSockets,
        names: systemHostNames,
        clock: systemClock,
        random: systemRandom,
        files: createStateFiles(folder),
        log: memoryLog(log),
        metrics: noMetrics,
        ...more,
      },
      (opened) => (opened.ok ? resolve(opened.value) : reject(new Error(opened.failure.message))),
    ),
  )
  return { pool, log }
}
