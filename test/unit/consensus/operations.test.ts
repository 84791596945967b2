// What operators and bad days do to a log: a majority that is gone for good, a disk without room, a process that is late.
import { expect, test } from 'vitest'
import { votersOf } from '../../../src/model/cluster.ts'
import { nodeId } from '../../../src/model/ids.ts'
import { DiskReserve, reservePath } from '../../../src/server/consensus/disk-reserve.ts'
import { DurableWriter } from '../../../src/server/consensus/durable-writer.ts'
import { forcedServersPath, usedServersPath } from '../../../src/server/consensus/forced-servers.ts'
import { LagWatch } from '../../../src/server/consensus/lag-watch.ts'
import { timing } from '../../../src/server/consensus/timing.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { SimulatedDisk } from '../../simulation/disk.ts'
import { SeededRandom } from '../../simulation/random.ts'
import { Servers } from '../../simulation/servers.ts'

const names = ['a', 'b', 'c', 'd', 'e']

/** Five servers with some writes, of which three are lost for good. */
function bereft(): Servers {
  const servers = new Servers({ seed: 3 })
  servers.bootstrap(names)
  const leader = servers.awaitLeader()
  let done = 0
  for (let n = 0; n < 20; n += 1) servers.propose(leader.id, `word ${n}`, () => (done += 1))
  servers.clock.runUntil(() => done === 20, 5_000)
  servers.clock.run(1_000)
  for (const name of names) servers.kill(name)
  return servers
}

function leaveFile(servers: Servers, name: string, text: string): void {
  const { disk } = servers.machine(name)
  disk.makeDirectory('raft')
  const file = disk.open(forcedServersPath)
  file.write(0, Buffer.from(text), () => undefined)
  servers.clock.run(100)
  file.close()
}

const rows = (list: readonly string[]): string =>
  JSON.stringify(list.map((id) => ({ id, address: `${id}:1`, non_voter: false })))

test('two of five servers go on alone with the file of an operator, with all that they had, and it is used once', () => {
  const servers = bereft()
  for (const name of ['a', 'b']) {
    leaveFile(servers, name, rows(['a', 'b']))
    servers.start(name)
  }
  const leader = servers.awaitLeader()
  expect(votersOf(leader.driver?.configuration() ?? { servers: [] })).toEqual(['a', 'b'])
  expect(leader.ledger.words.map((line) => line.replace(/^\d+ /, ''))).toEqual(
    Array.from({ length: 20 }, (_, n) => `word ${n}`),
  )
  let isWritten = false
  servers.propose(leader.id, 'later', (result) => {
    isWritten = result.ok
  })
  servers.clock.runUntil(() => isWritten, 5_000)
  expect(isWritten).toBe(true)
  for (const name of ['a', 'b']) {
    expect(servers.machine(name).disk.read(forcedServersPath)).toBeUndefined()
    expect(servers.machine(name).disk.read(usedServersPath)).toBeDefined()
    servers.crash(name)
    servers.start(name)
  }
  const again = servers.awaitLeader()
  servers.clock.run(2_000)
  expect(votersOf(again.driver?.configuration() ?? { servers: [] })).toEqual(['a', 'b'])
  expect(servers.machine('a').ledger.hash()).toBe(servers.machine('b').ledger.hash())
})

test('a crash at any moment of the recovery leaves a server that can be started again', () => {
  for (let at = 0; at < 24; at += 1) {
    const servers = bereft()
    leaveFile(servers, 'a', rows(['a']))
    const { disk } = servers.machine('a')
    let operations = 0
    disk.onOperation = () => {
      operations += 1
    }
    servers.start('a')
    servers.clock.runUntil(() => operations >= at || servers.machine('a').driver !== undefined, 5_000)
    disk.onOperation = () => undefined
    servers.crash('a')
    servers.start('a')
    const leader = servers.awaitLeader()
    expect([at, leader.ledger.words.length]).toEqual([at, 20])
  }
})

test('servers whose logs ended differently come to one history', () => {
  const servers = new Servers({ seed: 5 })
  servers.bootstrap(names)
  const leader = servers.awaitLeader()
  servers.clock.run(500)
  // What only the leader has was acknowledged to nobody.
  servers.network.isolate([leader.id])
  servers.propose(leader.id, 'alone', () => undefined)
  servers.clock.run(300)
  servers.network.heal()
  const other = names.find((name) => name !== leader.id) ?? ''
  for (const name of names) servers.kill(name)
  for (const name of [leader.id, other]) {
    leaveFile(servers, name, rows([leader.id, other]))
    servers.start(name)
  }
  servers.awaitLeader()
  servers.clock.run(5_000)
  expect(servers.machine(other).ledger.hash()).toBe(servers.machine(leader.id).ledger.hash())
})

test('a file that cannot be meant is refused and says what is wrong', () => {
  const reason = (text: string): string => {
    const servers = bereft()
    leaveFile(servers, 'a', text)
    const machine = servers.start('a')
    servers.clock.run(5_000)
    return `${machine.failure?.code ?? 'started'}: ${machine.failure?.message ?? ''}`
  }
  expect(reason('{')).toMatch(/^invalid-config: raft\/peers\.json .* no JSON/)
  expect(reason('[]')).toContain('a list of servers')
  expect(reason(rows(['b']))).toContain('this server, a, is not in it')
  expect(reason(rows(['a', 'z']))).toContain('z was not in the cluster')
  expect(reason('[{"id": "a", "address": "a"}]')).toContain('must be "host:port"')
  expect(reason('[{"id": "a", "address": "a:1", "non_voter": true}]')).toContain('at least one voter')
})

test('with a reserve a full disk still takes what was promised, refuses new writes, and takes them when there is room', () => {
  const clock = new VirtualClock()
  const random = new SeededRandom(1)
  const disk = new SimulatedDisk({ clock, random, syncMaxMs: 1 })
  const bytes = 3 * 1024 * 1024
  const reserve = new DiskReserve({ disk, clock, random, bytes })
  const remove = disk.remove.bind(disk)
  disk.remove = (path, done) => {
    disk.freeBytes += disk.read(path)?.length ?? 0
    remove(path, done)
  }
  const states: boolean[] = []
  const writer = new DurableWriter({
    disk,
    clock,
    reserve,
    onFull: (isFull) => states.push(isFull),
    onFatal: (failure) => {
      throw new Error(failure.message)
    },
  })
  disk.freeBytes = bytes + 100
  let isThere = false
  reserve.ensure((result) => {
    isThere = result
  })
  clock.run(1_000)
  expect([isThere, disk.freeBytes]).toEqual([true, 100])

  const file = disk.open('log')
  let written = 0
  writer.write(file, 0, new Uint8Array(5_000), () => (written += 1))
  clock.run(2_000)
  expect([written, states]).toEqual([1, [true]])
  writer.write(file, 5_000, new Uint8Array(5_000), () => (written += 1))
  clock.run(60_000)
  expect([written, states]).toEqual([2, [true]])
  disk.freeBytes += 2 * bytes
  clock.run(30_000)
  expect(states).toEqual([true, false])
  expect(disk.open(reservePath).size()).toBe(bytes)
})

test('a process that is late once goes on leading; one that is late again and again hands over, once a minute at most', () => {
  const watch = new LagWatch(timing())
  expect([watch.tick(0, 900), watch.tick(100, 0), watch.tick(200, 900), watch.tick(1_200, 900)]).toEqual([
    false,
    false,
    false,
    false,
  ])
  expect(watch.tick(2_200, 900)).toBe(true)
  expect([3_000, 4_000, 5_000, 6_000].map((nowMs) => watch.tick(nowMs, 900))).not.toContain(true)
  expect([61_000, 62_000, 63_000].map((nowMs) => watch.tick(nowMs, 900))).toContain(true)
})

test('a leader whose event loop stands still again and again is followed by another, without an election timeout', () => {
  const servers = new Servers({ seed: 1 })
  servers.bootstrap(['a', 'b', 'c'])
  const leader = servers.awaitLeader()
  servers.clock.run(1_000)
  const { process } = servers.machine(leader.id)
  if (process === undefined) throw new Error('the leader runs')
  // Its timers come 600 ms late, its messages too.
  process.lateMs = 600
  servers.clock.runUntil(() => servers.leader()?.id !== leader.id, 20_000)
  expect(servers.leader()?.id).not.toBe(leader.id)
  expect(servers.driver(nodeId(leader.id)).status().role).not.toBe('leader')
})
