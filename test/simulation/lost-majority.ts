/**
 * The end of a run: a majority of the healthy core is gone for good, and an operator names the servers that are left in a
 * file on each (docs/operations.md). They must go on with everything that they had, take writes, and obey the file once.
 */
import { type ClusterServer, votersOf } from '../../src/model/cluster.ts'
import { sameValue } from '../../src/model/equality.ts'
import {
  forcedServersDirectory,
  forcedServersPath,
  usedServersPath,
} from '../../src/server/consensus/forced-servers.ts'
import type { Cluster } from './cluster.ts'
import type { SeededRandom } from './random.ts'
import type { SimulatedServer } from './server.ts'
import { hold } from './violation.ts'

const settleMs = 500
const withinMs = 30_000

export function demandRecovery(
  cluster: Cluster,
  core: readonly SimulatedServer[],
  random: SeededRandom,
): void {
  const { clock, truth, reached } = cluster.world
  clock.run(settleMs)
  const hasLeader = clock.runUntil(() => cluster.leader() !== undefined, withinMs)
  hold(hasLeader, 'recovery', () => 'nobody leads before the majority is lost')
  const { servers } = cluster.leader()?.driver?.configuration() ?? { servers: [] }
  const left = drawSurvivors(core, votersOf({ servers }), random)
  const named = servers.filter(({ id }) => left.some((server) => server.id === id))
  const had = truth.newestIndex
  for (const server of core)
    if (random.chance(0.5)) server.crash()
    else server.kill('is killed with all others')
  cluster.world.raft.isRecovering = true
  for (const server of left) {
    leaveFile(server, named)
    server.start()
  }
  const isDone = (): boolean => left.every((server) => isRecovered(server, had))
  hold(clock.runUntil(isDone, withinMs), 'recovery', () => told(left, `do not come back to ${had}`))
  demandWrite(cluster, left)
  for (const { id, driver } of left) {
    const configuration = driver?.configuration()
    hold(
      sameValue(configuration?.servers, named),
      'recovery',
      () => `the operator's list ${JSON.stringify(named)} became ${JSON.stringify(configuration)} on ${id}`,
    )
  }
  reached.hit('recovered by an operator')
}

/** Fewer than half of the voters, so that they could never go on by themselves; a server that is alone keeps all. */
function drawSurvivors(
  core: readonly SimulatedServer[],
  voters: readonly string[],
  random: SeededRandom,
): readonly SimulatedServer[] {
  const candidates = core.filter(({ id }) => voters.includes(id))
  const most = Math.max(1, Math.ceil(voters.length / 2) - 1)
  const left = new Set<SimulatedServer>()
  while (left.size < Math.min(most, candidates.length)) left.add(random.pick(candidates))
  return [...left]
}

function leaveFile({ disk }: SimulatedServer, servers: readonly ClusterServer[]): void {
  disk.makeDirectory(forcedServersDirectory)
  const file = disk.open(forcedServersPath)
  const rows = servers.map(({ id, address }) => ({ id, address, non_voter: false }))
  file.write(0, Buffer.from(JSON.stringify(rows)), () => undefined)
  file.close()
}

const isRecovered = ({ disk, store, rooms }: SimulatedServer, had: number): boolean =>
  rooms !== undefined &&
  (store?.view().index ?? 0) >= had &&
  disk.read(forcedServersPath) === undefined &&
  disk.read(usedServersPath) !== undefined

function demandWrite(cluster: Cluster, left: readonly SimulatedServer[]): void {
  const { clock, truth } = cluster.world
  const before = truth.newestIndex
  let isWritten = false
  let isAsked = false
  const write = (): boolean => {
    const leader = cluster.leader()
    if (!isAsked && leader?.rooms !== undefined) {
      isAsked = true
      leader.process?.run(() =>
        leader.write({ type: 'catalog.deregister', node: 'nowhere' }, (result) => {
          isWritten = result.ok
          clock.after(settleMs, () => {
            isAsked = false
          })
        }),
      )
    }
    return isWritten && left.every(({ store }) => store?.view().index === truth.newestIndex)
  }
  const isDone = clock.runUntil(write, withinMs) && truth.newestIndex > before
  hold(isDone, 'recovery', () => told(left, 'take no write'))
  for (const server of left) truth.compareState(server.id, truth.newestIndex, server.stateHash())
}

const told = (left: readonly SimulatedServer[], what: string): string =>
  `the servers that an operator named (${left.map(({ id }) => id).join()}) ${what}`
