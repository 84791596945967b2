// Runs two clusters in turn, never both at once: each round starts one, measures it, stops it, and does the same with the
// other, so that a minute in which the machine was busy does not fall on one alone.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchCluster, ClusterPlan } from './cluster.ts'
import { etcdBench } from './etcd.ts'
import { ownBench } from './own.ts'

export const systems = ['etcd', 'ours'] as const
export type SystemName = (typeof systems)[number]

export interface TurnOptions {
  readonly rounds: number
  /** One system alone. */
  readonly only?: string | undefined
}

/** `measure` is called once per round and system, with the cluster running. */
export async function inTurns<Figures>(
  options: TurnOptions,
  measure: (cluster: BenchCluster, round: number) => Promise<Figures>,
): Promise<Readonly<Record<SystemName, readonly Figures[]>>> {
  const figures: Record<SystemName, Figures[]> = { etcd: [], ours: [] }
  let network = 0
  for (let round = 1; round <= options.rounds; round++)
    for (const name of systems) {
      if (options.only !== undefined && options.only !== name) continue
      network += 1
      const directory = mkdtempSync(join(tmpdir(), 'mesh-b-'))
      const plan: ClusterPlan = { directory, network: (process.pid + network) % 250 }
      const cluster = name === 'etcd' ? await etcdBench(plan) : ownBench(plan)
      try {
        await cluster.start()
        figures[name].push(await measure(cluster, round))
      } finally {
        await cluster.stop()
        rmSync(directory, { recursive: true, force: true })
      }
    }
  return figures
}
