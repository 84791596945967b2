// `npm run bench -- reads`: reads of one key with a value of 256 bytes per second and CPU per read, of three servers on this
// machine: linearizable and stale, by RPC and by HTTP, with 1 and with 64 clients, against etcd's gRPC and JSON gateway.
//
//   --rounds N (3)   --seconds N (4) per measurement   --only ours|etcd
import { parseArgs } from 'node:util'
import type { BenchCluster, ReadMode, Way } from '../clusters/cluster.ts'
import { inTurns, type SystemName, systems } from '../clusters/turns.ts'
import { closedLoop, type LoadFigures } from '../load/closed-loop.ts'
import type { Outcome } from '../load/connection.ts'
import { cpuMs } from '../load/processes.ts'
import { type BenchResult, busyGenerator, generatorCoreMax, median, round } from '../result.ts'

const keys = 1_000
const valueBytes = 256

interface Case {
  readonly way: Way
  readonly mode: ReadMode
  readonly clients: number
}

const cases: readonly Case[] = (['rpc', 'http'] as const).flatMap((way) =>
  (['linearizable', 'stale'] as const).flatMap((mode) => [1, 64].map((clients) => ({ way, mode, clients }))),
)

const nameOf = ({ way, mode, clients }: Case): string => `${mode} ${way} ${clients}`

interface Figures extends LoadFigures {
  readonly cpuMicrosecondsPerRead: number
}

export async function bench(args: readonly string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
      only: { type: 'string' },
    },
  })
  const all = await inTurns({ rounds: Number(values.rounds), only: values.only }, async (cluster, turn) => {
    await fill(cluster)
    const figures = new Map<string, Figures>()
    for (const each of cases) {
      const one = await measure(cluster, each, Number(values.seconds))
      figures.set(nameOf(each), one)
      print(`round ${turn} ${cluster.name} ${nameOf(each)}`, one)
    }
    return figures
  })
  return summary(all)
}

async function fill(cluster: BenchCluster): Promise<void> {
  const value = Buffer.alloc(valueBytes, 7)
  const connection = await cluster.writer('rpc')
  for (let n = 0; n < keys; n++) {
    const message = cluster.write('rpc', `bench/${n}`, value)
    const outcome = await new Promise<Outcome>((resolve) => connection.call(message, resolve))
    if (outcome !== 'accepted') throw new Error(`a write was ${outcome}`)
  }
  connection.close()
}

async function measure(
  cluster: BenchCluster,
  { way, mode, clients }: Case,
  seconds: number,
): Promise<Figures> {
  const messages = Array.from({ length: keys }, (_, n) => cluster.read(way, `bench/${n}`, mode))
  const load = await closedLoop({
    clients,
    warmUpMs: 1_500,
    measureMs: seconds * 1_000,
    connect: () => cluster.reader(way, mode),
    message: (n) => messages[n % keys] ?? Buffer.alloc(0),
    probe: () => cpuMs(cluster.pids(way)),
  })
  if (load.refused > 0) throw new Error(`${load.refused} reads were refused`)
  return { ...load, cpuMicrosecondsPerRead: (load.probed * 1_000) / load.accepted }
}

function print(what: string, figures: Figures): void {
  const { perSecond, p50Ms, p99Ms, generatorCore, cpuMicrosecondsPerRead } = figures
  console.log(
    [
      `${what.padEnd(36)} ${perSecond.toFixed(0).padStart(6)} reads/s`,
      `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
      `${cpuMicrosecondsPerRead.toFixed(0)} µs CPU per read`,
      `generator ${(generatorCore * 100).toFixed(0)} % of a core`,
    ].join(' | '),
  )
  if (generatorCore > generatorCoreMax) console.log(busyGenerator)
}

function summary(all: Readonly<Record<SystemName, readonly ReadonlyMap<string, Figures>[]>>): BenchResult {
  const runs = cases.map((each) => {
    const name = nameOf(each)
    const of = (system: SystemName) => {
      const figures = all[system].flatMap((round) => round.get(name) ?? [])
      return {
        perSecond: round(median(figures.map(({ perSecond }) => perSecond)), 0),
        cpuMicroseconds: round(median(figures.map(({ cpuMicrosecondsPerRead: cpu }) => cpu)), 0),
        p50Ms: round(median(figures.map(({ p50Ms }) => p50Ms)), 2),
      }
    }
    const [etcd, ours] = systems.map(of)
    const ratio = round((ours?.perSecond ?? Number.NaN) / (etcd?.perSecond ?? Number.NaN), 2)
    const cpuRatio = round((ours?.cpuMicroseconds ?? Number.NaN) / (etcd?.cpuMicroseconds ?? Number.NaN), 2)
    console.log(`median ${name}: ${ratio}x etcd's reads/s at ${cpuRatio}x its CPU per read`)
    return { case: name, ratio, cpuRatio, ours, etcd }
  })
  const main = runs.find((each) => each.case === 'linearizable rpc 64')
  return {
    bench: 'reads',
    unit: 'linearizable reads/s, 64 clients by RPC',
    ours: main?.ours?.perSecond ?? Number.NaN,
    peer: main?.etcd?.perSecond ?? null,
    ratio: main?.ratio ?? null,
    runs,
  }
}
