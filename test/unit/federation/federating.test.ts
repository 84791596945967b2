// How two datacenters come to trust each other, and what a token is good for.
import { expect, test } from 'vitest'
import { intention } from '../store/rows.ts'
import { codeOf, World } from './world.ts'

test('a datacenter joins by a token; each then knows the other, and who is the primary', () => {
  const { dc1, dc2 } = new World().federated()
  const there = dc1.server.store.view().datacenter('dc2')
  expect(there).toMatchObject({ name: 'dc2', isPrimary: false, servers: ['10.0.0.1:8300'] })
  expect(there?.clusterId).toBe(dc2.server.store.view().settings()?.clusterId)
  expect(dc2.server.store.view().primary()).toMatchObject({ name: 'dc1' })
  expect(dc1.server.answer('catalog.datacenters', {})).toEqual(['dc1', 'dc2'])
  expect(dc2.server.answer('catalog.datacenters', {})).toEqual(['dc2', 'dc1'])
})

test('of the description nothing is secret: no key of a root, sealed or not', () => {
  const { dc1 } = new World().federated()
  const told = JSON.stringify(dc1.server.answer('federation.facts', {}))
  expect(told).toContain('BEGIN CERTIFICATE')
  expect(told).not.toContain('sealedKey')
})

test('a token is good for one datacenter: again for the same, not for another', () => {
  const world = new World()
  const dc1 = world.add('dc1')
  const token = dc1.token()
  const dc2 = world.add('dc2')
  expect(codeOf(dc2.join(token))).toBe('ok')
  expect(codeOf(dc2.join(token))).toBe('ok')
  expect(codeOf(world.add('dc3').join(token))).toBe('token-used')
})

test('expired, of another kind, damaged or made up: each is refused with its reason, and nothing is written down', () => {
  const world = new World()
  const dc1 = world.add('dc1')
  const dc2 = world.add('dc2')
  const expired = dc1.token('datacenter', 1_000)
  world.clock.run(2_000)
  expect(codeOf(dc2.join(expired))).toBe('token-expired')
  expect(codeOf(dc2.join(dc1.token('server')))).toBe('bad-token')
  expect(codeOf(dc2.join('mesh1.nonsense'))).toBe('bad-request')
  const strangers = new World().add('dc1').token()
  expect(codeOf(dc2.join(strangers))).toBe('token-unknown')
  expect(codeOf(world.add('dc1').join(dc2.token()))).toBe('ok')
  expect(dc1.server.store.view().datacenters()).toEqual([])
})

test('a datacenter of the same name, or with intentions of its own, does not join by accident', () => {
  const world = new World()
  const dc1 = world.add('dc1')
  const token = dc1.token()
  expect(codeOf(dc1.join(token))).toBe('conflict')
  const dc2 = world.add('dc2')
  dc2.server.applied(intention('web', 'db', 'allow'))
  expect(codeOf(dc2.join(token))).toBe('conflict')
  expect(dc2.intentions()).toEqual(['web>db allow'])
  expect(codeOf(dc2.join(token, true))).toBe('ok')
  world.clock.run(2_000)
  expect(dc2.intentions()).toEqual([])
})

test('there is one primary: a secondary makes no use of its own tokens, and primary_datacenter is kept to', () => {
  const world = new World()
  const { dc2 } = world.federated()
  expect(codeOf(world.add('dc3').join(dc2.token()))).toBe('conflict')
  const strict = new World()
  strict.expectedPrimary = 'dc9'
  expect(codeOf(strict.add('dc2').join(strict.add('dc1').token()))).toBe('conflict')
})

test('a third datacenter is introduced to the others by the primary', () => {
  const world = new World()
  const { dc1, dc2 } = world.federated()
  const dc3 = world.add('dc3')
  expect(codeOf(dc3.join(dc1.token()))).toBe('ok')
  world.clock.run(2_000)
  expect(dc2.server.store.view().datacenter('dc3')).toMatchObject({ isPrimary: false })
  expect(dc3.server.store.view().datacenter('dc2')).toMatchObject({ isPrimary: false })
})

test('a name stands for one cluster: another one under it is refused until the first was removed', () => {
  const world = new World()
  const { dc1 } = world.federated()
  const again = world.add('dc2')
  expect(codeOf(again.join(dc1.token()))).toBe('conflict')
  dc1.server.applied({ type: 'datacenter.remove', name: 'dc2' })
  expect(codeOf(again.join(dc1.token()))).toBe('ok')
})

test('what changes there is known here: a host that is shut out there is shut out here too', () => {
  const world = new World()
  const { dc1, dc2 } = world.federated()
  const secret = { tokenHash: 'a'.repeat(64), node: 'h1', services: ['web'], createdBy: '' }
  const expiresAtMs = world.clock.wallMs() + 60_000
  dc2.server.applied({ type: 'enrollment.create', enrollment: { ...secret, expiresAtMs } })
  const host = { node: 'h1', nodeId: 'id-of-h1', publicKey: 'key' }
  dc2.server.applied({ type: 'enrollment.redeem', tokenHash: secret.tokenHash, ...host })
  dc2.server.applied({ type: 'host.evict', node: 'h1' })
  const tags = Array.from(dc2.server.store.view().evictions(), ({ hostTag }) => hostTag)
  expect(tags).toHaveLength(1)
  world.clock.run(1_000)
  expect(dc1.server.store.view().datacenter('dc2')?.evicted).toEqual(tags)
})

test('roots that are not of its own trust domain are no description of a datacenter', () => {
  const world = new World()
  const { dc1, dc2 } = world.federated()
  const own = dc2.server.store.view().datacenters()[0]
  const {
    createIndex: _created,
    modifyIndex: _modified,
    ...facts
  } = dc1.server.store.view().datacenters()[0] ?? {}
  const forged = { ...facts, serviceRoots: own?.serviceRoots }
  const result = dc1.server.apply({ type: 'datacenter.set', datacenter: forged as never })
  expect(result.ok ? 'ok' : result.failure.code).toBe('bad-request')
})
