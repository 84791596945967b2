// Three real drivers over simulated network, disk and clock: the interface of consensus is final when this holds.
import { expect, test } from 'vitest'
import { Servers } from './servers.ts'

const names = ['a', 'b', 'c']

test('three drivers elect, replicate 1,000 commands, lose the leader, go on, and end with equal states', () => {
  const servers = new Servers({ seed: 1 })
  servers.bootstrap(names)
  const first = servers.awaitLeader()
  let acknowledged = 0
  for (let n = 0; n < 1_000; n += 1)
    servers.propose(first.id, `before ${n}`, (result) => {
      if (result.ok) acknowledged += 1
    })
  expect(servers.clock.runUntil(() => acknowledged === 1_000, 5_000)).toBe(true)

  servers.crash(first.id)
  const second = servers.awaitLeader()
  expect(second.id).not.toBe(first.id)
  let later = 0
  for (let n = 0; n < 100; n += 1)
    servers.propose(second.id, `after ${n}`, (result) => {
      if (result.ok) later += 1
    })
  expect(servers.clock.runUntil(() => later === 100, 5_000)).toBe(true)

  servers.start(first.id)
  const isEqual = (): boolean =>
    names.every((name) => servers.machine(name).ledger.hash() === second.ledger.hash())
  expect(servers.clock.runUntil(isEqual, 10_000)).toBe(true)
  const words = second.ledger.words.map((line) => line.replace(/^\d+ /, ''))
  expect(words).toEqual([
    ...Array.from({ length: 1_000 }, (_, n) => `before ${n}`),
    ...Array.from({ length: 100 }, (_, n) => `after ${n}`),
  ])
})
