// `mesh lock` and `mesh session` as processes against a real API server with the server's own store behind it.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { operatorToken } from '../api/fake-cluster.ts'
import { startTestApi, type TestApi, until } from '../api/fixture.ts'
import { asOperator } from '../api/seed.ts'
import { type Run, runMesh } from './mesh-process.ts'

const entry = join(import.meta.dirname, '../../../src/main.ts')
let api: TestApi
let folder: string
const started: ChildProcess[] = []
beforeAll(async () => {
  api = await startTestApi()
  folder = mkdtempSync(join(tmpdir(), 'mesh-lock-'))
})
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL')
  await api.close()
  rmSync(folder, { recursive: true, force: true })
})

const environment = (): Record<string, string> => ({ MESH_HTTP_ADDR: api.url, MESH_TOKEN: operatorToken })
const mesh = (...args: readonly string[]): Promise<Run> => runMesh(args, { env: environment() })
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it did not come about')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
const file = (name: string): string => join(folder, name)
const said = (name: string): string => (existsSync(file(name)) ? readFileSync(file(name), 'utf8') : '')

/** `mesh lock ...` that goes on running. */
function locking(...args: readonly string[]): {
  readonly child: ChildProcess
  readonly done: Promise<number | null>
} {
  const child = spawn(process.execPath, [entry, 'lock', ...args], {
    env: { PATH: '/usr/bin:/bin', NO_COLOR: '1', ...environment() },
    stdio: 'ignore',
  })
  started.push(child)
  return { child, done: new Promise((resolve) => child.once('exit', (code) => resolve(code))) }
}

interface Row {
  readonly Key: string
  readonly Session?: string
}
const rows = async (prefix: string): Promise<readonly Row[]> => {
  const reply = await api.ask('GET', `/v1/kv/${prefix}?recurse`)
  return reply.status === 404 ? [] : (reply.json as readonly Row[])
}
const sessions = async (): Promise<readonly { readonly ID: string; readonly Name: string }[]> =>
  (await api.ask('GET', '/v1/session/list')).json as never
const holder = async (prefix: string): Promise<string | undefined> =>
  (await rows(`${prefix}/.lock`))[0]?.Session

test('a command runs while the lock is held, with its own flags, and leaves nothing behind', async () => {
  const seen = `${api.url}/v1/kv/job/.lock`
  const run = await mesh(
    'lock',
    '-shell=false',
    'job',
    'node',
    '-e',
    `
    fetch('${seen}').then((r) => r.text()).then((text) => console.log(
      /"Flags":(\\d+)/.exec(text)[1], text.includes('"Session":"'), process.env.CONSUL_LOCK_HELD,
      process.argv.slice(1).join(' ')))`,
    '--',
    '-name',
    '--',
    '-x',
  )
  expect([run.status, run.out, run.err]).toEqual([0, '3304740253564472344 true true -name -- -x\n', ''])
  expect([await rows('job/'), await sessions()]).toEqual([[], []])
})

test('a second one waits for its turn, and gives up when that takes too long', async () => {
  const first = locking(
    'turn',
    `echo first > ${file('turn')}; while [ ! -e ${file('go')} ]; do sleep 0.05; done`,
  )
  await until(() => said('turn') === 'first\n')
  const late = await mesh('lock', '-timeout', '300ms', 'turn', 'echo', 'never')
  expect([late.status, late.out, late.err]).toEqual([
    1,
    '',
    'mesh: the lock turn was not free within 300ms\n',
  ])
  const second = locking('turn', `echo second >> ${file('turn')}`)
  await eventually(async () => (await sessions()).length === 2)
  writeFileSync(file('go'), '')
  expect([await first.done, await second.done]).toEqual([0, 0])
  expect(said('turn')).toBe('first\nsecond\n')
  expect([await rows('turn/'), await sessions()]).toEqual([[], []])
})

test('the status of the command is told where that is asked for', async () => {
  expect((await mesh('lock', 'status', 'exit 3')).status).toBe(0)
  expect((await mesh('lock', '-child-exit-code', 'status', 'exit 3')).status).toBe(2)
  expect((await mesh('lock', '-child-exit-code', 'status', 'true')).status).toBe(0)
  const missing = await mesh('lock', '-shell=false', 'status', '/nonexistent')
  expect([missing.status, missing.err]).toEqual([1, expect.stringContaining('/nonexistent cannot be run')])
  expect(await sessions()).toEqual([])
})

test('a signal is the command’s, and the lock is given back when it ended', async () => {
  const { child, done } = locking(
    'signal',
    `trap 'echo told > ${file('signal')}; exit 0' TERM; echo ready > ${file('ready')}; while true; do sleep 0.05; done`,
  )
  await until(() => said('ready') === 'ready\n')
  child.kill('SIGTERM')
  expect(await done).toBe(0)
  expect(said('signal')).toBe('told\n')
  expect([await rows('signal/'), await sessions()]).toEqual([[], []])
})

test('the command is ended when the lock is lost', async () => {
  const { done } = locking(
    'lost',
    `trap 'echo ended > ${file('lost')}; exit 0' TERM; echo run > ${file('run')}; while true; do sleep 0.05; done`,
  )
  await until(() => said('run') === 'run\n')
  await api.ask('PUT', `/v1/session/destroy/${await holder('lost')}`, { headers: asOperator })
  expect(await done).toBe(1)
  expect(said('lost')).toBe('ended\n')
})

test('a semaphore has as many holders as it says, the next one comes when one goes', async () => {
  const waitFor = (name: string): string =>
    `touch ${file(name)}; while [ ! -e ${file(`${name}-go`)} ]; do sleep 0.05; done`
  const [one, two, three] = ['one', 'two', 'three'].map((name) => locking('-n', '2', 'sem', waitFor(name)))
  await eventually(async () => (await rows('sem/')).length === 4)
  const running = (): readonly string[] => ['one', 'two', 'three'].filter((name) => existsSync(file(name)))
  await until(() => running().length === 2)
  const other = await mesh('lock', '-n', '3', 'sem', 'true')
  expect([other.status, other.err]).toEqual([
    1,
    expect.stringContaining('the lock is for 2 holders, not for 3'),
  ])
  expect(running()).toHaveLength(2)
  for (const name of running()) writeFileSync(file(`${name}-go`), '')
  await until(() => running().length === 3)
  for (const name of running()) writeFileSync(file(`${name}-go`), '')
  expect(await Promise.all([one?.done, two?.done, three?.done])).toEqual([0, 0, 0])
  expect([await rows('sem/'), await sessions()]).toEqual([[], []])
})

test('sessions are made, listed, renewed and destroyed by hand, and take a key', async () => {
  const made = await mesh(
    'session',
    'create',
    '-name',
    'by hand',
    '-ttl',
    '30s',
    '-lock-delay',
    '0s',
    '-check',
    'serfHealth',
  )
  expect([made.status, made.out]).toEqual([0, expect.stringMatching(/^[0-9a-f-]{36}\n$/)])
  const id = made.out.trim()
  const list = await mesh('session', 'list')
  expect(list.out).toContain(`${id}  by hand  host-1  30s  release   0s          serfHealth`)
  expect((await mesh('session', 'renew', id)).out).toBe(`Renewed: ${id}\n`)
  const put = (...args: readonly string[]) => mesh('kv', 'put', ...args)
  expect((await put('hand', 'mine', '-acquire', '-session', id)).status).toBe(0)
  const other = (await mesh('session', 'create')).out.trim()
  const refused = await put('hand', 'yours', '-acquire', '-session', other)
  expect([refused.status, refused.err]).toEqual([1, expect.stringContaining('"hand" is locked')])
  expect((await mesh('kv', 'list', 'hand', '-long')).out).toContain(id)
  expect((await put('hand', '', '-release', '-session', other)).status).toBe(1)
  expect((await put('hand', '', '-release', '-session', id)).status).toBe(0)
  const alone = await put('hand', 'x', '-acquire')
  expect([alone.status, alone.err]).toEqual([2, expect.stringContaining('-session')])
  for (const each of [id, other])
    expect((await mesh('session', 'destroy', each)).out).toBe(`Destroyed: ${each}\n`)
  expect((await mesh('session', 'destroy', id)).out).toBe(`Gone already: ${id}\n`)
  const gone = await mesh('session', 'renew', id)
  expect([gone.status, gone.err]).toEqual([1, expect.stringContaining(`there is no session ${id}`)])
})

test.each([
  [['lock'], 'prefix'],
  [['lock', 'p'], 'command'],
  [['lock', '/', 'true'], 'a lock needs a prefix'],
  [['lock', '-n', '0', 'p', 'true'], '-n 0'],
  [['lock', '-n', 'two', 'p', 'true'], '-n two'],
  [['lock', '-timeout', 'soon', 'p', 'true'], '-timeout soon'],
  [['lock', '-shell=perhaps', 'p', 'true'], '-shell=perhaps'],
])('%j is called wrongly', async (args, text) => {
  const run = await mesh(...args)
  expect([run.status, run.err]).toEqual([2, expect.stringContaining(text)])
})
