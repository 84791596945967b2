// Changing the cluster: one server at a time, effective when appended, gone when rolled back.
import { expect, test } from 'vitest'
import type { ClusterChange } from '../../../src/model/cluster.ts'
import { votersOf } from '../../../src/model/cluster.ts'
import { nodeId } from '../../../src/model/ids.ts'
import { changeConfiguration } from '../../../src/raft/membership.ts'
import { between, Cores, configurationOf, electionTimeoutMs, heartbeatMs, ids } from './cores.ts'

const a = nodeId('a')
const b = nodeId('b')
const c = nodeId('c')
const d = nodeId('d')
const addD: ClusterChange = { kind: 'add', server: { id: d, address: 'd:1', publicKey: 'k' } }

/** Three voters, with room for a fourth server that is not in the cluster yet. */
function withSpare(): Cores {
  const cores = new Cores(ids(4))
  const configuration = configurationOf([a, b, c])
  for (const id of [a, b, c]) cores.core(id).step({ type: 'bootstrap', configuration })
  cores.settle()
  cores.tick(electionTimeoutMs, ['b', 'c'])
  cores.tick(2 * electionTimeoutMs, ['a'])
  cores.settle()
  return cores
}

const change = (cores: Cores, id: string, asked: ClusterChange) =>
  cores.core(id).step({ type: 'change', change: asked }).changed

test('a new server comes in as a learner, catches up, and becomes a voter when promoted', () => {
  const cores = withSpare()
  cores.propose('a', 'one')
  cores.settle()
  expect(change(cores, 'a', addD)).toMatchObject({ ok: true })
  cores.pass(3 * heartbeatMs)
  expect(cores.core('d').raft.role).toBe('learner')
  expect(cores.appliedTexts('d')).toEqual(['one'])
  expect(change(cores, 'a', { kind: 'promote', id: d })).toMatchObject({ ok: true })
  cores.pass(heartbeatMs)
  for (const core of cores.all.values())
    expect(votersOf(core.raft.configuration.configuration)).toEqual([a, b, c, d])
})

test('a learner counts in no majority and starts no election', () => {
  const cores = withSpare()
  change(cores, 'a', addD)
  cores.pass(3 * heartbeatMs)
  cores.drop = between('a', 'd')
  const before = cores.core('a').raft.committed
  cores.propose('a', 'one')
  cores.settle()
  expect(cores.core('d').raft.last).toEqual(cores.core('a').raft.last)
  expect(cores.core('a').raft.committed).toBe(before)
  cores.drop = between('d')
  cores.tick(10 * electionTimeoutMs, ['d'])
  expect(cores.core('d').raft.role).toBe('learner')
  expect(cores.core('d').raft.leader).toBeUndefined()
})

test('the second change waits for the first', () => {
  const cores = withSpare()
  expect(change(cores, 'a', addD)).toMatchObject({ ok: true })
  expect(change(cores, 'a', { kind: 'remove', id: c })).toMatchObject({ failure: { code: 'conflict' } })
  cores.settle()
  expect(change(cores, 'a', { kind: 'remove', id: c })).toMatchObject({ ok: true })
})

test('a new leader changes nothing before it has committed an entry of its own term', () => {
  const cores = withSpare()
  cores.drop = ({ message }) => message.type === 'append'
  cores.tick(10 * electionTimeoutMs, ['a'])
  cores.tick(electionTimeoutMs, ['c'])
  cores.tick(2 * electionTimeoutMs, ['b'])
  cores.settle()
  expect(cores.core('b').raft.role).toBe('leader')
  expect(change(cores, 'b', addD)).toMatchObject({ failure: { code: 'conflict' } })
  cores.drop = () => false
  cores.pass(3 * heartbeatMs)
  expect(change(cores, 'b', addD)).toMatchObject({ ok: true })
})

test('a change counts from the moment it is appended and is gone when its entry is removed', () => {
  const cores = withSpare()
  cores.drop = between('a')
  change(cores, 'a', { kind: 'remove', id: c })
  cores.settle()
  expect(votersOf(cores.core('a').raft.configuration.configuration)).toEqual([a, b])
  cores.tick(2 * electionTimeoutMs, ['a'])
  cores.pass(4 * electionTimeoutMs)
  cores.drop = () => false
  cores.pass(2 * electionTimeoutMs)
  expect(votersOf(cores.core('a').raft.configuration.configuration)).toEqual([a, b, c])
  expect(cores.leaders()).not.toEqual(['a'])
})

test('a leader that is removed manages its own removal, then resigns', () => {
  const cores = withSpare()
  expect(change(cores, 'a', { kind: 'remove', id: a })).toMatchObject({ ok: true })
  expect(cores.core('a').raft.role).toBe('leader')
  cores.settle()
  expect(cores.core('a').raft.role).toBe('follower')
  cores.pass(3 * electionTimeoutMs)
  expect(cores.leaders()).toHaveLength(1)
  expect(cores.leaders()).not.toEqual(['a'])
  cores.tick(10 * electionTimeoutMs, ['a'])
  cores.settle()
  expect(cores.core('a').raft.role).toBe('follower')
})

test('a voter whose removal is not committed can still bring the others forward', () => {
  const cores = Cores.started(2)
  cores.timeOut('b')
  cores.drop = between('a')
  change(cores, 'b', { kind: 'remove', id: b })
  cores.settle()
  cores.core('a').restart()
  cores.core('b').restart()
  cores.drop = () => false
  cores.pass(6 * electionTimeoutMs)
  expect(cores.leaders()).toEqual(['a'])
  expect(votersOf(cores.core('a').raft.configuration.configuration)).toEqual([a])
})

test('changes that make no sense are refused with the reason', () => {
  const current = configurationOf([a], [b])
  const codeOf = (asked: ClusterChange) => {
    const changed = changeConfiguration(current, asked)
    return changed.ok ? 'done' : changed.failure.code
  }
  expect(codeOf({ kind: 'add', server: { id: a, address: 'a:1', publicKey: 'k' } })).toBe('bad-request')
  expect(codeOf({ kind: 'remove', id: c })).toBe('not-found')
  expect(codeOf({ kind: 'remove', id: a })).toBe('bad-request')
  expect(codeOf({ kind: 'demote', id: a })).toBe('bad-request')
  expect(codeOf({ kind: 'promote', id: b })).toBe('done')
  expect(codeOf({ kind: 'remove', id: b })).toBe('done')
})

test('an address is changed without touching the rest', () => {
  const changed = changeConfiguration(configurationOf([a, b]), {
    kind: 'update',
    id: b,
    address: 'elsewhere:1',
    publicKey: 'new key',
  })
  expect(changed).toMatchObject({
    value: {
      servers: [
        { id: a, address: 'a:1' },
        { id: b, address: 'elsewhere:1', suffrage: 'voter' },
      ],
    },
  })
})

test('a cluster has a bounded number of servers', () => {
  const many = configurationOf(Array.from({ length: 16 }, (_, at) => nodeId(`s${at}`)))
  expect(changeConfiguration(many, addD)).toMatchObject({ failure: { code: 'bad-request' } })
})
