// Two servers whose logs ended differently are both told to take all of it for committed: neither may pass for a copy of the other.
import { expect, test } from 'vitest'
import { forcedServersPath } from '../../../src/server/consensus/forced-servers.ts'
import { Servers } from '../../simulation/servers.ts'

const names = ['a', 'b', 'c', 'd', 'e']

function recover(servers: Servers, pair: readonly string[]): void {
  const rows = JSON.stringify(pair.map((id) => ({ id, address: `${id}:1`, non_voter: false })))
  for (const name of pair) {
    const { disk } = servers.machine(name)
    disk.makeDirectory('raft')
    const file = disk.open(forcedServersPath)
    file.write(0, Buffer.from(rows), () => undefined)
    servers.clock.run(100)
    file.close()
    servers.start(name)
  }
}

/** The former leader with writes that nobody else has, and its successor with another one, both declared to be right. */
function recovered(alone: number) {
  const servers = new Servers({ seed: 5 })
  servers.bootstrap(names)
  const old = servers.awaitLeader()
  servers.clock.run(500)
  servers.network.isolate([old.id])
  for (let n = 0; n < alone; n += 1) servers.propose(old.id, `alone ${n}`, () => undefined)
  const others = names.filter((name) => name !== old.id)
  const successor = () => others.find((name) => servers.machine(name).driver?.status().role === 'leader')
  servers.clock.runUntil(() => successor() !== undefined, 10_000)
  const next = successor() ?? ''
  let isDone = false
  servers.propose(next, 'together', () => {
    isDone = true
  })
  servers.clock.runUntil(() => isDone, 5_000)
  expect(isDone).toBe(true)
  for (const name of names) servers.kill(name)
  servers.network.heal()
  recover(servers, [old.id, next])
  const acknowledged: number[] = []
  const writeOn = (): void => {
    servers.awaitLeader()
    for (let n = 0; n < 6; n += 1) {
      servers.propose(next, `later ${n}`, (result) => {
        if (result.ok) acknowledged.push(n)
      })
      servers.clock.run(500)
    }
  }
  return { servers, old: old.id, next, acknowledged, writeOn }
}

test('the shorter of two logs that ended differently becomes a copy of the newer one', () => {
  const { servers, old, next, acknowledged, writeOn } = recovered(1)
  writeOn()
  servers.clock.run(2_000)
  expect(acknowledged).toHaveLength(6)
  expect(servers.machine(old).ledger.hash()).toBe(servers.machine(next).ledger.hash())
})

test('a longer log that contradicts the newer one ends its server and acknowledges nothing', () => {
  const { acknowledged, writeOn } = recovered(4)
  expect(writeOn).toThrow(/contradicts entry \d+, which is committed here; .* mesh operator raft rejoin/)
  expect(acknowledged).toEqual([])
})
