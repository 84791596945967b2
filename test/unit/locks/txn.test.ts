// Transactions (reference/consul.md 1.8): all or nothing, each operation sees what those before it did, every refusal is named.
import { expect, test } from 'vitest'
import type { AppliedValue, Command } from '../../../src/model/command.ts'
import { limits } from '../../../src/model/limits.ts'
import type { TxnOperation } from '../../../src/model/txn.ts'
import { aCheck, aMemberCheck, aNode, aService } from '../store/rows.ts'
import { asHost, asOperator, type TestServer } from '../store/server.ts'
import {
  base64,
  create,
  destroy,
  holder,
  kvOperation as kv,
  lock,
  lockServer,
  sessionId,
  set,
} from './locking.ts'

const txn = (...operations: readonly TxnOperation[]): Command => ({ type: 'txn', operations })
const run = (server: TestServer, ...operations: readonly TxnOperation[]): AppliedValue =>
  server.value(txn(...operations))
const errorsOf = (value: AppliedValue): readonly (readonly [number, string])[] =>
  value.kind === 'rolled-back' ? value.errors.map(({ opIndex, what }) => [opIndex, what]) : []
const textOf = (server: TestServer, key: string): string | undefined => {
  const entry = server.answer('kv.get', { key })
  return entry === null ? undefined : atob(entry.value)
}
const put = (key: string, text: string) => kv('set', key, { value: base64(text) })

test('operations are done in order, later ones see earlier ones, and values of writes are left out', () => {
  const server = lockServer()
  server.applied(create(1))
  const result = run(
    server,
    put('a', 'one'),
    kv('get', 'a'),
    kv('lock', 'b', { value: base64('mine'), session: sessionId(1) }),
    kv('check-session', 'b', { session: sessionId(1) }),
    kv('unlock', 'b', { session: sessionId(1) }),
    kv('check-not-exists', 'c'),
    kv('get-or-empty', 'c'),
    kv('get-tree', ''),
    kv('delete', 'a'),
  )
  expect(errorsOf(result)).toEqual([])
  if (result.kind !== 'txn') throw new Error('rolled back')
  const index = server.store.view().index
  const entries = result.results.map((each) => (each.kind === 'kv' ? each.entry : undefined))
  const at = { createIndex: index, modifyIndex: index }
  expect(entries.slice(0, 3)).toEqual([
    { key: 'a', value: '', flags: '0', ...at },
    { key: 'a', value: base64('one'), flags: '0', ...at },
    { key: 'b', value: '', flags: '0', lockIndex: 1, session: sessionId(1), ...at },
  ])
  expect(entries[5]).toEqual({ key: 'c', value: '', flags: '0', createIndex: 0, modifyIndex: 0 })
  expect(entries.slice(6).map((entry) => entry?.key)).toEqual(['a', 'b'])
  expect([textOf(server, 'a'), holder(server, 'b')]).toEqual([undefined, [undefined, 1]])
})

test('one refusal takes everything with it, wakes nobody, and all refusals are named', () => {
  const server = lockServer()
  for (const n of [1, 2]) server.applied(create(n))
  server.applied(set('old', 'x'))
  server.applied(lock('held', 1))
  const hash = server.machine.hash()
  const waiting = server.ask(
    'kv.get',
    { key: 'old' },
    { minIndex: server.index('kv.get', { key: 'old' }), waitMs: 60_000 },
  )
  const result = run(
    server,
    put('old', 'new'),
    kv('get', 'zz'),
    kv('cas', 'old', { index: 1 }),
    kv('lock', 'held', { session: sessionId(2) }),
    kv('lock', 'held', { session: sessionId(9) }),
    kv('unlock', 'held', { session: sessionId(2) }),
    kv('delete-cas', 'held', { index: 1 }),
    kv('check-index', 'none', { index: 1 }),
    kv('check-session', 'held', { session: sessionId(2) }),
    kv('check-not-exists', 'held'),
    { kind: 'node', verb: 'get', node: aNode('n9'), index: 0 },
  )
  expect(errorsOf(result)).toEqual([
    [1, `key "zz" doesn't exist`],
    [2, 'failed to set key "old", index is stale'],
    [3, 'failed to lock key "held", lock is already held'],
    [4, expect.stringContaining('invalid session')],
    [5, `failed to unlock key "held", lock isn't held, or is held by another session`],
    [6, 'failed to delete key "held", index is stale'],
    [7, `failed to check index, key "none" doesn't exist`],
    [8, `failed session check for key "held", current session "${sessionId(1)}" != "${sessionId(2)}"`],
    [9, 'key "held" exists'],
    [10, `node "n9" doesn't exist`],
  ])
  server.clock.run(100)
  expect([textOf(server, 'old'), waiting.isAnswered]).toEqual(['x', false])
  expect(server.machine.hash()).toBe(hash)
})

test('a key and everything below it are deleted at once, and both deletions are remembered and forgotten', () => {
  const server = lockServer()
  server.applied(set('a', 'x'))
  server.applied(set('a/b', 'x'))
  run(server, kv('delete', 'a'), kv('delete-tree', 'a'))
  const { tombstones, tombstonesByIndex } = server.store.view().tables
  expect([tombstones.size, tombstonesByIndex.size]).toEqual([2, 2])
  server.applied({ type: 'kv.reap', upToIndex: server.store.view().index })
  const after = server.store.view().tables
  expect([after.tombstones.size, after.tombstonesByIndex.size]).toEqual([0, 0])
})

test('a lock under delay is refused with that reason', () => {
  const server = lockServer()
  server.applied(create(1, { lockDelayMs: 5_000 }))
  server.applied(create(2))
  server.applied(lock('a', 1))
  server.applied(destroy(1))
  expect(errorsOf(run(server, kv('lock', 'a', { session: sessionId(2) })))).toEqual([
    [0, 'failed to lock key "a" due to lock delay'],
  ])
  server.clock.run(5_000)
  expect(errorsOf(run(server, kv('lock', 'a', { session: sessionId(2) })))).toEqual([])
})

test('nodes, services and checks are written, compared and removed together with keys', () => {
  const server = lockServer()
  const node = aNode('n3')
  const service = aService('db')
  const check = aCheck('n3', 'db-up', { serviceId: 'db' })
  const made = run(
    server,
    { kind: 'node', verb: 'cas', node, index: 0 },
    { kind: 'service', verb: 'set', node: 'n3', service, index: 0 },
    { kind: 'check', verb: 'set', check, index: 0 },
    put('registered', 'n3'),
  )
  expect(made).toMatchObject({
    kind: 'txn',
    results: [{ node: { name: 'n3' } }, { service: { id: 'db' } }, { check: { serviceName: 'db' } }, {}],
  })
  const index = server.store.view().index
  const stale = run(
    server,
    { kind: 'node', verb: 'cas', node: aNode('n3', { address: '10.9.9.9' }), index: 1 },
    { kind: 'service', verb: 'delete-cas', node: 'n3', service, index: 1 },
    { kind: 'check', verb: 'get', check: aCheck('n3', 'none'), index: 0 },
    { kind: 'service', verb: 'set', node: 'n9', service, index: 0 },
  )
  expect(errorsOf(stale)).toEqual([
    [0, 'failed to set node "n3", index is stale'],
    [1, 'failed to delete service "db" on node "n3", index is stale'],
    [2, `check "none" on node "n3" doesn't exist`],
    [3, expect.stringContaining('node "n9" is not registered')],
  ])
  const gone = run(
    server,
    { kind: 'check', verb: 'delete-cas', check, index },
    { kind: 'service', verb: 'delete', node: 'n3', service, index: 0 },
    { kind: 'node', verb: 'delete', node, index: 0 },
    { kind: 'node', verb: 'delete', node, index: 0 },
  )
  expect(gone).toEqual({ kind: 'txn', results: [] })
  expect(server.answer('catalog.node', { node: 'n3' })).toBeNull()
})

test('a check that a transaction makes critical ends its sessions, unless the transaction is rolled back', () => {
  const server = lockServer()
  server.applied(create(1))
  server.applied(lock('a', 1))
  const sick: TxnOperation = { kind: 'check', verb: 'set', check: aMemberCheck('n1', 'critical'), index: 0 }
  run(server, sick, kv('get', 'none'))
  expect(holder(server, 'a')).toEqual([sessionId(1), 1])
  run(server, sick)
  expect(holder(server, 'a')).toEqual([undefined, 1])
})

test('a transaction of reads alone is answered without the log, all of one moment', () => {
  const server = lockServer()
  server.applied(set('a', 'x'))
  const before = server.consensus.lastIndex
  const { results, errors } = server.answer('txn.read', { operations: [kv('get', 'a'), kv('get-tree', 'a')] })
  expect([results.length, errors]).toEqual([2, []])
  expect(server.answer('txn.read', { operations: [kv('get', 'a'), kv('get', 'zz')] })).toEqual({
    results: [],
    errors: [{ opIndex: 1, what: `key "zz" doesn't exist` }],
  })
  expect(server.answer('txn.read', { operations: [put('a', 'y')] }).errors).toHaveLength(1)
  expect([textOf(server, 'a'), server.consensus.lastIndex]).toEqual(['x', before])
})

test('an answer longer than its bound is refused, not built', () => {
  const server = lockServer()
  const value = 'x'.repeat(limits.kvValueBytes)
  for (let n = 0; n < 13; n++) server.applied(set(`big/${n}`, value))
  expect(errorsOf(run(server, put('a', 'x'), kv('get-tree', 'big/')))).toEqual([
    [1, expect.stringContaining('longer than')],
  ])
  expect(textOf(server, 'a')).toBeUndefined()
})

test.each([
  [txn(...Array.from({ length: 65 }, () => put('a', 'x'))), 'too-large'],
  [txn(put('', 'x')), 'bad-request'],
  [txn(kv('set', 'a', { flags: '-1' })), 'bad-request'],
  [txn(kv('set', 'a', { value: 'no base64' })), 'bad-request'],
  [txn({ kind: 'service', verb: 'set', node: 'n1', service: aService('a b'), index: 0 }), 'bad-request'],
  [txn({ kind: 'check', verb: 'set', check: aMemberCheck('n1', 'critical'), index: 0 }), 'bad-token'],
])('a transaction that breaks a bound or a right is refused before it is proposed (%#)', (command, code) => {
  const server = lockServer()
  const before = server.store.view().index
  expect(server.write(asOperator, command)).toMatchObject({ ok: false, failure: { code } })
  expect(server.write(asHost('n1'), command)).toMatchObject({ ok: false })
  expect(server.store.view().index).toBe(before)
})
