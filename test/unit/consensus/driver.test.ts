// What callers of consensus see: answers to writes and reads in good times and bad, leadership, stopping, full and broken
// disks, servers that join. Real drivers over simulated clock, network and disk.
import { expect, test } from 'vitest'
import { votersOf } from '../../../src/model/cluster.ts'
import type { Applied } from '../../../src/model/command.ts'
import type { Result } from '../../../src/model/errors.ts'
import { nodeId } from '../../../src/model/ids.ts'
import { limits } from '../../../src/model/limits.ts'
import type { RaftMessage } from '../../../src/model/raft-message.ts'
import type { SnapshotThresholds } from '../../../src/server/consensus/snapshotting.ts'
import { wordEnvelope } from '../../simulation/ledger.ts'
import { configurationOf, Servers } from '../../simulation/servers.ts'

const names = ['a', 'b', 'c']

function started(seed = 1, voters: readonly string[] = names): { servers: Servers; leader: string } {
  const servers = new Servers({ seed })
  servers.bootstrap(voters)
  const { id } = servers.awaitLeader()
  servers.clock.run(1_000)
  return { servers, leader: id }
}

/** The answer to a write, once it is there. */
function write(servers: Servers, name: string, word: string): { result: Result<Applied> | undefined } {
  const answer: { result: Result<Applied> | undefined } = { result: undefined }
  servers.propose(name, word, (result) => {
    expect(answer.result, 'answered once').toBeUndefined()
    answer.result = result
  })
  return answer
}

const codeOf = (answer: { result: Result<unknown> | undefined }): string =>
  answer.result === undefined ? 'open' : answer.result.ok ? 'ok' : answer.result.failure.code

test('a server that is alone leads without waiting for an election timeout', () => {
  const servers = new Servers({ seed: 1 })
  servers.bootstrap(['a'])
  const before = servers.clock.monotonicMs()
  servers.awaitLeader()
  const answer = write(servers, 'a', 'word')
  servers.clock.runUntil(() => answer.result !== undefined, 1_000)
  expect(codeOf(answer)).toBe('ok')
  expect(servers.clock.monotonicMs() - before).toBeLessThan(20)
})

test('a write is answered when it is durable on a majority and applied here', () => {
  const { servers, leader } = started()
  const answer = write(servers, leader, 'word')
  servers.clock.run(50)
  expect(answer.result).toMatchObject({ ok: true, value: { ok: true, value: { kind: 'done' } } })
  expect(servers.machine(leader).ledger.words.at(-1)).toContain(' word')
})

test('one sync serves all writes of a turn', () => {
  const { servers } = started(1, ['a'])
  servers.clock.run(1_000)
  let syncs = 0
  servers.machine('a').disk.onOperation = (operation) => {
    if (operation === 'sync') syncs += 1
  }
  const answers = Array.from({ length: 500 }, (_, n) => write(servers, 'a', `${n}`))
  servers.clock.runUntil(() => answers.every((answer) => answer.result !== undefined), 1_000)
  expect(syncs).toBe(1)
})

test('who does not lead names who does', () => {
  const { servers, leader } = started()
  const other = names.find((name) => name !== leader) ?? ''
  const answer = write(servers, other, 'word')
  expect(answer.result).toMatchObject({
    failure: { code: 'no-leader', message: `this server does not lead, ${leader} does` },
  })
})

test('a write without a majority is of unknown outcome, and later writes are refused', () => {
  const { servers, leader } = started()
  servers.network.isolate([leader])
  const answer = write(servers, leader, 'lost')
  servers.clock.run(900)
  expect(codeOf(answer)).toBe('open')
  servers.clock.run(5_000)
  expect(codeOf(answer)).toBe('write-outcome-unknown')
  expect(codeOf(write(servers, leader, 'more'))).toBe('no-leader')
})

test('a write that another leader’s entries displaced is said not to be made', () => {
  const { servers, leader } = started()
  servers.network.isolate([leader])
  const answer = write(servers, leader, 'displaced')
  servers.clock.run(10)
  servers.clock.runUntil(() => servers.leader()?.id !== leader, 10_000)
  const next = servers.awaitLeader().id
  servers.network.heal()
  const other = write(servers, next, 'kept')
  servers.clock.runUntil(() => answer.result !== undefined, 1_000)
  expect(codeOf(answer)).toBe('no-leader')
  servers.clock.run(1_000)
  expect(codeOf(other)).toBe('ok')
  for (const name of names) {
    const words = servers.machine(name).ledger.words.join()
    expect(words).toContain('kept')
    expect(words).not.toContain('displaced')
  }
})

test('writes that another leader removed are answered when their server leads again, even if nothing else is written', () => {
  const { servers, leader } = started()
  const others = names.filter((name) => name !== leader)
  servers.network.isolate([leader])
  const lost = Array.from({ length: 5 }, (_, n) => write(servers, leader, `lost ${n}`))
  servers.clock.runUntil(() => others.includes(servers.leader()?.id ?? ''), 10_000)
  const between = servers.awaitLeader().id
  servers.network.heal()
  servers.driver(between).transferLeadership(nodeId(leader), () => undefined)
  servers.clock.runUntil(() => servers.driver(leader).status().role === 'leader', 1_000)
  const next = Array.from({ length: 2 }, (_, n) => write(servers, leader, `next ${n}`))
  servers.clock.run(10_000)
  expect(servers.leader()?.id).toBe(leader)
  for (const answer of lost) expect(['no-leader', 'write-outcome-unknown']).toContain(codeOf(answer))
  expect(next.map(codeOf)).toEqual(['ok', 'ok'])
})

test('a write that was under way when leadership was handed over is answered by its real outcome', () => {
  const { servers, leader } = started()
  const answers = Array.from({ length: 20 }, (_, n) => write(servers, leader, `${n}`))
  servers.driver(leader).transferLeadership(undefined, () => undefined)
  servers.clock.run(3_000)
  for (const answer of answers) expect(['ok', 'no-leader']).toContain(codeOf(answer))
  const done = answers.filter((answer) => codeOf(answer) === 'ok').length
  expect(servers.machine(leader).ledger.words).toHaveLength(done)
})

test('more writes than the bound are refused at once', () => {
  const { servers, leader } = started()
  servers.network.isolate([leader])
  const answers = Array.from({ length: limits.proposalsInFlight }, (_, n) => write(servers, leader, `${n}`))
  const extra = write(servers, leader, 'one too many')
  expect(codeOf(extra)).toBe('overloaded')
  expect(answers.every((answer) => answer.result === undefined)).toBe(true)
})

test('more uncommitted bytes than the bound are refused', () => {
  const { servers, leader } = started()
  servers.network.isolate([leader])
  const large = 'x'.repeat(500_000)
  const answers = Array.from({ length: 140 }, () => write(servers, leader, large))
  servers.clock.run(100)
  expect(answers.filter((answer) => codeOf(answer) === 'overloaded').length).toBeGreaterThan(5)
})

test('a change that is too large is refused by name', () => {
  const { servers, leader } = started()
  expect(codeOf(write(servers, leader, 'x'.repeat(limits.commandBytes)))).toBe('too-large')
})

test('a read on any server sees every write that was acknowledged before it', () => {
  const { servers, leader } = started()
  for (let n = 0; n < 30; n += 1) {
    const answer = write(servers, leader, `${n}`)
    servers.clock.runUntil(() => answer.result !== undefined, 1_000)
    const index = answer.result?.ok === true ? answer.result.value.index : Number.NaN
    for (const name of names) {
      let seen = -1
      servers.driver(name).readBarrier((result) => {
        seen = result.ok ? servers.machine(name).ledger.index : -2
      })
      servers.clock.runUntil(() => seen !== -1, 1_000)
      expect(seen, `${name} after ${index}`).toBeGreaterThanOrEqual(index)
    }
  }
})

test('a read survives a lost question and a lost answer', () => {
  const { servers, leader } = started()
  const follower = names.find((name) => name !== leader) ?? ''
  let lost = 0
  const { network } = servers
  const send = network.send.bind(network)
  network.send = (from, to, message) => {
    if ((message.type === 'read' || message.type === 'read-response') && lost < 2) lost += 1
    else send(from, to, message)
  }
  let isProven = false
  servers.driver(follower).readBarrier((result) => {
    isProven = result.ok
  })
  expect(servers.clock.runUntil(() => isProven, 1_900)).toBe(true)
  expect(lost).toBe(2)
})

test('a leader that was cut off proves no read', () => {
  const { servers, leader } = started()
  servers.network.isolate([leader])
  let code = ''
  servers.driver(leader).readBarrier((result) => {
    code = result.ok ? 'ok' : result.failure.code
  })
  servers.clock.run(5_000)
  expect(code).toBe('no-leader')
})

test('an answer to the process before proves no read of the one that was started again', () => {
  const { servers, leader } = started()
  const follower = names.find((name) => name !== leader) ?? ''
  const { network } = servers
  const send = network.send.bind(network)
  let old: RaftMessage | undefined
  network.send = (from, to, message) => {
    if (message.type === 'read-response' && to === follower) old ??= message
    send(from, to, message)
  }
  servers.driver(follower).readBarrier(() => undefined)
  servers.clock.runUntil(() => old !== undefined, 1_000)
  servers.kill(follower)
  const answer = write(servers, leader, 'unseen')
  servers.clock.runUntil(() => answer.result !== undefined, 1_000)
  network.send = (from, to, message) => {
    const hidesNews = message.type === 'append' || message.type === 'read-response'
    if (!(hidesNews && to === follower)) send(from, to, message)
  }
  servers.start(follower)
  servers.clock.runUntil(() => servers.machine(follower).driver?.status().leader !== undefined, 5_000)
  let code = 'open'
  servers.driver(follower).readBarrier((result) => {
    code = result.ok ? 'ok' : result.failure.code
  })
  servers.clock.run(10)
  if (old !== undefined) send(leader, follower, old)
  servers.clock.run(10)
  expect(code).toBe('open')
  servers.clock.run(5_000)
  expect(code).toBe('no-leader')
})

test('a proven read on a server that the log does not reach is given up', () => {
  const { servers, leader } = started()
  const follower = names.find((name) => name !== leader) ?? ''
  const { network } = servers
  const send = network.send.bind(network)
  network.send = (from, to, message) => {
    if (message.type !== 'append' || to !== follower) send(from, to, message)
  }
  const answer = write(servers, leader, 'unseen')
  servers.clock.runUntil(() => answer.result !== undefined, 1_000)
  let code = 'open'
  servers.driver(follower).readBarrier((result) => {
    code = result.ok ? 'ok' : result.failure.code
  })
  servers.clock.run(5_000)
  expect(code).toBe('no-leader')
})

test('reads beyond the bound are refused at once', () => {
  const { servers, leader } = started()
  servers.network.isolate([leader])
  let overloaded = 0
  for (let n = 0; n <= limits.readsWaiting; n += 1)
    servers.driver(leader).readBarrier((result) => {
      if (!result.ok && result.failure.code === 'overloaded') overloaded += 1
    })
  expect(overloaded).toBe(1)
})

test('leadership is announced only when everything before it is applied, and taken back when it ends', () => {
  const servers = new Servers({ seed: 1 })
  servers.bootstrap(names)
  const seen: string[] = []
  for (const name of names)
    servers.driver(name).onLeadership((leading, term) => {
      if (leading) {
        const { appliedIndex, role } = servers.driver(name).status()
        expect(role).toBe('leader')
        expect(appliedIndex).toBeGreaterThanOrEqual(2)
      }
      seen.push(`${name} ${leading} ${term}`)
    })
  expect(seen).toEqual(['a false 1', 'b false 1', 'c false 1'])
  const leader = servers.awaitLeader().id
  servers.clock.run(500)
  expect(seen.slice(3)).toEqual([`${leader} true 2`])
  servers.network.isolate([leader])
  servers.clock.run(5_000)
  expect(seen).toContain(`${leader} false 2`)
})

test('a leader that stops hands over first, and the writes it took are answered', () => {
  const { servers, leader } = started()
  const answers = Array.from({ length: 10 }, (_, n) => write(servers, leader, `${n}`))
  servers.clock.run(0)
  let isStopped = false
  const before = servers.clock.monotonicMs()
  servers.driver(leader).stop(() => {
    isStopped = true
  })
  expect(codeOf(write(servers, leader, 'late'))).toBe('no-leader')
  servers.clock.runUntil(() => isStopped, 5_000)
  expect(isStopped).toBe(true)
  expect(servers.clock.monotonicMs() - before).toBeLessThan(300)
  expect(answers.map(codeOf)).toEqual(answers.map(() => 'ok'))
  expect(servers.leader()?.id).not.toBe(leader)
})

test('a leader that cannot hand over stops all the same', () => {
  const { servers, leader } = started()
  servers.network.isolate([leader])
  const answer = write(servers, leader, 'word')
  servers.clock.run(0)
  let isStopped = false
  servers.driver(leader).stop(() => {
    isStopped = true
  })
  servers.clock.run(10_000)
  expect(isStopped).toBe(true)
  expect(codeOf(answer)).toBe('write-outcome-unknown')
})

test('a leader that loses its office while it waits for a successor says once that it has stopped', () => {
  const { servers, leader } = started()
  servers.network.isolate([leader])
  let stops = 0
  servers.driver(leader).stop(() => {
    stops += 1
  })
  servers.clock.run(10_000)
  expect(stops).toBe(1)
})

test('a leader whose disk is full steps aside; the cluster goes on, and the server too when there is room', () => {
  const { servers, leader } = started()
  servers.machine(leader).disk.freeBytes = 10
  const answer = write(servers, leader, 'word')
  servers.clock.run(3_000)
  const next = servers.awaitLeader().id
  expect(next).not.toBe(leader)
  // The others have it, but the server that was asked cannot know.
  expect(codeOf(answer)).toBe('write-outcome-unknown')
  expect(servers.machine(next).ledger.words.join()).toContain('word')
  const later = write(servers, next, 'later')
  servers.clock.run(500)
  expect(codeOf(later)).toBe('ok')
  servers.machine(leader).disk.freeBytes = Number.POSITIVE_INFINITY
  servers.clock.run(3_000)
  expect(servers.machine(leader).ledger.hash()).toBe(servers.machine(next).ledger.hash())
})

test('a server that is alone refuses writes while its disk is full, answers reads, and goes on by itself', () => {
  const { servers } = started(1, ['a'])
  servers.machine('a').disk.freeBytes = 10
  const first = write(servers, 'a', 'word')
  servers.clock.run(2_000)
  expect(codeOf(first)).toBe('open')
  expect(codeOf(write(servers, 'a', 'refused'))).toBe('disk-full')
  let isProven = false
  servers.driver('a').readBarrier((result) => {
    isProven = result.ok
  })
  servers.clock.run(100)
  expect(isProven).toBe(true)
  servers.machine('a').disk.freeBytes = Number.POSITIVE_INFINITY
  servers.clock.run(2_000)
  expect(codeOf(first)).toBe('ok')
  expect(codeOf(write(servers, 'a', 'taken'))).toBe('open')
})

test('a server stops although its disk is full', () => {
  const { servers } = started(1, ['a'])
  servers.machine('a').disk.freeBytes = 10
  const answer = write(servers, 'a', 'word')
  servers.clock.run(10)
  let stops = 0
  servers.driver('a').stop(() => {
    stops += 1
  })
  servers.clock.run(20_000)
  expect(stops).toBe(1)
  expect(codeOf(answer)).toBe('write-outcome-unknown')
})

test('a failed sync ends the server: it says so once and promises nothing any more', () => {
  const { servers, leader } = started()
  servers.machine(leader).disk.fail('sync', { code: 'io', message: 'planted' })
  const answer = write(servers, leader, 'word')
  let sent = 0
  const { network } = servers
  const send = network.send.bind(network)
  servers.clock.runUntil(() => servers.machine(leader).failure !== undefined, 1_000)
  network.send = (from, to, message) => {
    if (from === leader) sent += 1
    send(from, to, message)
  }
  expect(servers.machine(leader).failure).toMatchObject({ code: 'disk-failed' })
  expect(codeOf(answer)).toBe('write-outcome-unknown')
  servers.clock.run(3_000)
  expect(sent).toBe(0)
  expect(servers.awaitLeader().id).not.toBe(leader)
})

test('a server that joins gets a snapshot in chunks, then the log, then a vote', () => {
  const servers = new Servers({
    seed: 1,
    segmentBytes: 2_000,
    thresholds: { afterEntries: 50, afterBytes: 1e9, trailEntries: 5 },
  })
  servers.bootstrap(names)
  const leader = servers.awaitLeader().id
  for (let n = 0; n < 300; n += 1) {
    servers.propose(leader, `${n} ${'x'.repeat(2_500)}`)
    if (n % 10 === 0) servers.clock.run(10)
  }
  servers.clock.run(2_000)
  let chunks = 0
  const { network } = servers
  const send = network.send.bind(network)
  network.send = (from, to, message) => {
    if (message.type === 'snapshot-chunk') chunks += 1
    send(from, to, message)
  }
  servers.start('d')
  const server = configurationOf(['d']).servers[0]
  if (server === undefined) throw new Error('no server')
  let added = false
  servers.driver(leader).change({ kind: 'add', server }, (result) => {
    added = result.ok
  })
  servers.clock.run(2_000)
  expect(added).toBe(true)
  expect(chunks).toBeGreaterThan(2)
  expect(chunks).toBeLessThan(20)
  expect(servers.machine('d').ledger.hash()).toBe(servers.machine(leader).ledger.hash())
  expect(servers.driver('d').status().role).toBe('learner')
  servers.driver(leader).change({ kind: 'promote', id: nodeId('d') }, () => undefined)
  servers.clock.run(500)
  expect(votersOf(servers.driver('d').configuration())).toContain('d')
  expect(
    servers
      .driver(leader)
      .followers()
      .map(({ id, state }) => `${id} ${state}`)
      .sort(),
  ).toContain('d replicate')
})

test('a snapshot transfer resumes where it was when messages were lost', () => {
  const servers = new Servers({
    seed: 1,
    segmentBytes: 2_000,
    thresholds: { afterEntries: 50, afterBytes: 1e9, trailEntries: 5 },
  })
  servers.bootstrap(names)
  const leader = servers.awaitLeader().id
  const away = names.find((name) => name !== leader) ?? ''
  servers.network.isolate([away])
  for (let n = 0; n < 700; n += 1) {
    servers.propose(leader, `${n} ${'x'.repeat(4_000)}`)
    if (n % 10 === 0) servers.clock.run(10)
  }
  servers.clock.run(2_000)
  const offsets: number[] = []
  const { network } = servers
  const send = network.send.bind(network)
  network.send = (from, to, message) => {
    if (message.type === 'snapshot-chunk') {
      offsets.push(message.offset)
      if (offsets.length % 3 === 0) return
    }
    send(from, to, message)
  }
  servers.network.heal()
  const isEqual = (): boolean => servers.machine(away).ledger.hash() === servers.machine(leader).ledger.hash()
  expect(servers.clock.runUntil(isEqual, 60_000)).toBe(true)
  expect(offsets.length).toBeGreaterThan(12)
  expect(offsets.filter((offset) => offset === 0)).toHaveLength(1)
})

test('a server that gets one snapshot after the other keeps the newest of them', () => {
  const thresholds = { afterEntries: 200, afterBytes: 1e9, trailEntries: 5 }
  const servers = new Servers({ seed: 1, segmentBytes: 2_000, thresholds })
  servers.bootstrap(names)
  const leader = servers.awaitLeader().id
  const away = names.find((name) => name !== leader) ?? ''
  const { disk } = servers.machine(away)
  let received = 0
  for (let time = 0; time < 4; time += 1) {
    servers.network.isolate([away])
    for (let n = 0; n < 420; n += 1) {
      servers.propose(leader, `${n} ${'x'.repeat(500)}`)
      if (n % 10 === 0) servers.clock.run(10)
    }
    servers.clock.run(2_000)
    const newest = disk.list('snapshots').at(-1)
    servers.network.heal()
    const isEqual = (): boolean =>
      servers.machine(away).ledger.hash() === servers.machine(leader).ledger.hash()
    expect(servers.clock.runUntil(isEqual, 60_000)).toBe(true)
    servers.clock.run(100)
    if (disk.list('snapshots').at(-1) !== newest) received += 1
    expect(disk.list('snapshots').length).toBeLessThanOrEqual(limits.snapshotsKept)
  }
  expect(received).toBe(4)
})

test('a snapshot is taken while writes go on: none waits for it', () => {
  const thresholds = { afterEntries: 500, afterBytes: 1e9, trailEntries: 5 }
  const servers = new Servers({ seed: 1, syncMaxMs: 1, thresholds })
  servers.bootstrap(['a'])
  servers.awaitLeader()
  const { disk } = servers.machine('a')
  const { clock } = servers
  let slowestMs = 0
  let snapshotWrites = 0
  disk.onOperation = (operation, path) => {
    if (operation === 'write' && path.endsWith('.partial')) snapshotWrites += 1
  }
  for (let n = 0; n < 2_000; n += 1) {
    const askedMs = clock.monotonicMs()
    servers.propose('a', `${n}`, () => {
      slowestMs = Math.max(slowestMs, clock.monotonicMs() - askedMs)
    })
    clock.run(1)
  }
  clock.run(1_000)
  expect(disk.list('snapshots')).toHaveLength(2)
  expect(snapshotWrites).toBeGreaterThan(60)
  expect(slowestMs).toBeLessThan(4)
})

test('handing over is answered with the new leader, or with a failure when nobody took over', () => {
  const { servers, leader } = started()
  const [target = '', other = ''] = names.filter((name) => name !== leader)
  const answers: string[] = []
  const note = (result: Result<unknown>): void => {
    answers.push(result.ok ? `to ${String(result.value)}` : result.failure.code)
  }
  servers.driver(leader).transferLeadership(nodeId(target), note)
  servers.clock.run(500)
  expect(answers).toEqual([`to ${target}`])
  servers.network.isolate([other])
  servers.driver(target).transferLeadership(nodeId(other), note)
  servers.clock.run(4_000)
  expect(answers.at(-1)).toBe('conflict')
  expect(servers.leader()?.id).toBe(target)
  servers.driver(leader).transferLeadership(undefined, note)
  expect(answers.at(-1)).toBe('no-leader')
})

test('membership changes are answered when they are committed, one at a time', () => {
  const { servers, leader } = started()
  const server = configurationOf(['d']).servers[0]
  if (server === undefined) throw new Error('no server')
  const codes: string[] = []
  const note = (result: Result<unknown>): void => {
    codes.push(result.ok ? 'ok' : result.failure.code)
  }
  servers.driver(leader).change({ kind: 'add', server }, note)
  servers.driver(leader).change({ kind: 'remove', id: nodeId('b') }, note)
  expect(codes).toEqual(['conflict'])
  servers.clock.run(100)
  expect(codes).toEqual(['conflict', 'ok'])
  const other = names.find((name) => name !== leader) ?? ''
  servers.driver(other).change({ kind: 'remove', id: nodeId('d') }, note)
  expect(codes.at(-1)).toBe('no-leader')
})

/** A leader that is cut off with a write and a change in its log that nobody else has; then another leads. */
function changeThatIsLost(
  answer: (result: Result<unknown>) => void,
  thresholds?: SnapshotThresholds,
): { servers: Servers; other: string } {
  const servers = new Servers({ seed: 1, segmentBytes: 1_000, ...(thresholds && { thresholds }) })
  servers.bootstrap(names)
  const leader = servers.awaitLeader().id
  servers.clock.run(1_000)
  const server = configurationOf(['d']).servers[0]
  if (server === undefined) throw new Error('no server')
  servers.network.isolate([leader])
  write(servers, leader, 'lost')
  servers.clock.run(10)
  servers.driver(leader).change({ kind: 'add', server }, answer)
  const find = (): string | undefined =>
    names.find((name) => name !== leader && servers.driver(name).status().role === 'leader')
  expect(servers.clock.runUntil(() => find() !== undefined, 10_000)).toBe(true)
  return { servers, other: find() ?? '' }
}

test('a membership change is not taken for the one that another leader made at the same place of the log', () => {
  const codes: string[] = []
  const { servers, other } = changeThatIsLost((result) => {
    codes.push(result.ok ? 'ok' : result.failure.code)
  })
  servers.clock.run(100)
  const rival = configurationOf(['e']).servers[0]
  if (rival === undefined) throw new Error('no server')
  servers.driver(other).change({ kind: 'add', server: rival }, () => undefined)
  servers.network.heal()
  expect(servers.clock.runUntil(() => codes.length > 0, 1_500)).toBe(true)
  expect(codes).toEqual(['no-leader'])
})

test('of a membership change whose place a snapshot took nobody can tell whether it was made', () => {
  const codes: string[] = []
  const thresholds = { afterEntries: 20, afterBytes: 1e9, trailEntries: 0 }
  const { servers, other } = changeThatIsLost((result) => {
    codes.push(result.ok ? 'ok' : result.failure.code)
  }, thresholds)
  for (let n = 0; n < 5; n += 1) {
    for (let word = 0; word < 20; word += 1) write(servers, other, `word ${n} ${word}`)
    servers.clock.run(50)
  }
  servers.network.heal()
  expect(servers.clock.runUntil(() => codes.length > 0, 1_500)).toBe(true)
  expect(codes).toEqual(['write-outcome-unknown'])
})

test('a stopped driver answers everything and calls back', () => {
  const { servers } = started(1, ['a'])
  const driver = servers.driver('a')
  let stops = 0
  driver.stop(() => {
    stops += 1
  })
  servers.clock.run(100)
  const codes: string[] = []
  const note = (result: Result<unknown>): void => {
    codes.push(result.ok ? 'ok' : result.failure.code)
  }
  driver.propose(wordEnvelope('late'), note)
  driver.readBarrier(note)
  driver.bootstrap(configurationOf(['a']), note)
  driver.change({ kind: 'remove', id: nodeId('a') }, note)
  driver.transferLeadership(undefined, note)
  driver.stop(() => {
    stops += 1
  })
  expect(codes).toEqual(['no-leader', 'no-leader', 'no-leader', 'conflict', 'no-leader'])
  expect(stops).toBe(2)
})
