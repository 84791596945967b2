// `mesh init` writes a configuration that the other commands take, says what to type next, and overwrites nothing.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadConfiguration } from '../../../src/config/load.ts'
import { runMesh } from './mesh-process.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-init-'))
  folders.push(folder)
  return folder
}

const init = (folder: string, ...args: string[]) => runMesh(['init', '-config-dir', folder, ...args])
const machine = { hostname: 'vm', privateAddress: '10.0.0.7', interfaceAddresses: {} }

function settingsIn(folder: string, file: string) {
  const path = join(folder, file)
  const loaded = loadConfiguration([{ path, text: readFileSync(path, 'utf8') }], machine)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
  return loaded.value.settings
}

test('the first server names no other, so that it founds the mesh', async () => {
  const folder = newFolder()
  const run = await init(folder, '-server', '-node', 's1', '-address', '10.0.0.1')
  expect(run.status, run.err).toBe(0)
  expect(settingsIn(folder, 'server.hcl')).toMatchObject({
    server: true,
    servers: [],
    nodeName: 's1',
    advertiseAddress: '10.0.0.1',
  })
  expect(run.err).toContain('mesh token create -server')
})

test('a further server names those that there are, and is told how to get its token', async () => {
  const folder = newFolder()
  const run = await init(
    folder,
    '-server',
    '-node',
    's2',
    '-address',
    '10.0.0.2',
    '-join',
    '10.0.0.1',
    '-join',
    'b:9',
  )
  expect(run.status, run.err).toBe(0)
  expect(settingsIn(folder, 'server.hcl').servers).toEqual(['10.0.0.1:8300', 'b:9'])
  expect(run.err).toContain('mesh token create -server -node s2 -q > s2.token')
  expect(run.err).toContain('mesh enroll -server -token-file s2.token')
})

test('a host without a server runs none', async () => {
  const folder = newFolder()
  const run = await init(folder, '-agent', '-address', '10.0.0.3', '-join', '10.0.0.1')
  expect(run.status, run.err).toBe(0)
  expect(settingsIn(folder, 'agent.hcl')).toMatchObject({ server: false, servers: ['10.0.0.1:8300'] })
})

test('a file that is there is left as it is', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'server.hcl'), 'server = true\n')
  const run = await init(folder, '-server', '-address', '10.0.0.1')
  expect(run.status).toBe(1)
  expect(run.err).toContain('is there already')
  expect(readFileSync(join(folder, 'server.hcl'), 'utf8')).toBe('server = true\n')
})

test('what the other files of the folder contradict is shown and not written', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'a.hcl'), 'server = \n')
  const run = await init(folder, '-server', '-address', '10.0.0.1')
  expect(run.status).toBe(1)
  expect(run.err).toContain('a.hcl:1')
  expect(readdirSync(folder)).toEqual(['a.hcl'])
})

test('without -server or -agent, and with both, it says what to type', async () => {
  for (const flags of [[], ['-server', '-agent']]) {
    const run = await init(newFolder(), ...flags)
    expect(run.status).toBe(2)
    expect(run.err).toContain('mesh init -server, or mesh init -agent')
  }
})

test('a trial has two services that the mesh takes, and the lines that begin it', async () => {
  const folder = newFolder()
  const run = await init(folder, '-dev')
  expect(run.status, run.err).toBe(0)
  const path = join(folder, 'dev.hcl')
  const loaded = loadConfiguration([{ path, text: readFileSync(path, 'utf8') }], machine)
  expect(loaded.ok && loaded.value.definitions.services.map(({ service }) => service.name)).toEqual([
    'backend',
    'web',
  ])
  expect(run.err).toContain(`mesh agent -dev -config-dir ${folder}`)
})

test.each([
  [
    'a folder that systemd does not read',
    ['-agent', '-start'],
    'systemd runs what is configured in /etc/mesh-agent',
  ],
  ['a trial', ['-dev', '-start'], 'a trial is not run by systemd'],
])('%s is not started, and nothing is written', async (_what, flags, said) => {
  const folder = newFolder()
  const run = await init(folder, ...flags)
  expect([run.status, readdirSync(folder)]).toEqual([2, []])
  expect(run.err).toContain(said)
})

test('a token for the first server, and one that cannot be read, are refused before anything is written', async () => {
  const first = await runMesh(['init', '-server', '-token-file', '/nonexistent'])
  expect([first.status, first.err]).toEqual([2, expect.stringContaining('founds the mesh')])
  const missing = await runMesh(['init', '-agent', '-token-file', '/nonexistent'])
  expect([missing.status, missing.err]).toEqual([1, expect.stringContaining('/nonexistent cannot be read')])
})
