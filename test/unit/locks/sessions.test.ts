// Sessions and locks (reference/consul.md 1.8 and 7): what a session hangs on, what ends it, what becomes of its keys, and
// for how long nobody gets a lock that was lost.
import { expect, test } from 'vitest'
import type { Command } from '../../../src/model/command.ts'
import { Admission } from '../../../src/server/admission/admission.ts'
import { Machine } from '../../../src/server/apply/machine.ts'
import { Store } from '../../../src/server/store/store.ts'
import { aCheck, aMemberCheck, register } from '../store/rows.ts'
import { asHost, asOperator, silentLog, type TestServer } from '../store/server.ts'
import { aSession, create, destroy, holder, lock, lockServer, sessionId, set, unlock } from './locking.ts'

const sessions = (server: TestServer): readonly string[] =>
  server.answer('session.list', {}).map(({ id }) => id)

test('a session is shown as it was made, alone, among all and among those of its node', () => {
  const server = lockServer()
  const made = { name: 'leader', serviceChecks: ['web-up'], ttl: '15s', lockDelayMs: 15_000 }
  const index = server.applied(create(1, made))
  server.applied(create(2, { node: 'n2' }))
  const row = { ...aSession(1, made), createIndex: index, modifyIndex: index }
  expect(server.answer('session.info', { id: sessionId(1) })).toEqual(row)
  expect(sessions(server)).toEqual([sessionId(1), sessionId(2)])
  expect(server.answer('session.node', { node: 'n1' })).toEqual([row])
  expect(server.answer('session.info', { id: sessionId(9) })).toBeNull()
  expect(server.value(create(1, made)), 'made again by somebody who lost the answer').toMatchObject({
    kind: 'session',
  })
  expect(server.apply(create(1, { name: 'other' }))).toMatchObject({
    ok: false,
    failure: { code: 'conflict' },
  })
})

test.each([
  [create(1, { node: 'n9' }), 'Missing node registration'],
  [create(1, { nodeChecks: ['none'] }), "Missing check 'none' registration"],
  [create(1, { node: 'n2', serviceChecks: ['web-up'] }), "Missing check 'web-up' registration"],
  [create(1, { nodeChecks: ['sick'] }), "Check 'sick' is in critical state"],
])('a session that has no ground is not made (%#)', (command, why) => {
  const server = lockServer()
  server.applied(register('n1', [], [aCheck('n1', 'sick', { status: 'critical' })]))
  const result = server.apply(command)
  expect(result).toMatchObject({ ok: false, failure: { code: 'invalid-session' } })
  expect(result.ok ? '' : result.failure.message).toContain(why)
  expect(sessions(server)).toEqual([])
})

test.each([
  [create(1, { id: 'no-uuid' }), 'invalid-session'],
  [create(1, { ttl: '9s' }), 'invalid-session'],
  [create(1, { ttl: '25h' }), 'invalid-session'],
  [create(1, { ttl: 'soon' }), 'invalid-session'],
  [create(1, { lockDelayMs: 61_000 }), 'invalid-session'],
  [create(1, { node: '' }), 'invalid-session'],
  [create(1, { nodeChecks: Array.from({ length: 65 }, (_, i) => `c${i}`) }), 'invalid-session'],
  [{ ...lock('a', 1), session: 'no-uuid' } as Command, 'unknown-session'],
  [lock('', 1), 'bad-request'],
])('what makes no sense is refused before it is proposed (%#)', (command, code) => {
  const server = lockServer()
  const before = server.store.view().index
  expect(server.write(asOperator, command)).toMatchObject({ ok: false, failure: { code } })
  expect(server.store.view().index).toBe(before)
})

test('only operators make sessions and take locks', () => {
  const server = lockServer()
  for (const command of [create(1), destroy(1), lock('a', 1), unlock('a', 1)])
    expect(server.write(asHost('n1'), command)).toMatchObject({ ok: false, failure: { code: 'bad-token' } })
})

test('a cluster with an older server makes no sessions and takes no locks', () => {
  const server = lockServer()
  const { consensus, clock, metrics } = server
  const admission = new Admission({ consensus, clock, metrics, log: silentLog, featureLevel: () => 2 })
  const renew: Command = { type: 'session.renew', id: sessionId(1) }
  const txn: Command = { type: 'txn', operations: [] }
  for (const command of [create(1), destroy(1), renew, lock('a', 1), unlock('a', 1), txn])
    expect(admission.refusalOf(asOperator, command)?.code, command.type).toBe('feature-level')
  expect(admission.refusalOf(asOperator, set('a', 'x'))).toBeUndefined()
})

test('a lock has one holder; taking it again counts once, giving it back frees it', () => {
  const server = lockServer()
  server.applied(create(1))
  server.applied(create(2))
  expect(server.value(lock('a', 1, 'one'))).toEqual({ kind: 'done' })
  expect(server.value(lock('a', 2, 'two'))).toEqual({ kind: 'unchanged' })
  expect(server.value(lock('a', 1, 'again'))).toEqual({ kind: 'done' })
  expect(holder(server, 'a')).toEqual([sessionId(1), 1])
  expect(atob(server.answer('kv.get', { key: 'a' })?.value ?? '')).toBe('again')
  expect(server.value(unlock('a', 2))).toEqual({ kind: 'unchanged' })
  expect(server.value(unlock('a', 1))).toEqual({ kind: 'done' })
  expect(holder(server, 'a')).toEqual([undefined, 1])
  expect(server.value(unlock('a', 1))).toEqual({ kind: 'unchanged' })
  server.applied(lock('a', 2))
  expect(holder(server, 'a')).toEqual([sessionId(2), 2])
})

test('a lock binds those who lock: others write and delete the key all the same', () => {
  const server = lockServer()
  server.applied(create(1))
  server.applied(lock('a', 1, 'mine'))
  server.applied(set('a', 'yours'))
  expect(holder(server, 'a')).toEqual([sessionId(1), 1])
  server.applied({ type: 'kv.delete', key: 'a', recurse: false })
  expect(holder(server, 'a')).toBeUndefined()
  server.applied(destroy(1))
  expect(holder(server, 'a'), 'the end of a session brings nothing back').toBeUndefined()
  server.applied(create(2))
  server.applied(lock('b/1', 2))
  server.applied(lock('b/2', 2))
  server.applied({ type: 'kv.delete', key: 'b/1', recurse: true })
  server.applied(set('b/1', 'free'))
  server.applied(destroy(2))
  expect([holder(server, 'b/1'), holder(server, 'b/2')]).toEqual([
    [undefined, 0],
    [undefined, 1],
  ])
})

test('a session that nobody knows takes no lock', () => {
  const server = lockServer()
  const result = server.apply(lock('a', 7))
  expect(result).toMatchObject({ ok: false, failure: { code: 'unknown-session' } })
  expect(holder(server, 'a')).toBeUndefined()
})

test.each([
  ['it is destroyed', destroy(1)],
  ['its member check is critical', register('n1', [], [aMemberCheck('n1', 'critical')])],
  [
    'its service check is critical',
    register('n1', [], [aCheck('n1', 'web-up', { serviceId: 'web', status: 'critical' })]),
  ],
  ['its check is removed', { type: 'catalog.deregister', node: 'n1', checkId: 'web-up' } as Command],
  ['its service is removed', { type: 'catalog.deregister', node: 'n1', serviceId: 'web' } as Command],
  ['its node is removed', { type: 'catalog.deregister', node: 'n1' } as Command],
])('a session ends when %s, in the same instant as its locks', (_why, command) => {
  const server = lockServer()
  server.applied(create(1, { serviceChecks: ['web-up'] }))
  server.applied(create(2, { serviceChecks: ['web-up'], behavior: 'delete' }))
  server.applied(create(3, { node: 'n2' }))
  for (const n of [1, 2, 3]) server.applied(lock(`key-${n}`, n, 'x'))
  const waiting = server.ask(
    'kv.get',
    { key: 'key-1' },
    { minIndex: server.index('kv.get', { key: 'key-1' }), waitMs: 60_000 },
  )
  const index = server.applied(command)
  server.clock.run(100)
  expect(waiting.index, 'who waits on the lock wakes').toBe(index)
  expect(holder(server, 'key-1')).toEqual([undefined, 1])
  expect(holder(server, 'key-3')).toEqual([sessionId(3), 1])
  expect(sessions(server)).not.toContain(sessionId(1))
  expect(sessions(server)).toContain(sessionId(3))
  const isDestroyed = command.type === 'session.destroy'
  expect(holder(server, 'key-2'), 'behaviour delete').toEqual(isDestroyed ? [sessionId(2), 1] : undefined)
})

test('a session stays when a check is only warning, or another node’s check of the same id fails', () => {
  const server = lockServer()
  server.applied(create(1, { nodeChecks: ['disk'] }))
  server.applied(register('n2', [], [aCheck('n2', 'disk', { status: 'critical' })]))
  server.applied(register('n1', [], [aCheck('n1', 'disk', { status: 'passing' })]))
  server.applied(register('n1', [], [aCheck('n1', 'disk', { status: 'warning', output: 'full' })]))
  expect(sessions(server)).toEqual([sessionId(1)])
  server.applied(create(2, { nodeChecks: [] }))
  server.applied(register('n1', [], [aMemberCheck('n1', 'critical')]))
  expect(sessions(server), 'without checks only its node ends it').toEqual([sessionId(1), sessionId(2)])
  server.applied({ type: 'catalog.deregister', node: 'n1' })
  expect(sessions(server)).toEqual([])
})

test('a lock that was lost stays shut for the delay of its session, one that was given back does not', () => {
  const server = lockServer()
  server.applied(create(1, { lockDelayMs: 15_000 }))
  server.applied(create(2))
  server.applied(lock('lost', 1))
  server.applied(lock('given', 1))
  server.applied(unlock('given', 1))
  server.applied(destroy(1))
  expect(server.value(lock('given', 2))).toEqual({ kind: 'done' })
  server.clock.run(14_000)
  expect(server.value(lock('lost', 2))).toEqual({ kind: 'unchanged' })
  server.clock.run(1_000)
  expect(server.value(lock('lost', 2))).toEqual({ kind: 'done' })
  expect(server.store.view().tables.lockDelays.size, 'what is over is forgotten').toBe(0)
  expect(server.store.view().tables.lockDelaysByEnd.size).toBe(0)
})

test('sessions, locks and delays survive a snapshot, and go on as before', () => {
  const server = lockServer()
  server.applied(create(1, { lockDelayMs: 10_000 }))
  server.applied(create(2, { serviceChecks: ['web-up'], ttl: '10s' }))
  server.applied(lock('lost', 1))
  server.applied(lock('held', 2))
  server.applied(destroy(1))
  const store = new Store()
  const machine = new Machine(store)
  const reader = server.machine.snapshot()
  const writer = machine.restore(reader.index)
  for (let piece = reader.next(); piece !== undefined; piece = reader.next()) writer.write(piece)
  expect(writer.finish().ok).toBe(true)
  expect(machine.hash()).toBe(server.machine.hash())
  const tables = [
    'sessions',
    'sessionsByNode',
    'sessionsByCheck',
    'locks',
    'locksBySession',
    'lockDelays',
  ] as const
  for (const table of [...tables, 'lockDelaysByEnd'] as const) {
    expect([...store.view().tables[table].scan()], table).toEqual([
      ...server.store.view().tables[table].scan(),
    ])
    expect(store.view().tables[table].size, `${table} has rows to compare`).toBeGreaterThan(0)
  }
  server.restoreInPlace()
  expect(server.value(lock('lost', 2))).toEqual({ kind: 'unchanged' })
  server.applied({ type: 'catalog.deregister', node: 'n1', checkId: 'web-up' })
  expect(holder(server, 'held')).toEqual([undefined, 1])
})

test('who waits on a session hears of its end and not of others', () => {
  const server = lockServer()
  server.applied(create(1))
  const wait = { minIndex: server.index('session.info', { id: sessionId(1) }), waitMs: 60_000 }
  const info = server.ask('session.info', { id: sessionId(1) }, wait)
  const ofNode = server.ask('session.node', { node: 'n1' }, wait)
  server.applied(create(2, { node: 'n2' }))
  server.applied(destroy(2))
  server.clock.run(100)
  expect([info.isAnswered, ofNode.isAnswered]).toEqual([false, false])
  const index = server.applied(destroy(1))
  server.clock.run(100)
  expect([info.answer, info.index, ofNode.answer, ofNode.index]).toEqual([null, index, [], index])
})
