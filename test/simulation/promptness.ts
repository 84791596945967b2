/**
 * In a quiet and healthy cluster nothing waits for a timer: writes, reads on followers and what followers know all take a
 * few ways there and back. Finds what still works, but only because a heartbeat mends it.
 */
import type { Cluster } from './cluster.ts'
import type { SimulatedServer } from './server.ts'
import { Violation } from './violation.ts'

const times = 5
/** Each takes at most some 30 ms of network and disk; heartbeats come every 150 ms at least. */
const writesWithinMs = 300
const readsWithinMs = 300

export function demandPromptness(cluster: Cluster, core: readonly SimulatedServer[]): void {
  const leader = cluster.leader()
  if (leader === undefined) throw new Violation('promptness', 'there is no leader any more')
  const { clock } = cluster.world
  const demand = (what: string, withinMs: number, once: () => void): void => {
    const startedMs = clock.monotonicMs()
    for (let time = 0; time < times; time += 1) once()
    const tookMs = clock.monotonicMs() - startedMs
    if (tookMs > withinMs)
      throw new Violation(
        'promptness',
        `${times} times ${what} took ${Math.round(tookMs)} ms in a healthy cluster`,
      )
  }
  demand('a write known everywhere', writesWithinMs, () => {
    let index = Number.POSITIVE_INFINITY
    leader.process?.run(() =>
      leader.write({ type: 'catalog.deregister', node: 'nowhere' }, (result) => {
        if (result.ok) index = leader.store?.view().index ?? index
      }),
    )
    clock.runUntil(() => core.every(({ store }) => (store?.view().index ?? 0) >= index), 2_000)
  })
  for (const server of core)
    demand(`a read on ${server.id}`, readsWithinMs, () => {
      let isAnswered = false
      server.process?.run(() =>
        server.driver?.readBarrier((result) => {
          isAnswered = result.ok
        }),
      )
      clock.runUntil(() => isAnswered, 2_000)
    })
}
