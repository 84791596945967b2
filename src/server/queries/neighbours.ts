/**
 * Whom a host should gossip with, from the catalog. Hosts form a ring by name, so that no choice of the moment can leave
 * two pools that never hear of each other. Costs the same however many hosts there are.
 */
import { memberCheckId } from '../../model/check.ts'
import { limits } from '../../model/limits.ts'
import type { Node } from '../../model/node.ts'
import type { Neighbour, Queries } from '../../model/query.ts'
import { tableRow } from '../store/indexes.ts'
import type { View } from '../store/view.ts'
import type { Plan, Reading } from './plan.ts'

export function planNeighbours(
  view: View,
  { node }: Queries['mesh.neighbours']['args'],
): Plan<readonly Neighbour[]> {
  const touched = [tableRow('nodes'), tableRow('checks')]
  return { index: view.indexOf(touched), touched, exists: true, read: () => readNeighbours(view, node) }
}

/** Hosts that count as failed are told as well: to another part of a pool that fell apart we are the failed ones. */
function* readNeighbours(view: View, self: string): Reading<readonly Neighbour[]> {
  const there: Neighbour[] = []
  const lost: Neighbour[] = []
  let looked = 0
  for (const { name, address } of ring(view, self)) {
    looked += 1
    if (looked > limits.neighboursLooked || there.length >= limits.neighboursTold) break
    yield
    const check = view.check(name, memberCheckId)
    if (check === undefined) continue
    const among = check.status === 'passing' ? there : lost
    if (among.length < limits.neighboursTold) among.push({ node: name, address })
  }
  return [...there, ...lost]
}

function* ring(view: View, self: string): Iterable<Node> {
  yield* view.nodesAfter(self)
  for (const node of view.nodes()) {
    if (node.name >= self) return
    yield node
  }
}
