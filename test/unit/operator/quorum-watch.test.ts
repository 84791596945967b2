// Who is told what when nobody leads: once it lasts, again every minute, by name, and a server that was taken out learns it.
import { expect, test } from 'vitest'
import type { ClusterServer } from '../../../src/model/cluster.ts'
import { logIndex, type NodeId, nodeId, term } from '../../../src/model/ids.ts'
import type { Log } from '../../../src/platform/ports.ts'
import type { RaftConfiguration } from '../../../src/rpc/operator.ts'
import { QuorumWatch, type Reach } from '../../../src/server/operator/quorum-watch.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { noMetrics, silentLog } from '../../simulation/servers.ts'
import { genesis } from '../store/rows.ts'
import { TestServer } from '../store/server.ts'

class Stage {
  readonly clock = new VirtualClock()
  readonly errors: [string, unknown][] = []
  readonly infos: string[] = []
  leader: NodeId | undefined = nodeId('s1')
  role: 'leader' | 'follower' = 'leader'
  reaches: Reach[] = []
  silentMs: Record<string, number> = { s2: 0, s3: 0 }
  list: RaftConfiguration | undefined
  servers: readonly ClusterServer[] = ['s1', 's2', 's3'].map((id) => ({
    id: nodeId(id),
    address: `${id}:8300`,
    suffrage: 'voter',
    publicKey: '',
  }))
  readonly watch: QuorumWatch

  constructor() {
    const server = new TestServer()
    server.applied(genesis())
    for (const id of ['s2', 's3'])
      server.applied({
        type: 'server.announce',
        server: { id, node: `node-${id}`, version: '1', maxFeatureLevel: 2 },
      })
    const log: Log = {
      ...silentLog,
      error: (message, fields) => this.errors.push([message, fields]),
      info: (message) => this.infos.push(message),
    }
    this.watch = new QuorumWatch({
      store: server.store,
      consensus: {
        status: () => ({
          id: nodeId('s1'),
          role: this.role,
          term: term(4),
          leader: this.leader,
          commitIndex: logIndex(10),
          appliedIndex: logIndex(10),
          lastContactMs: 0,
        }),
        configuration: () => ({ servers: this.servers }),
        followers: () =>
          this.role === 'leader'
            ? Object.entries(this.silentMs).map(([id, silentMs]) => ({
                id: nodeId(id),
                state: 'replicate' as const,
                match: logIndex(10),
                silentMs,
              }))
            : [],
      },
      reach: () => this.reaches,
      askLists: (tell) => {
        if (this.list !== undefined) tell(this.list)
      },
      clock: this.clock,
      log,
      metrics: noMetrics,
      silenceMs: 1_000,
      isDiskFull: () => false,
    })
  }

  lose(): void {
    this.leader = undefined
    this.role = 'follower'
    const sinceMs = this.clock.monotonicMs()
    this.reaches = ['s2', 's3'].map((id) => ({ id: nodeId(id), isConnected: id === 's3', sinceMs }))
  }
}

test('an election is no news; a loss that lasts is told with names, again each minute, and its end too', () => {
  const stage = new Stage()
  stage.clock.run(60_000)
  stage.lose()
  stage.clock.run(4_000)
  expect(stage.errors).toEqual([])
  stage.clock.run(3_000)
  expect(stage.errors).toHaveLength(1)
  expect(stage.errors[0]?.[1]).toMatchObject({ missing: ['node-s2 (s2:8300)'] })
  expect(stage.watch.sentence()).toContain('2 of 3 voters are needed, missing: node-s2 (s2:8300)')
  stage.clock.run(120_000)
  expect(stage.errors).toHaveLength(3)
  const status = stage.watch.status()
  expect(status).toMatchObject({ hasQuorum: false, leader: '' })
  expect(status.servers.map((server) => server.state)).toEqual(['follower', 'missing', 'follower'])
  expect(stage.clock.wallMs() - (status.servers[1]?.heardAtMs ?? 0)).toBeGreaterThanOrEqual(127_000)
  expect(stage.clock.wallMs() - status.lostSinceMs).toBeGreaterThanOrEqual(125_000)
  expect(status.advice.join()).toContain('start mesh-server on node-s2 (s2:8300)')
  expect(status.advice.join()).toContain('peers.json')
  stage.leader = nodeId('s3')
  stage.clock.run(2_000)
  expect(stage.infos).toEqual(['a leader is known again'])
  expect(stage.watch.status()).toMatchObject({ hasQuorum: true, lostSinceMs: 0, advice: [] })
})

test('a leader tells of followers that do not answer, without any alarm', () => {
  const stage = new Stage()
  stage.silentMs = { s2: 5_000, s3: 100 }
  stage.clock.run(60_000)
  const { servers, advice } = stage.watch.status()
  expect(servers.map((server) => server.state)).toEqual(['leader', 'missing', 'follower'])
  expect([stage.errors, advice]).toEqual([[], []])
})

test('a server that was taken out without knowing it hears it from the others', () => {
  const stage = new Stage()
  stage.lose()
  const peer = { node: '', isLeader: false, isVoter: true, lastIndex: 0 }
  stage.list = { index: 9, servers: [{ ...peer, id: nodeId('s2'), address: 's2:8300' }] }
  stage.clock.run(30_000)
  expect(stage.watch.status().advice.join()).not.toContain('taken out')
  stage.list = { ...stage.list, index: 20 }
  stage.clock.run(60_000)
  expect(stage.errors.map(([message]) => message)).toContain('this server was taken out of its cluster')
  expect(stage.watch.status().advice.join()).toContain('mesh operator raft rejoin')
})

test('a server that belongs to no cluster yet misses nobody', () => {
  const stage = new Stage()
  stage.lose()
  stage.servers = []
  stage.clock.run(300_000)
  expect(stage.errors).toEqual([])
})

test('a state that differs from the leader’s is part of the status', () => {
  const stage = new Stage()
  stage.watch.diverges(() => 7)
  expect(stage.watch.status()).toMatchObject({ divergedAt: 7 })
  expect(stage.watch.status().advice.join()).toContain('A server whose state differs')
})
