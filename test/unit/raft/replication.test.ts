// How logs are made equal, what counts as committed, and how much is sent: stories over bare cores.
import { expect, test } from 'vitest'
import { type LogIndex, logIndex, nodeId, term } from '../../../src/model/ids.ts'
import { limits } from '../../../src/model/limits.ts'
import type { Entry } from '../../../src/model/log-entry.ts'
import type { RaftMessage } from '../../../src/model/raft-message.ts'
import { encodeConfiguration } from '../../../src/raft/configurations.ts'
import { between, bytesOf, Cores, configurationOf, heartbeatMs, ids, textOf } from './cores.ts'

test('a proposal is applied everywhere, in order', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.propose('a', 'one', 'two')
  cores.propose('a', 'three')
  cores.settle()
  for (const id of ['a', 'b', 'c']) expect(cores.appliedTexts(id)).toEqual(['one', 'two', 'three'])
})

test('who does not lead takes no proposal', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  expect(cores.propose('b', 'one').proposed).toMatchObject({ accepted: 0, refusal: 'not-leader' })
})

/** Servers whose logs were written by hand: one number per entry, its term. The first is the bootstrap entry. */
function withLogs(logs: Readonly<Record<string, readonly number[]>>, hardTerm: number): Cores {
  const names = ids(Object.keys(logs).length)
  const cores = new Cores(names)
  const servers = encodeConfiguration(configurationOf(names))
  for (const id of names) {
    const core = cores.core(id)
    core.store.log = (logs[id] ?? []).map((at, position): Entry => {
      const isFirst = position === 0
      const data = isFirst ? servers : bytesOf(`${at}.${position + 1}`)
      return {
        term: term(at),
        index: logIndex(position + 1),
        kind: isFirst ? 'configuration' : 'command',
        data,
      }
    })
    core.store.hardState = { term: term(hardTerm), vote: undefined }
    core.restart()
  }
  return cores
}

const termsOf = (cores: Cores, id: string): readonly number[] =>
  cores.core(id).store.log.map((entry) => entry.term)

test('logs of earlier leaders are replaced by the new leader’s (figure 7 of the paper)', () => {
  const leaderLog = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
  const cores = withLogs(
    {
      a: leaderLog,
      b: [1, 1, 1, 4, 4, 5, 5, 6, 6],
      c: [1, 1, 1, 4],
      d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
      e: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
      f: [1, 1, 1, 4, 4, 4, 4],
      g: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    },
    7,
  )
  cores.timeOut('a')
  expect(cores.leaders()).toEqual(['a'])
  cores.pass(heartbeatMs)
  for (const id of ids(7)) expect(termsOf(cores, id), id).toEqual([...leaderLog, 8])
})

test('finding where logs part takes an answer per term, not per entry', () => {
  const mine = [1, ...Array.from({ length: 500 }, () => 3), 4]
  const theirs = [1, ...Array.from({ length: 400 }, () => 2)]
  const cores = withLogs({ a: mine, b: theirs, c: mine }, 4)
  let rejections = 0
  cores.drop = ({ message }) => {
    if (message.type === 'append-rejected') rejections += 1
    return false
  }
  cores.timeOut('a')
  cores.pass(heartbeatMs)
  expect(termsOf(cores, 'b')).toEqual([...mine, 5])
  expect(rejections).toBeLessThanOrEqual(4)
})

test('an entry of an earlier term is not committed by counting (figure 8 of the paper)', () => {
  const cores = withLogs({ a: [1, 2], b: [1], c: [1] }, 3)
  const a = cores.core('a')
  // So large that it travels alone: b acknowledges it before it has anything of the new term.
  const [first, second] = a.store.log
  if (first === undefined || second === undefined) throw new Error('the logs were written')
  a.store.log = [first, { ...second, data: new Uint8Array(limits.appendBytes + 1) }]
  a.restart()
  const isOfNewTerm = ({ message }: { readonly message: RaftMessage }): boolean =>
    message.type === 'append' && message.entries.some((entry) => entry.term === 4)
  // The new leader's own entry never gets through, once b has the entry before it.
  cores.drop = (envelope) =>
    (isOfNewTerm(envelope) && cores.core('b').raft.last.index >= 2) ||
    (envelope.to === 'c' && envelope.message.type === 'append')
  cores.timeOut('a')
  cores.pass(3 * heartbeatMs)
  expect(cores.leaders()).toEqual(['a'])
  expect(termsOf(cores, 'b')).toEqual([1, 2])
  expect(a.raft.committed).toBe(0)
  cores.drop = () => false
  cores.pass(3 * heartbeatMs)
  expect(a.raft.committed).toBe(3)
})

test('the leader’s own disk counts only when it has synced', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.drop = between('c')
  const before = cores.core('a').raft.committed
  cores.propose('a', 'one')
  const deliver = (): void => {
    for (const envelope of cores.wire.splice(0)) cores.deliver(envelope)
  }
  deliver()
  cores.core('b').sync()
  deliver()
  expect(cores.core('a').raft.committed).toBe(before)
  cores.core('a').sync()
  expect(cores.core('a').raft.committed).toBe(before + 1)
})

test('a follower acknowledges only what its disk has, but answers heartbeats meanwhile', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.propose('a', 'one')
  const sentToB = cores.wire.splice(0).filter(({ to }) => to === 'b')
  for (const envelope of sentToB) cores.deliver(envelope)
  expect(cores.wire).toEqual([])
  cores.tick(heartbeatMs, ['a'])
  for (const envelope of cores.wire.splice(0).filter(({ to }) => to === 'b')) cores.deliver(envelope)
  expect(cores.wire.map(({ message }) => message.type)).toEqual(['heartbeat-response'])
  cores.core('b').sync()
  expect(cores.wire.map(({ message }) => message.type)).toContain('append-accepted')
})

test('an old append that arrives late takes nothing away', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.propose('a', 'one')
  const late = cores.wire.filter(({ to }) => to === 'b')
  cores.settle()
  cores.propose('a', 'two')
  cores.settle()
  const { last } = cores.core('b').raft
  for (const envelope of late) cores.deliver(envelope)
  cores.settle()
  expect(cores.core('b').raft.last).toEqual(last)
  expect(cores.appliedTexts('b')).toEqual(['one', 'two'])
})

test('a lost append is repeated after a heartbeat round', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.drop = ({ to, message }) => to === 'b' && message.type === 'append'
  cores.propose('a', 'one')
  cores.settle()
  expect(cores.appliedTexts('b')).toEqual([])
  cores.drop = () => false
  cores.pass(3 * heartbeatMs)
  expect(cores.appliedTexts('b')).toEqual(['one'])
})

test('reads repeat nothing that is still under way', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.pass(heartbeatMs)
  let appends = 0
  let rounds = 0
  cores.drop = ({ to, message }) => {
    if (to === 'b' && message.type === 'append') appends += 1
    if (to === 'b' && message.type === 'heartbeat') rounds += 1
    return false
  }
  cores.propose('a', 'one')
  // The disk of b is slow: it answers heartbeats at once and acknowledges nothing yet.
  for (let request = 1; request <= 200; request += 1) {
    cores.core('a').step({ type: 'read', request })
    for (let hop = 0; hop < 2; hop += 1) for (const envelope of cores.wire.splice(0)) cores.deliver(envelope)
  }
  expect(cores.core('a').ready).toHaveLength(200)
  expect(rounds).toBe(200)
  expect(appends).toBe(1)
})

test('messages that come twice cause no storm', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  let sent = 0
  const deliverTwice = (): void => {
    for (const core of cores.all.values()) core.sync()
    const batch = cores.wire.splice(0)
    sent += batch.length
    for (const envelope of [...batch, ...batch]) cores.deliver(envelope)
  }
  for (let n = 0; n < 100; n += 1) {
    cores.propose('a', `${n}`)
    for (let round = 0; round < 6; round += 1) deliverTwice()
  }
  expect(cores.appliedTexts('c')).toHaveLength(100)
  // One append, one commit notice and an answer to each, for two followers; doubled, as their causes are.
  expect(sent).toBeLessThan(100 * 2 * 4 * 2)
})

test('what is under way to a silent follower is bounded by count', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.drop = between('b')
  let appends = 0
  for (let n = 0; n < limits.appendsInFlight * 2; n += 1) {
    cores.propose('a', `${n}`)
    appends += cores.wire.filter(({ to, message }) => to === 'b' && message.type === 'append').length
    cores.settle()
  }
  // Each carries an entry, or tells a commit index.
  expect(appends).toBeLessThanOrEqual(limits.appendsInFlight * 2)
  const before = appends
  cores.propose('a', 'one more')
  expect(cores.wire.filter(({ to }) => to === 'b')).toEqual([])
  expect(appends).toBe(before)
})

test('a follower that was away for long gets the log in batches', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.drop = between('c')
  for (let n = 0; n < 2_000; n += 1) cores.propose('a', `${n}`)
  cores.settle()
  cores.drop = () => false
  let appends = 0
  cores.drop = ({ to, message }) => {
    if (to === 'c' && message.type === 'append') appends += 1
    return false
  }
  cores.pass(5 * heartbeatMs)
  expect(cores.appliedTexts('c')).toHaveLength(2_000)
  expect(appends).toBeLessThan(20)
})

test('proposals beyond the bound of uncommitted bytes are refused, and taken again later', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.drop = between('a')
  const large = 'x'.repeat(40_000)
  const { proposed } = cores.propose('a', large, large, large)
  expect(proposed).toMatchObject({ accepted: 2, refusal: 'too-much-uncommitted' })
  cores.settle()
  cores.drop = () => false
  cores.pass(3 * heartbeatMs)
  expect(cores.propose('a', large).proposed).toMatchObject({ accepted: 1, refusal: undefined })
})

test('one proposal larger than the bound is taken when nothing else waits', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  expect(cores.propose('a', 'x'.repeat(200_000)).proposed).toMatchObject({ accepted: 1 })
})

test('a follower whose entries are gone is marked for a snapshot, and goes on from it', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.drop = between('c')
  cores.propose('a', 'one', 'two', 'three')
  cores.settle()
  const a = cores.core('a')
  const index = a.raft.committed
  const last = { index, term: a.raft.termAt(index) ?? term(0) }
  a.step({ type: 'compacted', index })
  cores.drop = () => false
  cores.pass(2 * heartbeatMs)
  expect(a.snapshotsNeeded).toContain('c')
  expect(a.raft.followers().find(({ id }) => id === 'c')?.state).toBe('snapshot')

  const chunk = { fileBytes: 1, offset: 0, checksum: 0, data: new Uint8Array(1) }
  const effects = cores.core('c').step({
    type: 'message',
    from: nodeId('a'),
    message: { type: 'snapshot-chunk', term: a.raft.term, last, ...chunk },
  })
  expect(effects.snapshotTraffic?.from).toBe('a')
  const { configuration } = a.raft.configuration
  cores.core('c').step({ type: 'snapshot-installed', last, configuration })
  cores.propose('a', 'four')
  cores.pass(2 * heartbeatMs)
  expect(cores.core('c').raft.last).toEqual(a.raft.last)
  expect(cores.appliedTexts('c')).toEqual(['four'])
  expect(a.raft.followers().find(({ id }) => id === 'c')?.state).toBe('replicate')
})

test('a snapshot never replaces entries that the follower has already', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.propose('a', 'one', 'two', 'three')
  cores.settle()
  const b = cores.core('b')
  const index = logIndex(b.raft.committed - 1)
  const last = { index, term: b.raft.termAt(index) ?? term(0) }
  const chunk = { fileBytes: 1, offset: 0, checksum: 0, data: new Uint8Array(1) }
  const effects = b.step({
    type: 'message',
    from: nodeId('a'),
    message: { type: 'snapshot-chunk', term: b.raft.term, last, ...chunk },
  })
  expect(effects.snapshotTraffic).toBeUndefined()
  const answer = effects.afterSync[0]?.message
  expect(answer).toEqual({ type: 'append-accepted', term: b.raft.term, match: b.raft.committed })
})

test('a snapshot that turns out to lie inside the log takes nothing after it away', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  const b = cores.core('b')
  cores.drop = ({ message }) => message.type === 'append-accepted' || message.type === 'append-rejected'
  cores.propose('a', 'one', 'two', 'three', 'four')
  cores.settle()
  const { last, committed, configuration } = b.raft
  expect(committed).toBeLessThan(last.index - 2)
  const index = logIndex(last.index - 2)
  b.step({ type: 'snapshot-installed', last: { index, term: last.term }, ...configuration })
  expect(b.raft.last).toEqual(last)
  expect(b.raft.committed).toBe(index)
})

test('entries that were on their way to the state machine when a snapshot came are given again', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  const b = cores.core('b')
  cores.propose('a', 'one', 'two', 'three')
  for (const envelope of cores.wire.splice(0)) if (envelope.to === 'b') cores.deliver(envelope)
  b.store.sync(Number.POSITIVE_INFINITY)
  const ticket = b.ticket
  b.raft.step({ type: 'synced', ticket })
  const { last, configuration, term: now } = b.raft
  const heartbeat = { type: 'heartbeat', term: now, commit: last.index, round: 99 } as const
  const { apply } = b.raft.step({ type: 'message', from: nodeId('a'), message: heartbeat })
  expect(apply.map(textOf)).toEqual(['one', 'two', 'three'])
  const at = { index: logIndex(last.index - 1), term: last.term }
  const after = b.raft.step({
    type: 'snapshot-installed',
    last: at,
    configuration: configuration.configuration,
  })
  expect(after.apply.map(textOf)).toEqual(['three'])
})

test('what replaced a durable entry counts only when it is durable itself', () => {
  const cores = withLogs({ a: [1, 4], b: [1, 2, 2, 2], c: [1, 4] }, 4)
  const b = cores.core('b')
  const append = {
    type: 'append',
    term: term(5),
    previous: { index: logIndex(1), term: term(1) },
    commit: logIndex(3),
    entries: [4, 5].map((at, position) => ({
      term: term(at),
      index: logIndex(position + 2),
      kind: 'command' as const,
      data: bytesOf(`${at}`),
    })),
  } as const
  const effects = b.raft.step({ type: 'message', from: nodeId('a'), message: append })
  expect(b.raft.committed).toBe(3)
  expect(effects.apply.map((entry) => entry.index)).toEqual([1])
  b.raft.step({ type: 'applied', index: logIndex(1) })
  const synced = b.raft.step({ type: 'synced', ticket: effects.persist?.ticket ?? 0 })
  expect(synced.apply.map(textOf)).toEqual(['4', '5'])
})

test('two leaders in one term stop the server that sees them', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  const { term: now } = cores.core('b').raft
  const heartbeat = { type: 'heartbeat', term: now, commit: 0 as LogIndex, round: 1 } as const
  expect(() => cores.deliver({ from: nodeId('c'), to: nodeId('b'), message: heartbeat })).toThrow(
    'two leaders in term',
  )
})

test('a server that lost what it had acknowledged stops when the leader counts on it', () => {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.propose('a', 'one', 'two')
  cores.settle()
  const b = cores.core('b')
  b.store.log = b.store.log.slice(0, 1)
  b.store.hardState = { term: cores.core('a').raft.term, vote: undefined }
  b.restart()
  cores.tick(heartbeatMs, ['a'])
  expect(() => cores.settle()).toThrow('the leader counts on entries that are not here')
})
