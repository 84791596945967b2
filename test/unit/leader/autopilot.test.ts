// What the leader does by itself for the other servers: votes for those that are well, an end for those that are gone,
// the rules and the feature level; and what it never does.
import { expect, test } from 'vitest'
import { type AutopilotConfig, autopilotDefaults } from '../../../src/model/autopilot.ts'
import type { ClusterChange, ClusterServer, Suffrage } from '../../../src/model/cluster.ts'
import type { Command } from '../../../src/model/command.ts'
import { maxFeatureLevel } from '../../../src/model/feature.ts'
import { logIndex, nodeId, term } from '../../../src/model/ids.ts'
import { limits } from '../../../src/model/limits.ts'
import type { FollowerStatus } from '../../../src/raft/raft.ts'
import { Announcement } from '../../../src/server/leader/announcement.ts'
import { Autopilot } from '../../../src/server/leader/autopilot.ts'
import { removalFault } from '../../../src/server/leader/server-health.ts'
import { noMetrics, silentLog } from '../../simulation/servers.ts'
import { genesis } from '../store/rows.ts'
import { asServer, TestServer } from '../store/server.ts'

interface Place {
  readonly suffrage?: Suffrage
  silentMs?: number
  match?: number
  state?: FollowerStatus['state']
  readonly level?: number
}

/** Server `s1` leads; the others are as the test says. */
class Cluster {
  readonly server = new TestServer()
  readonly changes: ClusterChange[] = []
  readonly places: Map<string, Place>
  isLeading = true
  answer: 'ok' | 'conflict' = 'ok'
  listener: (leading: boolean) => void = () => undefined
  readonly autopilot: Autopilot

  constructor(
    places: Readonly<Record<string, Place>>,
    seed: Partial<AutopilotConfig> = {},
    level = maxFeatureLevel,
  ) {
    this.places = new Map(Object.entries({ s1: {}, ...places }))
    const { server } = this
    const first = genesis() as Extract<Command, { type: 'genesis' }>
    server.applied({ ...first, settings: { ...first.settings, featureLevel: level } })
    for (const [id, place] of this.places)
      server.applied({
        type: 'server.announce',
        server: { id, node: `node-${id}`, version: '0.1.0', maxFeatureLevel: place.level ?? maxFeatureLevel },
      })
    this.autopilot = new Autopilot({
      store: server.store,
      consensus: {
        onLeadership: (listener) => {
          this.listener = (leading) => listener(leading, term(1))
          listener(true, term(1))
        },
        status: () => ({
          id: nodeId('s1'),
          role: 'leader',
          term: term(3),
          leader: nodeId('s1'),
          commitIndex: logIndex(1_000),
          appliedIndex: logIndex(1_000),
          lastContactMs: 0,
        }),
        configuration: () => ({ servers: this.servers() }),
        followers: () =>
          [...this.places]
            .filter(([id]) => id !== 's1')
            .map(([id, { silentMs = 0, match = 1_000, state = 'replicate' }]) => ({
              id: nodeId(id),
              state,
              match: logIndex(match),
              silentMs,
            })),
        change: (change, done) => {
          this.changes.push(change)
          if (this.answer === 'ok') this.#apply(change)
          server.clock.after(10, () =>
            done(
              this.answer === 'ok'
                ? { ok: true, value: logIndex(1) }
                : { ok: false, failure: { code: 'conflict', message: 'busy' } },
            ),
          )
        },
      },
      write: (command, reply) => server.admission.write(asServer, command, reply),
      clock: server.clock,
      log: silentLog,
      metrics: noMetrics,
      seed: { ...autopilotDefaults, ...seed },
      heartbeatMs: 150,
    })
  }

  servers(): readonly ClusterServer[] {
    return [...this.places].map(([id, { suffrage = 'voter' }]) => ({
      id: nodeId(id),
      address: `${id}:8300`,
      suffrage,
      publicKey: '',
    }))
  }

  #apply(change: ClusterChange): void {
    if (change.kind === 'remove') this.places.delete(change.id)
    if (change.kind === 'promote')
      this.places.set(change.id, { ...this.places.get(change.id), suffrage: 'voter' })
  }

  run(ms: number): void {
    this.server.clock.run(ms)
  }

  get names(): readonly string[] {
    return this.changes.map((change) => `${change.kind} ${'id' in change ? change.id : ''}`)
  }
}

test('a new server gets its vote once it was well for the time that the rules say', () => {
  const cluster = new Cluster({ s2: {}, s3: { suffrage: 'learner' } }, { serverStabilizationTimeMs: 10_000 })
  cluster.run(9_000)
  expect(cluster.names).toEqual([])
  cluster.run(3_000)
  expect(cluster.names).toEqual(['promote s3'])
})

test('silence, a long way behind, and a snapshot under way start the time anew', () => {
  for (const trouble of [{ silentMs: 2_000 }, { match: 100 }, { state: 'snapshot' as const }]) {
    const cluster = new Cluster(
      { s2: {}, s3: { suffrage: 'learner' } },
      { serverStabilizationTimeMs: 10_000 },
    )
    cluster.run(8_000)
    Object.assign(cluster.places.get('s3') ?? {}, trouble)
    cluster.run(2_000)
    Object.assign(cluster.places.get('s3') ?? {}, { silentMs: 0, match: 1_000, state: 'replicate' })
    cluster.run(9_000)
    expect(cluster.names).toEqual([])
    cluster.run(4_000)
    expect(cluster.names).toEqual(['promote s3'])
  }
})

test('one change at a time, repeated when it did not go through, and none by a server that leads no more', () => {
  const learner = { suffrage: 'learner' } as const
  const cluster = new Cluster({ s2: { ...learner }, s3: { ...learner } }, { serverStabilizationTimeMs: 0 })
  cluster.run(limits.autopilotEveryMs * 4)
  expect(cluster.names).toEqual(['promote s2', 'promote s3'])
  const busy = new Cluster({ s2: { ...learner } }, { serverStabilizationTimeMs: 500 })
  busy.answer = 'conflict'
  busy.run(limits.autopilotEveryMs * 3)
  expect(busy.names.length).toBeGreaterThan(1)
  busy.listener(false)
  const before = busy.names.length
  busy.run(60_000)
  expect(busy.names.length).toBe(before)
})

test('a server that is gone for long is removed, but never so that fewer than three voters are left', () => {
  const gone = (): Place => ({ silentMs: 700_000 })
  const four = new Cluster({ s2: {}, s3: {}, s4: gone() })
  four.run(5_000)
  expect(four.names).toEqual(['remove s4'])
  const three = new Cluster({ s2: {}, s3: gone() })
  three.run(60_000)
  expect(three.names).toEqual([])
  const learner = new Cluster({ s2: { ...gone(), suffrage: 'learner' } })
  learner.run(5_000)
  expect(learner.names).toEqual(['remove s2'])
  const brief = new Cluster({ s2: {}, s3: {}, s4: { silentMs: 500_000 } })
  brief.run(60_000)
  expect(brief.names).toEqual([])
})

test('the rules decide: no cleaning at all, or a smaller or larger rest', () => {
  const gone = (): Place => ({ silentMs: 700_000 })
  const never = new Cluster({ s2: {}, s3: {}, s4: gone() }, { cleanupDeadServers: false })
  never.run(60_000)
  expect(never.names).toEqual([])
  const smaller = new Cluster({ s2: {}, s3: gone() }, { minQuorum: 2 })
  smaller.run(5_000)
  expect(smaller.names).toEqual(['remove s3'])
  const larger = new Cluster({ s2: {}, s3: {}, s4: gone() }, { minQuorum: 4 })
  larger.run(60_000)
  expect(larger.names).toEqual([])
})

test('nothing is removed where the rest would have no majority that answers', () => {
  const cluster = new Cluster({ s2: { silentMs: 5_000 }, s3: { silentMs: 5_000 }, s4: { silentMs: 700_000 } })
  const contacts = cluster.autopilot.contacts()
  expect(removalFault({ servers: cluster.servers() }, contacts, nodeId('s4'))).toContain('only 1 of the 3')
  expect(removalFault({ servers: cluster.servers() }, contacts, nodeId('s2'))).toContain('only 1 of the 3')
  cluster.run(60_000)
  expect(cluster.names).toEqual([])
})

test('the rules of the configuration are those of a new cluster; later ones come from operators only', () => {
  const cluster = new Cluster({}, { maxTrailingLogs: 77 })
  cluster.run(5_000)
  expect(cluster.server.store.view().autopilot()).toMatchObject({ maxTrailingLogs: 77 })
  cluster.server.applied({ type: 'autopilot.set', config: { ...autopilotDefaults, maxTrailingLogs: 5 } })
  cluster.listener(false)
  cluster.listener(true)
  cluster.run(5_000)
  expect(cluster.autopilot.config().maxTrailingLogs).toBe(5)
})

test('the feature level rises when the oldest server supports more, and no sooner', () => {
  const cluster = new Cluster({ s2: { level: 1 }, s3: {} }, {}, 1)
  cluster.run(10_000)
  expect(cluster.server.store.view().featureLevel).toBe(1)
  cluster.server.applied({
    type: 'server.announce',
    server: { id: 's2', node: 'node-s2', version: '0.2.0', maxFeatureLevel },
  })
  cluster.run(5_000)
  expect(cluster.server.store.view().featureLevel).toBe(maxFeatureLevel)
  expect(cluster.server.value({ type: 'feature.raise', level: 1 }).kind).toBe('unchanged')
})

test('a restore that stopped coming is forgotten', () => {
  const cluster = new Cluster({})
  cluster.server.applied({ type: 'restore.begin', id: 'r' })
  cluster.run(limits.restoreIdleMs / 2)
  expect(cluster.server.store.view().staged).toBeDefined()
  cluster.run(limits.restoreIdleMs)
  expect(cluster.server.store.view().staged).toBeUndefined()
})

test('a server tells about itself until the state says so, and again after the state was replaced', () => {
  const test = new TestServer()
  let isRefusing = true
  let writes = 0
  new Announcement({
    store: test.store,
    write: (command, reply) => {
      writes += 1
      if (isRefusing) reply({ ok: false, failure: { code: 'no-leader', message: 'nobody' } })
      else test.admission.write(asServer, command, reply)
    },
    clock: test.clock,
    log: silentLog,
    server: { id: 's1', node: 'one', version: '0.1.0', maxFeatureLevel: 2 },
  })
  test.clock.run(5_000)
  expect(writes).toBe(0)
  test.applied(genesis())
  test.clock.run(5_000)
  expect(writes).toBeGreaterThan(2)
  isRefusing = false
  test.clock.run(5_000)
  expect(test.store.view().serverInfo('s1')).toMatchObject({ node: 'one', version: '0.1.0' })
  const before = writes
  test.clock.run(60_000)
  expect(writes).toBe(before)
})
