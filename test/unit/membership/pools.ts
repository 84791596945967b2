// Pools on a virtual network, with state files in memory: what the tests of this folder share.
import type { PoolEvent, PoolOptions } from '../../../src/membership/contract.ts'
import { Pool } from '../../../src/membership/pool.ts'
import { localTiming } from '../../../src/membership/timing.ts'
import { unwrap } from '../../../src/model/errors.ts'
import type { StateFiles } from '../../../src/platform/ports.ts'
import { type LogLine, memoryLog } from '../../peers/test-pool.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { SeededRandom } from '../../simulation/random.ts'
import { VirtualNetwork } from './virtual-network.ts'

export const port = 8_301

export interface Opened {
  readonly pool: Pool
  readonly log: LogLine[]
  readonly events: PoolEvent[]
  readonly files: StateFiles
}

export function memoryFiles(): StateFiles {
  const files = new Map<string, Uint8Array>()
  return {
    list: () => [...files.keys()],
    read: (path) => files.get(path),
    write: (path, data) => {
      files.set(path, Uint8Array.from(data))
      return undefined
    },
    remove: (path) => {
      files.delete(path)
      return undefined
    },
  }
}

export class World {
  readonly clock = new VirtualClock()
  readonly network = new VirtualNetwork(this.clock)
  readonly random = new SeededRandom(7)
  readonly counts = new Map<string, number>()
  /** Names that resolve. */
  readonly names = new Map<string, readonly string[]>()

  /** The host number `host` at 10.0.0.`host`. */
  open(host: number, more: Partial<PoolOptions> = {}): Opened {
    const log: LogLine[] = []
    const events: PoolEvent[] = []
    const files = more.files ?? memoryFiles()
    const options: PoolOptions = {
      pool: 'lan',
      node: `node-${host}`,
      bind: { address: `10.0.0.${host}`, port },
      advertise: { address: '', port: 0 },
      tags: new Map([['dc', 'dc1']]),
      timing: localTiming,
      label: '',
      keys: [],
      verifiesIncoming: true,
      encryptsOutgoing: true,
      allowedNetworks: [],
      isOneDatacenter: true,
      rejoinsAfterLeave: false,
      sockets: this.network.sockets,
      names: {
        resolve: (name, done) => {
          const found = this.names.get(name)
          this.clock.after(1, () => done(found ?? [], found === undefined ? 'no such host name' : ''))
        },
      },
      clock: this.clock,
      random: this.random,
      files,
      log: memoryLog(log),
      metrics: {
        count: (name, labels = {}, by = 1) => {
          const key = `${name} ${Object.values(labels).join(' ')}`
          this.counts.set(key, (this.counts.get(key) ?? 0) + by)
        },
        gauge: () => undefined,
      },
      ...more,
    }
    let opened: Pool | undefined
    Pool.open(options, (result) => {
      opened = unwrap(result)
    })
    if (opened === undefined) throw new Error('a virtual socket opens at once')
    opened.onEvent((event) => events.push(event))
    return { pool: opened, log, events, files }
  }

  /** Joins through host 1 and lets the news settle. */
  join({ pool }: Opened, through = 1): void {
    pool.join([`10.0.0.${through}`], () => undefined)
    this.clock.run(2_000)
  }

  /** `count` pools that know one another. */
  formed(count: number, more: Partial<PoolOptions> = {}): readonly [Opened, Opened, Opened, ...Opened[]] {
    const all = Array.from({ length: count }, (_, at) => this.open(at + 1, more))
    for (const one of all.slice(1)) this.join(one)
    const settled = (): boolean => all.every(({ pool }) => alive(pool) === count)
    if (!this.clock.runUntil(settled, 60_000)) throw new Error('the pool does not form')
    const [first, second, third, ...rest] = all
    if (first === undefined || second === undefined || third === undefined) throw new Error('three at least')
    return [first, second, third, ...rest]
  }
}

export const alive = (pool: Pool): number =>
  pool.members().filter(({ presence }) => presence === 'alive').length
