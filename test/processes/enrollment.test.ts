// How a host comes into a mesh and stays in it: by one line, over a reboot with two of three servers gone and its certificates
// run out; and every token that must not let anybody in, with the reason that the person at the keyboard is given.
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseEnrollmentToken } from '../../src/rpc/enrollment-token.ts'
import { attempt } from './client.ts'
import { ClusterHost } from './cluster-hosts.ts'
import { EchoService } from './echo.ts'
import { entry, ports, until } from './fixture.ts'
import { Servers } from './three-servers.ts'

/** A month away in little: certificates live so long, and the host is away for longer. */
const lifeMs = 20_000
const life = `host_certificate_ttl = "${lifeMs}ms"\nconnect { ca_config { leaf_cert_ttl = "${lifeMs}ms" } }`

const servers = new Servers({ settings: life })
const alpha = new ClusterHost(servers, 'alpha', 71)
const beta = new ClusterHost(servers, 'beta', 72)
let service: EchoService

beforeAll(async () => {
  await servers.start()
  service = await EchoService.listen(beta.address, ports.backend)
  await beta.start('backend', servers.addresses)
  await beta.operate(['intention', 'allow', 'web', 'backend'])
}, 180_000)

afterAll(async () => {
  await service?.close()
  await Promise.all([alpha.stop(), beta.stop()])
  await servers.close()
})

/** Types `line` into a shell of the host in that folder; `mesh` is the program under test. */
async function type(
  line: string,
  directory: string,
): Promise<{ readonly status: number; readonly said: string }> {
  const script = `mesh() { "${process.execPath}" "${entry}" "$@" -config-dir "${join(directory, 'conf')}"; }\n${line}`
  try {
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script], { env: { ...process.env } })
    return { status: 0, said: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { status: code, said: stdout + stderr }
  }
}

/** The line that `mesh token create` prints for the host, with the token that it prints in its place. */
async function printedLine(...args: readonly string[]): Promise<string> {
  const [first] = servers.running
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [entry, 'token', 'create', ...args],
    {
      env: {
        ...process.env,
        MESH_RUNTIME_DIR: join(first?.directory ?? '', 'run'),
        MESH_TOKEN_FILE: servers.operatorTokenFile,
      },
    },
  )
  const line = /mesh enroll <<< TOKEN/.exec(stderr)?.[0] ?? `no line in: ${stderr}`
  return line.replace('TOKEN', stdout.trim())
}

/** A host that was configured and has never run. */
function freshHost(name: string, node = name): string {
  const directory = join(servers.directory, name)
  mkdirSync(join(directory, 'conf'), { recursive: true })
  const settings = [
    `node_name = "${node}"`,
    `data_dir = "${join(directory, 'data')}"`,
    'bind_addr = "127.0.0.1"',
  ]
  writeFileSync(join(directory, 'conf/mesh-agent.hcl'), `${settings.join('\n')}\n`)
  return directory
}

const reaches = async (): Promise<true | undefined> =>
  (await attempt(alpha.address, ports.upstream, 'hello')).kind === 'echoed' ? true : undefined

const expiryMs = (host: ClusterHost): number =>
  new X509Certificate(readFileSync(join(host.directory, 'data/agent/host.crt'))).validToDate.getTime()

test('one printed line lets a host in, and its service reaches another', async () => {
  alpha.configure('web', servers.addresses)
  alpha.agent.start()
  alpha.proxy.start()
  const typed = await type(await printedLine('-node', 'alpha', '-service', 'web'), alpha.directory)
  expect(typed).toMatchObject({
    status: 0,
    said: expect.stringContaining('Enrolled: alpha in dc1\nas web\n'),
  })
  await until('web to reach backend', reaches, { watching: [alpha.agent, alpha.proxy], timeoutMs: 60_000 })
}, 90_000)

test('after a reboot with expired certificates and two of three servers gone it serves again by itself', async () => {
  await Promise.all([alpha.agent.kill(), alpha.proxy.kill()])
  const leader = await servers.leader()
  const other = servers.all.find((server) => server !== leader)
  await Promise.all([leader.kill(), other?.kill()])
  const expired = expiryMs(alpha)
  await until('the certificate to run out', () => (Date.now() > expired + 1_000 ? true : undefined), {
    timeoutMs: 2 * lifeMs,
  })
  // A reboot empties /run.
  rmSync(join(alpha.directory, 'run'), { recursive: true })
  mkdirSync(join(alpha.directory, 'run'), { mode: 0o700 })
  const startMs = performance.now()
  alpha.proxy.start()
  alpha.agent.start()
  await until('web to reach backend', reaches, { watching: [alpha.agent, alpha.proxy], timeoutMs: 60_000 })
  process.stderr.write(`traffic ${Math.round(performance.now() - startMs)} ms after the reboot\n`)
  await until('a new certificate', () => (expiryMs(alpha) > Date.now() ? true : undefined), {
    watching: [alpha.agent],
  })
  for (const server of [leader, other]) server?.start()
  await servers.leader()
  expect(await reaches()).toBe(true)
}, 180_000)

test('a token that was used lets nobody else in, and the same host again only with the same key', async () => {
  const line = await printedLine('-node', 'epsilon')
  const first = freshHost('epsilon')
  expect((await type(line, first)).status).toBe(0)
  // The answer may have been lost: that is no second use.
  expect((await type(line, first)).status).toBe(0)
  const second = await type(line, freshHost('epsilon-2', 'epsilon'))
  expect(second).toMatchObject({ status: 1, said: expect.stringContaining('(token-used)') })
})

test('a token for one node is refused on another, before any server is asked', async () => {
  const typed = await type(await printedLine('-node', 'zeta'), freshHost('eta'))
  expect(typed).toMatchObject({ status: 1, said: expect.stringContaining('(bad-token)') })
})

test('a token past its time is refused', async () => {
  const line = await printedLine('-node', 'theta', '-ttl', '1s')
  await until('the token to run out', pause(1_500))
  const typed = await type(line, freshHost('theta'))
  expect(typed).toMatchObject({ status: 1, said: expect.stringContaining('(token-expired)') })
})

/** A condition that comes true after some time. */
function pause(ms: number): () => true | undefined {
  const untilMs = performance.now() + ms
  return () => (performance.now() >= untilMs ? true : undefined)
}

test('a forged token is refused: by the server for its secret, by the host for the authority that it pins', async () => {
  const token = (await printedLine('-node', 'iota')).split(' ').at(-1) ?? ''
  const parsed = parseEnrollmentToken(token)
  if (!parsed.ok) throw new Error(parsed.failure.message)
  const forged = (changes: object): string =>
    `mesh enroll <<< mesh1.${Buffer.from(JSON.stringify({ ...parsed.value, ...changes })).toString('base64url')}`
  const otherSecret = await type(forged({ secret: 'A'.repeat(43) }), freshHost('iota'))
  expect(otherSecret).toMatchObject({ status: 1, said: expect.stringContaining('(token-unknown)') })
  const otherAuthority = await type(forged({ pin: Array(32).fill('ab').join(':') }), freshHost('iota'))
  expect(otherAuthority).toMatchObject({ status: 1, said: expect.stringContaining('(wrong-cluster)') })
  const damaged = await type(`mesh enroll <<< ${token.slice(0, -20)}`, freshHost('iota'))
  expect(damaged).toMatchObject({ status: 1, said: expect.stringContaining('damaged') })
  // None of them used it up.
  expect((await type(`mesh enroll <<< ${token}`, freshHost('iota'))).status).toBe(0)
}, 90_000)
