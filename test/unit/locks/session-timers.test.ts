// The time to live of sessions (reference/consul.md 7): it ends them between one and two times its length, renewals keep them,
// only the leader counts, a new leader begins anew, and a server that stood still owes the time to its clients.
import { expect, test } from 'vitest'
import type { Command } from '../../../src/model/command.ts'
import { limits } from '../../../src/model/limits.ts'
import type { Clock } from '../../../src/platform/ports.ts'
import type { Reply } from '../../../src/rpc/contract.ts'
import { SessionTimers } from '../../../src/server/leader/session-timers.ts'
import { Slots } from '../../../src/server/leader/slots.ts'
import { asOperator, asServer, silentLog, type TestServer } from '../store/server.ts'
import { create, destroy, holder, lock, lockServer, sessionId } from './locking.ts'

interface Timed {
  readonly server: TestServer
  readonly timers: SessionTimers
  readonly destroyed: string[]
  /** Set: proposals of the timers are refused. */
  refuse: boolean
  /** How long the timers' clock stood still, unseen by anybody else. */
  stoodMs: number
}

function timed(): Timed {
  const server = lockServer()
  const destroyed: string[] = []
  const write = (command: Command, reply: Reply<unknown>): void => {
    if (command.type === 'session.destroy') destroyed.push(command.id)
    if (all.refuse) reply({ ok: false, failure: { code: 'overloaded', message: 'not now' } })
    else server.admission.write(asServer, command, reply)
  }
  const { store, consensus } = server
  const clock: Pick<Clock, 'after' | 'monotonicMs'> = {
    after: (delayMs, callback) => server.clock.after(delayMs, callback),
    monotonicMs: () => server.clock.monotonicMs() + all.stoodMs,
  }
  const timers = new SessionTimers({ store, consensus, clock, log: silentLog, write })
  server.admission.onRenewal((renewal, reply) => timers.renew(renewal, reply))
  const all: Timed = { server, timers, destroyed, refuse: false, stoodMs: 0 }
  return all
}

const renew = ({ server }: Timed, n: number) =>
  server.write(asOperator, { type: 'session.renew', id: sessionId(n) })
const exists = ({ server }: Timed, n: number): boolean =>
  server.answer('session.info', { id: sessionId(n) }) !== null

test('a session that nobody renews ends after its time to live and before three times that', () => {
  const all = timed()
  all.server.applied(create(1, { ttl: '10s' }))
  all.server.applied(create(2))
  all.server.applied(lock('a', 1))
  all.server.clock.run(19_000)
  expect(exists(all, 1)).toBe(true)
  all.server.clock.run(4_000)
  expect(exists(all, 1)).toBe(false)
  expect(holder(all.server, 'a')).toEqual([undefined, 1])
  all.server.clock.run(limits.sessionTtlMaxMs)
  expect(exists(all, 2), 'one without a time to live stays').toBe(true)
  expect(all.destroyed).toEqual([sessionId(1)])
  expect(all.timers.armed).toBe(0)
})

test('renewing keeps a session and writes nothing into the log', () => {
  const all = timed()
  const made = all.server.applied(create(1, { ttl: '10s' }))
  for (let n = 0; n < 12; n++) {
    all.server.clock.run(9_000)
    expect(renew(all, 1)).toMatchObject({ ok: true, value: { value: { kind: 'session' } } })
  }
  expect(all.server.store.view().index).toBe(made)
  all.server.clock.run(23_000)
  expect(exists(all, 1)).toBe(false)
  expect(renew(all, 1)).toMatchObject({ ok: true, value: { value: { kind: 'unchanged' } } })
})

test('a follower ends nothing, and a new leader gives every session its whole time', () => {
  const all = timed()
  const { server } = all
  server.applied(create(1, { ttl: '10s' }))
  server.clock.run(15_000)
  server.consensus.setLeading(false)
  server.clock.run(600_000)
  expect(all.timers.armed).toBe(0)
  expect(renew(all, 1)).toMatchObject({ ok: false, failure: { code: 'no-leader' } })
  server.consensus.setLeading(true)
  server.clock.run(19_000)
  expect(exists(all, 1)).toBe(true)
  server.clock.run(4_000)
  expect(exists(all, 1)).toBe(false)
})

test('after the whole state was replaced its sessions are counted from then on', () => {
  const all = timed()
  all.server.applied(create(1, { ttl: '10s' }))
  all.server.clock.run(15_000)
  all.server.restoreInPlace()
  all.server.clock.run(19_000)
  expect(exists(all, 1)).toBe(true)
  all.server.clock.run(4_000)
  expect(exists(all, 1)).toBe(false)
})

test('an expiry that was refused is repeated, and a renewal meanwhile saves the session', () => {
  const all = timed()
  all.server.applied(create(1, { ttl: '10s' }))
  all.server.applied(create(2, { ttl: '10s' }))
  all.refuse = true
  all.server.clock.run(25_000)
  expect([exists(all, 1), exists(all, 2)]).toEqual([true, true])
  expect(all.destroyed.length).toBeGreaterThan(4)
  expect(renew(all, 2)).toMatchObject({ ok: true, value: { value: { kind: 'session' } } })
  all.refuse = false
  all.server.clock.run(2_000)
  expect([exists(all, 1), exists(all, 2)]).toEqual([false, true])
})

test('a session whose end is on its way cannot be renewed', () => {
  const all = timed()
  const { server } = all
  server.applied(create(1, { ttl: '10s' }))
  let seen: unknown
  const write = server.admission.write.bind(server.admission)
  server.admission.write = (principal, command, reply) => {
    // The proposal waits for the disks of the others.
    if (command.type === 'session.destroy') server.clock.after(500, () => write(principal, command, reply))
    else write(principal, command, reply)
  }
  server.clock.runUntil(() => all.destroyed.length > 0, 30_000)
  expect(exists(all, 1), 'still there').toBe(true)
  all.timers.renew({ type: 'session.renew', id: sessionId(1) }, (result) => {
    seen = result
  })
  server.clock.run(100)
  expect(seen).toMatchObject({ ok: true, value: { value: { kind: 'unchanged' } } })
  server.clock.run(1_000)
  expect(exists(all, 1)).toBe(false)
})

test('a server that stood still does not take the time from its clients', () => {
  const all = timed()
  all.server.applied(create(1, { ttl: '10s' }))
  all.server.clock.run(5_500)
  all.stoodMs += 60_000
  all.server.clock.run(12_000)
  expect(exists(all, 1)).toBe(true)
  all.server.clock.run(6_000)
  expect(exists(all, 1)).toBe(false)
})

test('one that was destroyed is watched no more', () => {
  const all = timed()
  all.server.applied(create(1, { ttl: '10s' }))
  expect(all.timers.armed).toBe(1)
  all.server.applied(destroy(1))
  expect(all.timers.armed).toBe(0)
  all.server.clock.run(60_000)
  expect(all.destroyed).toEqual([])
})

test('many sessions that run out at once end a bounded number at a time, all of them', () => {
  const all = timed()
  const count = 3 * limits.sessionExpiriesInFlight
  all.server.consensus.setLeading(false)
  for (let n = 0; n < count; n++) all.server.applied(create(n, { ttl: '10s' }))
  let most = 0
  const { admission } = all.server
  all.server.consensus.setLeading(true)
  const before = admission.write.bind(admission)
  let underWay = 0
  admission.write = (principal, command, reply) => {
    underWay += 1
    most = Math.max(most, underWay)
    before(principal, command, (result) => {
      underWay -= 1
      reply(result)
    })
  }
  all.server.clock.run(25_000)
  expect(all.server.answer('session.list', {})).toEqual([])
  expect(most).toBe(limits.sessionExpiriesInFlight)
})

test('slots give back what stands in them up to a number, each thing once and from its newest place', () => {
  const slots = new Slots<string>()
  slots.put('a', 5)
  slots.put('b', 3)
  slots.put('c', 9)
  slots.put('a', 7)
  expect(slots.takeUpTo(4)).toEqual(['b'])
  expect(slots.takeUpTo(6)).toEqual([])
  slots.remove('c')
  expect(slots.takeUpTo(8)).toEqual(['a'])
  expect([slots.size, slots.has('a')]).toEqual([0, false])
  slots.put('d', 2)
  expect(slots.takeUpTo(100)).toEqual(['d'])
  expect(slots.takeUpTo(10_000_000)).toEqual([])
})
