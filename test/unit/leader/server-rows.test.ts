// Servers in the catalog: each puts itself there, and the leader takes out who left.
import { expect, test } from 'vitest'
import type { ClusterConfiguration } from '../../../src/model/cluster.ts'
import { logIndex, nodeId } from '../../../src/model/ids.ts'
import { limits } from '../../../src/model/limits.ts'
import { DepartedServers } from '../../../src/server/leader/departed-servers.ts'
import { OwnNode } from '../../../src/server/leader/own-node.ts'
import { aNode, aService, genesis, register } from '../store/rows.ts'
import { asServer, silentLog, TestServer } from '../store/server.ts'

class CatalogServer extends TestServer {
  members: readonly string[] = ['server-1']

  readonly cluster = {
    readBarrier: (done: Parameters<TestServer['consensus']['readBarrier']>[0]) =>
      done({ ok: true, value: logIndex(this.consensus.lastIndex) }),
    status: () => this.consensus.status(),
    onLeadership: (listener: Parameters<TestServer['consensus']['onLeadership']>[0]) =>
      this.consensus.onLeadership(listener),
    configuration: (): ClusterConfiguration => ({
      servers: this.members.map((id) => ({
        id: nodeId(id),
        address: `${id}:8300`,
        suffrage: 'voter',
        publicKey: '',
      })),
    }),
  }

  ownNode(port = 8300): void {
    new OwnNode({
      store: this.store,
      consensus: this.cluster,
      write: (command, reply) => this.admission.write(asServer, command, reply),
      clock: this.clock,
      log: silentLog,
      node: aNode('n1', { address: '10.0.0.7' }),
      port,
      version: '1.2.3',
    })
  }

  departures(): void {
    new DepartedServers({
      store: this.store,
      consensus: this.cluster,
      write: (command, reply) => this.admission.write(asServer, command, reply),
      clock: this.clock,
      log: silentLog,
    })
  }

  announce(id: string, node: string): void {
    const server = { id, node, version: '1', maxFeatureLevel: 1 }
    this.applied({ type: 'server.announce', server })
    this.applied(register(aNode(node), [aService('consul')]))
  }

  get row() {
    return this.store.view().service('n1', 'consul')
  }
}

function founded(): CatalogServer {
  const server = new CatalogServer()
  server.applied(genesis())
  return server
}

test('a server puts itself into the catalog, with its node where nobody has registered it', () => {
  const server = founded()
  server.ownNode()
  server.clock.run(10)
  expect(server.row).toMatchObject({ port: 8300, meta: { version: '1.2.3' } })
  expect(server.store.view().node('n1')?.address).toBe('10.0.0.7')
})

test('it leaves a node that its agent has registered as it is', () => {
  const server = founded()
  server.applied(register(aNode('n1', { address: '10.0.0.9' })))
  server.ownNode()
  server.clock.run(10)
  expect(server.row).toBeDefined()
  expect(server.store.view().node('n1')?.address).toBe('10.0.0.9')
})

test('a row that is right is not written again, one of an older version is', () => {
  const server = founded()
  server.applied(register(aNode('n1'), [aService('consul', { port: 8300, meta: { version: '1.2.2' } })]))
  server.ownNode()
  server.clock.run(10)
  const index = server.row?.modifyIndex
  expect(server.row?.meta).toEqual({ version: '1.2.3' })
  server.applied(register('n1', [aService('other')]))
  server.clock.run(limits.ownNodePauseMs * 2)
  expect(server.row?.modifyIndex).toBe(index)
})

test('what somebody took away comes back, but not without a pause', () => {
  const server = founded()
  server.ownNode()
  server.clock.run(10)
  server.applied({ type: 'catalog.deregister', node: 'n1', serviceId: 'consul' })
  server.clock.run(limits.ownNodePauseMs - 100)
  expect(server.row).toBeUndefined()
  server.clock.run(200)
  expect(server.row).toBeDefined()
})

test('a server that is in the cluster no more keeps out of the catalog', () => {
  const server = founded()
  server.members = ['another']
  server.ownNode()
  server.clock.run(60_000)
  expect(server.row).toBeUndefined()
})

test('the leader takes out a server that was removed, and its node only where nothing else needs it', () => {
  const server = founded()
  server.announce('server-1', 's1')
  server.announce('server-2', 's2')
  server.announce('server-3', 's3')
  server.applied(register('s3', [aService('web')]))
  server.departures()
  server.members = ['server-1', 'server-2', 'server-3']
  server.clock.run(5 * limits.departedLookMs)
  const hasServer = (node: string): boolean => server.store.view().service(node, 'consul') !== undefined
  expect(['s1', 's2', 's3'].map(hasServer)).toEqual([true, true, true])
  server.members = ['server-1']
  server.clock.run(5 * limits.departedLookMs)
  expect(['s1', 's2', 's3'].map(hasServer)).toEqual([true, false, false])
  expect(server.store.view().node('s2')).toBeUndefined()
  expect(server.store.view().node('s3')).toBeDefined()
})

test('a server that was replaced under the same name stays, and so do all while one has not said its name', () => {
  const server = founded()
  server.announce('server-1', 's1')
  server.announce('server-2', 's2')
  server.departures()
  server.members = ['server-1', 'server-9']
  server.clock.run(5 * limits.departedLookMs)
  expect(server.store.view().service('s2', 'consul')).toBeDefined()
  server.announce('server-9', 's2')
  server.clock.run(5 * limits.departedLookMs)
  expect(server.store.view().service('s2', 'consul')).toBeDefined()
})

test('a server that does not lead takes nobody out', () => {
  const server = founded()
  server.announce('server-1', 's1')
  server.announce('server-2', 's2')
  server.departures()
  server.consensus.setLeading(false)
  server.clock.run(5 * limits.departedLookMs)
  expect(server.store.view().service('s2', 'consul')).toBeDefined()
})
