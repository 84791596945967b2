// The proxy as processes: a worker that is killed, replaced, or restarted without an agent.
import { type ChildProcess, spawn } from 'node:child_process'
import net from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RunningProxyLink, startProxyLink } from '../../src/agent/link/proxy-link.ts'
import { unwrap } from '../../src/model/errors.ts'
import type { ProxyResource } from '../../src/model/proxy-config.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { TestAuthority } from '../unit/proxy/authority.ts'
import {
  type CountingService,
  endpoint,
  endpoints,
  exchange,
  freePort,
  inbound,
  type LogLine,
  outbound,
  policy,
  recordLog,
  recordMetrics,
  startService,
  temporaryFolder,
  until,
} from '../unit/proxy/lab.ts'

const authority = new TestAuthority()
const folder = { path: '', remove: (): void => {} }
const programs: ChildProcess[] = []
let service: CountingService
let link: RunningProxyLink | undefined
let upstreamPort: number
let publicPort: number

beforeEach(async () => {
  Object.assign(folder, temporaryFolder())
  service = await startService()
  upstreamPort = await freePort()
  publicPort = await freePort()
})

afterEach(async () => {
  // Politely: then its workers have ended, too, and nobody writes into the folder any more.
  for (const child of programs.splice(0)) await end(child, 'SIGTERM')
  await link?.close()
  link = undefined
  await service.close()
  folder.remove()
})

const linkPath = (): string => join(folder.path, 'link.sock')

async function startLink(): Promise<RunningProxyLink> {
  link = unwrap(
    await startProxyLink({
      socketPath: linkPath(),
      mode: 0o600,
      clock: systemClock,
      log: recordLog(),
      metrics: recordMetrics(),
    }),
  )
  return link
}

const controlPath = (): string => join(folder.path, 'control.sock')

interface RunningProxy {
  readonly child: ChildProcess
  readonly lines: LogLine[]
  workerPid(): number
}

function startProgram(): RunningProxy {
  const program = join(import.meta.dirname, 'proxy-program.ts')
  const child = spawn(
    process.execPath,
    [program, 'holder', join(folder.path, 'state'), linkPath(), controlPath()],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  programs.push(child)
  const lines: LogLine[] = []
  let text = ''
  child.stdout?.on('data', (bytes: Buffer) => {
    text += bytes.toString()
    const whole = text.split('\n')
    text = whole.pop() ?? ''
    for (const line of whole) lines.push(JSON.parse(line) as LogLine)
  })
  const started = (): readonly LogLine[] => lines.filter((line) => line.message === 'proxy worker started')
  return { child, lines, workerPid: () => Number(started().at(-1)?.['pid'] ?? 0) }
}

function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill(signal)
  })
}

/** `web` calls `backend` on the same host. */
const resources = (): readonly ProxyResource[] => [
  authority.rootsResource(),
  authority.leafResource('web'),
  authority.leafResource('backend'),
  policy('backend', 'allow'),
  endpoints('backend', [endpoint('alpha/backend', publicPort)]),
  inbound('backend', publicPort, service.port),
  outbound('web', 'backend', upstreamPort),
]

const inForce = (of: RunningProxyLink, version: number): Promise<unknown> =>
  until(`configuration ${version} in force`, () =>
    of.proxies().some((proxy) => proxy.acknowledged === version),
  )

/** Clients that connect, exchange a text and begin again; counts how each attempt ended. */
function load(clients: number): { readonly outcomes: Map<string, number>; stop(): Promise<void> } {
  const outcomes = new Map<string, number>()
  let running = true
  const loop = async (client: number): Promise<void> => {
    for (let round = 0; running; round += 1) {
      const text = `client ${client} round ${round}`
      const answer = await exchange(upstreamPort, text)
      const outcome = answer === text ? 'ok' : answer
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  const loops = Array.from({ length: clients }, (_, client) => loop(client))
  return {
    outcomes,
    async stop() {
      running = false
      await Promise.all(loops)
    },
  }
}

test('a killed worker is replaced at once: nobody is refused, and the agent hears from the new one', async () => {
  const agent = await startLink()
  const proxy = startProgram()
  agent.publish(resources())
  await inForce(agent, 1)
  const traffic = load(16)
  const ok = (): number => traffic.outcomes.get('ok') ?? 0
  const killed = new Set<number>()
  for (let round = 0; round < 3; round += 1) {
    const before = ok()
    await until('traffic', () => ok() > before + 50)
    const pid = proxy.workerPid()
    killed.add(pid)
    process.kill(pid, 'SIGKILL')
    await until('the next worker', () => proxy.workerPid() !== pid)
    const after = ok()
    await until('traffic through the next worker', () => ok() > after + 50)
    await until('the agent to have it', () =>
      agent.proxies().some((one) => one.pid === proxy.workerPid() && one.acknowledged === 1),
    )
  }
  await traffic.stop()
  // What was open in the killed worker breaks; a connection that waits in the kernel's queue does not.
  traffic.outcomes.delete('ok')
  for (const code of traffic.outcomes.keys()) expect(['ECONNRESET', '']).toContain(code)
  expect([...traffic.outcomes.values()].reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(3 * 16)
  expect(killed.size).toBe(3)
}, 60_000)

test('a proxy that is started anew without an agent serves from what it kept, and ends on SIGTERM', async () => {
  const agent = await startLink()
  const first = startProgram()
  agent.publish(resources())
  await inForce(agent, 1)
  expect(await exchange(upstreamPort, 'with agent')).toBe('with agent')
  // A change just before the end is kept too.
  agent.publish([
    ...resources().filter((r) => r.kind !== 'policy'),
    policy('backend', 'deny', [{ sourceName: 'web', destinationName: '*', action: 'allow' }], 7),
  ])
  await inForce(agent, 2)
  await end(first.child, 'SIGTERM')
  expect(first.child.exitCode).toBe(0)
  expect(await exchange(upstreamPort, 'x')).toBe('ECONNREFUSED')
  await agent.close()
  link = undefined

  const second = startProgram()
  await until('the listeners', () =>
    second.lines.find((line) => line.message === 'serving from the last good state'),
  )
  await until('an answer', () => second.lines.length > 0)
  let answer = ''
  for (let tries = 0; tries < 200 && answer !== 'without agent'; tries += 1)
    answer = await exchange(upstreamPort, 'without agent')
  expect(answer).toBe('without agent')

  // The agent is back: it dials nothing, the proxy does; a deny of now cuts what is open.
  const client = net.connect(upstreamPort, '127.0.0.1')
  client.write('x')
  const before = service.bytes
  await until('the connection', () => service.bytes > before)
  const cut = new Promise((resolve) =>
    client.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
  )
  const back = await startLink()
  back.publish([...resources().filter((r) => r.kind !== 'policy'), policy('backend', 'deny', [], 8)])
  await inForce(back, 1)
  expect(await cut).toBe('ECONNRESET')
}, 60_000)

test('a worker that dies again and again is started with growing waits, and the holder stays', async () => {
  const agent = await startLink()
  const proxy = startProgram()
  agent.publish(resources())
  await inForce(agent, 1)
  for (let round = 0; round < 3; round += 1) {
    const pid = proxy.workerPid()
    process.kill(pid, 'SIGKILL')
    await until('the next worker', () => proxy.workerPid() !== pid)
  }
  const waits = proxy.lines.filter((line) => line.message === 'proxy worker died and is started again')
  expect(waits.map((line) => line['waitMs'])).toEqual([0, 100, 200])
  expect(await exchange(upstreamPort, 'served again')).toBe('served again')
  expect(proxy.child.exitCode).toBeNull()
})

test('a reload hands the listeners to a new worker: no request fails, open connections stay and are still policed', async () => {
  const agent = await startLink()
  const proxy = startProgram()
  agent.publish(resources())
  await inForce(agent, 1)
  const client = net.connect(upstreamPort, '127.0.0.1')
  client.write('x')
  await until('the long connection', () => service.bytes === 1)
  const traffic = load(8)
  const old = proxy.workerPid()
  proxy.child.kill('SIGHUP')
  await until('the replacement', () => proxy.lines.some((line) => line.message === 'proxy worker replaced'))
  await until('both at the agent', () => agent.proxies().filter((one) => one.acknowledged === 1).length === 2)
  const enough = (traffic.outcomes.get('ok') ?? 0) + 100
  await until('traffic through the new worker', () => (traffic.outcomes.get('ok') ?? 0) > enough)
  await traffic.stop()
  expect([...traffic.outcomes.keys()]).toEqual(['ok'])
  expect(agent.proxies().map((one) => one.pid)).toContain(old)

  const cut = new Promise((resolve) =>
    client.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
  )
  agent.publish([...resources().filter((r) => r.kind !== 'policy'), policy('backend', 'deny', [], 2)])
  expect(await cut).toBe('ECONNRESET')
  await until('the old worker to end', () => agent.proxies().length === 1)
  expect(agent.proxies()[0]?.pid).toBe(proxy.workerPid())
}, 60_000)
