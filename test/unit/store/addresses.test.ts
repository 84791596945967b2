// Who has an address: kept up with every change of nodes and services, and made again from a snapshot.
import { expect, test } from 'vitest'
import type { Queries } from '../../../src/model/query.ts'
import { aNode, aService, genesis, register } from './rows.ts'
import { TestServer } from './server.ts'

const founded = (): TestServer => {
  const server = new TestServer()
  server.applied(genesis())
  return server
}

const holders = (server: TestServer, address: string): Queries['catalog.address']['answer'] =>
  server.answer('catalog.address', { address })

test('a node is found by its address until it moves or goes', () => {
  const server = founded()
  server.applied(register(aNode('n1', { address: '10.0.0.1' })))
  server.applied(register(aNode('n2', { address: '10.0.0.1' })))
  expect(holders(server, '10.0.0.1').nodes).toEqual(['n1', 'n2'])
  server.applied(register(aNode('n1', { address: '10.0.0.9' })))
  expect(holders(server, '10.0.0.1').nodes).toEqual(['n2'])
  expect(holders(server, '10.0.0.9').nodes).toEqual(['n1'])
  server.applied({ type: 'catalog.deregister', node: 'n1' })
  expect(holders(server, '10.0.0.9')).toEqual({ nodes: [], services: [] })
})

test('services are found by an address of their own, each name once', () => {
  const server = founded()
  const own = (id: string, address: string) => aService('web', { id, address })
  server.applied(register(aNode('n1', { address: '10.0.0.1' }), [own('a', '10.5.0.1'), own('b', '10.5.0.1')]))
  expect(holders(server, '10.5.0.1')).toEqual({ nodes: [], services: ['web'] })
  server.applied(register('n1', [own('a', '10.5.0.2')]))
  expect(holders(server, '10.5.0.1').services).toEqual(['web'])
  server.applied(register('n1', [own('b', '')]))
  expect(holders(server, '10.5.0.1').services).toEqual([])
  server.applied({ type: 'catalog.deregister', node: 'n1', serviceId: 'a' })
  expect(holders(server, '10.5.0.2').services).toEqual([])
})

test('an address is one, however it is written, and a host name is none', () => {
  const server = founded()
  server.applied(register(aNode('n1', { address: 'fd00:0:0:0::1' })))
  server.applied(register(aNode('n2', { address: 'n2.example.com' })))
  expect(holders(server, 'fd00::1').nodes).toEqual(['n1'])
  expect(holders(server, 'n2.example.com').nodes).toEqual([])
})
