// Commands for the servers, asked through an agent's HTTP API: what they print, what they send, and what they refuse before.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ok } from '../../../src/model/errors.ts'
import { operatorToken } from '../api/fake-cluster.ts'
import { startTestApi, type TestApi } from '../api/fixture.ts'
import { serverIds } from '../api/operator-answers.ts'
import { runMesh } from './mesh-process.ts'

let api: TestApi
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-operator-'))
  api = await startTestApi()
})
afterAll(async () => {
  await api.close()
  rmSync(folder, { recursive: true, force: true })
})

const mesh = (...args: string[]) =>
  runMesh(args, {
    env: {
      MESH_HTTP_ADDR: api.url,
      MESH_TOKEN: operatorToken,
      MESH_RUNTIME_DIR: folder,
      MESH_DATA_DIR: folder,
    },
  })

test('servers, their health and the rules are shown as tables', async () => {
  const [peers, state, config] = await Promise.all([
    mesh('operator', 'raft', 'list-peers'),
    mesh('operator', 'autopilot', 'state'),
    mesh('operator', 'autopilot', 'get-config'),
  ])
  expect(peers.out.split('\n').slice(0, 3)).toEqual([
    'NODE    ID                                    ADDRESS        STATE     VOTER  INDEX  BEHIND',
    `host-1  ${serverIds[0]}  10.0.0.1:8300  leader    yes    40     0`,
    `host-2  ${serverIds[1]}  10.0.0.2:8300  follower  no     39     1`,
  ])
  expect(state.out).toContain('Healthy: yes\nServers that may fail: 0\nFeature level: 2\n')
  expect(state.out).toMatch(/host-2 +10\.0\.0\.2:8300 +non-voter +yes +70ms +39 +0\.1\.0/)
  expect(config.out).toContain('server-stabilization-time = 10s\ndead-server-last-contact = 10m0s\n')
})

test('set-config changes what is named, on condition that nobody else did', async () => {
  api.cluster.answers.set('autopilot.set', () => ok({ answer: { isSet: true }, data: new Uint8Array(0) }))
  const done = await mesh(
    'operator',
    'autopilot',
    'set-config',
    '-min-quorum=3',
    '-cleanup-dead-servers',
    'false',
  )
  expect([done.status, done.out]).toEqual([0, 'Configuration updated\n'])
  expect(api.cluster.operations.at(-1)?.args).toMatchObject({
    casIndex: 9,
    config: { minQuorum: 3, cleanupDeadServers: false, maxTrailingLogs: 250 },
  })
  api.cluster.answers.set('autopilot.set', () => ok({ answer: { isSet: false }, data: new Uint8Array(0) }))
  const late = await mesh('operator', 'autopilot', 'set-config', '-min-quorum', '3')
  expect([late.status, late.out]).toEqual([1, ''])
  expect(late.err).toContain('somebody else changed it meanwhile')
})

test.each([[], ['-agent']])(
  'leave with %j takes a host without a server out of use and stops its agent',
  async (...words) => {
    const done = await mesh('leave', ...words)
    expect([done.status, done.out]).toEqual([
      0,
      'The services of this host are out of use, and its agent stops\n',
    ])
    expect(api.registry.check('_node_maintenance')?.check.status).toBe('critical')
    api.registry.deregisterCheck('_node_maintenance')
  },
)

test('what cannot be meant is refused before anything is asked', async () => {
  const junk = join(folder, 'junk')
  writeFileSync(junk, 'no snapshot\n')
  const before = api.cluster.operations.length
  const runs = await Promise.all([
    mesh('operator', 'autopilot', 'set-config'),
    mesh('operator', 'autopilot', 'set-config', '-min-quorum', 'many'),
    mesh('operator', 'raft', 'remove-peer'),
    mesh('operator', 'raft', 'remove-peer', '-id', 'a', '-address', 'b'),
    mesh('snapshot', 'inspect', junk),
    mesh('snapshot', 'inspect', join(folder, 'missing')),
    mesh('snapshot', 'restore', junk),
  ])
  expect(runs.map(({ status, out }) => [status, out])).toEqual([
    [2, ''],
    [2, ''],
    [2, ''],
    [2, ''],
    [1, ''],
    [1, ''],
    [1, ''],
  ])
  expect(runs[4]?.err).toContain('(snapshot-damaged)')
  expect(runs[5]?.err).toContain('no such file')
  for (const { err } of runs) expect(err).toMatch(/^mesh: .+\n/)
  expect(api.cluster.operations.length).toBe(before)
})
