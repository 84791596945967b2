// Elections as stories over bare cores: who may lead, who may vote, and who is left alone.
import { expect, test } from 'vitest'
import { logIndex, nodeId, term } from '../../../src/model/ids.ts'
import type { LogPosition } from '../../../src/model/log-entry.ts'
import type { RaftMessage } from '../../../src/model/raft-message.ts'
import { between, Cores, electionTimeoutMs, heartbeatMs } from './cores.ts'

const isVote = ({ message }: { readonly message: RaftMessage }): boolean => message.type === 'vote'

test('a server that is alone leads as soon as its vote is on disk', () => {
  const cores = Cores.started(1)
  expect(cores.leaders()).toEqual([])
  cores.core('a').step({ type: 'tick', elapsedMs: 0 })
  expect(cores.leaders()).toEqual([])
  cores.settle()
  expect(cores.leaders()).toEqual(['a'])
  expect(cores.core('a').raft.committed).toBe(2)
})

test('three servers elect one leader, and the others follow it', () => {
  const cores = Cores.started(3)
  cores.pass(3 * electionTimeoutMs)
  expect(cores.leaders()).toHaveLength(1)
  const [leader] = cores.leaders()
  for (const core of cores.all.values()) {
    expect(core.raft.leader).toBe(leader)
    expect(core.raft.committed).toBe(2)
  }
})

test('a server whose log is behind cannot win', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.drop = between('c')
  cores.propose('a', 'one')
  cores.settle()
  cores.drop = ({ from, to }) => from === 'a' || to === 'a'
  cores.tick(2 * electionTimeoutMs, ['b', 'c'])
  cores.wire = cores.wire.filter(({ from }) => from === 'c')
  cores.settle()
  expect(cores.core('c').raft.role).not.toBe('leader')
  cores.timeOut('b')
  expect(cores.core('b').raft.role).toBe('leader')
})

test('a vote is refused to a candidate whose log is behind, however it came to ask', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.propose('a', 'one')
  cores.settle()
  const { term: now, last } = cores.core('b').raft
  const behind = { index: logIndex(last.index - 1), term: last.term }
  const ask = (position: LogPosition, inTerm: number): void =>
    cores.deliver({
      from: nodeId('c'),
      to: nodeId('b'),
      message: { type: 'vote', term: term(inTerm), last: position, transfer: true },
    })
  const answers = (): readonly boolean[] => {
    cores.core('b').sync()
    return cores.wire
      .splice(0)
      .flatMap(({ message }) => (message.type === 'vote-response' ? [message.granted] : []))
  }
  ask(behind, now + 1)
  expect(answers()).toEqual([false])
  ask({ index: logIndex(last.index + 9), term: term(last.term - 1) }, now + 2)
  expect(answers()).toEqual([false])
  ask(last, now + 3)
  expect(answers()).toEqual([true])
})

test('a pre-vote against a leader that is heard is refused', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  const { term: now, last } = cores.core('b').raft
  const message: RaftMessage = { type: 'pre-vote', term: term(now + 1), last }
  for (const to of ['a', 'b']) {
    cores.deliver({ from: nodeId('c'), to: nodeId(to), message })
    expect(cores.wire.splice(0)[0]?.message).toEqual({ type: 'pre-vote-response', term: now, granted: false })
  }
  cores.tick(electionTimeoutMs, ['b'])
  cores.deliver({ from: nodeId('c'), to: nodeId('b'), message })
  expect(cores.wire.splice(0)[0]?.message).toMatchObject({ granted: true })
})

test('a duplicated vote counts once', () => {
  const cores = Cores.started(5)
  cores.drop = ({ message, to }) => message.type === 'vote' && to !== 'b'
  cores.tick(electionTimeoutMs, ['b', 'c', 'd', 'e'])
  cores.tick(2 * electionTimeoutMs, ['a'])
  cores.settle()
  expect(cores.core('a').raft.role).toBe('candidate')
  const granted: RaftMessage = { type: 'vote-response', term: cores.core('a').raft.term, granted: true }
  for (let again = 0; again < 5; again += 1)
    cores.deliver({ from: nodeId('b'), to: nodeId('a'), message: granted })
  expect(cores.core('a').raft.role).toBe('candidate')
  cores.deliver({ from: nodeId('c'), to: nodeId('a'), message: granted })
  expect(cores.core('a').raft.role).toBe('leader')
})

test('votes of servers that are no voters weigh nothing', () => {
  const cores = Cores.started(3)
  cores.drop = isVote
  cores.timeOut('a')
  const granted: RaftMessage = { type: 'vote-response', term: cores.core('a').raft.term, granted: true }
  for (const stranger of ['x', 'y'])
    cores.deliver({ from: nodeId(stranger), to: nodeId('a'), message: granted })
  expect(cores.core('a').raft.role).toBe('candidate')
})

test('a vote leaves the server only when the disk has it, and is never given twice', () => {
  const cores = Cores.started(3)
  const b = cores.core('b')
  const last = b.raft.last
  const ask = (from: string): void =>
    cores.deliver({
      from: nodeId(from),
      to: b.id,
      message: { type: 'vote', term: term(7), last, transfer: false },
    })
  ask('a')
  expect(cores.wire).toEqual([])
  b.sync()
  expect(cores.wire.map(({ to, message }) => [to, message])).toEqual([
    ['a', { type: 'vote-response', term: 7, granted: true }],
  ])
  b.restart()
  cores.wire = []
  ask('c')
  b.sync()
  expect(cores.wire.map(({ message }) => message)).toEqual([
    { type: 'vote-response', term: 7, granted: false },
  ])
})

test('a candidate asks for votes only when its own is on disk', () => {
  const cores = Cores.started(3)
  cores.core('a').step({ type: 'tick', elapsedMs: 2 * electionTimeoutMs })
  cores.tick(electionTimeoutMs, ['b', 'c'])
  for (let round = 0; round < 4; round += 1)
    for (const envelope of cores.wire.splice(0)) cores.deliver(envelope)
  expect(cores.core('a').raft.role).toBe('candidate')
  expect(cores.wire.filter(isVote)).toEqual([])
  cores.core('a').sync()
  expect(cores.wire.filter(isVote)).toHaveLength(2)
})

test('a server that was cut off comes back without disturbing the leader', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  const { term: before } = cores.core('a').raft
  cores.drop = between('c')
  cores.pass(10 * electionTimeoutMs)
  expect(cores.core('c').raft.term).toBe(before)
  expect(cores.core('c').raft.role).toBe('pre-candidate')
  cores.drop = () => false
  cores.pass(3 * electionTimeoutMs)
  expect(cores.leaders()).toEqual(['a'])
  expect(cores.core('a').raft.term).toBe(before)
  expect(cores.core('c').raft.leader).toBe('a')
})

test('a vote against a leader that is heard is ignored, unless the leader asked for it', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  const { last, term: now } = cores.core('b').raft
  const vote = (transfer: boolean): void =>
    cores.deliver({
      from: nodeId('c'),
      to: nodeId('b'),
      message: { type: 'vote', term: term(now + 5), last, transfer },
    })
  vote(false)
  expect(cores.core('b').raft.term).toBe(now)
  vote(true)
  expect(cores.core('b').raft.term).toBe(now + 5)
})

test('a leader without a majority resigns within one election timeout', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.drop = between('a')
  cores.pass(electionTimeoutMs - heartbeatMs)
  expect(cores.core('a').raft.role).toBe('leader')
  cores.pass(heartbeatMs)
  expect(cores.core('a').raft.role).not.toBe('leader')
})

test('a leader keeps its place while a majority answers, although one server is gone', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.drop = between('b')
  cores.pass(20 * electionTimeoutMs)
  expect(cores.leaders()).toEqual(['a'])
})

test('a leader of an older term learns that it is over', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.drop = between('a')
  cores.tick(electionTimeoutMs, ['c'])
  cores.tick(2 * electionTimeoutMs, ['b'])
  cores.settle()
  expect(cores.leaders()).toEqual(['a', 'b'])
  expect(cores.core('a').raft.role).toBe('leader')
  cores.drop = () => false
  cores.tick(heartbeatMs, ['a'])
  cores.settle()
  expect(cores.leaders()).toEqual(['b'])
})

test('a server that abstains starts no election but still votes', () => {
  const cores = Cores.started(2)
  cores.core('a').step({ type: 'abstain', on: true })
  cores.tick(5 * electionTimeoutMs, ['a'])
  expect(cores.core('a').raft.role).toBe('follower')
  cores.tick(2 * electionTimeoutMs, ['b'])
  cores.settle()
  expect(cores.leaders()).toEqual(['b'])
})

test('a cluster is bootstrapped once', () => {
  const cores = Cores.started(1)
  const { configuration } = cores.core('a').raft.configuration
  expect(cores.core('a').step({ type: 'bootstrap', configuration }).changed).toMatchObject({
    failure: { code: 'conflict' },
  })
})

test('a bootstrap that a crash interrupted can be repeated', () => {
  const cores = new Cores([nodeId('a')])
  const a = cores.core('a')
  const { configuration } = Cores.started(1).core('a').raft.configuration
  a.step({ type: 'bootstrap', configuration })
  a.store.hardState = { term: term(1), vote: undefined }
  a.restart()
  expect(a.raft.isNew).toBe(true)
  expect(a.step({ type: 'bootstrap', configuration }).changed).toEqual({ ok: true, value: 1 })
})
