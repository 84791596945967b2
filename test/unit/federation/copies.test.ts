// Intentions belong to the primary: how they come to a secondary, and what is in force while the link is cut.
import { expect, test } from 'vitest'
import { intention } from '../store/rows.ts'
import { codeOf, World } from './world.ts'

const deny = {
  type: 'intention.upsert',
  id: '11111111-2222-4333-8444-000000000002',
  sourceName: 'web',
  destinationName: 'db',
  action: 'deny',
  description: '',
  meta: {},
} as const

test('what the primary has the secondary has: new, changed and deleted', () => {
  const world = new World()
  const { dc1, dc2 } = world.federated()
  dc1.server.applied(intention('web', 'db', 'allow'))
  dc1.server.applied(intention('*', 'db', 'deny'))
  dc1.server.applied(intention('api', 'cache', 'allow'))
  world.clock.run(1_000)
  expect(dc2.intentions()).toEqual(dc1.intentions())
  expect(dc2.intentions()).toHaveLength(3)
  dc1.server.applied(intention('web', 'db', 'deny'))
  dc1.server.applied({ type: 'intention.delete', sourceName: 'api', destinationName: 'cache' })
  world.clock.run(1_000)
  expect(dc2.intentions()).toEqual(['web>db deny', '*>db deny'])
})

test('where nothing changed nothing is written', () => {
  const world = new World()
  const { dc1, dc2 } = world.federated()
  dc1.server.applied(intention('web', 'db', 'allow'))
  world.clock.run(1_000)
  const before = dc2.server.consensus.lastIndex
  world.clock.run(3_600_000)
  expect(dc2.server.consensus.lastIndex).toBe(before)
})

test('a write in the secondary is made by the primary, and is there when it is answered, with the index of here', () => {
  const { dc1, dc2 } = new World().federated()
  const written = dc2.write(dc2.peerOf('server', 'server-1'), { command: deny, token: dc2.operatorToken })
  expect(codeOf(written)).toBe('ok')
  expect([dc1.intentions(), dc2.intentions()]).toEqual([['web>db deny'], ['web>db deny']])
  expect(written.ok && written.value.index).toBe(dc2.server.store.view().index)
})

test('a token of the primary works in the secondary; one of nobody in neither', () => {
  const { dc1, dc2 } = new World().federated()
  const peer = dc2.peerOf('server', 'server-1')
  expect(codeOf(dc2.write(peer, { command: deny, token: dc1.operatorToken }))).toBe('ok')
  expect(codeOf(dc2.write(peer, { command: deny, token: 'nobody’s' }))).toBe('bad-token')
  expect(codeOf(dc2.write(dc2.peerOf('host', 'h1'), { command: deny, token: '' }))).toBe('not-enrolled')
})

test('while the link is cut the last copy stays, writes fail, and all is brought up to date after it', () => {
  const world = new World()
  const { dc1, dc2 } = world.federated()
  dc1.server.applied(intention('web', 'db', 'allow'))
  world.clock.run(1_000)
  world.cut('dc1')
  dc1.server.applied(intention('web', 'db', 'deny'))
  world.clock.run(120_000)
  expect(dc2.intentions()).toEqual(['web>db allow'])
  const request = { command: deny, token: dc2.operatorToken }
  expect(codeOf(dc2.write(dc2.peerOf('server', 'server-1'), request))).toBe('datacenter-unreachable')
  world.cut('dc1', false)
  world.clock.run(15_000)
  expect(dc2.intentions()).toEqual(['web>db deny'])
})

test('only the leader copies; one that leads no more stops, and goes on when it leads again', () => {
  const world = new World()
  const { dc1, dc2 } = world.federated()
  dc2.server.consensus.setLeading(false)
  dc1.server.applied(intention('web', 'db', 'allow'))
  world.clock.run(5_000)
  expect(dc2.intentions()).toEqual([])
  dc2.server.consensus.setLeading(true)
  world.clock.run(5_000)
  expect(dc2.intentions()).toEqual(['web>db allow'])
})

test('once the primary was removed the copies stay, as intentions of this datacenter’s own', () => {
  const world = new World()
  const { dc1, dc2 } = world.federated()
  dc1.server.applied(intention('web', 'db', 'allow'))
  world.clock.run(1_000)
  dc2.server.applied({ type: 'datacenter.remove', name: 'dc1' })
  const written = dc2.write(dc2.peerOf('server', 'server-1'), { command: deny, token: dc2.operatorToken })
  expect(codeOf(written)).toBe('ok')
  world.clock.run(5_000)
  expect([dc1.intentions(), dc2.intentions()]).toEqual([['web>db allow'], ['web>db deny']])
})
