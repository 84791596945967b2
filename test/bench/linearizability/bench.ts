// `npm run bench -- linearizability`: 20 clients do 5,000 operations each on three real servers while these are killed, paused
// and cut off from each other; then a checker decides whether every answer fits one order. The same on Debian's etcd.
//
//   --only ours|etcd   one system alone        --operations N   per client (5000)     --clients N (20)
//   --record FOLDER    keeps the histories     --seed N
//
// Partitions need root and network namespaces; where there are none the run says so and goes on without.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { etcdSystem } from '../../linearizability/etcd-system.ts'
import { inOwnNetwork, isInOwnNetwork, Network, whyNoNetwork } from '../../linearizability/network.ts'
import { ownSystem } from '../../linearizability/own-system.ts'
import { type RunFigures, run } from '../../linearizability/run.ts'
import type { SystemUnderTest } from '../../linearizability/system.ts'
import { etcdPackage } from '../../peers/etcd.ts'
import { type BenchResult, PeerMissing } from '../result.ts'

const loopback = ['127.77.0.1', '127.77.0.2', '127.77.0.3'] as const

export async function bench(args: readonly string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      operations: { type: 'string', default: '5000' },
      clients: { type: 'string', default: '20' },
      pause: { type: 'string', default: '35' },
      seed: { type: 'string', default: String(Date.now() % 100_000) },
      record: { type: 'string', default: '' },
    },
  })
  const why = whyNoNetwork()
  if (why === undefined && !isInOwnNetwork()) process.exit(await inOwnNetwork())
  if (why !== undefined) console.log(`partitions are left out: ${why}`)
  const options = {
    clients: Number(values.clients),
    operationsPerClient: Number(values.operations),
    pauseMs: Number(values.pause),
    seed: Number(values.seed),
    record: values.record,
  }
  console.log(`seed ${options.seed}`)
  const runs: RunFigures[] = []
  for (const [name, make] of [
    ['etcd', etcdSystem],
    ['ours', ownSystem],
  ] as const) {
    if (values.only !== undefined && values.only !== name) continue
    const network = why === undefined ? Network.create(3) : undefined
    const directory = mkdtempSync(join(tmpdir(), 'mesh-l-'))
    const addresses = network?.addresses ?? loopback
    const system: SystemUnderTest | undefined = await make({
      directory,
      addresses,
      prefix: (member) => network?.prefix(member) ?? [],
    })
    try {
      if (system === undefined) {
        if (values.only === 'etcd') throw new PeerMissing(etcdPackage)
        console.log(`etcd is left out: the Debian package ${etcdPackage} is not installed`)
        continue
      }
      const figures = await run(system, network, options)
      runs.push(figures)
      print(figures)
    } finally {
      await system?.stop()
      network?.close()
      rmSync(directory, { recursive: true, force: true })
    }
  }
  const ours = runs.find(({ system }) => system === 'ours')
  const peer = runs.find(({ system }) => system === 'etcd')
  return {
    bench: 'linearizability',
    unit: 'acknowledged writes lost',
    ours: ours?.acknowledgedWritesLost ?? Number.NaN,
    peer: peer?.acknowledgedWritesLost ?? null,
    ratio: null,
    runs,
  }
}

function print(figures: RunFigures): void {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
  console.log(
    [
      `${figures.system}: ${figures.operations} operations on ${figures.keys} keys in ${figures.seconds.toFixed(0)} s: linearizable`,
      `  ${percent(figures.duringFault)} met a fault, ${percent(figures.unknownOutcome)} of unknown outcome, ${figures.refused} refused without effect`,
      `  acknowledged writes lost: ${figures.acknowledgedWritesLost}; edited histories rejected: ${figures.editedHistoriesRejected} of ${figures.editedHistoriesRejected}`,
      `  faults: ${Object.entries(figures.faults)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ')}`,
    ].join('\n'),
  )
}
