// The commands that people of this field type every day, as processes against a real API server over a mesh in memory.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operatorToken } from '../api/fake-cluster.ts'
import { localToken, startTestApi, type TestApi, until } from '../api/fixture.ts'
import { seed } from '../api/seed.ts'
import { inTurn, type Run, runMesh, startProcess, transcript } from './mesh-process.ts'

let api: TestApi
let folder: string
beforeAll(async () => {
  api = await startTestApi()
  await seed(api)
  folder = mkdtempSync(join(tmpdir(), 'mesh-everyday-'))
})
afterAll(async () => {
  await api.close()
  rmSync(folder, { recursive: true, force: true })
})

const env = () => ({ MESH_HTTP_ADDR: api.url, MESH_TOKEN: operatorToken })
const mesh = (...args: string[]): Promise<Run> => runMesh(args, { env: env() })
const golden = (name: string): string => join(import.meta.dirname, 'golden', name)
const settled = (text: string): string =>
  text
    .replaceAll(folder, '/folder')
    .replace(/node v?\d+\.\d+\.\d+/g, 'node V')
    .replace(/arch = \w+/g, 'arch = A')

test('what the mesh is made of is as agreed', async () => {
  const calls = [
    ['members', '-detailed'],
    ['members', '-status', 'failed'],
    ['members', '-wan'],
    ['catalog', 'datacenters'],
    ['catalog', 'nodes'],
    ['catalog', 'nodes', '-detailed', '-node-meta', 'rack=r2:a'],
    ['catalog', 'nodes', '-service', 'web'],
    ['catalog', 'services'],
    ['catalog', 'services', '-tags'],
    ['catalog', 'services', '-node', 'host-2', '-tags'],
    ['catalog', 'services', '-node', 'hots-2'],
    ['operator', 'usage'],
    ['info'],
    ['intention', 'match', 'backend'],
    ['intention', 'match', '-source', 'web'],
    ['intention', 'match', '-source', 'nobody-at-all'],
  ]
  const runs = await inTurn(calls.map((args) => () => mesh(...args)))
  await expect(settled(runs.map((run, i) => transcript(calls[i] ?? [], run)).join('\n'))).toMatchFileSnapshot(
    golden('everyday.txt'),
  )
})

test('every table is also given as JSON, by our flag and by Consul’s', async () => {
  const calls = [
    ['members', '-detailed'],
    ['catalog', 'nodes'],
    ['catalog', 'services', '-tags'],
    ['catalog', 'datacenters'],
    ['operator', 'usage'],
    ['info'],
    ['intention', 'match', 'backend'],
    ['config', 'list', '-kind', 'service-intentions'],
    ['services'],
    ['intention', 'list'],
    ['kv', 'list'],
  ]
  const forms = [['-o', 'json'], ['-format=json'], ['-output=json']]
  const runs = await inTurn(calls.map((args, i) => () => mesh(...args, ...(forms[i % forms.length] ?? []))))
  runs.forEach((run, i) => {
    expect([calls[i], run.status, typeof JSON.parse(run.out)]).toEqual([calls[i], 0, 'object'])
  })
})

describe('config', () => {
  test('writes, reads, lists and deletes an entry, each on condition where asked', async () => {
    const file = join(folder, 'entry.hcl')
    writeFileSync(
      file,
      'kind = "service-intentions"\nname = "till"\nsources = [{ name = "web", action = "allow" }]\n',
    )
    const named = ['-kind', 'service-intentions', '-name', 'till']
    expect((await mesh('config', 'write', file)).out).toBe('Config entry written: service-intentions/till\n')
    const read = JSON.parse((await mesh('config', 'read', ...named)).out)
    expect(read).toMatchObject({ Name: 'till', Sources: [{ Name: 'web', Action: 'allow' }] })
    expect((await mesh('config', 'list', '-kind', 'service-intentions')).out.split('\n')).toContain('till')
    const stale = await mesh('config', 'write', file, '-cas', '-modify-index', '1')
    expect([stale.status, stale.err]).toEqual([
      1,
      'mesh: service-intentions/till was not last changed at that index; nothing was written\nTry: mesh config read -kind service-intentions -name till\n',
    ])
    const refused = await mesh('config', 'delete', ...named, '-cas', '-modify-index', '1')
    expect([refused.status, api.cluster.entries.has('service-intentions/till')]).toEqual([1, true])
    const gone = await mesh('config', 'delete', ...named, '-cas', '-modify-index', String(read.ModifyIndex))
    expect([gone.out, api.cluster.entries.has('service-intentions/till')]).toEqual([
      'Config entry deleted: service-intentions/till\n',
      false,
    ])
    const missing = await mesh('config', 'read', ...named)
    expect(missing.err).toBe(
      'mesh: there is no config entry service-intentions/till\nTry: mesh config list -kind service-intentions\n',
    )
  })

  test('reads an entry from standard input', async () => {
    const input = 'Kind = "service-intentions"\nName = "piped"\nSources = [{ Name = "*", Action = "deny" }]\n'
    const run = await runMesh(['config', 'write', '-'], { env: env(), input })
    expect([run.err, run.out]).toEqual(['', 'Config entry written: service-intentions/piped\n'])
  })
})

test('services register takes flags in the place of a file', async () => {
  const flags = ['-name', 'lone', '-id', 'lone-1', '-port', '81', '-tag', 'a', '-tag', 'b', '-meta', 'v=1=2']
  const local = { MESH_HTTP_ADDR: api.url, MESH_TOKEN: localToken }
  const run = await runMesh(['services', 'register', ...flags, '-address', '10.9.9.9'], { env: local })
  expect([run.err, run.out]).toEqual(['', 'Registered service: lone\n'])
  expect(api.registry.service('lone-1')?.service).toMatchObject({
    name: 'lone',
    port: 81,
    address: '10.9.9.9',
    tags: ['a', 'b'],
    meta: { v: '1=2' },
  })
  await runMesh(['services', 'deregister', 'lone-1'], { env: local })
})

describe('intention create', () => {
  test('writes by names or by files, and replaces only when told', async () => {
    api.cluster.enforcement = { enforced: 1, total: 1, waitingFor: [] }
    const file = join(folder, 'two.hcl')
    writeFileSync(
      file,
      'intentions = [{ source_name = "a1", destination_name = "b1", action = "deny" }, { source_name = "a2", destination_name = "b2", action = "allow", description = "why" }]\n',
    )
    expect((await mesh('intention', 'create', 'one', 'two')).out).toMatch(/^Allowed: one => two\nenforced/)
    expect((await mesh('intention', 'create', '-file', file)).out).toMatch(
      /Denied: a1 => b1\n[\s\S]*Allowed: a2 => b2/,
    )
    expect(api.cluster.intentions.get('a2/b2')).toMatchObject({ action: 'allow', description: 'why' })
    const again = await mesh('intention', 'create', '-deny', 'one', 'two')
    expect([again.status, again.err]).toEqual([
      1,
      'mesh: there is an intention one => two (allow) already; nothing was written\nTry: the same with -replace\n',
    ])
    await mesh('intention', 'create', '-deny', '-replace', 'one', 'two')
    expect(api.cluster.intentions.get('one/two')).toMatchObject({ action: 'deny' })
  })
})

describe('watch', () => {
  test('-once shows the answer as JSON, null for a key that is not there, or gives it to a program', async () => {
    await mesh('kv', 'put', 'watched', 'first')
    const [shown, missing, given] = await inTurn([
      () => mesh('watch', '-type', 'key', '-key', 'watched', '-once'),
      () => mesh('watch', '-type', 'key', '-key', 'nothing', '-once'),
      () =>
        mesh(
          'watch',
          '-type=services',
          '-once',
          '--',
          '/bin/sh',
          '-c',
          'cat; echo "at $CONSUL_INDEX"; exit 7',
        ),
    ])
    expect(JSON.parse(shown?.out ?? '')).toMatchObject([{ Key: 'watched', Value: 'Zmlyc3Q=' }])
    expect([missing?.status, missing?.out]).toEqual([0, 'null\n'])
    expect([given?.status, given?.out]).toEqual([7, expect.stringMatching(/^\{.*"web".*\}\nat \d+\n$/)])
  })

  test('shows each change, and one that makes no difference not at all', async () => {
    await mesh('kv', 'put', 'followed', 'one')
    const watching = startProcess(['watch', '-type', 'key', '-key', 'followed', '--', 'cat'], { env: env() })
    try {
      await until(() => watching.out().includes('b25l'), 20_000)
      await mesh('kv', 'put', 'beside', 'x')
      await mesh('kv', 'put', 'followed', 'two')
      await until(() => watching.out().includes('dHdv'), 20_000)
      await mesh('kv', 'delete', 'followed')
      await until(() => watching.out().includes('null'), 20_000)
      expect(watching.out().trim().split('\n')).toHaveLength(3)
    } finally {
      await watching.stop()
    }
  })
})

test('monitor follows the log in the asked level until it is stopped', async () => {
  const watching = startProcess(['monitor', '-log-level', 'debug'], { env: env() })
  try {
    await until(() => {
      api.ownLog.debug('a detail')
      return watching.out().includes('a detail')
    }, 20_000)
    expect(watching.out()).toMatch(/^\S+Z DEBUG a detail\n/)
  } finally {
    await watching.stop()
  }
})

test('debug writes one private file with all it took, and none of the secrets that it met', async () => {
  const target = join(folder, 'bundle.tar.gz')
  const run = await mesh('debug', '-duration', '1s', '-interval', '1s', '-file', target)
  expect([run.status, run.out]).toEqual([0, `Saved: ${target}\n`])
  const { files, mode } = await unpacked(target)
  expect([...files.keys()]).toEqual([
    'mesh-debug/000/metrics.json',
    'mesh-debug/000/process.json',
    'mesh-debug/001/metrics.json',
    'mesh-debug/001/process.json',
    'mesh-debug/agent.cpuprofile',
    'mesh-debug/agent.json',
    'mesh-debug/agent.log',
    'mesh-debug/cluster.json',
    'mesh-debug/host.json',
    'mesh-debug/index.json',
    'mesh-debug/members.json',
    'mesh-debug/metrics.prom',
    'mesh-debug/usage.json',
    'mesh-debug/version.json',
  ])
  expect(mode & 0o777).toBe(0o600)
  expect(JSON.parse(files.get('mesh-debug/index.json') ?? '')).toMatchObject({ failures: [] })
  expect(JSON.parse(files.get('mesh-debug/agent.json') ?? '')).toHaveProperty('Config.NodeName', 'host-1')
  expect([...files.values()].join('')).not.toContain(operatorToken)
  const again = await mesh('debug', '-duration', '1s', '-interval', '1s', '-file', target)
  expect([again.status, again.err]).toContain(
    `mesh: ${target} is there already\nTry: mesh debug -file ${target}.2\n`,
  )
})

async function unpacked(path: string): Promise<{ files: Map<string, string>; mode: number }> {
  const { execFileSync } = await import('node:child_process')
  const { statSync } = await import('node:fs')
  const names = execFileSync('tar', ['-tzf', path], { encoding: 'utf8' }).trim().split('\n')
  const read = (name: string): string =>
    execFileSync('tar', ['-xOzf', path, name], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  return { files: new Map(names.map((name) => [name, read(name)])), mode: statSync(path).mode }
}

test('the bundle of `debug` is read by the system’s tar with its names and bytes', async () => {
  const { tarArchive } = await import('../../../src/wire/tar.ts')
  const { gzipSync } = await import('node:zlib')
  const path = join(folder, 'own.tar.gz')
  const sizes = [0, 1, 511, 512, 513, 100_000]
  const content = (size: number): string => 'x'.repeat(size)
  const archive = tarArchive(
    sizes.map((size) => ({ path: `a/${size}`, content: Buffer.from(content(size)) })),
    Date.UTC(2026, 0, 2, 3, 4, 5),
  )
  writeFileSync(path, gzipSync(archive))
  const { files } = await unpacked(path)
  expect([...files]).toEqual(sizes.map((size) => [`a/${size}`, content(size)]))
  expect(readFileSync(path).length).toBeLessThan(archive.length)
})
