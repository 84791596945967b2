/**
 * `?near=`: rows in the order of their nodes' distance from one node, by the round trips that gossip measures. Where a
 * distance is not known the stable order stays, behind what is known.
 */
import type { Pool } from '../../membership/pool.ts'
import { distance } from '../../model/coordinate.ts'
import type { NetworkCoordinate } from '../../model/serf-message.ts'
import type { Api, Call } from './contract.ts'

export interface Distances {
  of(node: string): NetworkCoordinate | undefined
  nodes(): readonly { readonly node: string; readonly coordinate: NetworkCoordinate }[]
}

/** Undefined where this host does not gossip, or was told to keep distances for itself. */
export function distances(api: Pick<Api, 'membership' | 'settings'>): Distances | undefined {
  const pool = api.membership.pool()
  if (!pool.ok || !api.settings.gossip.measuresDistances) return undefined
  return { of: (node) => pool.value.coordinate(node), nodes: () => knownNodes(pool.value) }
}

function knownNodes(pool: Pool): ReturnType<Distances['nodes']> {
  return pool.members().flatMap(({ node }) => {
    const coordinate = pool.coordinate(node)
    return coordinate === undefined ? [] : [{ node, coordinate }]
  })
}

/** The rows as they are without `near`, and where the place to measure from is not known. */
export function nearestFirst<Row>(
  api: Pick<Api, 'membership' | 'settings'>,
  { query }: Pick<Call, 'query'>,
  rows: readonly Row[],
  nodeOf: (row: Row) => string,
): readonly Row[] {
  const near = query.get('near') ?? ''
  const origin = near === '_agent' ? api.settings.nodeName : near
  const known = near === '' ? undefined : distances(api)
  const from = known?.of(origin)
  if (known === undefined || from === undefined) return rows
  // Heights would put a host at some distance from itself.
  const seconds = new Map([[origin, 0]])
  for (const row of rows) {
    const node = nodeOf(row)
    const to = seconds.has(node) ? undefined : known.of(node)
    if (to !== undefined) seconds.set(node, distance(from, to))
  }
  const away = (row: Row): number => seconds.get(nodeOf(row)) ?? Number.POSITIVE_INFINITY
  // Equal infinities would subtract to no number at all.
  return rows.toSorted((a, b) => (away(a) === away(b) ? 0 : away(a) - away(b)))
}
