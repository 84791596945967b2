// `npm run bench -- failover`: the leader of three servers is killed under load, again and again, and the time is taken until
// a survivor accepts a write that was sent after the kill. Default settings, against etcd with its own.
//
//   --rounds N (20)   --only ours|etcd
import { parseArgs } from 'node:util'
import type { BenchCluster } from '../clusters/cluster.ts'
import { inTurns } from '../clusters/turns.ts'
import { pause } from '../load/closed-loop.ts'
import type { Connection } from '../load/connection.ts'
import { type BenchResult, median, round } from '../result.ts'

const servers = [0, 1, 2] as const
const value = Buffer.alloc(256, 7)
/** A write to each server that runs, this often: the load, and the measure's resolution. */
const everyMs = 5
const givenUpAfterMs = 30_000
/** Between rounds: the server that was killed has come back and caught up. */
const recoveryMs = 4_000

export async function bench(args: readonly string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args: [...args],
    options: { rounds: { type: 'string', default: '20' }, only: { type: 'string' } },
  })
  const rounds = Number(values.rounds)
  const all = await inTurns({ rounds: 1, only: values.only }, async (cluster) => {
    const load = new Load(cluster)
    const times: number[] = []
    try {
      for (let i = 1; i <= rounds; i++) {
        const { leader, tookMs } = await oneRound(cluster, load)
        times.push(tookMs)
        console.log(
          `${cluster.name} round ${i}: server ${leader + 1} killed, first accepted write after ${tookMs.toFixed(0)} ms`,
        )
      }
    } finally {
      load.stop()
    }
    return times
  })
  const figures = (times: readonly number[]) => ({
    medianMs: round(median(times), 0),
    maxMs: round(Math.max(...times), 0),
    times: times.map((time) => round(time, 0)),
  })
  const [ours, etcd] = [figures(all.ours.flat()), figures(all.etcd.flat())]
  console.log(
    `ours: median ${ours.medianMs} ms, max ${ours.maxMs} ms; etcd: median ${etcd.medianMs} ms, max ${etcd.maxMs} ms`,
  )
  return {
    bench: 'failover',
    unit: 'ms to the first accepted write, maximum',
    ours: ours.maxMs,
    peer: Number.isFinite(etcd.maxMs) ? etcd.maxMs : null,
    ratio: Number.isFinite(etcd.maxMs) ? round(ours.maxMs / etcd.maxMs, 2) : null,
    runs: [
      { system: 'ours', ...ours },
      { system: 'etcd', ...etcd },
    ],
  }
}

async function oneRound(
  cluster: BenchCluster,
  load: Load,
): Promise<{ readonly leader: number; readonly tookMs: number }> {
  const leader = await cluster.leader()
  await load.accepted(performance.now(), givenUpAfterMs)
  const killedMs = performance.now()
  await cluster.kill(leader)
  const acceptedMs = await load.accepted(killedMs, givenUpAfterMs)
  cluster.restart(leader)
  await pause(recoveryMs)
  return { leader, tookMs: acceptedMs - killedMs }
}

/** Writes at every server at a steady pace, whatever becomes of them, and reconnects where it was cut off. */
class Load {
  private readonly cluster: BenchCluster
  private readonly connections = new Map<number, Connection>()
  private readonly timer: NodeJS.Timeout
  private isOver = false
  private sent = 0
  private waiting: { readonly sinceMs: number; readonly done: (atMs: number) => void } | undefined

  constructor(cluster: BenchCluster) {
    this.cluster = cluster
    for (const server of servers) this.connect(server)
    this.timer = setInterval(() => this.tick(), everyMs)
  }

  stop(): void {
    this.isOver = true
    clearInterval(this.timer)
    for (const connection of this.connections.values()) connection.close()
  }

  /** When the first write was accepted of those that were sent after `sinceMs`. */
  accepted(sinceMs: number, timeoutMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no write was accepted in ${timeoutMs} ms`)), timeoutMs)
      const done = (atMs: number): void => {
        clearTimeout(timer)
        this.waiting = undefined
        resolve(atMs)
      }
      this.waiting = { sinceMs, done }
    })
  }

  private tick(): void {
    for (const [server, connection] of this.connections) {
      const sentMs = performance.now()
      const key = `bench/${this.sent++ % 1_000}`
      value.writeUInt32BE(this.sent)
      connection.call(this.cluster.write('rpc', key, value), (outcome) => {
        if (outcome === 'accepted') {
          if (this.waiting !== undefined && sentMs > this.waiting.sinceMs)
            this.waiting.done(performance.now())
        } else if (outcome === 'lost' && this.connections.get(server) === connection) {
          this.connections.delete(server)
          this.connect(server)
        }
      })
    }
  }

  private connect(server: number): void {
    if (this.isOver) return
    this.cluster.writerAt(server).then(
      (connection) => {
        if (this.isOver) connection.close()
        else this.connections.set(server, connection)
      },
      () => setTimeout(() => this.connect(server), 50),
    )
  }
}
