// Differences between wanted states, in the order in which a proxy must apply them.
import { expect, test } from 'vitest'
import { difference, inOrder, nextSnapshot } from '../../../src/agent/link/snapshot.ts'
import type { ProxyResource } from '../../../src/model/proxy-config.ts'
import { endpoint, endpoints, inbound, outbound, policy } from '../proxy/lab.ts'

const roots: ProxyResource = { kind: 'roots', name: 'd', pems: ['x'] }
const everything = (): readonly ProxyResource[] => [
  outbound('web', 'backend', 1),
  inbound('web', 2, 3),
  endpoints('backend', [endpoint('a', 1)]),
  policy('web', 'deny', [], 4),
  roots,
]

test('what is equal is the same snapshot, whoever made the objects', () => {
  const first = nextSnapshot(undefined, everything())
  expect(first.version).toBe(1)
  expect(nextSnapshot(first, structuredClone(everything()))).toBe(first)
  const reordered = nextSnapshot(first, everything().toReversed())
  expect(reordered).toBe(first)
})

test('a difference names what changed, in resource order, and removals in reverse', () => {
  const first = nextSnapshot(undefined, everything())
  const second = nextSnapshot(first, [
    ...everything().filter((resource) => resource.kind !== 'outbound' && resource.kind !== 'endpoints'),
    inbound('db', 5, 6),
    policy('db', 'allow', [], 9),
  ])
  expect(second.version).toBe(2)
  const { upserts, removes } = difference(first, second)
  expect(upserts.map((resource) => `${resource.kind} ${resource.name}`)).toEqual([
    'policy db',
    'inbound db-sidecar-proxy',
  ])
  expect(removes.map(({ kind }) => kind)).toEqual(['outbound', 'endpoints'])
  expect([...second.policies]).toEqual([
    ['web', 4],
    ['db', 9],
  ])
})

test('a whole state is in resource order', () => {
  expect(inOrder(everything()).map((resource) => resource.kind)).toEqual([
    'roots',
    'policy',
    'endpoints',
    'inbound',
    'outbound',
  ])
})

test('a change inside a resource makes it an upsert', () => {
  const first = nextSnapshot(undefined, everything())
  const second = nextSnapshot(first, [
    ...everything().filter((r) => r.kind !== 'policy'),
    policy('web', 'deny', [], 5),
  ])
  expect(difference(first, second)).toEqual({ upserts: [policy('web', 'deny', [], 5)], removes: [] })
})

test('the maintenance that an upstream is known to have is acknowledged under a name of its own', () => {
  const withMaintenance = (index?: number) =>
    nextSnapshot(undefined, [
      {
        ...(endpoints('backend', []) as Extract<ProxyResource, { kind: 'endpoints' }>),
        ...(index === undefined ? {} : { maintenanceIndex: index }),
      },
    ])
  expect([...withMaintenance().policies]).toEqual([['upstream:backend', 0]])
  expect([...withMaintenance(77).policies]).toEqual([['upstream:backend', 77]])
})
