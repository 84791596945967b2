// The load: so many clients, each with a connection of its own, each sending its next call when the last one is answered.
import type { Connection } from './connection.ts'

export interface LoadOptions {
  readonly clients: number
  /** Left out of the figures: compilers and caches warm up, leaders settle. */
  readonly warmUpMs: number
  readonly measureMs: number
  readonly connect: () => Promise<Connection>
  /** Bytes of the n-th call. */
  readonly message: (n: number) => Buffer
  /** Called when measuring begins and ends; how much it grew is in the figures. */
  readonly probe: () => number
  /** Told when measuring begins and ends, for figures that take a while to get. */
  readonly onBegin?: () => Promise<void>
  readonly onEnd?: () => Promise<void>
}

export interface LoadFigures {
  readonly accepted: number
  readonly refused: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** What `probe` counted meanwhile. */
  readonly probed: number
  /** Share of one core that this process used. */
  readonly generatorCore: number
}

export async function closedLoop(options: LoadOptions): Promise<LoadFigures> {
  const { clients, message, measureMs } = options
  const connections = await Promise.all(Array.from({ length: clients }, () => options.connect()))
  const latencies: number[] = []
  let refused = 0
  let sent = 0
  let isMeasuring = false
  let isOver = false
  const lane = (connection: Connection): Promise<void> =>
    new Promise((resolve, reject) => {
      const next = (): void => {
        if (isOver) {
          resolve()
          return
        }
        const begunMs = performance.now()
        connection.call(message(sent++), (outcome) => {
          if (outcome === 'lost' && !isOver) reject(new Error('a connection was lost under load'))
          if (isMeasuring && outcome === 'accepted') latencies.push(performance.now() - begunMs)
          else if (isMeasuring) refused += 1
          next()
        })
      }
      next()
    })
  const lanes = Promise.all(connections.map(lane))
  // A lane that fails ends the whole load at once.
  await Promise.race([pause(options.warmUpMs), lanes])
  await options.onBegin?.()
  isMeasuring = true
  const cpu = process.cpuUsage()
  const [begunMs, probedBefore] = [performance.now(), options.probe()]
  await Promise.race([pause(measureMs), lanes])
  isMeasuring = false
  const [elapsedMs, probed] = [performance.now() - begunMs, options.probe() - probedBefore]
  const { user, system } = process.cpuUsage(cpu)
  await options.onEnd?.()
  isOver = true
  await lanes
  for (const connection of connections) connection.close()
  latencies.sort((a, b) => a - b)
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN
  return {
    accepted: latencies.length,
    refused,
    perSecond: (latencies.length * 1_000) / elapsedMs,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    probed,
    generatorCore: (user + system) / 1_000 / elapsedMs,
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
