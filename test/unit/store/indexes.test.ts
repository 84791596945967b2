// What X-Consul-Index is made of: reference/consul.md, Appendix A (traps 1, 5, 12, 13) and the blocking rules of 1.3.
import { expect, test } from 'vitest'
import { aCheck, aMemberCheck, aNode, aService, aSidecar, genesis, intention, register } from './rows.ts'
import { TestServer } from './server.ts'

const all = { tags: [], nodeMeta: {} }

function founded(): TestServer {
  const server = new TestServer()
  server.applied(genesis())
  server.applied(register(aNode('n1'), [aService('web'), aSidecar('web')]))
  server.applied(register(aNode('n2'), [aService('db')]))
  return server
}

test('the index of one service does not move when another one changes (trap 1)', () => {
  const server = founded()
  const before = server.index('catalog.service', { service: 'web', ...all })
  const index = server.applied(register('n2', [aService('db', { port: 81 }), aService('cache')]))
  expect(server.index('catalog.service', { service: 'web', ...all })).toBe(before)
  expect(server.index('catalog.mesh', { service: 'web', ...all })).toBe(before)
  expect(server.index('catalog.node', { node: 'n1' })).toBe(before)
  expect(server.index('catalog.service', { service: 'db', ...all })).toBe(index)
})

test('no index is ever 0, not even before anything exists (trap 1)', () => {
  const server = new TestServer()
  expect(server.index('catalog.nodes', { nodeMeta: {} })).toBe(1)
  expect(server.index('catalog.service', { service: 'nothing', ...all })).toBe(1)
  expect(server.index('intentions.match', { by: 'destination', names: ['web'] })).toBe(1)
  expect(server.index('ca.roots', {})).toBe(1)
})

test('anti-entropy that repeats what is registered moves no index, whatever the order of its fields', () => {
  const server = founded()
  const full = register(
    aNode('n1', { meta: { rack: 'r1', zone: 'a' } }),
    [aService('web', { meta: { x: '1', y: '2' } })],
    [aCheck('n1', 'service:web', { serviceId: 'web' }), aMemberCheck('n1', 'passing')],
  )
  server.applied(full)
  const indexes = () => [
    server.index('catalog.nodes', { nodeMeta: {} }),
    server.index('catalog.services', { nodeMeta: {} }),
    server.index('catalog.service', { service: 'web', ...all }),
    server.index('catalog.node', { node: 'n1' }),
    server.index('health.state', { state: 'any', nodeMeta: {} }),
  ]
  const before = indexes()
  const row = server.store.view().service('n1', 'web')
  const again = server.applied(
    register(
      aNode('n1', { meta: { zone: 'a', rack: 'r1' } }),
      [aService('web', { meta: { y: '2', x: '1' } })],
      [aCheck('n1', 'service:web', { serviceId: 'web' }), aMemberCheck('n1', 'passing')],
    ),
  )
  expect(again).toBeGreaterThan(Math.max(...before))
  expect(indexes()).toEqual(before)
  expect(server.store.view().service('n1', 'web')).toBe(row)
})

test('a service that disappears falls back to the index of the last disappearance and never behind it', () => {
  const server = founded()
  const dbGone = server.applied({ type: 'catalog.deregister', node: 'n2', serviceId: 'db' })
  expect(server.index('catalog.service', { service: 'db', ...all })).toBe(dbGone)
  const webGone = server.applied({ type: 'catalog.deregister', node: 'n1', serviceId: 'web' })
  expect(server.index('catalog.service', { service: 'web', ...all })).toBe(webGone)
  expect(server.index('catalog.service', { service: 'db', ...all })).toBe(webGone)
  server.applied(register('n1', [aService('other')]))
  expect(server.index('catalog.service', { service: 'db', ...all })).toBe(webGone)
  const back = server.applied(register('n2', [aService('db')]))
  expect(server.index('catalog.service', { service: 'db', ...all })).toBe(back)
})

test('a check of the whole node counts for every service on it, and for no other', () => {
  const server = founded()
  const db = server.index('catalog.service', { service: 'db', ...all })
  const index = server.applied(register('n1', [], [aMemberCheck('n1', 'critical')]))
  expect(server.index('catalog.service', { service: 'web', ...all })).toBe(index)
  expect(server.index('catalog.mesh', { service: 'web', ...all })).toBe(index)
  expect(server.index('catalog.service', { service: 'db', ...all })).toBe(db)
  const [entry] = server.answer('catalog.service', { service: 'web', ...all })
  expect(entry?.checks.map((check) => [check.checkId, check.status])).toEqual([['serfHealth', 'critical']])
})

test('a check of one service counts for that service only', () => {
  const server = founded()
  const sidecar = server.index('catalog.mesh', { service: 'web', ...all })
  const index = server.applied(
    register('n1', [], [aCheck('n1', 'service:web', { serviceId: 'web', status: 'critical' })]),
  )
  expect(server.index('catalog.service', { service: 'web', ...all })).toBe(index)
  expect(server.index('catalog.mesh', { service: 'web', ...all })).toBe(sidecar)
})

test('a new address of a node moves the services on it', () => {
  const server = founded()
  const index = server.applied(register(aNode('n1', { address: '10.9.9.9' })))
  expect(server.index('catalog.service', { service: 'web', ...all })).toBe(index)
  expect(server.answer('catalog.mesh', { service: 'web', ...all })[0]?.node.address).toBe('10.9.9.9')
})

test('the list of names moves with names and tags, not with instances or their ports', () => {
  const server = founded()
  const before = server.index('catalog.services', { nodeMeta: {} })
  server.applied(register('n1', [aService('web', { port: 8080 })]))
  server.applied(register('n2', [aService('web')]))
  expect(server.index('catalog.services', { nodeMeta: {} })).toBe(before)
  const tagged = server.applied(register('n2', [aService('web', { tags: ['v2'] })]))
  expect(server.index('catalog.services', { nodeMeta: {} })).toBe(tagged)
  expect(server.answer('catalog.services', { nodeMeta: {} })).toEqual({
    db: [],
    web: ['v2'],
    'web-sidecar-proxy': [],
  })
  server.applied(register('n1', [aService('web', { tags: ['v2'] })]))
  expect(server.index('catalog.services', { nodeMeta: {} }), 'the tag was there already').toBe(tagged)
  const gone = server.applied({ type: 'catalog.deregister', node: 'n2', serviceId: 'db' })
  expect(server.index('catalog.services', { nodeMeta: {} })).toBe(gone)
})

test('instances come by node name, then service id, in every list of one service (trap 5)', () => {
  const server = new TestServer()
  server.applied(genesis())
  for (const node of ['n10', 'n2', 'n1'])
    server.applied(register(aNode(node), [aService('web', { id: 'b' }), aService('web', { id: 'a' })]))
  const order = (rows: readonly { node: { name: string }; service: { id: string } }[]) =>
    rows.map((row) => `${row.node.name}/${row.service.id}`)
  const listed = server.answer('catalog.service', { service: 'web', ...all })
  expect(order(listed)).toEqual(['n1/a', 'n1/b', 'n10/a', 'n10/b', 'n2/a', 'n2/b'])
  server.applied(register('n10', [aService('web', { id: 'a', port: 9 })]))
  expect(order(server.answer('catalog.service', { service: 'web', ...all }))).toEqual(order(listed))
})

test('a service without checks of its own has only those of its node (trap 13), node checks first', () => {
  const server = founded()
  expect(server.answer('catalog.service', { service: 'web', ...all })[0]?.checks).toEqual([])
  server.applied(
    register(
      'n1',
      [],
      [
        aCheck('n1', 'a-service-check', { serviceId: 'web' }),
        aCheck('n1', 'z-node-check'),
        aMemberCheck('n1', 'passing'),
      ],
    ),
  )
  const [entry] = server.answer('catalog.service', { service: 'web', ...all })
  expect(entry?.checks.map((check) => check.checkId)).toEqual([
    'serfHealth',
    'z-node-check',
    'a-service-check',
  ])
})

test('intentions of one destination do not move the index of another, wildcards move all', () => {
  const server = founded()
  const match = (name: string) => server.index('intentions.match', { by: 'destination', names: [name] })
  const db = server.applied(intention('web', 'db', 'allow'))
  expect(match('db')).toBe(db)
  const web = server.applied(intention('db', 'web', 'deny'))
  expect(match('db')).toBe(db)
  expect(match('web')).toBe(web)
  const any = server.applied(intention('*', '*', 'deny'))
  expect([match('db'), match('web')]).toEqual([any, any])
  server.applied(intention('web', 'db', 'allow', { id: 'another' }))
  expect(match('db'), 'the same intention again').toBe(any)
})
