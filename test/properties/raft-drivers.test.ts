// Random faults over real drivers, logs, snapshots and disks: crashes with lost and torn writes, kills, partitions, loss,

// duplicates, slow and full disks, membership changes, transfers. What was acknowledged stays, what was refused never
// happens, reads see what was acknowledged before them, and a healed cluster agrees.
import { expect, test } from 'vitest'
import type { Machine } from '../simulation/servers.ts'
import { configurationOf, Servers } from '../simulation/servers.ts'

const refusals = new Set(['no-leader', 'overloaded', 'disk-full', 'too-large'])

class Run {
  readonly servers: Servers
  readonly names: readonly string[]
  readonly acknowledged = new Map<string, number>()
  readonly refused = new Set<string>()
  highestAcknowledged = 0
  reads = 0
  unknown = 0
  #word = 0
  readonly #leaders = new Map<number, string>()

  constructor(seed: number) {
    const random = new Servers({ seed }).random
    const voters = random.pick([1, 3, 3, 3, 5])
    this.names = Array.from({ length: voters + 1 }, (_, at) => String.fromCharCode(97 + at))
    const afterEntries = random.pick([5, 40, 8_192])
    this.servers = new Servers({
      seed,
      thresholds: { afterEntries, afterBytes: 1e9, trailEntries: random.pick([0, 10, 100]) },
      segmentBytes: random.pick([1_000, 10_000, 1e6]),
      syncMaxMs: random.pick([1, 20, 200]),
    })
    this.servers.network.conditions = {
      delayMinMs: 1,
      delayMaxMs: random.pick([2, 50]),
      loss: random.pick([0, 0.02, 0.2]),
      duplicate: random.pick([0, 0.2]),
    }
    this.servers.bootstrap(this.names.slice(0, voters))
    const spare = this.names[voters]
    if (spare !== undefined) this.servers.start(spare)
  }

  propose(machine: Machine): void {
    const word = `w${this.#word}`
    this.#word += 1
    this.servers.propose(machine.id, word, (result) => {
      if (result.ok) {
        expect(this.acknowledged.has(word), `${word} is answered twice`).toBe(false)
        this.acknowledged.set(word, result.value.index)
        this.highestAcknowledged = Math.max(this.highestAcknowledged, result.value.index)
      } else if (refusals.has(result.failure.code)) this.refused.add(word)
      else this.unknown += 1
    })
  }

  read(machine: Machine): void {
    const mustSee = this.highestAcknowledged
    const { ledger } = machine
    machine.driver?.readBarrier((result) => {
      if (!result.ok) return
      this.reads += 1
      expect(ledger.index, `a read on ${machine.id} misses an acknowledged write`).toBeGreaterThanOrEqual(
        mustSee,
      )
    })
  }

  /** What holds at every moment. */
  check(): void {
    let longest: readonly string[] = []
    for (const { id, driver, ledger, failure } of this.servers.machines.values()) {
      if (failure?.code !== 'disk-failed') expect(failure, `${id} refuses to run`).toBeUndefined()
      const status = driver?.status()
      if (status?.role === 'leader') {
        const known = this.#leaders.get(status.term) ?? id
        expect(id, `second leader in term ${status.term}`).toBe(known)
        this.#leaders.set(status.term, known)
      }
      if (ledger.words.length > longest.length) longest = ledger.words
    }
    for (const { id, ledger } of this.servers.machines.values()) {
      const last = ledger.words.length - 1
      expect(ledger.words[last], `${id} applied something else at ${last}`).toBe(longest[last])
    }
  }

  fault(): void {
    const { random, network, machines } = this.servers
    const machine = random.pick([...machines.values()])
    const leader = this.servers.leader()
    const what = random.below(10)
    if (what <= 2) {
      const victim = leader !== undefined && random.chance(0.5) ? leader : machine
      if (victim.process !== undefined)
        if (random.chance(0.7)) this.servers.crash(victim.id)
        else this.servers.kill(victim.id)
    } else if (what === 3) network.isolate(this.names.filter(() => random.chance(0.4)))
    else if (what === 4) network.cut(random.pick(this.names), random.pick(this.names))
    else if (what === 5) network.heal()
    else if (what === 6) leader?.driver?.transferLeadership(undefined, () => undefined)
    else if (what === 7) this.#changeCluster(leader)
    else if (what === 8) machine.disk.fail('sync', { code: 'io', message: 'planted' })
    else machine.disk.freeBytes = random.chance(0.5) ? random.below(3_000) : Number.POSITIVE_INFINITY
    for (const { id } of machines.values()) if (random.chance(0.6)) this.servers.start(id)
  }

  #changeCluster(leader: Machine | undefined): void {
    const { random } = this.servers
    const name = random.pick(this.names)
    const server = configurationOf([name]).servers[0]
    if (leader?.driver === undefined || server === undefined) return
    const isIn = leader.driver.configuration().servers.some(({ id }) => id === server.id)
    const kind = random.pick(['promote', 'promote', 'demote', 'remove'] as const)
    leader.driver.change(isIn ? { kind, id: server.id } : { kind: 'add', server }, () => undefined)
  }

  /** Faults end: everybody comes back and agrees. */
  heal(): void {
    const { network, clock, machines } = this.servers
    network.heal()
    network.conditions = { delayMinMs: 1, delayMaxMs: 5, loss: 0, duplicate: 0 }
    for (const machine of machines.values()) {
      machine.disk.heal()
      this.servers.start(machine.id)
    }
    clock.run(5_000)
    const leader = this.servers.awaitLeader(30_000)
    let last: number | undefined
    this.servers.propose(leader.id, 'last', (result) => {
      last = result.ok ? result.value.index : -1
    })
    clock.runUntil(() => last !== undefined, 30_000)
    expect(last, 'a healed cluster takes writes').toBeGreaterThan(0)
    const members = leader.driver?.configuration().servers.map(({ id }) => this.servers.machine(id)) ?? []
    const agree = (): boolean => members.every(({ ledger }) => ledger.hash() === leader.ledger.hash())
    expect(clock.runUntil(agree, 30_000), 'the members agree').toBe(true)
    this.check()
    const words = new Map(leader.ledger.words.map((line) => line.split(' ').reverse() as [string, string]))
    expect(words.size, 'no word is applied twice').toBe(leader.ledger.words.length)
    for (const [word, index] of this.acknowledged) expect(words.get(word), word).toBe(String(index))
    for (const word of this.refused) expect(words.has(word), `${word} was refused and is there`).toBe(false)
  }
}

function run(seed: number): Run {
  const current = new Run(seed)
  const { clock, random, machines } = current.servers
  for (let step = 0; step < 400; step += 1) {
    clock.run(random.pick([1, 10, 100, 300]))
    const target = random.chance(0.8) ? current.servers.leader() : random.pick([...machines.values()])
    if (target?.driver !== undefined) {
      const writes = random.pick([0, 1, 1, 5])
      for (let n = 0; n < writes; n += 1) current.propose(target)
      if (random.chance(0.3)) current.read(random.pick([...machines.values()]))
    }
    if (random.chance(0.1)) current.fault()
    current.check()
  }
  current.heal()
  return current
}

/** A range of seeds; a failure names its seed. */
function runAll(from: number, to: number): { acknowledged: number; reads: number; unknown: number } {
  const sum = { acknowledged: 0, reads: 0, unknown: 0 }
  for (let seed = from; seed < to; seed += 1)
    try {
      const done = run(seed)
      sum.acknowledged += done.acknowledged.size
      sum.reads += done.reads
      sum.unknown += done.unknown
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  return sum
}

test('nothing acknowledged is lost and nothing refused happens, whatever fails', () => {
  const sum = runAll(0, 120)
  expect(sum.acknowledged).toBeGreaterThan(10_000)
  expect(sum.reads).toBeGreaterThan(1_000)
  expect(sum.unknown).toBeGreaterThan(100)
})
