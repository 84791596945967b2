// Random schedules over bare cores: loss, duplicates, reordering, slow disks, crashes, membership, transfers. After each
// step the promises of the Raft paper (figure 3) are checked against everything seen so far.
import { expect, test } from 'vitest'
import type { LogIndex, NodeId } from '../../src/model/ids.ts'
import { logIndex } from '../../src/model/ids.ts'
import { SeededRandom } from '../simulation/random.ts'
import { bytesOf, type Core, Cores, configurationOf, heartbeatMs, ids } from '../unit/raft/cores.ts'

class Watch {
  readonly #leaders = new Map<number, NodeId>()
  readonly #committed = new Map<number, string>()
  readonly #votes = new Map<string, NodeId>()
  highest = 0

  check(core: Core): void {
    const { raft, store } = core
    if (raft.role === 'leader') {
      const known = this.#leaders.get(raft.term) ?? core.id
      expect(core.id, `second leader in term ${raft.term}`).toBe(known)
      this.#leaders.set(raft.term, known)
    }
    const { term, vote } = store.hardState
    if (vote !== undefined) {
      const key = `${core.id} ${term}`
      expect(vote, `second vote of ${key}`).toBe(this.#votes.get(key) ?? vote)
      this.#votes.set(key, vote)
    }
  }

  /** Every server applies the same entries in the same order without a gap. */
  applied(core: Core, from: number): void {
    for (let at = from; at < core.applied.length; at += 1) {
      const entry = core.applied[at]
      if (entry === undefined) throw new Error('hole in what was applied')
      const before = core.applied[at - 1]
      expect(entry.index).toBe((before?.index ?? 0) + 1)
      const print = `${entry.term}/${entry.kind}/${entry.data.join()}`
      expect(print, `entry ${entry.index} on ${core.id}`).toBe(this.#committed.get(entry.index) ?? print)
      this.#committed.set(entry.index, print)
      this.highest = Math.max(this.highest, entry.index)
    }
  }
}

interface Knobs {
  readonly loss: number
  readonly duplicate: number
  readonly crash: number
  readonly sync: number
  readonly membership: boolean
}

function run(seed: number, steps: number): number {
  const random = new SeededRandom(seed)
  const servers = random.pick([1, 2, 3, 3, 5])
  const names = ids(servers + 2)
  const voters = names.slice(0, servers)
  const knobs: Knobs = {
    loss: random.pick([0, 0.05, 0.3]),
    duplicate: random.pick([0, 0.3]),
    crash: random.pick([0, 0.002, 0.01]),
    sync: random.pick([0.9, 0.3]),
    membership: random.chance(0.5),
  }
  const cores = new Cores(names, seed)
  for (const id of voters) cores.core(id).step({ type: 'bootstrap', configuration: configurationOf(voters) })
  for (const core of cores.all.values()) core.sync()
  const watch = new Watch()
  const seen = new Map<NodeId, number>()
  let cut: readonly NodeId[] = []
  for (let step = 0; step < steps; step += 1) {
    if (random.chance(0.002)) cut = random.chance(0.5) ? [] : names.filter(() => random.chance(0.4))
    act(cores, random, knobs, step)
    const envelope = cores.wire.splice(random.below(Math.min(cores.wire.length, 8)), 1)[0]
    if (envelope !== undefined && cut.includes(envelope.from) === cut.includes(envelope.to)) {
      if (!random.chance(knobs.loss)) cores.deliver(envelope)
      if (random.chance(knobs.duplicate)) cores.wire.push(envelope)
    }
    if (cores.wire.length > 5_000) throw new Error(`message storm, seed ${seed}`)
    for (const core of cores.all.values()) {
      watch.check(core)
      const before = Math.min(seen.get(core.id) ?? 0, core.applied.length)
      watch.applied(core, before)
      seen.set(core.id, core.applied.length)
    }
  }
  heal(cores, seed)
  for (const core of cores.all.values()) watch.applied(core, 0)
  return watch.highest
}

function act(cores: Cores, random: SeededRandom, knobs: Knobs, step: number): void {
  const core = random.pick([...cores.all.values()])
  const what = random.fraction()
  if (what < 0.25) core.step({ type: 'tick', elapsedMs: random.pick([heartbeatMs, heartbeatMs, 500]) })
  else if (what < 0.5) core.step({ type: 'propose', commands: [bytesOf(`${step}`), bytesOf(`${step}'`)] })
  else if (what < 0.505) core.step({ type: 'transfer', to: undefined })
  else if (what < 0.52 && knobs.membership) change(cores, core, random)
  else if (what < 0.54) compact(core)
  else if (what < 0.54 + knobs.crash) {
    core.restart()
  } else if (random.chance(knobs.sync)) core.sync(random.between(1, 3))
  for (const { id, state } of core.raft.followers())
    if (state === 'snapshot' && random.chance(0.2)) installOn(cores, core, id)
}

function change(cores: Cores, core: Core, random: SeededRandom): void {
  const id = random.pick([...cores.all.keys()])
  const kind = random.pick(['add', 'promote', 'demote', 'remove'] as const)
  const server = { id, address: `${id}:1`, publicKey: 'k' }
  core.step({ type: 'change', change: kind === 'add' ? { kind, server } : { kind, id } })
}

/** The log before what was applied goes away, as after a snapshot. */
function compact(core: Core): void {
  const { store, raft, applied } = core
  const last = applied[applied.length - 1]
  if (last === undefined || store.pending.length > 0) return
  const index = logIndex(last.index - 5)
  if (index <= store.base.index) return
  const term = raft.termAt(index)
  if (term === undefined) return
  store.baseConfiguration = raft.configurationAt(index)
  core.step({ type: 'compacted', index })
  store.base = { index, term }
  store.log = store.log.filter((entry) => entry.index > index)
}

/** A whole snapshot transfer in one go, durable at once. */
function installOn(cores: Cores, leader: Core, peer: NodeId): void {
  const target = cores.all.get(peer)
  const last = leader.applied[leader.applied.length - 1]
  if (target === undefined || last === undefined || leader.raft.role !== 'leader') return
  const effects = target.step({
    type: 'message',
    from: leader.id,
    message: {
      type: 'snapshot-chunk',
      term: leader.raft.term,
      last,
      fileBytes: 0,
      offset: 0,
      checksum: 0,
      data: new Uint8Array(0),
    },
  })
  const applied: LogIndex | undefined = target.applied[target.applied.length - 1]?.index
  if (effects.snapshotTraffic === undefined || (applied ?? 0) >= last.index) return
  const configuration = leader.raft.configurationAt(last.index)
  target.applied = leader.applied.filter((entry) => entry.index <= last.index)
  target.store.baseConfiguration = configuration
  target.step({ type: 'snapshot-installed', last: { index: last.index, term: last.term }, configuration })
  target.sync()
}

/** Faults end: within 30 simulated seconds there is one leader and everybody has the same. */
function heal(cores: Cores, seed: number): void {
  let settled = false
  for (let passed = 0; passed < 30_000 && !settled; passed += heartbeatMs) {
    cores.tick(heartbeatMs)
    cores.settle()
    for (const core of cores.all.values())
      for (const { id, state } of core.raft.followers()) if (state === 'snapshot') installOn(cores, core, id)
    cores.settle()
    const leader = [...cores.all.values()].find((core) => core.raft.role === 'leader')
    if (leader === undefined) continue
    if (leader.raft.committed < leader.raft.last.index) cores.propose(leader.id, 'settle')
    const members = leader.raft.configuration.configuration.servers.map((server) => cores.core(server.id))
    settled = members.every((core) => core.raft.committed === leader.raft.last.index)
  }
  const standing = [...cores.all.values()].map(
    (core) =>
      `${core.id} ${core.raft.role} ${core.raft.term} last ${core.raft.last.index} committed ${core.raft.committed} voters ${core.raft.configuration.configuration.servers.map((s) => s.id + s.suffrage)} ${JSON.stringify(core.raft.followers())}`,
  )
  expect(settled, `no agreement after healing, seed ${seed}\n${standing.join('\n')}`).toBe(true)
}

test('the promises of raft hold in random schedules', () => {
  let entries = 0
  const from = 0
  for (let seed = from; seed < from + 120; seed += 1) {
    try {
      entries += run(seed, 3_000)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
  expect(entries).toBeGreaterThan(10_000)
})
