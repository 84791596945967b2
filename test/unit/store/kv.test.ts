// The key-value store's rules (reference/consul.md 1.8): conditions, indexes of what is there and of what is gone, waiting
// on keys and prefixes, and forgetting deletions without any index going back.
import { expect, test } from 'vitest'
import type { Command } from '../../../src/model/command.ts'
import { limits } from '../../../src/model/limits.ts'
import { Machine } from '../../../src/server/apply/machine.ts'
import { Tombstones } from '../../../src/server/leader/tombstones.ts'
import { Store } from '../../../src/server/store/store.ts'
import { aNode, genesis, register } from './rows.ts'
import { asHost, asOperator, asServer, silentLog, TestServer } from './server.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const set = (key: string, text: string, more: { flags?: string; casIndex?: number } = {}): Command => ({
  type: 'kv.set',
  key,
  value: base64(text),
  flags: '0',
  ...more,
})
const remove = (key: string, more: { recurse?: boolean; casIndex?: number } = {}): Command => ({
  type: 'kv.delete',
  key,
  recurse: false,
  ...more,
})
const below = (prefix: string): Command => remove(prefix, { recurse: true })

function filled(...keys: readonly string[]): TestServer {
  const server = new TestServer()
  server.applied(genesis())
  for (const key of keys) server.applied(set(key, key))
  return server
}

const keysBelow = (server: TestServer, prefix: string, separator = ''): readonly string[] =>
  server.answer('kv.keys', { prefix, separator })
const indexBelow = (server: TestServer, prefix: string): number => server.index('kv.list', { prefix })

test('an entry keeps the index that made it and takes that of its newest change', () => {
  const server = filled()
  const created = server.applied(set('a', '1'))
  const changed = server.applied(set('a', '2', { flags: '18446744073709551615' }))
  expect(server.answer('kv.get', { key: 'a' })).toEqual({
    key: 'a',
    value: base64('2'),
    flags: '18446744073709551615',
    createIndex: created,
    modifyIndex: changed,
  })
  server.applied(remove('a'))
  const again = server.applied(set('a', '2'))
  expect(server.answer('kv.get', { key: 'a' })).toMatchObject({ createIndex: again, modifyIndex: again })
})

test('writing the same again changes nothing and wakes nobody', () => {
  const server = filled('a')
  const minIndex = server.index('kv.get', { key: 'a' })
  const asked = server.ask('kv.get', { key: 'a' }, { minIndex, waitMs: 60_000 })
  server.applied(set('a', 'a'))
  server.clock.run(100)
  expect(asked.isAnswered).toBe(false)
  expect(server.index('kv.get', { key: 'a' })).toBe(minIndex)
})

test('a condition of 0 creates and never replaces, another index replaces only what was changed at it', () => {
  const server = filled()
  expect(server.value(set('a', '1', { casIndex: 7 }))).toEqual({ kind: 'unchanged' })
  const index = server.applied(set('a', '1', { casIndex: 0 }))
  expect(server.value(set('a', '2', { casIndex: 0 }))).toEqual({ kind: 'unchanged' })
  expect(server.value(set('a', '2', { casIndex: index + 1 }))).toEqual({ kind: 'unchanged' })
  expect(server.value(set('a', '2', { casIndex: index }))).toEqual({ kind: 'done' })
  expect(server.value(set('a', '3', { casIndex: index }))).toEqual({ kind: 'unchanged' })
  expect(server.answer('kv.get', { key: 'a' })?.value).toBe(base64('2'))
  expect(server.value(remove('a', { casIndex: index }))).toEqual({ kind: 'unchanged' })
  const { modifyIndex } = server.answer('kv.get', { key: 'a' }) ?? { modifyIndex: 0 }
  expect(server.value(remove('a', { casIndex: modifyIndex }))).toEqual({ kind: 'done' })
  expect(server.answer('kv.get', { key: 'a' })).toBeNull()
  expect(server.value(remove('a', { casIndex: 3 })), 'gone is what it was to be').toEqual({ kind: 'done' })
})

test('a deletion of a prefix takes every key that begins with it, and no other', () => {
  const server = filled('a', 'app', 'app/x', 'app/x/1', 'apple', 'b')
  server.applied(below('app/'))
  expect(keysBelow(server, '')).toEqual(['a', 'app', 'apple', 'b'])
  server.applied(below('app'))
  expect(keysBelow(server, '')).toEqual(['a', 'b'])
  expect(server.value(below('app'))).toEqual({ kind: 'unchanged' })
  server.applied(below(''))
  expect(keysBelow(server, '')).toEqual([])
})

test('keys are cut behind the first separator after the prefix, each told once', () => {
  const server = filled('a/b/1', 'a/b/2', 'a/c', 'a/', 'ab')
  expect(keysBelow(server, '', '/')).toEqual(['a/', 'ab'])
  expect(keysBelow(server, 'a/', '/')).toEqual(['a/', 'a/b/', 'a/c'])
  expect(keysBelow(server, 'a/b', '/')).toEqual(['a/b/'])
  expect(keysBelow(server, 'a', '')).toEqual(['a/', 'a/b/1', 'a/b/2', 'a/c', 'ab'])
  expect(keysBelow(server, 'a/', 'b/')).toEqual(['a/', 'a/b/', 'a/c'])
})

test('the index of a prefix is that of its newest change or deletion, and other keys do not move it', () => {
  const server = filled('a/1', 'a/2', 'b')
  const before = indexBelow(server, 'a/')
  server.applied(set('b', 'new'))
  server.applied(register(aNode('n1')))
  expect(indexBelow(server, 'a/')).toBe(before)
  const gone = server.applied(remove('a/1'))
  expect(indexBelow(server, 'a/')).toBe(gone)
  expect(server.index('kv.get', { key: 'a/1' })).toBe(gone)
  expect(server.index('kv.get', { key: 'a/2' })).toBe(before)
  const all = server.applied(below('a/'))
  expect([indexBelow(server, 'a/'), indexBelow(server, 'a/2'), indexBelow(server, '')]).toEqual([
    all,
    all,
    all,
  ])
  expect(server.index('kv.get', { key: 'a/2' })).toBe(all)
  expect(server.index('kv.get', { key: 'b' })).toBeLessThan(gone)
})

test('who waits on a key or prefix wakes for changes, for what comes, and for what goes', () => {
  const server = filled('a/1', 'b')
  const waitBelow = () =>
    server.ask('kv.list', { prefix: 'a/' }, { minIndex: indexBelow(server, 'a/'), waitMs: 60_000 })
  const minIndex = server.index('kv.get', { key: 'a/new' })
  const coming = server.ask('kv.get', { key: 'a/new' }, { minIndex, waitMs: 60_000 })
  const prefixed = waitBelow()
  server.applied(set('b', 'noise'))
  server.applied(remove('b'))
  server.applied(set('a', 'noise'))
  server.clock.run(100)
  expect([coming.isAnswered, prefixed.isAnswered]).toEqual([false, false])
  const came = server.applied(set('a/new', 'x'))
  server.clock.run(100)
  expect([coming.index, prefixed.index]).toEqual([came, came])
  expect(coming.answer?.key).toBe('a/new')
  for (const write of [remove('a/1'), below('a/'), below('')]) {
    if (write.type === 'kv.delete' && write.key === '') server.applied(set('a/last', 'x'))
    const asked = waitBelow()
    const index = server.applied(write)
    server.clock.run(100)
    expect(asked.index, JSON.stringify(write)).toBe(index)
  }
  expect(server.reader.held).toBe(0)
})

test('who waits on what is missing is not woken by other deletions', () => {
  const server = filled('a', 'gone')
  server.applied(remove('gone'))
  const asked = server.ask(
    'kv.get',
    { key: 'gone' },
    { minIndex: server.index('kv.get', { key: 'gone' }), waitMs: 60_000 },
  )
  server.applied(below(''))
  server.clock.run(100)
  expect(asked.isAnswered).toBe(false)
})

test('deletions are forgotten after their time by the leader alone, and no index goes back', () => {
  const server = filled('a', 'b', 'c/1')
  const { store, consensus, clock } = server
  consensus.leading = false
  new Tombstones({
    store,
    consensus,
    clock,
    log: silentLog,
    write: (command, reply) => server.admission.write(asServer, command, reply),
  })
  server.applied(remove('a'))
  const second = server.applied(below('c'))
  const remembered = (): number => store.view().tables.tombstones.size
  clock.run(2 * limits.tombstoneTtlMs)
  expect(remembered(), 'a follower forgets nothing').toBe(2)
  const indexes = (): readonly number[] => [
    server.index('kv.get', { key: 'a' }),
    indexBelow(server, 'c/'),
    indexBelow(server, ''),
  ]
  consensus.setLeading(true)
  const before = indexes()
  const late = server.applied(remove('b'))
  clock.run(limits.tombstoneGranularityMs + 1_000)
  expect(remembered(), 'the young one stays').toBe(1)
  for (const [i, index] of indexes().entries()) expect(index).toBeGreaterThanOrEqual(before[i] ?? 0)
  expect(server.index('kv.get', { key: 'never' }), 'no older than what was forgotten').toBe(second)
  expect(server.index('kv.get', { key: 'b' })).toBe(late)
  clock.run(limits.tombstoneTtlMs + 2 * limits.tombstoneGranularityMs)
  expect(remembered()).toBe(0)
  expect(server.index('kv.get', { key: 'b' })).toBe(late)
  expect(store.view().tables.tombstonesByIndex.size).toBe(0)
})

test('who waits does not wake because an old deletion is forgotten', () => {
  const server = filled('a')
  const gone = server.applied(remove('a'))
  server.applied(set('b', 'x'))
  const asked = server.ask('kv.get', { key: 'a' }, { minIndex: gone, waitMs: 60_000 })
  server.applied({ type: 'kv.reap', upToIndex: gone })
  server.clock.run(100)
  expect(asked.isAnswered).toBe(false)
})

test('entries and deletions survive a snapshot, with their indexes', () => {
  const server = filled('a', 'b/1', 'b/2')
  server.applied(remove('a'))
  server.applied(below('b'))
  server.applied(set('c', ''))
  const store = new Store()
  const machine = new Machine(store)
  const reader = server.machine.snapshot()
  const writer = machine.restore(reader.index)
  for (let piece = reader.next(); piece !== undefined; piece = reader.next()) writer.write(piece)
  expect(writer.finish().ok).toBe(true)
  expect(machine.hash()).toBe(server.machine.hash())
  for (const table of ['kv', 'tombstones', 'tombstonesByIndex'] as const)
    expect([...store.view().tables[table].scan()], table).toEqual([
      ...server.store.view().tables[table].scan(),
    ])
})

test.each([
  [set('', 'x'), 'bad-request'],
  [set('a\u0000b', 'x'), 'bad-request'],
  [set('k'.repeat(limits.kvKeyChars + 1), 'x'), 'too-large'],
  [set('a', 'x', { flags: '18446744073709551616' }), 'bad-request'],
  [set('a', 'x', { flags: '-1' }), 'bad-request'],
  [{ ...set('a', ''), value: 'no base64' } as Command, 'bad-request'],
  [set('a', 'x'.repeat(limits.kvValueBytes + 1)), 'too-large'],
  [remove(''), 'bad-request'],
  [remove('a', { recurse: true, casIndex: 3 }), 'bad-request'],
])('a write that makes no sense is refused before it is proposed (%#)', (command, code) => {
  const server = filled()
  const answer = server.write(asOperator, command)
  expect(answer).toMatchObject({ ok: false, failure: { code } })
  expect(server.store.view().index).toBe(1)
})

test('the largest value fits, and only operators write', () => {
  const server = filled()
  expect(
    server.write(asOperator, set('k'.repeat(limits.kvKeyChars), 'x'.repeat(limits.kvValueBytes))).ok,
  ).toBe(true)
  expect(server.write(asHost('n1'), set('a', 'x'))).toMatchObject({ ok: false })
  expect(server.write(asOperator, { type: 'kv.reap', upToIndex: 1 })).toMatchObject({ ok: false })
})
