// Intentions belong to the primary: how they come to a secondary, and what is in force while the link is cut.
import { expect, test } from 'vitest'
import { Configured } from '../../../src/server/leader/configured.ts'
import { intention } from '../store/rows.ts'
import { asServer, silentLog } from '../store/server.ts'
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

test('a condition on the copy here holds at the primary where both are the same, and fails where either moved on', () => {
  const world = new World()
  const { dc1, dc2 } = world.federated()
  dc1.server.applied(intention('web', 'db', 'allow'))
  world.clock.run(1_000)
  const peer = dc2.peerOf('server', 'server-1')
  const sources = [{ name: 'web', action: 'deny', description: '', precedence: 9 }] as const
  const entry = { kind: 'service-intentions', name: 'db', meta: {}, sources } as const
  const put = (casIndex: number) => {
    const request = {
      command: { type: 'config-entry.upsert', entry, casIndex } as const,
      token: dc2.operatorToken,
    }
    const result = dc2.write(peer, request)
    return result.ok ? result.value.value.kind : result.failure.code
  }
  const copied = (): number =>
    dc2.server.store.view().configEntry('service-intentions', 'db')?.modifyIndex ?? 0
  const seen = copied()
  expect(put(seen + 1)).toBe('unchanged')
  expect(put(0)).toBe('unchanged')
  expect(dc1.intentions()).toEqual(['web>db allow'])
  expect(put(seen)).toBe('done')
  expect([dc1.intentions(), dc2.intentions()]).toEqual([['web>db deny'], ['web>db deny']])
  const second = copied()
  // The primary moved on, and the copy is still on its way.
  dc1.server.applied(intention('api', 'db', 'allow'))
  expect(put(second)).toBe('unchanged')
  expect(dc1.intentions()).toContain('api>db allow')
})

test('a secondary brings in no entries of its own configuration, which the primary would have removed again', () => {
  const world = new World()
  const { dc2 } = world.federated()
  const { store, consensus, admission, clock } = dc2.server
  const sources = [{ name: 'web', action: 'allow', description: '', precedence: 9 }] as const
  new Configured({
    store,
    consensus,
    write: (command, reply) => admission.write(asServer, command, reply),
    clock,
    log: silentLog,
    defaultIntentionAction: 'deny',
    bootstrapEntries: [{ kind: 'service-intentions', name: 'db', meta: {}, sources }],
  })
  world.clock.run(1_000)
  expect(dc2.intentions()).toEqual([])
})
