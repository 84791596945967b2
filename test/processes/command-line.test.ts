// The command line and the API of a real mesh, where that is the only proof: wrong calls, maintenance, the log as it is written,
// and a bundle for the people who look for a fault that holds none of the mesh's secrets.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inTurn, type Run, runMesh, startProcess, transcript } from '../unit/command/mesh-process.ts'
import { planMesh, until } from './fixture.ts'
import { type WrongRequest, wrongCommands, wrongRequests } from './wrong-requests.ts'

const plan = planMesh()
const { mesh } = plan
const alpha = mesh.host('alpha')
const beta = mesh.host('beta')
let localToken = ''
let operatorToken = ''

beforeAll(async () => {
  await mesh.start()
  localToken = readFileSync(join(alpha.data, 'agent/local.token'), 'utf8').trim()
  operatorToken = readFileSync(mesh.operatorTokenFile, 'utf8').trim()
  const allowed = await run('intention', 'allow', 'web', 'backend', '-wait', '30s')
  expect(allowed.err).toBe('')
  await until('both services to be in the catalog', async () =>
    (await run('services', 'backend')).status === 0 && (await run('services', 'web')).status === 0
      ? true
      : undefined,
  )
}, 60_000)
afterAll(() => plan.close())

const env = () => mesh.hostEnvironment(alpha)
const run = (...args: string[]): Promise<Run> => runMesh(args, { env: env() })
const golden = (name: string): string => join(import.meta.dirname, 'golden', name)
/** What differs from run to run. */
const settled = (text: string): string =>
  text
    .replaceAll(alpha.plan.address, 'ALPHA')
    .replaceAll(mesh.plan.serverAddress, 'SERVER')
    .replace(/index \d+/g, 'index N')

async function send({ line, body, as }: WrongRequest): Promise<string> {
  const [method = '', path = ''] = line.split(' ')
  const tokens = { nobody: '', host: localToken, stranger: 'no-such-token' }
  const token = as === undefined ? operatorToken : tokens[as]
  const response = await fetch(`${alpha.api}${path}`, {
    method,
    headers: token === '' ? {} : { 'x-consul-token': token },
    ...(body === undefined ? {} : { body }),
  })
  const text = (await response.text()).trimEnd()
  const who = as === undefined ? '' : `   # ${as}`
  return [
    `${line}${body === undefined ? '' : ` ${body}`}${who}`,
    `  ${response.status} ${response.headers.get('x-mesh-reason') ?? '-'}`,
    `  ${text.replaceAll('\n', '\n  ')}`,
    '',
  ].join('\n')
}

test('wrong requests are answered with the mistake and the remedy', async () => {
  const answers = await inTurn(wrongRequests.map((request) => () => send(request)))
  for (const answer of answers) {
    expect(answer).toMatch(/^ {2}[45]\d\d [a-z]+(-[a-z]+)*$/m)
    expect(answer.split('\n')[2]?.trim()).not.toBe('')
  }
  await expect(settled(answers.join('\n'))).toMatchFileSnapshot(golden('wrong-requests.txt'))
})

test('wrong commands are answered with the mistake and the line to type next', async () => {
  const runs = await inTurn(wrongCommands.map((args) => () => run(...args)))
  runs.forEach(({ status, out, err }, i) => {
    expect([wrongCommands[i], status === 0, out]).toEqual([wrongCommands[i], false, ''])
    expect(err).toMatch(/^mesh: .*\nTry: /)
  })
  const text = runs.map((each, i) => transcript(wrongCommands[i] ?? [], each)).join('\n')
  await expect(settled(text)).toMatchFileSnapshot(golden('wrong-commands.txt'))
})

test('maint takes a service and a host out of use and back, and lists what is out', async () => {
  expect((await run('maint')).err).toBe('Nothing of this host is in maintenance.\n')
  expect((await run('maint', '-enable', '-service', 'web', '-reason', 'new disk')).out).toBe(
    'Out of use: service web\n',
  )
  expect((await run('maint', '-enable')).out).toBe('Out of use: this host\n')
  const listed = (await run('maint')).out
  expect(listed).toMatch(/^WHAT\s+ID\s+REASON\n/)
  expect(listed).toMatch(/^service\s+web\s+new disk$/m)
  expect(listed).toMatch(/^host\s+alpha\s/m)
  await run('maint', '-disable', '-service', 'web')
  await run('maint', '-disable')
  expect((await run('maint')).err).toBe('Nothing of this host is in maintenance.\n')
})

test('monitor shows what the agent does, with details that it does not write to its own log', async () => {
  const following = startProcess(['monitor', '-log-level', 'debug', '-log-json'], { env: env() })
  try {
    await until('a line of the log', async () => {
      await fetch(`${alpha.api}/v1/catalog/nodes?index=x`)
      return following.out().includes('API request refused') ? true : undefined
    })
    const line = following
      .out()
      .split('\n')
      .find((each) => each.includes('API request refused'))
    expect(JSON.parse(line ?? '')).toMatchObject({ program: 'agent', code: 'bad-request' })
  } finally {
    await following.stop()
  }
})

/** Texts of every secret that lies in the folders of this mesh: tokens, and the bodies of private keys. */
function secretsOnDisk(): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const name of readdirSync(mesh.plan.directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(mesh.plan.directory, name)
    let text = ''
    try {
      text = readFileSync(path, 'utf8')
    } catch {
      continue
    }
    if (/(\.token|\/token|cluster\.key)$/.test(name)) found.set(name, text.trim())
    for (const [, body = ''] of text.matchAll(/PRIVATE KEY-----\s*((?:[A-Za-z0-9+/=\s]|\\n)+?)-----END/g))
      found.set(`${name} (key)`, body.replaceAll('\\n', '').replaceAll(/\s/g, '').slice(0, 60))
  }
  return found
}

test('a debug bundle of a real agent holds none of the secrets of the mesh', async () => {
  const target = join(mesh.plan.directory, 'bundle.tgz')
  const made = await runMesh(['debug', '-duration', '2s', '-interval', '1s', '-file', target], {
    env: { ...env(), MESH_DATA_DIR: alpha.data },
  })
  expect([made.status, made.err]).toEqual([0, expect.not.stringContaining('missing')])
  const content = execFileSync('tar', ['-xOzf', target], { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 })
  expect(content).toContain('"NodeName": "alpha"')
  expect(content).toContain('mesh_api_requests_total')
  const secrets = secretsOnDisk()
  const names = [...secrets.keys()].join(' ')
  for (const kind of ['operator.token', 'local.token', '(key)']) expect(names).toContain(kind)
  const flat = content.replaceAll('\\n', '').replaceAll(/\s/g, '')
  for (const [name, secret] of secrets) {
    expect([name, secret.length > 15]).toEqual([name, true])
    expect([name, flat.includes(secret)]).toEqual([name, false])
  }
  expect(content).not.toMatch(/PRIVATE KEY/)
})

test('info and the catalog know both hosts', async () => {
  expect((await run('info')).out).toContain('name = alpha')
  expect((await run('catalog', 'nodes')).out).toContain(beta.plan.address)
  expect((await run('operator', 'usage')).out).toMatch(/^dc1\s+\d/m)
})
