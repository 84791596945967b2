// Three servers: what one can do, each can. Writes and reads at every server and through agents, agents that lose their
// server under traffic, and a denial that is counted on the proxies of all servers.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Command } from '../../src/model/command.ts'
import type { Result } from '../../src/model/errors.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { createGrpcClient, type GrpcClient } from '../../src/rpc/grpc-client.ts'
import { noMetrics, silentLog } from '../simulation/servers.ts'
import { attempt } from './client.ts'
import { ClusterHost } from './cluster-hosts.ts'
import { EchoService } from './echo.ts'
import { FakeAgents } from './fake-agents.ts'
import { ports, until } from './fixture.ts'
import { type ServerProcess, Servers } from './three-servers.ts'
import { Traffic } from './traffic.ts'

const servers = new Servers()
const alpha = new ClusterHost(servers, 'alpha', 51)
const beta = new ClusterHost(servers, 'beta', 52)
const clients = new Map<string, GrpcClient>()
let service: EchoService

beforeAll(async () => {
  await servers.start()
  service = await EchoService.listen(beta.address, ports.backend)
  // One knows a single server, the other all: from there on both know what the servers tell.
  await alpha.start('web', [servers.server('s1').address])
  await beta.start('backend', servers.addresses)
  await alpha.operate(['intention', 'allow', 'web', 'backend'])
  await until('web to reach backend', async () =>
    (await attempt(alpha.address, ports.upstream, 'hello')).kind === 'echoed' ? true : undefined,
  )
}, 90_000)

afterAll(async () => {
  for (const client of clients.values()) client.close()
  await service?.close()
  await Promise.all([alpha.stop(), beta.stop()])
  await servers.close()
})

/** A caller at one server's socket. */
function at(server: ServerProcess): GrpcClient {
  const known = clients.get(server.name)
  if (known !== undefined) return known
  const client = createGrpcClient({
    servers: () => [`unix:${join(server.directory, 'run/server.sock')}`],
    identity: () => ({ kind: 'pinned', pin: '' }),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    metrics: noMetrics,
    holdTimeoutMs: 10_000,
  })
  clients.set(server.name, client)
  return client
}

const set = (key: string, value: string): Command => ({
  type: 'kv.set',
  key,
  value: Buffer.from(value).toString('base64'),
  flags: '0',
})

const write = (server: ServerProcess, command: Command): Promise<Result<{ readonly index: number }>> =>
  new Promise((resolve) => at(server).write({ command, token: servers.operatorToken }, resolve))

/** Value, whether a leader is known, and index. */
const read = (
  server: ServerProcess,
  key: string,
  options: { readonly consistency?: 'default' | 'stale'; readonly minIndex?: number } = {},
): Promise<readonly [string, boolean, number]> =>
  new Promise((resolve, reject) => {
    const { consistency = 'default', minIndex = 0 } = options
    const wait = { minIndex, waitMs: minIndex === 0 ? 0 : 30_000 }
    at(server).read(
      { name: 'kv.get', args: { key }, options: { consistency, ...wait }, token: '' },
      (result) => {
        if (!result.ok) reject(new Error(`${result.failure.code}: ${result.failure.message}`))
        else {
          const { meta, answer } = result.value
          resolve([Buffer.from(answer?.value ?? '', 'base64').toString(), meta.knownLeader, meta.index])
        }
      },
    )
  })

const enough = (traffic: Traffic, from: number): Promise<true> =>
  until('traffic to flow', () => (traffic.ended > from + 50 ? true : undefined))

test('what is written at any server is read at any other at once', async () => {
  for (const from of servers.all) {
    const written = await write(from, set('where', from.name))
    expect(written, `written at ${from.name}`).toMatchObject({ ok: true })
    for (const to of servers.all) {
      const [value, knownLeader] = await read(to, 'where')
      expect([value, knownLeader], `read at ${to.name}`).toEqual([from.name, true])
    }
    // Without any proof of leadership, but at the server that took the write.
    expect((await read(from, 'where', { consistency: 'stale' }))[0]).toBe(from.name)
  }
})

test('a read that waits at one server is woken by a write at another', async () => {
  const [first, second, third] = servers.all
  if (first === undefined || second === undefined || third === undefined) throw new Error('three servers')
  const [, , index] = await read(first, 'where')
  const waiting = [read(first, 'where', { minIndex: index }), read(third, 'where', { minIndex: index })]
  await write(second, set('where', 'elsewhere'))
  expect((await Promise.all(waiting)).map(([value]) => value)).toEqual(['elsewhere', 'elsewhere'])
})

test('an agent that was told one server knows all', async () => {
  const file = join(alpha.directory, 'data/agent/enrollment.json')
  const known = await until('the servers’ addresses', () => {
    const { servers: found } = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly servers: readonly string[]
    }
    return found.length === 3 ? found : undefined
  })
  expect([...known].sort()).toEqual([...servers.addresses].sort())
})

test('every server stands in the catalog with its own address', async () => {
  const found = await until('three servers in the catalog', async () => {
    const rows = (await alpha.get('/v1/catalog/service/consul')) as
      | readonly { readonly Node: string; readonly Address: string; readonly ServicePort: number }[]
      | undefined
    return rows?.length === 3 ? rows.map((row) => [row.Node, row.Address, row.ServicePort]) : undefined
  })
  expect(found).toEqual(servers.all.map(({ name, host }) => [name, host, 8300]))
})

test('a denial says on how many proxies of all servers it is enforced', async () => {
  const agents = 30
  const [first] = servers.all
  const { operatorToken, addresses } = servers
  const fakes = await FakeAgents.connect(
    { socket: join(first?.directory ?? '', 'run/server.sock'), operatorToken, servers: addresses },
    agents,
    'backend',
  )
  try {
    for (const host of [alpha, beta]) {
      const said = await host.operate(['intention', 'deny', 'web', 'backend'])
      expect(said).toMatch(new RegExp(`on ${agents + 1} of ${agents + 1} proxies`))
      await host.operate(['intention', 'allow', 'web', 'backend'])
    }
  } finally {
    fakes.close()
  }
  await until('web to reach backend again', async () =>
    (await attempt(alpha.address, ports.upstream, 'hello')).kind === 'echoed' ? true : undefined,
  )
})

test('an agent whose server is killed goes on with another, and no connection of its proxy notices', async () => {
  const lost = servers.server(alpha.server())
  const traffic = await Traffic.start(alpha.address)
  await enough(traffic, 0)
  await lost.kill()
  await until('alpha’s agent to find another server', () => (alpha.server() === lost.name ? undefined : true))
  const said = await alpha.operate(['intention', 'allow', 'other', 'backend'])
  expect(said).toContain('on 1 of 1 proxies')
  await enough(traffic, traffic.ended)
  expect(await traffic.stop()).toMatchObject({ broken: 0, cut: 0, refused: 0 })
  lost.start()
  await until(`${lost.name} to serve`, async () => {
    const [value, knownLeader] = await read(lost, 'where')
    return value === 'elsewhere' && knownLeader ? true : undefined
  })
})

test('a restart of one server after the other shows to nobody who writes through an agent', async () => {
  const outcomes: string[] = []
  let isStopping = false
  const writers = [alpha, beta].map(async (host) => {
    for (let n = 0; !isStopping; n += 1) {
      const response = await fetch(`${host.api}/v1/kv/rolling/${host.name}/${n % 50}`, {
        method: 'PUT',
        headers: { 'x-consul-token': servers.operatorToken },
        body: 'x',
      })
      const text = await response.text()
      outcomes.push(response.ok && text.trim() === 'true' ? 'ok' : `${response.status} ${text}`)
    }
  })
  const flow = (from: number): Promise<true> =>
    until('writes to flow', () => (outcomes.length > from + 30 ? true : undefined))
  const traffic = await Traffic.start(alpha.address)
  await flow(0)
  for (const server of servers.all) {
    await server.stop()
    await flow(outcomes.length)
    server.start()
    await until(`${server.name} to serve`, async () => ((await read(server, 'where'))[1] ? true : undefined))
    await flow(outcomes.length)
  }
  isStopping = true
  await Promise.all(writers)
  expect(outcomes.filter((outcome) => outcome !== 'ok')).toEqual([])
  expect(await traffic.stop()).toMatchObject({ broken: 0, cut: 0, refused: 0 })
})

test('writes go on when the leader is stopped in order, each answered for certain', async () => {
  const leader = await servers.leader()
  const rest = servers.all.filter((server) => server !== leader)
  const outcomes: string[] = []
  let isStopping = false
  const writers = rest.map(async (server) => {
    for (let n = 0; !isStopping; n += 1) {
      const result = await write(server, set(`${server.name}-${n}`, 'x'))
      outcomes.push(result.ok ? 'ok' : result.failure.code)
    }
  })
  await until('writes to flow', () => (outcomes.length > 50 ? true : undefined))
  await leader.stop()
  const at = outcomes.length
  await until('writes to go on', () => (outcomes.length > at + 50 ? true : undefined))
  isStopping = true
  await Promise.all(writers)
  leader.start()
  expect(outcomes.filter((outcome) => outcome !== 'ok')).toEqual([])
})
