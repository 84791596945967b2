// What each query answers, beyond what the index tests show.
import { expect, test } from 'vitest'
import {
  aCheck,
  aMemberCheck,
  aNode,
  aService,
  aSidecar,
  clusterId,
  genesis,
  intention,
  register,
} from '../store/rows.ts'
import { asOperator, TestServer } from '../store/server.ts'

function founded(): TestServer {
  const server = new TestServer()
  server.applied(genesis())
  server.applied(
    register(
      aNode('n1', { meta: { rack: 'r1' } }),
      [aService('web', { tags: ['V1', 'blue'] }), aSidecar('web')],
      [aMemberCheck('n1', 'passing'), aCheck('n1', 'c', { serviceId: 'web', status: 'warning' })],
    ),
  )
  server.applied(
    register(
      aNode('server-1', { meta: { rack: 'r2' } }),
      [aService('web', { tags: ['v1'] }), aService('db', { connectNative: true })],
      [aMemberCheck('server-1', 'critical')],
    ),
  )
  server.applied(register(aNode('external')))
  return server
}

test('tags are ANDed without case, node labels exactly', () => {
  const server = founded()
  const nodesOf = (tags: readonly string[], nodeMeta = {}) =>
    server.answer('catalog.service', { service: 'web', tags, nodeMeta }).map((one) => one.node.name)
  expect(nodesOf(['v1'])).toEqual(['n1', 'server-1'])
  expect(nodesOf(['v1', 'BLUE'])).toEqual(['n1'])
  expect(nodesOf([], { rack: 'r2' })).toEqual(['server-1'])
  expect(nodesOf([], { rack: 'R2' })).toEqual([])
  expect(nodesOf([], { constructor: 'x' })).toEqual([])
  expect(server.answer('catalog.nodes', { nodeMeta: { rack: 'r1' } }).map((node) => node.name)).toEqual([
    'n1',
  ])
  expect(server.answer('catalog.services', { nodeMeta: { rack: 'r2' } })).toEqual({ db: [], web: ['v1'] })
})

test('the list of services keeps those that have a row which passes the filter, with the tags of such rows', () => {
  const server = founded()
  const services = (filter: string, nodeMeta = {}) => server.answer('catalog.services', { nodeMeta, filter })
  expect(services('ServiceTags contains blue')).toEqual({ web: ['V1', 'blue'] })
  expect(services('ServiceConnect.Native == true or ServiceTags contains v1')).toEqual({
    db: [],
    web: ['v1'],
  })
  expect(services('ServiceName matches "^w"')).toEqual({ web: ['V1', 'blue', 'v1'], 'web-sidecar-proxy': [] })
  expect(services('NodeMeta.rack == r2', { rack: 'r1' })).toEqual({})
})

test('mesh instances are sidecars and natives of the service that they stand for', () => {
  const server = founded()
  const mesh = (service: string) =>
    server.answer('catalog.mesh', { service, tags: [], nodeMeta: {} }).map((one) => one.service.id)
  expect(mesh('web')).toEqual(['web-sidecar-proxy'])
  expect(mesh('db')).toEqual(['db'])
  expect(mesh('web-sidecar-proxy')).toEqual([])
})

test('checks by state come by node and id', () => {
  const server = founded()
  const ids = (state: 'any' | 'passing' | 'warning' | 'critical', nodeMeta = {}) =>
    server.answer('health.state', { state, nodeMeta }).map((check) => `${check.node}/${check.checkId}`)
  expect(ids('any')).toEqual(['n1/c', 'n1/serfHealth', 'server-1/serfHealth'])
  expect(ids('passing')).toEqual(['n1/serfHealth'])
  expect(ids('warning')).toEqual(['n1/c'])
  expect(ids('critical')).toEqual(['server-1/serfHealth'])
  expect(ids('any', { rack: 'r2' })).toEqual(['server-1/serfHealth'])
})

test('services are summed up by health', () => {
  const server = founded()
  expect(server.answer('mesh.services', {})).toEqual([
    { name: 'db', kind: '', tags: [], instances: 1, passing: 0, warning: 0, critical: 1, meshInstances: 1 },
    {
      name: 'web',
      kind: '',
      tags: ['V1', 'blue', 'v1'],
      instances: 2,
      passing: 0,
      warning: 1,
      critical: 1,
      meshInstances: 1,
    },
    {
      name: 'web-sidecar-proxy',
      kind: 'connect-proxy',
      tags: [],
      instances: 1,
      passing: 1,
      warning: 0,
      critical: 0,
      meshInstances: 0,
    },
  ])
})

test('members are nodes with a membership check', () => {
  const server = founded()
  expect(
    server.answer('mesh.members', {}).map(({ node, status, server: runs }) => [node.name, status, runs]),
  ).toEqual([
    ['n1', 'alive', false],
    ['server-1', 'failed', true],
  ])
  expect(server.answer('mesh.members', {})[0]?.node).not.toHaveProperty('modifyIndex')
})

test('intentions match by source and by destination in order of precedence', () => {
  const server = founded()
  server.applied(intention('*', '*', 'deny'))
  server.applied(intention('web', '*', 'allow'))
  server.applied(intention('*', 'db', 'deny'))
  server.applied(intention('web', 'db', 'allow'))
  server.applied(intention('web', 'api', 'allow'))
  const pairs = (by: 'source' | 'destination', name: string) =>
    server
      .answer('intentions.match', { by, names: [name] })
      [name]?.map((row) => `${row.sourceName}>${row.destinationName}`)
  expect(pairs('destination', 'db')).toEqual(['web>db', '*>db', 'web>*', '*>*'])
  expect(pairs('destination', '*')).toEqual(['web>*', '*>*'])
  expect(pairs('source', 'web')).toEqual(['web>api', 'web>db', '*>db', 'web>*', '*>*'])
  expect(pairs('source', '*')).toEqual(['*>db', '*>*'])
  expect(server.answer('intentions.check', { source: 'web', destination: 'db' })).toMatchObject({
    allowed: true,
    reason: 'allowed-by-intention',
  })
  expect(server.answer('intentions.check', { source: 'other', destination: 'db' })).toMatchObject({
    allowed: false,
    reason: 'denied-by-intention',
  })
})

test('where no intention matches the default of the cluster decides, and a change of it moves the index', () => {
  const server = founded()
  const args = { source: 'web', destination: 'db' }
  expect(server.answer('intentions.check', args).reason).toBe('denied-by-default')
  const index = server.applied({ type: 'settings.set', settings: { defaultIntentionAction: 'allow' } })
  expect(server.answer('intentions.check', args).reason).toBe('allowed-by-default')
  expect(server.index('intentions.check', args)).toBe(index)
})

test('what a new host must know, who the caller is, and where the servers are', () => {
  const server = founded()
  expect(server.answer('mesh.join', {})).toEqual({
    clusterId,
    datacenter: 'dc1',
    hostRootPin: 'host-root-1',
    servers: ['10.0.0.1:8300'],
  })
  expect(server.answer('catalog.datacenters', {})).toEqual(['dc1'])
  expect(server.answer('status.leader', {})).toBe('10.0.0.1:8300')
  expect(server.answer('status.peers', {})).toEqual(['10.0.0.1:8300'])
  expect(server.answer('mesh.principal', {})).toEqual({ kind: 'anonymous' })
  let kind = ''
  server.reader.read(
    {
      name: 'mesh.principal',
      args: {},
      options: { consistency: 'stale', minIndex: 0, waitMs: 0 },
      token: '',
    },
    (result) => {
      kind = result.ok ? result.value.answer.kind : result.failure.code
    },
    asOperator,
  )
  expect(kind).toBe('operator')
})
