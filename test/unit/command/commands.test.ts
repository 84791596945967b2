// The commands as processes against a real API server over a mesh in memory: results, errors, exit status.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseEnrollmentToken } from '../../../src/rpc/enrollment-token.ts'
import { operatorToken } from '../api/fake-cluster.ts'
import { localToken, startTestApi, type TestApi } from '../api/fixture.ts'
import { seed } from '../api/seed.ts'
import { inTurn, type Run, runMesh, transcript } from './mesh-process.ts'

let api: TestApi
let folder: string
beforeAll(async () => {
  api = await startTestApi()
  await seed(api)
  folder = mkdtempSync(join(tmpdir(), 'mesh-command-'))
})
afterAll(async () => {
  await api.close()
  rmSync(folder, { recursive: true, force: true })
})

const asOperator = () => ({ MESH_HTTP_ADDR: api.url, MESH_TOKEN: operatorToken })
const mesh = (...args: string[]): Promise<Run> => runMesh(args, { env: asOperator() })
const write = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
/** What differs from run to run, or from machine to machine. */
const settled = (text: string): string =>
  text
    .replaceAll(folder, '/folder')
    .replace(/index \d+/g, 'index N')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
const golden = (name: string): string => join(import.meta.dirname, 'golden', name)

test('looking at the mesh is as agreed', async () => {
  api.cluster.enforcement = { enforced: 2, total: 2, waitingFor: [] }
  const calls = [
    ['services'],
    ['services', '-all'],
    ['services', 'backend'],
    ['services', 'web'],
    ['services', 'bakcend'],
    ['services', 'regster'],
    ['members'],
    ['status'],
    ['status', '-leader'],
    ['ca'],
    ['ca', 'roots', '-pem'],
    ['intention', 'list'],
    ['intention', 'get', 'web', 'backend'],
    ['intention', 'get', 'web', 'nobody'],
    ['intention', 'check', 'web', 'backend'],
    ['intention', 'check', 'other', 'backend'],
    ['intention', 'check', 'a', 'b'],
  ]
  const runs = await inTurn(calls.map((args) => () => mesh(...args)))
  const text = settled(runs.map((run, i) => transcript(calls[i] ?? [], run)).join('\n'))
  await expect(text).toMatchFileSnapshot(golden('looking.txt'))
  expect(runs.map((run) => run.status)).toEqual([0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1])
})

test('-o json gives the same facts to programs', async () => {
  const [services, members, check, status] = await inTurn([
    () => mesh('services', '-o', 'json'),
    () => mesh('members', '-o=json'),
    () => mesh('intention', 'check', 'web', 'backend', '-output', 'json'),
    () => mesh('status', '--output=json'),
  ])
  expect(JSON.parse(services?.out ?? '')).toContainEqual(
    expect.objectContaining({ Name: 'backend', Instances: 2 }),
  )
  expect(JSON.parse(members?.out ?? '')).toContainEqual(
    expect.objectContaining({ Name: 'host-2', Status: 1 }),
  )
  expect(JSON.parse(check?.out ?? '')).toEqual({
    Allowed: true,
    Reason: 'allowed-by-intention',
    Rule: { sourceName: 'web', destinationName: 'backend', action: 'allow' },
  })
  expect(JSON.parse(status?.out ?? '')).toMatchObject({
    Leader: '10.0.0.1:8300',
    HasQuorum: true,
    Servers: [{ State: 'leader' }, { State: 'learner', LastHeard: '2026-01-02T03:04:05Z' }],
  })
})

describe('changing intentions', () => {
  test('ends when all proxies enforce it, and says at which index on how many', async () => {
    api.cluster.enforcement = { enforced: 2, total: 2, waitingFor: [] }
    const run = await mesh('intention', 'deny', 'shop', 'backend', '-description', 'closed')
    expect(settled(run.out)).toBe('Denied: shop => backend\nenforced at index N on 2 of 2 proxies\n')
    expect([run.status, run.err]).toEqual([0, ''])
    expect(api.cluster.intentions.get('shop/backend')).toMatchObject({
      action: 'deny',
      description: 'closed',
    })
    expect(run.out).toContain(`index ${api.cluster.intentions.get('shop/backend')?.modifyIndex} `)
  })

  test('names the hosts that do not enforce it in time, and fails', async () => {
    api.cluster.enforcement = { enforced: 1, total: 2, waitingFor: ['host-2'] }
    const run = await mesh('intention', 'allow', 'shop', 'backend', '-wait', '200ms')
    expect(settled(run.out)).toBe('Allowed: shop => backend\nenforced at index N on 1 of 2 proxies\n')
    expect(run.err).toBe(
      'mesh: not enforced yet on: host-2\nTry: systemctl status mesh-agent mesh-proxy on host-2\n',
    )
    expect(run.status).toBe(1)
    const hasty = await mesh('intention', 'allow', 'shop', 'backend', '-wait', '0s')
    expect([hasty.status, hasty.err]).toEqual([0, ''])
  })

  test('deletes what is there, and fails for what is not', async () => {
    api.cluster.enforcement = { enforced: 0, total: 0, waitingFor: [] }
    const gone = await mesh('intention', 'delete', 'shop', 'backend')
    expect(settled(gone.out)).toBe(
      'Deleted: shop => backend\nenforced at index N: no proxy serves backend yet\n',
    )
    const again = await mesh('intention', 'delete', 'shop', 'backend')
    expect(again.err).toBe('mesh: there is no intention shop => backend\nTry: mesh intention list\n')
    expect(again.status).toBe(1)
  })

  test('without an operator token says which one is needed and where it lies', async () => {
    const env = { MESH_HTTP_ADDR: api.url, MESH_TOKEN: localToken }
    const run = await runMesh(['intention', 'allow', 'a', 'b'], { env })
    expect(run.status).toBe(1)
    expect(run.err).toContain('Permission denied')
    expect(run.err).toContain('(bad-token)')
    expect(run.err).toContain('Try: give an operator token with -token-file FILE or MESH_TOKEN_FILE')
  })
})

describe('apply', () => {
  const short = 'intention {\n  source_name = "cart"\n  destination_name = "pay"\n  action = "allow"\n}\n'
  const entry = (action: string) =>
    `kind = "service-intentions"\nname = "stock"\nsources = [{ name = "*", action = "${action}" }]\n`

  test('creates, changes and leaves alone, one line each; a rehearsal writes nothing', async () => {
    const files = [write('a.hcl', short), write('b.hcl', entry('deny'))]
    const before = api.cluster.writes.length
    const rehearsal = await mesh('apply', '-f', ...files, '-dry-run')
    expect(rehearsal.out).toBe(
      'would create  intention cart => pay (allow)\nwould create  service-intentions stock\n',
    )
    expect(api.cluster.writes.length).toBe(before)
    const first = await mesh('apply', '-f', ...files)
    expect(first.out).toBe('created    intention cart => pay (allow)\ncreated    service-intentions stock\n')
    expect(api.cluster.entries.get('service-intentions/stock')?.sources[0]?.action).toBe('deny')
    const again = await mesh('apply', '-f', ...files)
    expect(again.out).toBe('unchanged  intention cart => pay (allow)\nunchanged  service-intentions stock\n')
    write('b.hcl', entry('allow'))
    const changed = await mesh('apply', '-f', folder, '-o', 'json')
    expect(JSON.parse(changed.out)).toEqual([
      { what: 'intention cart => pay (allow)', effect: 'unchanged' },
      { what: 'service-intentions stock', effect: 'changed' },
    ])
    expect(api.cluster.writes.length).toBe(before + 3)
  })

  test('writes nothing at all when any file has a mistake, and shows each with its place', async () => {
    const bad = write('bad.hcl', 'intention {\n  source_name = "x"\n}\n')
    const good = write('good.hcl', short.replace('cart', 'other'))
    const before = api.cluster.writes.length
    const run = await mesh('apply', '-f', good, bad)
    expect(run.status).toBe(1)
    expect(run.err).toContain(`${bad}:1:`)
    expect(run.err).toMatch(/mesh: \d mistakes?\n$/)
    expect(api.cluster.writes.length).toBe(before)
    rmSync(bad)
    rmSync(good)
  })
})

describe('services of this host', () => {
  test('are registered from a file and removed again', async () => {
    const file = write(
      'svc.hcl',
      'services = [{ name = "one", port = 1 }]\nservice {\n  name = "two"\n  port = 2\n  check { ttl = "10s" }\n}\n',
    )
    const run = await mesh('services', 'register', file)
    expect([run.out, run.err]).toEqual(['Registered service: two\nRegistered service: one\n', ''])
    expect(api.registry.services().map(({ service }) => service.id)).toEqual(['two', 'one'])
    const gone = await mesh('services', 'deregister', 'one', 'two')
    expect(gone.out).toBe('Deregistered service: one\nDeregistered service: two\n')
    const again = await mesh('services', 'deregister', 'one')
    expect([again.status, again.err.split('\n')[0]]).toEqual([
      1,
      'mesh: Unknown service ID "one". Ensure that the service ID is passed, not the service name.',
    ])
    rmSync(file)
  })

  test('with a mistake are refused with the words of the agent', async () => {
    const file = write('bad.hcl', 'service {\n  name = "x"\n  prot = 1\n}\n')
    const run = await mesh('services', 'register', file)
    expect(run.status).toBe(1)
    expect(run.err).toContain('prot')
    const none = await mesh('services', 'register', write('bad.hcl', 'datacenter = "dc1"\n'))
    expect(none.err).toContain('defines no service')
    rmSync(file)
  })
})

test('token create -q prints the token and nothing else; without -q the notes go to standard error', async () => {
  const [quiet, loud] = await inTurn([
    () => mesh('token', 'create', '-node', 'host-7', '-service', 'web,api', '-q'),
    () => mesh('token', 'create'),
  ])
  expect(quiet?.err).toBe('')
  const token = parseEnrollmentToken(quiet?.out ?? '')
  expect(token).toMatchObject({ ok: true, value: { node: 'host-7', servers: ['10.0.0.1:8300'] } })
  expect(loud?.out.trim().split('\n')).toHaveLength(1)
  expect(loud?.err).toContain('mesh enroll -token-file FILE')
  expect(loud?.err).toContain('mesh enroll <<< TOKEN')
  expect(loud?.err).not.toContain(loud?.out.trim())
})

test('node evict says what follows, and that it was done before', async () => {
  const first = await mesh('node', 'evict', 'host-2')
  expect([first.status, first.out]).toEqual([0, 'Evicted: host-2\n'])
  expect(first.err).toContain('mesh token create -node host-2')
  const second = await mesh('node', 'evict', 'host-2', '-o', 'json')
  expect(JSON.parse(second.out)).toEqual({ Node: 'host-2', Changed: false })
  expect((await mesh('node', 'evict')).status).toBe(2)
})

test('reload says that it was done, or what is wrong', async () => {
  expect((await mesh('reload')).out).toBe('Configuration reloaded.\n')
  api.reloadResult = { ok: false, failure: { code: 'invalid-config', message: 'web.hcl:3:1: no such key' } }
  const run = await mesh('reload')
  expect([run.status, run.err]).toEqual([
    1,
    'mesh: web.hcl:3:1: no such key. Correct the place that the message names (file:line:column) and reload. (invalid-config)\nTry: mesh explain invalid-config\n',
  ])
})

describe('validate', () => {
  test('accepts a good folder and counts what is in it', async () => {
    mkdirSync(join(folder, 'conf'))
    write('conf/a.hcl', 'data_dir = "/tmp/x"\nservers = ["10.0.0.1:8300"]\nadvertise_addr = "10.0.0.2"\n')
    write('conf/b.hcl', 'service {\n  name = "web"\n  port = 80\n}\n')
    const run = await runMesh(['validate', join(folder, 'conf')])
    expect([run.err, run.status]).toEqual(['', 0])
    expect(run.out).toMatch(/^Configuration is valid: 2 files, 1 service, 0 checks/)
  })

  test('shows every mistake of every file with its place', async () => {
    write('conf/b.hcl', 'service {\n  nme = "web"\n}\n')
    write('conf/c.hcl', 'check {\n')
    const run = await runMesh(['validate', join(folder, 'conf')])
    expect(run.status).toBe(1)
    expect(run.err).toMatch(/b\.hcl:2:3: /)
    expect(run.err).toMatch(/c\.hcl:\d+:\d+: /)
  })
})

describe('finding the agent and the token', () => {
  test('the unix socket of the runtime directory is used when nothing else is named, and needs no token', async () => {
    const file = write('sock.hcl', 'service {\n  name = "socketed"\n}\n')
    const run = await runMesh(['services', 'register', file], { env: { MESH_RUNTIME_DIR: api.folder } })
    expect([run.out, run.err]).toEqual(['Registered service: socketed\n', ''])
    const named = await runMesh(['members', '-http-addr', `unix://${api.socketPath}`])
    expect(named.status).toBe(0)
  })

  test('the operator token of this machine’s server is found in the data directory, a flag beats the environment', async () => {
    mkdirSync(join(folder, 'data/server'), { recursive: true })
    write('data/server/operator.token', `${operatorToken}\n`)
    const env = { CONSUL_HTTP_ADDR: `127.0.0.1:${api.port}`, MESH_DATA_DIR: join(folder, 'data') }
    const allow = ['intention', 'allow', 'p', 'q', '-wait', '0s']
    expect((await runMesh(allow, { env })).status).toBe(0)
    expect((await runMesh(allow, { env: { ...env, CONSUL_HTTP_TOKEN: 'wrong' } })).status).toBe(1)
    const flag = [...allow, '-token-file', join(folder, 'data/server/operator.token')]
    expect((await runMesh(flag, { env: { ...env, MESH_TOKEN: 'wrong' } })).status).toBe(0)
  })
})
