// What the eviction of a host does to the state, and whom it does not touch.
import { expect, test } from 'vitest'
import type { Command } from '../../../src/model/command.ts'
import { limits } from '../../../src/model/limits.ts'
import { Machine } from '../../../src/server/apply/machine.ts'
import { Store } from '../../../src/server/store/store.ts'
import { hostTagOf } from '../../../src/wire/x509/host-tag.ts'
import { aNode, aService, aSidecar, genesis, register } from '../store/rows.ts'
import { asHost, asOperator, asServer, TestServer } from '../store/server.ts'

const keyOf = (name: string): string => Buffer.from(`key of ${name}`).toString('base64')
const tagOf = (name: string): string => hostTagOf(Buffer.from(`key of ${name}`))

/** Lets the host in with a token and a key of its own. */
function enroll(server: TestServer, node: string, key = node): void {
  const tokenHash = Buffer.from(key.padEnd(32)).toString('hex')
  const expiresAtMs = server.clock.wallMs() + 3_600_000
  const enrollment = { tokenHash, node: '', services: ['web'], expiresAtMs, createdBy: '' }
  server.applied({ type: 'enrollment.create', enrollment })
  const publicKey = keyOf(key)
  server.applied({ type: 'enrollment.redeem', tokenHash, node, nodeId: `id-of-${node}`, publicKey }, asServer)
}

function withHosts(...nodes: readonly string[]): TestServer {
  const server = new TestServer()
  server.applied(genesis())
  for (const node of nodes) {
    enroll(server, node)
    server.applied(register(aNode(node), [aService('web'), aSidecar('web')]))
  }
  return server
}

const evict = (node: string): Command => ({ type: 'host.evict', node })

const codeOf = (server: TestServer, ...command: Parameters<TestServer['apply']>): string => {
  const result = server.apply(...command)
  return result.ok ? result.value.kind : result.failure.code
}

/** What agents are told to trust. */
function trusted(server: TestServer): unknown {
  const subject = { topic: 'roots', key: '' } as const
  server.publisher.subscribe(subject, () => undefined)
  const next = server.publisher.next(subject, server.publisher.positionOf(0))
  const [body] = next.kind === 'snapshot' ? (next.snapshot.frame(0)?.bodies ?? []) : []
  return body?.topic === 'roots' ? body.evicted : undefined
}

test('an evicted host leaves the catalog with all that is on it; its key is remembered as one to refuse', () => {
  const server = withHosts('n1', 'n2')
  expect(trusted(server)).toBeUndefined()
  expect(codeOf(server, evict('n1'))).toBe('done')
  const view = server.store.view()
  expect(view.host('n1')).toMatchObject({ evicted: true, publicKey: keyOf('n1') })
  expect(view.host('n2')).toMatchObject({ evicted: false })
  expect([...view.nodes()].map(({ name }) => name)).toEqual(['n2'])
  expect([...view.meshInstances('web')].map(({ node }) => node.name)).toEqual(['n2'])
  expect(trusted(server)).toEqual([tagOf('n1')])
  expect(codeOf(server, evict('n1')), 'a second time').toBe('unchanged')
})

test('what an evicted host still writes is refused, and the leader does not bring it back by hearsay', () => {
  const server = withHosts('n1')
  server.applied(evict('n1'))
  expect(codeOf(server, register(aNode('n1')), asHost('n1'))).toBe('host-evicted')
  expect(codeOf(server, register(aNode('n1')), asServer)).toBe('host-evicted')
  expect(server.store.view().node('n1')).toBeUndefined()
  // An operator may mean another machine of that name.
  expect(codeOf(server, register(aNode('n1')), asOperator)).toBe('done')
})

test('only operators evict, and only hosts that are enrolled and run no server', () => {
  const server = withHosts('n1', 's1')
  server.applied(register('s1', [aService('consul', { id: 'consul' })]))
  expect(codeOf(server, evict('nobody'))).toBe('not-found')
  expect(codeOf(server, evict('s1'))).toBe('conflict')
  expect(server.admission.refusalOf(asHost('n1'), evict('n2'))?.code).toBe('bad-token')
  expect(server.admission.refusalOf(asOperator, evict('n1'))).toBeUndefined()
  expect(trusted(server)).toBeUndefined()
})

test('a host comes back with a new key, and its old one stays among those that are refused', () => {
  const server = withHosts('n1')
  server.applied(evict('n1'))
  enroll(server, 'n1', 'n1-again')
  expect(server.store.view().host('n1')).toMatchObject({ evicted: false, publicKey: keyOf('n1-again') })
  expect(codeOf(server, register(aNode('n1')), asServer)).toBe('done')
  expect(trusted(server)).toEqual([tagOf('n1')])
  server.applied(evict('n1'))
  expect(trusted(server)).toEqual([tagOf('n1'), tagOf('n1-again')].sort())
})

test('an eviction is forgotten when no leaf of that key can be valid any more', () => {
  const server = withHosts('n1', 'n2', 'n3')
  server.applied(evict('n1'))
  server.clock.run(limits.evictionKeptMs - 1)
  server.applied(evict('n2'))
  expect(trusted(server)).toHaveLength(2)
  server.clock.run(2)
  server.applied(evict('n3'))
  expect(trusted(server)).toEqual([tagOf('n2'), tagOf('n3')].sort())
})

test('evictions and gossip keys are part of a snapshot', () => {
  const server = withHosts('n1')
  server.applied(evict('n1'))
  const keyring = { keys: [{ id: 'a', sealedKey: 'x' }], stage: 'steady', coversIndex: 7 } as const
  server.applied({ type: 'gossip-keys.set', keyring, casIndex: 0 }, asServer)
  expect(codeOf(server, { type: 'gossip-keys.set', keyring, casIndex: 0 }, asServer)).toBe('unchanged')
  const { machine } = server
  const copy = new Store()
  const target = new Machine(copy)
  const reader = machine.snapshot()
  const writer = target.restore(reader.index)
  for (let piece = reader.next(); piece !== undefined; piece = reader.next()) writer.write(piece)
  writer.finish()
  expect(target.hash()).toBe(machine.hash())
  expect(copy.view().gossipKeys()).toMatchObject(keyring)
  expect([...copy.view().evictions()].map(({ node }) => node)).toEqual(['n1'])
})
