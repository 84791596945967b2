// The agent's end of the link, spoken to by proxies of the test.
import { statSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RunningProxyLink, startProxyLink } from '../../../src/agent/link/proxy-link.ts'
import { unwrap } from '../../../src/model/errors.ts'
import { limits } from '../../../src/model/limits.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { encodeLinkFrame, LinkDecoder } from '../../../src/wire/link/frame.ts'
import { inbound, policy, recordLog, recordMetrics, temporaryFolder, until } from '../proxy/lab.ts'

const folder = { path: '', remove: (): void => {} }
let link: RunningProxyLink
const log = recordLog()
const metrics = recordMetrics()
const proxies: FakeProxy[] = []

interface Message {
  readonly kind: string
  readonly version?: number
  readonly base?: number
  readonly [field: string]: unknown
}

class FakeProxy {
  readonly got: Message[] = []
  closed = false
  private readonly socket: net.Socket

  constructor(path: string) {
    const decoder = new LinkDecoder()
    this.socket = net.connect(path)
    this.socket.on('data', (chunk: Buffer) => {
      this.got.push(...(unwrap(decoder.push(chunk)) as Message[]))
    })
    this.socket.on('error', () => {})
    this.socket.once('close', () => {
      this.closed = true
    })
    proxies.push(this)
  }

  send(message: unknown): void {
    this.socket.write(unwrap(encodeLinkFrame(message)))
  }

  hello(worker = 'w1', pid = 11): this {
    this.send({ kind: 'hello', minProtocol: 1, maxProtocol: 1, pid, worker, version: 'v' })
    return this
  }

  ack(version: number, problems: readonly string[] = []): void {
    this.send({ kind: 'ack', version, problems })
  }

  next(kind: string, count = 1): Promise<Message> {
    return until(
      `${kind} number ${count}`,
      () => this.got.filter((message) => message.kind === kind)[count - 1],
    )
  }

  end(): void {
    this.socket.destroy()
  }
}

const start = async (): Promise<RunningProxyLink> =>
  unwrap(
    await startProxyLink({
      socketPath: join(folder.path, 'link.sock'),
      mode: 0o660,
      clock: systemClock,
      log,
      metrics,
    }),
  )
const connect = (): FakeProxy => new FakeProxy(join(folder.path, 'link.sock'))

beforeEach(async () => {
  Object.assign(folder, temporaryFolder())
  link = await start()
})

afterEach(async () => {
  for (const proxy of proxies.splice(0)) proxy.end()
  await link.close()
  folder.remove()
})

test('a proxy gets everything once and differences after, one at a time, the newest state last', async () => {
  link.publish([policy('a', 'deny', [], 1)])
  const proxy = connect().hello()
  expect(await proxy.next('full')).toMatchObject({ version: 1, resources: [{ name: 'a' }] })
  // Nothing is sent while one is under way; then only the newest.
  link.publish([policy('a', 'deny', [], 2)])
  link.publish([policy('a', 'deny', [], 3), policy('b', 'allow', [], 3)])
  proxy.ack(1)
  expect(await proxy.next('delta')).toMatchObject({
    version: 3,
    base: 1,
    upserts: [{ name: 'a', index: 3 }, { name: 'b' }],
    removes: [],
  })
  proxy.ack(3)
  link.publish([policy('b', 'allow', [], 3)])
  expect(await proxy.next('delta', 2)).toMatchObject({
    version: 4,
    base: 3,
    upserts: [],
    removes: [{ kind: 'policy', name: 'a' }],
  })
  proxy.ack(4)
  await until('the acknowledgement', () => link.proxies()[0]?.acknowledged === 4)
  expect(link.proxies()).toEqual([{ pid: 11, version: 'v', acknowledged: 4, refused: '' }])
})

test('a proxy that lacks the base of a difference gets everything', async () => {
  link.publish([policy('a', 'deny', [], 1)])
  const proxy = connect().hello()
  await proxy.next('full')
  proxy.ack(1)
  link.publish([policy('a', 'deny', [], 2)])
  await proxy.next('delta')
  proxy.send({ kind: 'resync' })
  expect(await proxy.next('full', 2)).toMatchObject({ version: 2, resources: [{ index: 2 }] })
})

test('a refused state is not sent again; the next one is a difference to what is in force', async () => {
  link.publish([policy('a', 'deny', [], 1)])
  const proxy = connect().hello()
  await proxy.next('full')
  proxy.ack(1)
  link.publish([policy('a', 'deny', [], 2)])
  await proxy.next('delta')
  proxy.send({ kind: 'nack', version: 2, reason: 'leaf/x: broken' })
  await until('the refusal', () => link.proxies()[0]?.refused === 'leaf/x: broken')
  expect(link.proxies()[0]?.acknowledged).toBe(1)
  link.publish([policy('a', 'deny', [], 3)])
  expect(await proxy.next('delta', 2)).toMatchObject({ version: 3, base: 1 })
  proxy.ack(3)
  await until('the way back', () => link.proxies()[0]?.refused === '')
  expect(proxy.got.filter((message) => message.version === 2)).toHaveLength(1)
})

test('which policy is enforced is told per destination and proxy, only after each acknowledgement', async () => {
  const reports: string[] = []
  link.onEnforced((byDestination) => {
    reports.push(JSON.stringify([...byDestination]))
  })
  link.publish([policy('a', 'deny', [], 7), policy('b', 'deny', [], 8)])
  expect(reports.at(-1)).toBe('[["a",[]],["b",[]]]')
  const first = connect().hello('w1', 1)
  const second = connect().hello('w2', 2)
  await Promise.all([first.next('full'), second.next('full')])
  expect(reports.at(-1)).toBe('[["a",[0,0]],["b",[0,0]]]')
  first.ack(1)
  await until('the first', () => reports.at(-1) === '[["a",[7,0]],["b",[8,0]]]')
  second.ack(1)
  await until('the second', () => reports.at(-1) === '[["a",[7,7]],["b",[8,8]]]')
  link.publish([policy('b', 'deny', [], 9)])
  expect(reports.at(-1)).toBe('[["a",[]],["b",[8,8]]]')
  first.ack(2)
  await until('the new index', () => reports.at(-1) === '[["b",[9,8]]]')
  second.end()
  await until('one proxy less', () => reports.at(-1) === '[["b",[9]]]')
})

test('listeners that could not be opened are shown with the state that is in force', async () => {
  link.publish([policy('a', 'deny', [], 1)])
  const proxy = connect().hello()
  await proxy.next('full')
  proxy.ack(1, ['outbound/x: cannot listen on 127.0.0.1:9191'])
  await until('the problem', () => link.proxies()[0]?.refused.includes('127.0.0.1:9191'))
  expect(link.proxies()[0]?.acknowledged).toBe(1)
  proxy.ack(1)
  await until('the problem to be gone', () => link.proxies()[0]?.refused === '')
})

test('a proxy without a common version is told and turned away', async () => {
  const proxy = connect()
  proxy.send({ kind: 'hello', minProtocol: 7, maxProtocol: 9, pid: 1, worker: 'w', version: 'future' })
  expect(await proxy.next('goaway')).toMatchObject({ reason: 'this agent speaks link 1 to 3' })
  await until('the end', () => proxy.closed)
  expect(link.proxies()).toEqual([])
})

test.each([
  ['anything before hello', { kind: 'ack', version: 1, problems: [] }],
  ['a message of no known kind', { kind: 'surprise' }],
])('%s ends the link', async (_what, message) => {
  const proxy = connect()
  proxy.send(message)
  await until('the end', () => proxy.closed)
})

test('an acknowledgement of something that was not sent ends the link', async () => {
  link.publish([policy('a', 'deny', [], 1)])
  const proxy = connect().hello()
  await proxy.next('full')
  proxy.ack(99)
  await until('the end', () => proxy.closed)
})

test('counters of a restarted worker go on where the last one stopped', async () => {
  const labels = { direction: 'inbound', source: 'm-web', destination: 'm-backend' }
  const pair = { ...labels, bytesToDestination: 0, bytesToSource: 0 }
  const first = connect().hello('run-1')
  first.send({
    kind: 'stats',
    open: 3,
    expired: 1,
    pairs: [{ ...pair, connections: 5, refusals: { draining: 2 } }],
  })
  first.send({
    kind: 'stats',
    open: 4,
    expired: 1,
    pairs: [{ ...pair, connections: 7, refusals: { draining: 2 } }],
  })
  await until('seven', () => metrics.value('mesh_proxy_connections_total', labels) === 7)
  expect(metrics.value('mesh_proxy_open_connections')).toBe(4)
  expect(metrics.value('mesh_proxy_expired_certificates')).toBe(1)
  first.end()
  await until('the gauge', () => metrics.value('mesh_proxy_open_connections') === 0)
  const again = connect().hello('run-1')
  again.send({
    kind: 'stats',
    open: 0,
    expired: 0,
    pairs: [{ ...pair, connections: 8, refusals: { draining: 2 } }],
  })
  await until('eight', () => metrics.value('mesh_proxy_connections_total', labels) === 8)
  const second = connect().hello('run-2')
  second.send({
    kind: 'stats',
    open: 0,
    expired: 0,
    pairs: [{ ...pair, connections: 1, refusals: { draining: 1 } }],
  })
  await until('nine', () => metrics.value('mesh_proxy_connections_total', labels) === 9)
  expect(metrics.value('mesh_proxy_refusals_total', { ...labels, code: 'draining' })).toBe(3)
})

test('more proxies than the limit are not let in', async () => {
  const many = Array.from({ length: limits.proxiesPerAgent }, (_, i) => connect().hello(`w${i}`))
  await until('all connected', () => link.proxies().length === limits.proxiesPerAgent)
  const late = connect().hello('late')
  await until('the end of the last one', () => late.closed)
  expect(many.some((proxy) => proxy.closed)).toBe(false)
})

test('the socket has its mode, replaces the file of a dead agent, and spares a living one', async () => {
  const path = join(folder.path, 'link.sock')
  expect(statSync(path).mode & 0o777).toBe(0o660)
  const second = await startProxyLink({ socketPath: path, mode: 0o660, clock: systemClock, log, metrics })
  expect(second).toMatchObject({
    ok: false,
    failure: { message: expect.stringContaining('another process') },
  })
  await link.close()
  link = await start()
  expect(await connect().hello().next('welcome')).toMatchObject({ protocol: 1 })
  const file = join(folder.path, 'file')
  writeFileSync(file, 'not a socket')
  const onFile = await startProxyLink({ socketPath: file, mode: 0o660, clock: systemClock, log, metrics })
  expect(onFile.ok).toBe(false)
})

test('a drain counts only what a proxy tells of it, and nothing of the one before that was undone', async () => {
  const here = inbound('backend', 21_000, 9_090)
  const name = here.name
  const stats = (open: number) => ({ kind: 'stats', open, expired: 0, pairs: [], draining: [{ name, open }] })
  const settled = (proxy: FakeProxy, version: number): Promise<unknown> => {
    proxy.ack(version)
    return until('the acknowledgement', () => link.proxies()[0]?.acknowledged === version)
  }
  link.publish([here])
  const proxy = connect().hello()
  await proxy.next('full')
  await settled(proxy, 1)
  link.publish([{ ...here, drain: 'cut' }])
  await settled(proxy, 2)
  proxy.send(stats(0))
  await until('the first drain to be told', () => link.draining(name).refusing === 1)
  link.publish([here])
  link.publish([{ ...here, drain: 'refuse' }])
  expect(link.draining(name), 'while the end of the first is under way').toEqual({
    proxies: 1,
    refusing: 0,
    open: 0,
  })
  await settled(proxy, 3)
  await settled(proxy, 4)
  expect(link.draining(name), 'before the proxy told of the second').toEqual({
    proxies: 1,
    refusing: 0,
    open: 0,
  })
  proxy.send(stats(3))
  await until('the second drain to be told', () => link.draining(name).open === 3)
  expect(link.draining(name)).toEqual({ proxies: 1, refusing: 1, open: 3 })
})
