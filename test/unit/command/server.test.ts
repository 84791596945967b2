// Commands that talk to a server directly: over its unix socket on the same machine, and over TLS to enroll a host.
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Result } from '../../../src/model/errors.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import type { ServerApi } from '../../../src/rpc/contract.ts'
import { formatEnrollmentToken, parseEnrollmentToken } from '../../../src/rpc/enrollment-token.ts'
import { type Listener, listenLocal } from '../../../src/rpc/listener.ts'
import type { OperatorApi } from '../../../src/rpc/operator.ts'
import { FakeCluster, operatorToken } from '../api/fake-cluster.ts'
import { closeListener, Stage, type TestServer } from '../rpc/harness.ts'
import { runMesh } from './mesh-process.ts'

const nothing = (): void => undefined
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing, with: () => log }
const metrics = { count: nothing, gauge: nothing }

const stage = new Stage()
const cluster = new FakeCluster()
let folder: string
let listener: Listener
let server: TestServer

const api: Pick<ServerApi, 'read' | 'write'> = {
  read: (_peer, request, reply) => cluster.read(request, reply),
  write: (peer, request, reply) =>
    cluster.write(
      peer.address === 'local' && request.token === '' ? { ...request, token: operatorToken } : request,
      reply as never,
    ),
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-server-'))
  const operator: OperatorApi = { operate: (_peer, request, reply) => cluster.operate(request, reply) }
  const options = { api: api as ServerApi, operator, clock: systemClock, log, metrics }
  const result = await new Promise<Result<Listener>>((done) =>
    listenLocal({ ...options, path: join(folder, 'server.sock'), mode: 0o600 }, done),
  )
  if (!result.ok) throw new Error(result.failure.message)
  listener = result.value
  server = await stage.server()
})
afterAll(async () => {
  await closeListener(listener)
  await stage.close()
  rmSync(folder, { recursive: true, force: true })
})

const onServer = (...args: string[]) =>
  runMesh(args, { env: { MESH_RUNTIME_DIR: folder, MESH_DATA_DIR: folder } })

test('status asks the server of this machine when no agent is named', async () => {
  expect(await onServer('status', '-leader')).toEqual({ status: 0, out: '10.0.0.1:8300\n', err: '' })
})

test('token create works on a server before any agent is enrolled, with the operator token of this machine', async () => {
  mkdirSync(join(folder, 'agent'), { recursive: true })
  // A token that is lying around must not be tried here: the server would refuse it.
  writeFileSync(join(folder, 'agent/local.token'), 'x'.repeat(43))
  const run = await onServer('token', 'create', '-node', 'first', '-q')
  expect([run.status, run.err]).toEqual([0, ''])
  expect(parseEnrollmentToken(run.out)).toMatchObject({ ok: true, value: { node: 'first' } })
  expect(cluster.writes.at(-1)).toMatchObject({
    command: { type: 'enrollment.create', enrollment: { node: 'first' } },
  })
  const refused = await runMesh(['token', 'create'], {
    env: { MESH_RUNTIME_DIR: folder, MESH_TOKEN: 'wrong' },
  })
  expect([refused.status, refused.out]).toEqual([1, ''])
  expect(refused.err).toContain('(bad-token)')
})

test('a server without a leader says so and what to look at', async () => {
  cluster.failure = { code: 'no-leader', message: 'an election is under way' }
  const run = await onServer('token', 'create', '-q')
  expect([run.status, run.out]).toEqual([1, ''])
  expect(run.err).toMatch(/^mesh: an election is under way \(no-leader\)\nTry: /)
  cluster.failure = undefined
})

function host(name: string): { readonly conf: string; readonly data: string } {
  const conf = join(folder, name, 'conf')
  const data = join(folder, name, 'data')
  mkdirSync(conf, { recursive: true })
  writeFileSync(
    join(conf, 'a.hcl'),
    `node_name = "${name}"\ndata_dir = "${data}"\nservers = ["${server.address}"]\nadvertise_addr = "10.0.0.9"\n`,
  )
  return { conf, data }
}

const tokenFor = (node: string): string => {
  const { secret, pin } = server.cluster.makeToken()
  return formatEnrollmentToken({ servers: [server.address], pin, secret, node, datacenter: 'dc1' })
}

test('enroll takes the token from standard input, keeps the identity 0600, and the token is good once', async () => {
  const { conf, data } = host('h1')
  const token = tokenFor('')
  const run = await runMesh(['enroll', '-config-dir', conf], { input: `${token}\n` })
  expect(run.err).toBe(
    'The agent of this host goes on by itself; if it does not run: systemctl start mesh-agent\n',
  )
  expect(run.out).toMatch(
    /^Enrolled: h1 in dc1\nas .+\ncertificate good until \d{4}-.+Z, renewed by the agent\n$/,
  )
  expect(statSync(join(data, 'agent/host.key')).mode & 0o777).toBe(0o600)
  const again = await runMesh(['enroll', '-config-dir', host('h2').conf], { input: token })
  expect([again.status, again.out]).toEqual([1, ''])
  expect(again.err).toContain('(token-used)')
  expect(again.err).not.toContain(token.slice(10, 40))
})

test('enroll refuses a token that was made for another host before it talks to anybody', async () => {
  const { conf } = host('h3')
  const file = join(folder, 'token')
  writeFileSync(file, tokenFor('somebody-else'))
  const run = await runMesh(['enroll', '-config-dir', conf, '-token-file', file])
  expect(run.status).toBe(1)
  expect(run.err).toContain('the enrollment token is for node "somebody-else", this one is "h3"')
})

test('enroll says what is wrong with a token that is none, and never repeats it', async () => {
  const { conf, data } = host('h4')
  const run = await runMesh(['enroll', '-config-dir', conf], { input: 'secret-that-is-no-token' })
  expect(run.status).toBe(1)
  expect(run.err).toContain('an enrollment token is one line that begins with "mesh1."')
  expect(run.err).not.toContain('secret-that-is-no-token')
  expect(existsSync(data)).toBe(false)
})
