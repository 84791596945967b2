// `npm run bench -- raft-writes`: accepted writes of 256 bytes per second, CPU per write and how the disk is used, of three
// servers on this machine; ours by RPC and by HTTP, against etcd's gRPC and its JSON gateway, with 1 and with 64 clients.
//
//   --rounds N (3)   --seconds N (6) per measurement   --only ours|etcd
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import type { BenchCluster, SyncFigures, Way } from '../clusters/cluster.ts'
import { inTurns, type SystemName, systems } from '../clusters/turns.ts'
import { closedLoop, type LoadFigures } from '../load/closed-loop.ts'
import { cpuMs } from '../load/processes.ts'
import { syncP50Ms } from '../load/sync-probe.ts'
import { type BenchResult, busyGenerator, generatorCoreMax, median, round } from '../result.ts'

const valueBytes = 256
const keys = 10_000

interface Figures extends LoadFigures {
  readonly cpuMicrosecondsPerWrite: number
  readonly syncs: SyncFigures
  readonly writesPerSync: number
}

const cases = [
  { way: 'rpc', clients: 1 },
  { way: 'rpc', clients: 64 },
  { way: 'http', clients: 1 },
  { way: 'http', clients: 64 },
] as const satisfies readonly { readonly way: Way; readonly clients: number }[]

type CaseName = `${Way} ${number}`
const nameOf = ({ way, clients }: (typeof cases)[number]): CaseName => `${way} ${clients}`

export async function bench(args: readonly string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '6' },
      only: { type: 'string' },
    },
  })
  console.log(`fdatasync of this disk, alone: p50 ${round(syncP50Ms(tmpdir()))} ms`)
  const seconds = Number(values.seconds)
  const all = await inTurns({ rounds: Number(values.rounds), only: values.only }, async (cluster, turn) => {
    const figures = new Map<CaseName, Figures>()
    for (const each of cases) {
      const one = await measure(cluster, each, seconds)
      figures.set(nameOf(each), one)
      print(`round ${turn} ${cluster.name} ${nameOf(each)}`, one)
    }
    return figures
  })
  return summary(all)
}

async function measure(
  cluster: BenchCluster,
  { way, clients }: (typeof cases)[number],
  seconds: number,
): Promise<Figures> {
  const value = Buffer.alloc(valueBytes)
  let syncs: SyncFigures = { count: 0, p50Ms: Number.NaN, isExact: true }
  const load = await closedLoop({
    clients,
    warmUpMs: 4_000,
    measureMs: seconds * 1_000,
    connect: () => cluster.writer(way),
    message: (n) => {
      // Another value each time: a store may leave out a write that changes nothing.
      value.writeUInt32BE(n)
      return cluster.write(way, `bench/${n % keys}`, value)
    },
    probe: () => cpuMs(cluster.pids(way)),
    onBegin: async () => {
      await cluster.syncs()
    },
    onEnd: async () => {
      syncs = await cluster.syncs()
    },
  })
  const writesPerSync = load.accepted / Math.max(1, syncs.count)
  return { ...load, syncs, writesPerSync, cpuMicrosecondsPerWrite: (load.probed * 1_000) / load.accepted }
}

function print(what: string, figures: Figures): void {
  const { perSecond, p50Ms, p99Ms, refused, generatorCore, syncs, writesPerSync } = figures
  console.log(
    [
      `${what.padEnd(24)} ${perSecond.toFixed(0).padStart(6)} writes/s`,
      `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
      `${figures.cpuMicrosecondsPerWrite.toFixed(0)} µs CPU per write`,
      `fdatasync p50 ${syncs.isExact ? '' : '≤ '}${syncs.p50Ms.toFixed(2)} ms, ${writesPerSync.toFixed(1)} writes each`,
      `generator ${(generatorCore * 100).toFixed(0)} % of a core`,
      ...(refused > 0 ? [`${refused} refused`] : []),
    ].join(' | '),
  )
  if (generatorCore > generatorCoreMax) console.log(busyGenerator)
}

function summary(all: Readonly<Record<SystemName, readonly ReadonlyMap<CaseName, Figures>[]>>): BenchResult {
  const middle = (system: SystemName, name: CaseName, of: (figures: Figures) => number): number =>
    median(all[system].flatMap((each) => each.get(name) ?? []).map(of))
  const runs = cases.map((each) => {
    const name = nameOf(each)
    const of = (system: SystemName) => ({
      perSecond: round(
        middle(system, name, (figures) => figures.perSecond),
        0,
      ),
      cpuMicroseconds: round(
        middle(system, name, (figures) => figures.cpuMicrosecondsPerWrite),
        0,
      ),
      p50Ms: round(
        middle(system, name, (figures) => figures.p50Ms),
        2,
      ),
      syncP50Ms: round(
        middle(system, name, (figures) => figures.syncs.p50Ms),
        3,
      ),
      writesPerSync: round(
        middle(system, name, (figures) => figures.writesPerSync),
        1,
      ),
      generatorCore: round(
        middle(system, name, (figures) => figures.generatorCore),
        2,
      ),
    })
    const [etcd, ours] = systems.map(of)
    const ratio = round((ours?.perSecond ?? Number.NaN) / (etcd?.perSecond ?? Number.NaN), 2)
    const cpuRatio = round((ours?.cpuMicroseconds ?? Number.NaN) / (etcd?.cpuMicroseconds ?? Number.NaN), 2)
    console.log(`median ${name}: ${ratio}x etcd's writes/s at ${cpuRatio}x its CPU per write`)
    return { case: name, ratio, cpuRatio, ours, etcd }
  })
  const main = runs.find((each) => each.case === 'rpc 64')
  return {
    bench: 'raft-writes',
    unit: 'accepted writes/s, 64 clients by RPC',
    ours: main?.ours?.perSecond ?? Number.NaN,
    peer: main?.etcd?.perSecond ?? null,
    ratio: main?.ratio ?? null,
    runs,
  }
}
