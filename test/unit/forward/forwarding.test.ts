// Writes at any server reach the leader once, whoever leads and whoever is lost meanwhile.
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { aService, register } from '../store/rows.ts'
import {
  Answer,
  ForwardingServers,
  type HostRow,
  holdTimeoutMs,
  names,
  nobody,
  operator,
  word,
} from './forwarding-servers.ts'

const aHost = (rest: Partial<HostRow> = {}): HostRow => ({
  node: 'n1',
  nodeId: 'id-of-n1',
  publicKey: 'key',
  services: ['web'],
  evicted: false,
  enrolledAtMs: 0,
  createIndex: 1,
  modifyIndex: 1,
  ...rest,
})

test('a write at any server is made once, and each server answers with its place in the log', () => {
  const world = new ForwardingServers()
  const answers = names.map((name) => world.write(name, word(`at-${name}`)))
  expect(world.until(() => answers.every(({ times }) => times === 1))).toBe(true)
  expect(answers.map(({ code }) => code)).toEqual(['ok', 'ok', 'ok'])
  const leader = world.leader()
  const indexes = answers.map(({ result }) => (result?.ok === true ? result.value.index : 0))
  const lines = world.servers.machine(leader).ledger.words
  for (const [at, name] of names.entries()) expect(lines).toContain(`${indexes[at]} at-${name}`)
  expect(new Set(world.opened)).toEqual(
    new Set(names.filter((name) => name !== leader).map((name) => `${name}>${leader}`)),
  )
})

test('one stream carries all writes of a server to its leader', () => {
  const world = new ForwardingServers()
  const follower = world.follower()
  const answers = Array.from({ length: 500 }, (_, n) => world.write(follower, word(`w${n}`)))
  expect(world.until(() => answers.every(({ code }) => code === 'ok'))).toBe(true)
  expect(world.opened).toEqual([`${follower}>${world.leader()}`])
  world.clock.run(500)
  expect(world.words(follower)).toEqual(Array.from({ length: 500 }, (_, n) => `w${n}`))
})

test('when the leader is killed under load, every write is answered once and says the truth', () => {
  const world = new ForwardingServers()
  const leader = world.leader()
  const rest = names.filter((name) => name !== leader)
  const answers = new Map<string, Answer>()
  let n = 0
  const load = (): void => {
    if (n >= 300) return
    for (const name of rest) {
      const text = `w${n++}`
      answers.set(text, world.write(name, word(text)))
    }
    world.clock.after(10, load)
  }
  load()
  world.clock.run(700)
  world.kill(leader)
  expect(
    world.until(() => answers.size >= 300 && [...answers.values()].every(({ times }) => times > 0)),
  ).toBe(true)
  world.clock.run(1_000)
  const codes = new Map<string, number>()
  const words = world.words(rest[0] ?? '')
  for (const [text, answer] of answers) {
    expect(answer.times, text).toBe(1)
    codes.set(answer.code, (codes.get(answer.code) ?? 0) + 1)
    const made = words.filter((each) => each === text).length
    if (answer.code === 'ok') expect(made, `${text} was acknowledged`).toBe(1)
    else if (answer.code === 'write-outcome-unknown') expect(made).toBeLessThan(2)
    else expect(made, `${text}: ${answer.code}`).toBe(0)
  }
  // Those that came during the election waited for its end; only what was under way when the leader died is in doubt.
  expect([...codes.keys()].every((code) => code === 'ok' || code === 'write-outcome-unknown')).toBe(true)
  expect(codes.get('ok')).toBeGreaterThan(280)
})

test('without a leader a write fails after the hold time, in words, and was surely not made', () => {
  const world = new ForwardingServers()
  const [leader, other] = [world.leader(), world.follower()]
  const third = names.find((name) => name !== leader && name !== other) ?? ''
  world.kill(leader)
  world.kill(third)
  world.clock.run(5_000)
  const startedMs = world.clock.monotonicMs()
  const answer = world.write(other, word('lonely'))
  expect(world.until(() => answer.times > 0)).toBe(true)
  expect(answer.result).toMatchObject({ ok: false, failure: { code: 'no-leader' } })
  expect(answer.result?.ok === false && answer.result.failure.message).toMatch(/not made.*7 s/)
  const waitedMs = world.clock.monotonicMs() - startedMs
  expect(waitedMs).toBeGreaterThanOrEqual(holdTimeoutMs)
  expect(waitedMs).toBeLessThan(holdTimeoutMs + 10 * limits.leaderLookMs)
})

test('a leader that says nothing any more leaves the outcome open', () => {
  const world = new ForwardingServers()
  const follower = world.follower()
  const first = world.write(follower, word('first'))
  world.until(() => first.times > 0)
  for (const pair of world.rooms.get(follower)?.pairs ?? []) pair.stall(true)
  const answer = world.write(follower, word('second'))
  expect(world.until(() => answer.times > 0, limits.forwardTimeoutMs - 100)).toBe(false)
  expect(world.until(() => answer.times > 0, 200)).toBe(true)
  expect(answer.code).toBe('write-outcome-unknown')
})

test('a leader that is cut off is not waited for once another one leads', () => {
  const world = new ForwardingServers()
  const [leader, follower] = [world.leader(), world.follower()]
  const first = world.write(follower, word('first'))
  world.until(() => first.times > 0)
  // Its host is gone from the network: nothing is heard of it, not even that it is gone.
  for (const pair of world.rooms.get(leader)?.pairs ?? []) pair.stall(true)
  world.servers.network.isolate([leader])
  const answer = world.write(follower, word('second'))
  const isNew = (): boolean => ![undefined, leader].includes(world.servers.driver(follower).status().leader)
  expect(world.until(isNew, 10_000)).toBe(true)
  const later = world.write(follower, word('third'))
  expect(world.until(() => later.code === 'ok', 1_000)).toBe(true)
  expect(answer.times).toBe(0)
  expect(world.until(() => answer.times > 0, limits.forwardRetiredMs + 1_000)).toBe(true)
  expect(answer.code).toBe('write-outcome-unknown')
})

test('a leader that does not take the connection gets nothing, so the write is tried until its time is up', () => {
  const world = new ForwardingServers()
  world.isStalled = true
  const answer = world.write(world.follower(), word('never'))
  expect(world.until(() => answer.times > 0)).toBe(true)
  expect(answer.code).toBe('no-leader')
  expect(world.opened.length).toBeGreaterThan(1)
  world.isStalled = false
  const later = world.write(world.follower(), word('later'))
  expect(world.until(() => later.code === 'ok')).toBe(true)
  expect(world.words(world.leader())).toEqual(['later'])
})

test('a handover of leadership does not show', () => {
  const world = new ForwardingServers()
  const answers: Answer[] = []
  for (let n = 0; n < 100; n += 1)
    world.clock.after(n * 20, () => {
      for (const name of names) answers.push(world.write(name, word(`${name}${n}`)))
    })
  const before = world.leader()
  world.clock.after(500, () => world.servers.driver(before).transferLeadership(undefined, () => undefined))
  expect(world.until(() => answers.length === 300 && answers.every(({ times }) => times > 0))).toBe(true)
  expect(world.leader()).not.toBe(before)
  expect(answers.filter(({ code }) => code !== 'ok').length).toBeLessThan(5)
  expect(answers.every(({ code }) => code === 'ok' || code === 'write-outcome-unknown')).toBe(true)
})

test('what arrives from another server is proposed here or refused, never sent on', () => {
  const world = new ForwardingServers()
  const [leader, follower] = [world.leader(), world.follower()]
  const third = names.find((name) => name !== leader && name !== follower) ?? ''
  // As if the third server took the follower for the leader.
  const { forwarding } = world.rooms.get(third) ?? {}
  const status = world.servers.driver(third).status.bind(world.servers.driver(third))
  const driver = world.servers.driver(third)
  const mistaken = { ...status(), leader: world.servers.machine(follower).id }
  driver.status = () => mistaken
  const host = { kind: 'host', node: 'astray', nodeId: 'id', services: ['*'] } as const
  // Whether a host is enrolled is not for a server to say that may be behind.
  for (const principal of [operator, host]) {
    const answer = new Answer()
    forwarding?.write(principal, word('astray'), (result) => answer.take(result))
    expect(world.until(() => answer.times > 0)).toBe(true)
    expect(answer.result).toMatchObject({ ok: false, failure: { code: 'no-leader' } })
  }
  expect(world.opened).toEqual([`${third}>${follower}`])
})

test('what a host may do is judged by what the leader knows of it', () => {
  const world = new ForwardingServers()
  const follower = world.follower()
  const host = { kind: 'host', node: 'n1', nodeId: 'id-of-n1', services: ['*'] } as const
  const outcome = (): string => {
    const answer = world.write(follower, word('n1'), host)
    world.until(() => answer.times > 0)
    return answer.code
  }
  expect(outcome()).toBe('not-enrolled')
  world.hosts.set('n1', aHost())
  expect(outcome()).toBe('ok')
  world.hosts.set('n1', aHost({ evicted: true }))
  expect(outcome()).toBe('host-evicted')
  world.hosts.set('n1', aHost({ nodeId: 'another' }))
  expect(outcome()).toBe('not-enrolled')
  expect(world.words(world.leader())).toEqual(['n1'])
  world.hosts.set('n1', aHost({ services: ['web'] }))
  const answer = world.write(follower, register('n1', [aService('db')]), host)
  world.until(() => answer.times > 0)
  expect(answer.code).toBe('service-not-allowed')
})

test('what can be refused where it arrives costs the leader nothing', () => {
  const world = new ForwardingServers()
  const answer = world.write(world.follower(), word('n1'), nobody)
  expect(answer.code).toBe('not-enrolled')
  expect(world.opened).toEqual([])
})
