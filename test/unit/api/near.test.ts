// Rows by distance: near hosts first, the host itself before all, and what was not measured in its old order behind them.
import { expect, test } from 'vitest'
import { distances, nearestFirst } from '../../../src/agent/api/near.ts'
import type { Membership } from '../../../src/agent/contract.ts'
import { gossipDefaults } from '../../../src/config/gossip-settings.ts'
import type { Pool } from '../../../src/membership/pool.ts'
import { ok } from '../../../src/model/errors.ts'
import type { NetworkCoordinate } from '../../../src/model/serf-message.ts'
import { noGossip, testSettings } from './fixture.ts'

const at = (seconds: number): NetworkCoordinate => ({
  vector: [seconds, 0, 0, 0, 0, 0, 0, 0],
  error: 0.1,
  adjustment: 0,
  height: 0.001,
})

const places = new Map([
  ['host-1', at(0)],
  ['b', at(0.03)],
  ['c', at(0.01)],
  // So near that its heights alone would put it before the host itself.
  ['d', { ...at(0), height: -0.0005 }],
])

const pool: Pick<Pool, 'coordinate' | 'members'> = {
  coordinate: (node) => places.get(node),
  members: () =>
    ['host-1', 'b', 'unknown', 'c', 'd'].map((node) => ({
      ...{ node, address: '10.0.0.1', port: 8301, tags: new Map(), presence: 'alive' as const },
      ...{ isSuspected: false, incarnation: 1, versions: [1, 5, 5, 2, 5, 5] as const },
    })),
}

const membership: Membership = { ...noGossip, pool: () => ok(pool as Pool) }
const api = { membership, settings: testSettings }

const order = (query: string, rows: readonly string[], of: Parameters<typeof nearestFirst>[0] = api) =>
  nearestFirst(of, { query: new URLSearchParams(query) }, rows, (row) => row)

test.each([
  ['near=_agent', ['host-1', 'd', 'c', 'b', 'x', 'unknown']],
  ['near=b', ['b', 'c', 'd', 'host-1', 'x', 'unknown']],
  ['near=unknown', ['x', 'b', 'unknown', 'd', 'host-1', 'c']],
  ['near=nobody', ['x', 'b', 'unknown', 'd', 'host-1', 'c']],
  ['', ['x', 'b', 'unknown', 'd', 'host-1', 'c']],
])('?%s', (query, expected) => {
  expect(order(query, ['x', 'b', 'unknown', 'd', 'host-1', 'c'])).toEqual(expected)
})

test('rows of one node keep their order', () => {
  const rows = ['b2', 'c1', 'b1', 'c2']
  const sorted = nearestFirst(api, { query: new URLSearchParams('near=_agent') }, rows, ([node = '']) => node)
  expect(sorted).toEqual(['c1', 'c2', 'b2', 'b1'])
})

test('a host that keeps its distances for itself, or does not gossip, sorts nothing and tells nothing', () => {
  const silent = {
    ...testSettings,
    gossip: { ...testSettings.gossip, ...gossipDefaults, measuresDistances: false },
  }
  for (const of of [
    { membership, settings: silent },
    { membership: noGossip, settings: testSettings },
  ]) {
    expect(order('near=b', ['c', 'b'], of)).toEqual(['c', 'b'])
    expect(distances(of)).toBeUndefined()
  }
  expect(
    distances(api)
      ?.nodes()
      .map(({ node }) => node),
  ).toEqual(['host-1', 'b', 'c', 'd'])
})
