// Who may call the API: loopback reads, local rights by token or unix socket, operator rights judged by a server.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { admit, identifyCaller, isLoopback, tokenOf } from '../../../src/agent/access/caller.ts'
import { groupIdOf } from '../../../src/agent/access/group.ts'
import { ensureLocalToken, isToken } from '../../../src/agent/access/local-token.ts'
import { endpoints } from '../../../src/agent/api/endpoints.ts'
import { listenTargets } from '../../../src/agent/api/targets.ts'
import { ensureNodeId } from '../../../src/platform/node-id.ts'
import { systemRandom } from '../../../src/platform/random.ts'
import { createStateFiles } from '../../../src/platform/state-files.ts'
import { operatorToken } from './fake-cluster.ts'
import { localToken, startTestApi, type TestApi, testSettings, withLocal } from './fixture.ts'
import { asOperator, seed } from './seed.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
  await seed(api)
})
afterAll(() => api.close())

const writes = endpoints.flatMap(({ path, actions }) =>
  (['PUT', 'DELETE', 'POST'] as const)
    .filter((method) => actions[method] !== undefined)
    .map((method) => [method, path.replace(':kind', 'service-intentions').replace('*', 'x')] as const),
)

test.each([...writes, ['GET', '/v1/agent/connect/ca/leaf/web'] as const])(
  '%s %s without a token is 403 and says what is needed',
  async (method, path) => {
    const before = api.cluster.writes.length
    // A transaction that only looks needs no token, so this one writes.
    const body = path === '/v1/txn' ? [{ KV: { Verb: 'delete', Key: 'x' } }] : {}
    const reply = await api.ask(method, path, { body })
    expect([reply.status, reply.headers['x-mesh-reason']]).toEqual([403, 'no-token'])
    expect(reply.text).toMatch(
      /^Permission denied: .+ Send one in X-Consul-Token: an operator token .+ unix socket\. \(no-token\)$/,
    )
    expect(api.cluster.writes.length).toBe(before)
  },
)

test('the local token registers services of this host and gets their leaves', async () => {
  const body = { Name: 'mine', Port: 1 }
  for (const headers of [{ 'X-Consul-Token': localToken }, { Authorization: `Bearer ${localToken}` }])
    expect((await api.ask('PUT', '/v1/agent/service/register', { body, headers })).status).toBe(200)
  expect((await api.ask('PUT', `/v1/agent/service/register?token=${localToken}`, { body })).status).toBe(200)
  expect((await api.ask('GET', '/v1/agent/connect/ca/leaf/mine', withLocal)).status).toBe(200)
})

test('the unix socket gives the same rights without a token', async () => {
  const body = { Name: 'by-socket' }
  expect((await api.ask('PUT', '/v1/agent/service/register', { body, socket: true })).status).toBe(200)
  expect((await api.ask('GET', '/v1/agent/connect/ca/leaf/by-socket', { socket: true })).status).toBe(200)
})

test('local rights change nothing cluster-wide: the answer names the operator token', async () => {
  const path = '/v1/connect/intentions/exact?source=a&destination=b'
  for (const options of [withLocal, { socket: true }]) {
    const before = api.cluster.writes.length
    const reply = await api.ask('PUT', path, { body: { Action: 'allow' }, ...options })
    expect([reply.status, reply.headers['x-mesh-reason']]).toEqual([403, 'bad-token'])
    expect(reply.text).toContain('Use an operator token for cluster-wide changes')
    expect(api.cluster.writes.length).toBe(before)
  }
})

test('an operator token is handed to the server, which judges it', async () => {
  const path = '/v1/connect/intentions/exact?source=a&destination=b'
  const good = await api.ask('PUT', path, { body: { Action: 'allow' }, headers: asOperator })
  expect([good.status, good.text]).toEqual([200, 'true'])
  expect(api.cluster.writes.at(-1)?.token).toBe(operatorToken)
  const bad = await api.ask('PUT', path, {
    body: { Action: 'allow' },
    headers: { 'X-Consul-Token': 'guess' },
  })
  expect([bad.status, bad.headers['x-mesh-reason']]).toEqual([403, 'bad-token'])
  expect(bad.text).toMatch(/^Permission denied: /)
})

test('an operator token also acts for this host; a made-up one does not, and the local one never leaves the host', async () => {
  const register = (token: string) =>
    api.ask('PUT', '/v1/agent/service/register', {
      body: { Name: 'x' },
      headers: { 'X-Consul-Token': token },
    })
  expect((await register(operatorToken)).status).toBe(200)
  expect((await register('made-up')).status).toBe(403)
  await api.ask('GET', '/v1/catalog/nodes', withLocal)
  expect(api.cluster.reads.at(-1)?.token).toBe('')
})

test('no token stands in a log line', () => {
  expect(JSON.stringify(api.lines)).not.toMatch(new RegExp(`${localToken}|${operatorToken}|made-up`))
})

describe('who is who', () => {
  const far = { kind: 'tcp', address: '10.0.0.9' } as const
  const near = { kind: 'tcp', address: '::ffff:127.0.0.1' } as const
  const unix = { kind: 'unix', address: '' } as const
  const reason = (result: ReturnType<typeof admit>): string =>
    result.ok ? result.value : result.failure.code

  test.each([
    [near, '', ['admitted', 'no-token', 'no-token']],
    [near, 'secret', ['admitted', 'admitted', 'bad-token']],
    [near, 'other', ['admitted', 'ask-server', 'admitted']],
    [unix, '', ['admitted', 'admitted', 'bad-token']],
    [unix, 'other', ['admitted', 'admitted', 'admitted']],
    [far, '', ['no-token', 'no-token', 'no-token']],
    [far, 'secret', ['admitted', 'admitted', 'bad-token']],
    [far, 'other', ['ask-server', 'ask-server', 'admitted']],
  ])('%o with token "%s"', (connection, token, expected) => {
    const caller = identifyCaller(connection, token, 'secret')
    expect((['read', 'local', 'operate'] as const).map((need) => reason(admit(caller, need)))).toEqual(
      expected,
    )
  })

  test('a query token beats the header, which beats the bearer; blanks do not count', () => {
    expect(tokenOf({ query: 'q', header: 'h', authorization: 'Bearer b' })).toBe('q')
    expect(tokenOf({ query: '', header: ' h ', authorization: 'Bearer b' })).toBe('h')
    expect(tokenOf({ query: null, header: '  ', authorization: 'bearer b' })).toBe('b')
    expect(tokenOf({ query: null, header: undefined, authorization: 'Basic b' })).toBe('')
  })

  test('loopback is 127/8 and ::1, also mapped, and nothing else', () => {
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
      expect(isLoopback(address)).toBe(true)
    for (const address of ['', '10.0.0.1', '128.0.0.1', '::2', 'x127.0.0.1'])
      expect(isLoopback(address)).toBe(false)
  })
})

describe('the local token', () => {
  test('is made once, readable by owner and group only, and the same after a restart', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mesh-token-'))
    try {
      const files = createStateFiles(folder)
      const first = ensureLocalToken(files, systemRandom)
      expect(first.ok && first.value).toMatch(/^[\w-]{43}$/)
      expect(statSync(join(folder, 'local.token')).mode & 0o777).toBe(0o640)
      expect(readFileSync(join(folder, 'local.token'), 'utf8').trim()).toBe(first.ok && first.value)
      expect(ensureLocalToken(files, systemRandom)).toEqual(first)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('that is damaged stops the start instead of being accepted or replaced', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mesh-token-'))
    try {
      writeFileSync(join(folder, 'local.token'), 'short\n')
      const result = ensureLocalToken(createStateFiles(folder), systemRandom)
      expect(result.ok ? '' : result.failure.message).toContain('local.token')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('is compared whole', () => {
    expect(isToken('abc', 'abc')).toBe(true)
    for (const wrong of ['', 'ab', 'abcd', 'ABC']) expect(isToken(wrong, 'abc')).toBe(false)
  })
})

test('a node id is made once and kept; a configured one wins; a damaged file stops the start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-node-'))
  try {
    const files = createStateFiles(folder)
    const made = ensureNodeId(files, systemRandom, '')
    expect(made.ok && made.value).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
    expect(ensureNodeId(files, systemRandom, '')).toEqual(made)
    expect(ensureNodeId(files, systemRandom, testSettings.nodeId)).toEqual({
      ok: true,
      value: testSettings.nodeId,
    })
    writeFileSync(join(folder, 'node-id'), 'x')
    expect(ensureNodeId(files, systemRandom, '').ok).toBe(false)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

describe('the unix socket', () => {
  test('has exactly the mode that was asked for', () => {
    expect(statSync(api.socketPath).mode & 0o777).toBe(0o660)
  })

  test('left by a killed agent is replaced; one in use, and a file in its place, are not', async () => {
    const stale = join(api.folder, 'stale.sock')
    const owner = createServer().listen(stale)
    await new Promise((resolve) => owner.once('listening', resolve))
    const other = await startTestApi()
    try {
      await expect(other.server.listen([{ kind: 'unix', path: stale, mode: 0o600 }])).rejects.toThrow(
        'in use',
      )
      const file = join(api.folder, 'file')
      writeFileSync(file, 'x')
      await expect(other.server.listen([{ kind: 'unix', path: file, mode: 0o600 }])).rejects.toThrow(
        'no socket',
      )
    } finally {
      owner.close()
      await other.close()
    }
  })
})

describe('where the API listens', () => {
  const groupFile = (): string => {
    const path = join(api.folder, 'group')
    writeFileSync(path, 'root:x:0:\nmesh-agent:x:987:ann,bob\nbroken\n')
    return path
  }

  test('a group is found by name or number, and a missing one says how to make it', () => {
    expect(groupIdOf('mesh-agent', groupFile())).toEqual({ ok: true, value: 987 })
    expect(groupIdOf('12', '/nonexistent')).toEqual({ ok: true, value: 12 })
    const missing = groupIdOf('nobody-has-this', groupFile())
    expect(missing.ok ? '' : missing.failure.message).toContain('groupadd --system nobody-has-this')
  })

  test('is every client address and the socket; without a port the socket alone', () => {
    const settings = { ...testSettings, clientAddresses: ['127.0.0.1', '::1'] }
    expect(listenTargets(settings, '/run/x/api.sock')).toEqual({
      ok: true,
      value: [
        { kind: 'unix', path: '/run/x/api.sock', mode: 0o660 },
        { kind: 'tcp', address: '127.0.0.1', port: 8500 },
        { kind: 'tcp', address: '::1', port: 8500 },
      ],
    })
    const off = listenTargets({ ...settings, ports: { ...settings.ports, http: -1 } }, '/s')
    expect(off.ok && off.value).toHaveLength(1)
    expect(
      listenTargets({ ...settings, unixSockets: { group: 'no-such-group-here', mode: '0660' } }, '/s').ok,
    ).toBe(false)
  })
})
