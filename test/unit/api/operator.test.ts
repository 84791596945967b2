// The operator endpoints in Consul's shapes, snapshots as streams, and who may use them.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { autopilotDefaults } from '../../../src/model/autopilot.ts'
import { failed, ok, type Result } from '../../../src/model/errors.ts'
import { nodeId } from '../../../src/model/ids.ts'
import type { OperationAnswer, OperationName, Operations } from '../../../src/rpc/operator.ts'
import { operatorToken } from './fake-cluster.ts'
import { startTestApi, type TestApi } from './fixture.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())
beforeEach(() => {
  api.cluster.operations.length = 0
})

const headers = { 'X-Consul-Token': operatorToken }
const ids = ['00000001-0000-4000-8000-000000000000', '00000002-0000-4000-8000-000000000000'] as const

function answers<Name extends OperationName>(
  name: Name,
  answer: (request: {
    readonly args: Operations[Name]['args']
    readonly data: Uint8Array
  }) => Result<Operations[Name]['answer']>,
  data: () => Uint8Array = () => new Uint8Array(0),
): void {
  api.cluster.answers.set(name, (request) => {
    const result = answer(request as never)
    return result.ok ? ok({ answer: result.value, data: data() } as OperationAnswer<OperationName>) : result
  })
}

const servers = ids.map((id, at) => ({
  id: nodeId(id),
  node: `s${at + 1}`,
  address: `10.0.0.${at + 1}:8300`,
  isLeader: at === 0,
  isVoter: at === 0,
  lastIndex: 40 - at,
}))

test('the list of servers and both health answers have the fields of Consul', async () => {
  answers('raft.configuration', () => ok({ index: 7, servers }))
  const list = await api.ask('GET', '/v1/operator/raft/configuration?stale')
  expect(list.json).toEqual({
    Servers: [
      {
        ID: ids[0],
        Node: 's1',
        Address: '10.0.0.1:8300',
        Leader: true,
        ProtocolVersion: '3',
        Voter: true,
        LastIndex: 40,
      },
      {
        ID: ids[1],
        Node: 's2',
        Address: '10.0.0.2:8300',
        Leader: false,
        ProtocolVersion: '3',
        Voter: false,
        LastIndex: 39,
      },
    ],
    Index: 7,
  })
  expect(api.cluster.operations.at(-1)?.args).toEqual({ stale: true })

  const state = {
    isHealthy: false,
    failureTolerance: 0,
    leader: ids[0],
    featureLevel: 2,
    servers: servers.map((server) => ({
      ...server,
      version: '0.1.0',
      maxFeatureLevel: 2,
      isAlive: server.isLeader,
      lastContactMs: server.isLeader ? 0 : 1_500,
      lastTerm: 3,
      isHealthy: server.isLeader,
      stableSinceMs: Date.UTC(2026, 0, 2),
    })),
  }
  answers('autopilot.state', () => ok(state))
  const health = await api.ask('GET', '/v1/operator/autopilot/health')
  expect(health.status).toBe(429)
  expect(health.json).toMatchObject({
    Healthy: false,
    FailureTolerance: 0,
    Servers: [
      { Name: 's1', SerfStatus: 'alive', LastContact: '0s', Leader: true, Voter: true },
      {
        Name: 's2',
        SerfStatus: 'failed',
        LastContact: '1.5s',
        Healthy: false,
        StableSince: '2026-01-02T00:00:00Z',
      },
    ],
  })
  const full = await api.ask('GET', '/v1/operator/autopilot/state')
  expect(full.status).toBe(200)
  expect(full.json).toMatchObject({
    OptimisticFailureTolerance: 0,
    Leader: ids[0],
    Voters: [ids[0]],
    Servers: { [ids[0]]: { Status: 'leader', NodeType: 'voter' }, [ids[1]]: { Status: 'non-voter' } },
  })
})

test('the rules come and go in the words of Go, with a condition, and only for operators', async () => {
  answers('autopilot.get', () => ok({ ...autopilotDefaults, createIndex: 4, modifyIndex: 9 }))
  const shown = await api.ask('GET', '/v1/operator/autopilot/configuration')
  expect(shown.json).toEqual({
    CleanupDeadServers: true,
    LastContactThreshold: '200ms',
    MaxTrailingLogs: 250,
    MinQuorum: 0,
    ServerStabilizationTime: '10s',
    DeadServerLastContact: '10m0s',
    RedundancyZoneTag: '',
    DisableUpgradeMigration: false,
    UpgradeVersionTag: '',
    CreateIndex: 4,
    ModifyIndex: 9,
  })
  answers('autopilot.set', ({ args }) => ok({ isSet: args.casIndex === undefined || args.casIndex === 9 }))
  const path = '/v1/operator/autopilot/configuration'
  const body = { ...(shown.json as object), MaxTrailingLogs: 10 }
  expect((await api.ask('PUT', `${path}?cas=9`, { body, headers })).text).toBe('true')
  expect(api.cluster.operations.at(-1)?.args).toEqual({
    config: { ...autopilotDefaults, maxTrailingLogs: 10 },
    casIndex: 9,
  })
  expect((await api.ask('PUT', `${path}?cas=8`, { body, headers })).text).toBe('false')
  const few = await api.ask('PUT', path, { body: { LastContactThreshold: '1s' }, headers })
  expect(few.status).toBe(200)
  expect(api.cluster.operations.at(-1)?.args).toMatchObject({
    config: { lastContactThresholdMs: 1_000, cleanupDeadServers: false, maxTrailingLogs: 250 },
  })
  for (const bad of [
    { MinQuorum: -1 },
    { LastContactThreshold: 'soon' },
    { RedundancyZoneTag: 'x' },
    { Zzz: 1 },
  ])
    expect((await api.ask('PUT', path, { body: bad, headers })).status).toBe(400)
  expect((await api.ask('PUT', path, { body })).status).toBe(403)
})

test('taking a server out and handing over leadership: how they are asked, and what a refusal says', async () => {
  answers('raft.remove-peer', () => ok({}))
  const removed = await api.ask('DELETE', `/v1/operator/raft/peer?id=${ids[1]}`, { headers })
  expect([removed.status, removed.text]).toEqual([200, ''])
  expect(api.cluster.operations.at(-1)).toMatchObject({
    args: { id: ids[1], address: '' },
    token: operatorToken,
  })
  answers('raft.remove-peer', () => failed('quorum-at-risk', 'only 1 of the 2 voters that would stay answer'))
  const refused = await api.ask('DELETE', `/v1/operator/raft/peer?id=${ids[1]}`, { headers })
  expect([refused.status, refused.headers['x-mesh-reason']]).toEqual([409, 'quorum-at-risk'])
  answers('raft.transfer-leader', ({ args }) => ok({ leader: args.id }))
  const handed = await api.ask('POST', `/v1/operator/raft/transfer-leader?id=${ids[1]}`, { headers })
  expect(handed.json).toEqual({ Success: true })
  expect((await api.ask('POST', '/v1/operator/raft/transfer-leader')).status).toBe(403)
})

test('a snapshot is passed through piece by piece, without a token not at all', async () => {
  const pieces = ['first\n', 'x'.repeat(300_000), '\nlast\n'].map((text) => Buffer.from(text))
  let at = 0
  const origin = {
    index: 77,
    term: 2,
    clusterId: 'c',
    datacenter: 'dc1',
    featureLevel: 2,
    server: 's1',
    program: '0.1.0',
    createdAt: '',
  }
  answers('snapshot.open', () => ok({ id: 'one', origin }))
  answers(
    'snapshot.next',
    () => ok({ isLast: at === pieces.length - 1 }),
    () => pieces[at++] ?? Buffer.alloc(0),
  )
  const saved = await api.ask('GET', '/v1/snapshot', { headers })
  expect(saved.status).toBe(200)
  expect(saved.headers['x-consul-index']).toBe('77')
  expect(saved.bytes.equals(Buffer.concat(pieces))).toBe(true)
  expect((await api.ask('GET', '/v1/snapshot')).status).toBe(403)
})

test('a snapshot that breaks off in the middle ends the connection, so that nobody takes it for whole', async () => {
  let at = 0
  answers(
    'snapshot.next',
    () => (at++ < 2 ? ok({ isLast: false }) : failed('no-server', 'gone')),
    () => Buffer.from('piece\n'),
  )
  await expect(api.ask('GET', '/v1/snapshot', { headers })).rejects.toThrow()
})

test('a body of any size is restored in pieces, in order, and a refusal ends it', async () => {
  const sent: Buffer[] = []
  answers('restore.open', () => ok({ id: 'r' }))
  answers('restore.write', ({ data }) => {
    sent.push(Buffer.from(data))
    return ok({})
  })
  answers('restore.finish', () => ok({ index: 99 }))
  const body = Buffer.alloc(2_000_000, 'abcdefghij')
  const restored = await fetch(`${api.url}/v1/snapshot`, { method: 'PUT', headers, body })
  expect([restored.status, restored.headers.get('x-mesh-index')]).toEqual([200, '99'])
  expect(Buffer.concat(sent).equals(body)).toBe(true)
  expect(sent.every((piece) => piece.length <= 512 * 1024)).toBe(true)

  answers('restore.write', () => failed('snapshot-damaged', 'it is no snapshot'))
  const refused = await fetch(`${api.url}/v1/snapshot`, { method: 'PUT', headers, body: 'no snapshot' })
  expect([refused.status, refused.headers.get('x-mesh-reason')]).toEqual([400, 'snapshot-damaged'])
  expect(await refused.text()).toContain('it is no snapshot')
})

test('the status of the cluster is there for everybody on this host, also when nobody leads', async () => {
  const status = await api.ask('GET', '/v1/mesh/status')
  expect(status.json).toMatchObject({
    HasQuorum: true,
    LostSince: '',
    Servers: [{ Address: '10.0.0.1:8300', State: 'leader' }, { State: 'learner' }],
  })
})
