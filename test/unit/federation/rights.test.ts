// What servers, hosts and operators of one datacenter may do in another.
import { expect, test } from 'vitest'
import { codeOf, World } from './world.ts'

const put = { type: 'kv.set', key: 'a', value: '', flags: '0' } as const
const allow = {
  type: 'intention.upsert',
  id: '11111111-2222-4333-8444-000000000001',
  sourceName: 'web',
  destinationName: 'db',
  action: 'allow',
  description: '',
  meta: {},
} as const

test('a server of another datacenter is known by its certificate, a host of it is nobody', () => {
  const { dc1, dc2 } = new World().federated()
  expect(dc1.access.federatedOf(dc2.peer)).toBe('dc2')
  expect(dc1.access.identify(dc2.peer, '')).toEqual({ ok: true, value: { kind: 'anonymous' } })
  expect(dc1.access.isMember(dc2.peer)).toBe(true)
  const host = dc2.peerOf('host', 'h1')
  expect(dc1.access.federatedOf(host)).toBeUndefined()
  expect([codeOf(dc1.access.identify(host, '')), dc1.access.isMember(host)]).toEqual(['wrong-cluster', false])
})

test('before it is federated, and once it was removed, it is a stranger', () => {
  const world = new World()
  const stranger = world.add('dc2')
  expect(codeOf(world.add('dc1').access.identify(stranger.peer, ''))).toBe('wrong-cluster')
  const { dc1, dc2 } = new World().federated()
  dc1.server.applied({ type: 'datacenter.remove', name: 'dc2' })
  expect([codeOf(dc1.access.identify(dc2.peer, '')), dc1.access.isMember(dc2.peer)]).toEqual([
    'wrong-cluster',
    false,
  ])
})

test('its certificate says nothing once it has expired', () => {
  const world = new World()
  const { dc1, dc2 } = world.federated()
  expect(dc1.access.federatedOf(dc2.peer)).toBe('dc2')
  world.clock.wallOffsetMs += 365 * 24 * 3_600_000
  expect(dc1.access.federatedOf(dc2.peer)).toBeUndefined()
})

test('a write of another datacenter needs an operator token of this one', () => {
  const { dc1, dc2 } = new World().federated()
  expect(codeOf(dc1.write(dc2.peer, { command: put, token: '' }))).toBe('bad-token')
  expect(codeOf(dc1.write(dc2.peer, { command: put, token: dc2.operatorToken }))).toBe('bad-token')
  expect(codeOf(dc1.write(dc2.peer, { command: put, token: dc1.operatorToken }))).toBe('ok')
})

test('a secondary vouches for its operators in intentions, and in nothing else', () => {
  const { dc1, dc2 } = new World().federated()
  const vouched = { token: '', operator: 'operator:alice' }
  expect(codeOf(dc1.write(dc2.peer, { command: put, ...vouched }))).toBe('bad-token')
  expect(codeOf(dc1.write(dc2.peer, { command: allow, ...vouched }))).toBe('ok')
  expect(dc1.intentions()).toEqual(['web>db allow'])
})

test('nobody but a server of another datacenter vouches for anybody', () => {
  const { dc1, dc2 } = new World().federated()
  const vouched = { command: allow, token: '', operator: 'operator:alice' }
  for (const peer of [
    dc1.peerOf('host', 'h1'),
    dc2.peerOf('host', 'h1'),
    { certificates: [], address: 'local' },
  ])
    expect(codeOf(dc1.write(peer, vouched))).not.toBe('ok')
  expect(dc1.intentions()).toEqual([])
})

test('nothing is passed on for another datacenter', () => {
  const world = new World()
  const { dc1, dc2 } = world.federated()
  const dc3 = world.add('dc3')
  dc3.join(dc1.token())
  world.clock.run(2_000)
  const request = { command: put, token: dc3.operatorToken, datacenter: 'dc3' }
  expect(codeOf(dc1.write(dc2.peer, request))).toBe('unknown-datacenter')
  expect(codeOf(dc2.write(dc3.peer, { command: allow, token: '', operator: 'a' }))).toBe('unknown-datacenter')
})

test('an own caller’s write goes where dc says, with the token for there', () => {
  const { dc1, dc2 } = new World().federated()
  const far = { command: put, datacenter: 'dc2' }
  expect(codeOf(dc1.write(dc1.peer, { ...far, token: dc1.operatorToken }))).toBe('bad-token')
  expect(codeOf(dc1.write(dc1.peer, { ...far, token: dc2.operatorToken }))).toBe('ok')
  expect(dc2.server.answer('kv.get', { key: 'a' })).toMatchObject({ key: 'a' })
  expect(dc1.server.answer('kv.get', { key: 'a' })).toBeNull()
  expect(codeOf(dc1.write(dc1.peer, { ...far, datacenter: 'dc7', token: dc2.operatorToken }))).toBe(
    'unknown-datacenter',
  )
})
