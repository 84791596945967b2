// Handing leadership over, and reading without writing: stories over bare cores.
import { expect, test } from 'vitest'
import { nodeId } from '../../../src/model/ids.ts'
import { between, Cores, configurationOf, electionTimeoutMs, heartbeatMs } from './cores.ts'

const transfer = (cores: Cores, to?: string) =>
  cores.core('a').step({ type: 'transfer', to: to === undefined ? undefined : nodeId(to) }).transfer

test('leadership goes to the named server without waiting for a timeout', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  expect(transfer(cores, 'c')).toEqual({ ok: true, value: 'c' })
  cores.settle()
  expect(cores.leaders()).toEqual(['c'])
})

test('the new leader has everything before it takes over', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.drop = between('c')
  cores.propose('a', 'one')
  cores.settle()
  transfer(cores, 'c')
  cores.settle()
  expect(cores.leaders()).toEqual(['a'])
  cores.drop = () => false
  cores.pass(3 * heartbeatMs)
  expect(cores.leaders()).toEqual(['c'])
  expect(cores.appliedTexts('c')).toEqual(['one'])
})

test('while leadership is handed over no proposal is taken, and after a failed handover it is again', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.drop = between('c')
  transfer(cores, 'c')
  expect(cores.propose('a', 'one').proposed).toMatchObject({ accepted: 0, refusal: 'transferring' })
  cores.pass(electionTimeoutMs)
  expect(cores.leaders()).toEqual(['a'])
  expect(cores.propose('a', 'two').proposed).toMatchObject({ accepted: 1 })
})

test('while leadership is handed over the list of servers stays, so that its heir does not leave meanwhile', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.drop = between('c')
  transfer(cores, 'c')
  const change = { kind: 'remove', id: nodeId('c') } as const
  expect(cores.core('a').step({ type: 'change', change }).changed).toMatchObject({
    failure: { code: 'no-leader' },
  })
  cores.pass(electionTimeoutMs)
  expect(cores.core('a').step({ type: 'change', change }).changed).toMatchObject({ ok: true })
})

test('a lost call to take over is repeated', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  let dropped = 0
  cores.drop = ({ message }) => {
    if (message.type !== 'timeout-now' || dropped > 0) return false
    dropped += 1
    return true
  }
  transfer(cores)
  cores.settle()
  expect(cores.leaders()).toEqual(['a'])
  cores.pass(2 * heartbeatMs)
  expect(dropped).toBe(1)
  expect(cores.leaders()).not.toEqual(['a'])
})

test('leadership goes to no learner, no stranger, and nowhere from a follower', () => {
  const cores = new Cores([nodeId('a'), nodeId('b')])
  const configuration = configurationOf([nodeId('a')], [nodeId('b')])
  cores.core('a').step({ type: 'bootstrap', configuration })
  cores.core('a').step({ type: 'tick', elapsedMs: 0 })
  cores.settle()
  cores.pass(3 * heartbeatMs)
  expect(cores.leaders()).toEqual(['a'])
  for (const to of ['b', 'x', undefined])
    expect(transfer(cores, to)).toMatchObject({ failure: { code: 'not-found' } })
  expect(cores.core('b').step({ type: 'transfer', to: undefined }).transfer).toMatchObject({
    failure: { code: 'no-leader' },
  })
})

test('a read waits for the answer of a majority', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  const a = cores.core('a')
  a.step({ type: 'read', request: 1 })
  expect(a.ready).toEqual([])
  cores.settle()
  expect(a.ready).toEqual([{ request: 1, index: a.raft.committed }])
})

test('a deposed leader that was cut off answers no read', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.drop = between('a')
  cores.tick(electionTimeoutMs, ['c'])
  cores.tick(2 * electionTimeoutMs, ['b'])
  cores.settle()
  cores.propose('b', 'newer')
  cores.settle()
  const a = cores.core('a')
  expect(a.raft.role).toBe('leader')
  a.step({ type: 'read', request: 1 })
  cores.settle()
  expect(a.ready).toEqual([])
  cores.drop = () => false
  cores.pass(heartbeatMs)
  expect(a.ready).toEqual([])
  expect(a.failedReads).toEqual([1])
})

test('an answer to a round before the read proves nothing', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  const a = cores.core('a')
  cores.tick(heartbeatMs, ['a'])
  for (const envelope of cores.wire.splice(0)) cores.deliver(envelope)
  const early = cores.wire.splice(0).filter(({ message }) => message.type === 'heartbeat-response')
  expect(early).toHaveLength(2)
  a.step({ type: 'read', request: 1 })
  for (const envelope of early) cores.deliver(envelope)
  expect(a.ready).toEqual([])
})

test('reads that come while a round is under way share the next one', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  const a = cores.core('a')
  for (let request = 1; request <= 100; request += 1) a.step({ type: 'read', request })
  const heartbeats = cores.wire.filter(({ message }) => message.type === 'heartbeat')
  expect(heartbeats).toHaveLength(2)
  cores.settle()
  expect(a.ready).toHaveLength(100)
})

test('a new leader gives no index before it knows what is committed', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.propose('a', 'one')
  cores.settle()
  cores.drop = (envelope) => between('a')(envelope) || envelope.message.type === 'append'
  cores.tick(electionTimeoutMs, ['c'])
  cores.tick(2 * electionTimeoutMs, ['b'])
  cores.settle()
  const core = cores.core('b')
  core.step({ type: 'read', request: 1 })
  cores.settle()
  expect(core.ready).toEqual([])
  cores.drop = between('a')
  cores.pass(3 * heartbeatMs)
  expect(core.ready).toEqual([{ request: 1, index: core.raft.last.index }])
})

test('a follower reads through its leader', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.propose('a', 'one')
  cores.settle()
  const b = cores.core('b')
  b.step({ type: 'read', request: 9 })
  cores.settle()
  expect(b.ready).toEqual([{ request: 9, index: cores.core('a').raft.committed }])
})

test('without a leader a read fails at once', () => {
  const cores = Cores.started(3)
  cores.core('a').step({ type: 'read', request: 1 })
  expect(cores.core('a').failedReads).toEqual([1])
})

test('a server that is alone proves its leadership to itself', () => {
  const cores = Cores.started(1)
  cores.core('a').step({ type: 'tick', elapsedMs: 0 })
  cores.settle()
  cores.core('a').step({ type: 'read', request: 1 })
  expect(cores.core('a').ready).toEqual([{ request: 1, index: 2 }])
})
