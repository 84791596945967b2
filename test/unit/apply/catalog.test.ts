// What registering and deregistering do to the catalog, as its readers see it.
import { expect, test } from 'vitest'
import type { Command } from '../../../src/model/command.ts'
import { aCheck, aMemberCheck, aNode, aService, aSidecar, genesis, register } from '../store/rows.ts'
import { asHost, TestServer } from '../store/server.ts'

const all = { tags: [], nodeMeta: {} }

function founded(): TestServer {
  const server = new TestServer()
  server.applied(genesis())
  return server
}

const codeOf = (server: TestServer, command: Command): string => {
  const result = server.apply(command)
  return result.ok ? result.value.kind : result.failure.code
}

test('a registration is written whole or not at all', () => {
  const server = founded()
  const hash = server.machine.hash()
  const broken = register(
    aNode('n1'),
    [aService('web')],
    [aCheck('n1', 'fine', { serviceId: 'web' }), aCheck('n1', 'bad', { serviceId: 'elsewhere' })],
  )
  expect(codeOf(server, broken)).toBe('not-found')
  expect(server.machine.hash()).toBe(hash)
  expect(server.answer('catalog.nodes', { nodeMeta: {} })).toEqual([])
})

test('a node given by name must be there and stays as it is', () => {
  const server = founded()
  expect(codeOf(server, register('n1', [aService('web')]))).toBe('not-found')
  server.applied(register(aNode('n1', { address: '10.1.1.1' })))
  const node = server.store.view().node('n1')
  server.applied(register('n1', [aService('web')]))
  expect(server.store.view().node('n1')).toBe(node)
  expect(server.answer('catalog.service', { service: 'web', ...all }).length).toBe(1)
})

test('parts of one registration must fit together', () => {
  const server = founded()
  const foreign = register(aNode('n1'), [], [aCheck('n2', 'c')])
  expect(codeOf(server, foreign)).toBe('bad-request')
  expect(
    codeOf(server, register(aNode('n1'), [aService('a', { id: 'x' }), aService('b', { id: 'x' })])),
  ).toBe('invalid-service')
  const { proxy: _proxy, ...sidecar } = aSidecar('web')
  expect(codeOf(server, register(aNode('n1'), [sidecar]))).toBe('invalid-service')
  expect(codeOf(server, register(aNode('n1', { datacenter: 'dc2' })))).toBe('unknown-datacenter')
})

test('a check shows the name and tags of its service, also after the service changed them', () => {
  const server = founded()
  server.applied(
    register(
      aNode('n1'),
      [aService('web', { tags: ['v1'] })],
      [aCheck('n1', 'c', { serviceId: 'web', serviceName: 'forged', serviceTags: ['forged'] })],
    ),
  )
  expect(server.store.view().check('n1', 'c')).toMatchObject({ serviceName: 'web', serviceTags: ['v1'] })
  const renamed = server.applied(register('n1', [aService('shop', { id: 'web', tags: ['v2'] })]))
  expect(server.store.view().check('n1', 'c')).toMatchObject({ serviceName: 'shop', serviceTags: ['v2'] })
  expect(server.index('health.state', { state: 'passing', nodeMeta: {} })).toBe(renamed)
  expect(server.answer('catalog.service', { service: 'web', ...all })).toEqual([])
  expect(server.answer('catalog.service', { service: 'shop', ...all })[0]?.checks.length).toBe(1)
})

test('removing a service removes its checks, removing a node removes everything on it', () => {
  const server = founded()
  server.applied(
    register(
      aNode('n1'),
      [aService('web'), aSidecar('web'), aService('db')],
      [aCheck('n1', 'c', { serviceId: 'web', status: 'critical' }), aMemberCheck('n1', 'critical')],
    ),
  )
  server.applied({ type: 'catalog.deregister', node: 'n1', serviceId: 'web' })
  expect(server.store.view().check('n1', 'c')).toBeUndefined()
  expect(
    server.answer('health.state', { state: 'critical', nodeMeta: {} }).map((one) => one.checkId),
  ).toEqual(['serfHealth'])
  expect(codeOf(server, { type: 'catalog.deregister', node: 'n1', serviceId: 'web' })).toBe('unchanged')
  server.applied({ type: 'catalog.deregister', node: 'n1' })
  expect(server.answer('catalog.node', { node: 'n1' })).toBeNull()
  expect(server.answer('catalog.services', { nodeMeta: {} })).toEqual({})
  expect(server.answer('catalog.mesh', { service: 'web', ...all })).toEqual([])
  expect(server.answer('health.state', { state: 'any', nodeMeta: {} })).toEqual([])
  expect(codeOf(server, { type: 'catalog.deregister', node: 'n1' })).toBe('unchanged')
})

test('one check is removed alone', () => {
  const server = founded()
  server.applied(register(aNode('n1'), [aService('web')], [aCheck('n1', 'a'), aCheck('n1', 'b')]))
  server.applied({ type: 'catalog.deregister', node: 'n1', checkId: 'a' })
  expect([...server.store.view().checksOfNode('n1')].map((check) => check.checkId)).toEqual(['b'])
})

test('a sidecar that comes to stand for another service leaves the old one', () => {
  const server = founded()
  server.applied(register(aNode('n1'), [aSidecar('web', { id: 'p' })]))
  server.applied(register('n1', [aSidecar('db', { id: 'p' })]))
  expect(server.answer('catalog.mesh', { service: 'web', ...all })).toEqual([])
  expect(server.answer('catalog.mesh', { service: 'db', ...all }).map((one) => one.service.id)).toEqual(['p'])
})

test('creation and modification indexes stand in every row', () => {
  const server = founded()
  const first = server.applied(register(aNode('n1'), [aService('web')]))
  const second = server.applied(register('n1', [aService('web', { port: 1 })]))
  expect(server.store.view().service('n1', 'web')).toMatchObject({ createIndex: first, modifyIndex: second })
  expect(server.store.view().node('n1')).toMatchObject({ createIndex: first, modifyIndex: first })
})

test('a write of an evicted host is refused wherever it comes from in the log', () => {
  const server = founded()
  const key = { tokenHash: 'b'.repeat(64), node: 'n1', nodeId: 'id-of-n1', publicKey: 'key' }
  const tx = server.store.begin(++server.consensus.lastIndex)
  tx.edits.hosts.set('n1\u0000', {
    node: key.node,
    nodeId: key.nodeId,
    publicKey: key.publicKey,
    services: ['*'],
    enrolledAtMs: 0,
    evicted: true,
    createIndex: 2,
    modifyIndex: 2,
  })
  server.store.commit(tx)
  const result = server.apply(register(aNode('n1'), [aService('web')]), asHost('n1'))
  expect(result.ok ? 'done' : result.failure.code).toBe('host-evicted')
})
