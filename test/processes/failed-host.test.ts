// A host fails, and gossip says so: to the catalog through the leader's agent, to DNS, and to every proxy by its own host's
// gossip, with no server at all. It comes back; it leaves.
import { Resolver } from 'node:dns/promises'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attempt } from './client.ts'
import { ClusterHost } from './cluster-hosts.ts'
import { EchoService } from './echo.ts'
import { ports, until } from './fixture.ts'
import { ServerHost } from './server-hosts.ts'
import { Servers } from './three-servers.ts'

/** A lost host is found in about two seconds instead of six. */
const quickGossip = 'gossip_lan { probe_interval = "300ms"  probe_timeout = "150ms" }'
const servers = new Servers()
const serverHosts = servers.all.map((server) => new ServerHost(server, quickGossip))
const alpha = new ClusterHost(servers, 'alpha', 51, quickGossip)
const beta = new ClusterHost(servers, 'beta', 52, quickGossip)
const gamma = new ClusterHost(servers, 'gamma', 53, quickGossip)
let services: readonly EchoService[] = []

beforeAll(async () => {
  await servers.start()
  for (const host of serverHosts) await host.start(servers.addresses)
  services = await Promise.all([beta, gamma].map(({ address }) => EchoService.listen(address, ports.backend)))
  await alpha.start('web', servers.addresses)
  for (const host of [beta, gamma]) await host.start('backend', servers.addresses)
  await alpha.operate(['intention', 'allow', 'web', 'backend'])
  await until(
    'alpha to gossip with all',
    async () => ((await aliveAt(alpha)).length === 6 ? true : undefined),
    {
      timeoutMs: 40_000,
    },
  )
  await bothServe()
  // A view is written some seconds behind its change; an agent that starts without servers has no other.
  await until('gamma’s views to be kept', () => (keptViews(gamma) >= 2 ? true : undefined))
}, 180_000)

afterAll(async () => {
  for (const service of services) await service.close()
  for (const server of servers.all) server.resume()
  await Promise.all([alpha, beta, gamma].map((host) => host.stop()))
  await Promise.all(serverHosts.map(({ agent }) => agent.kill()))
  await servers.close()
})

async function aliveAt(host: ClusterHost): Promise<readonly string[]> {
  const members = (await host.get('/v1/agent/members')) as
    | readonly { readonly Name: string; readonly Status: number }[]
    | undefined
  return (members ?? []).flatMap(({ Name, Status }) => (Status === 1 ? [Name] : []))
}

/** Roots, and the intentions of its service. */
function keptViews(host: ClusterHost): number {
  const folder = join(host.directory, 'data/agent/views')
  return existsSync(folder) ? readdirSync(folder).length : 0
}

/** What the catalog's membership check says of a node; `gone` where there is no such node. */
async function memberCheck(node: string): Promise<string> {
  const checks = (await alpha.get(`/v1/health/node/${node}`)) as
    | readonly { readonly CheckID: string; readonly Status: string; readonly Output: string }[]
    | undefined
  const check = checks?.find(({ CheckID }) => CheckID === 'serfHealth')
  return check === undefined ? 'gone' : `${check.Status}: ${check.Output}`
}

async function becomes(node: string, wanted: string): Promise<void> {
  await until(
    `${node} to be ${wanted}`,
    async () => ((await memberCheck(node)) === wanted ? true : undefined),
    {
      timeoutMs: 40_000,
    },
  )
}

const alive = 'passing: Agent alive and reachable'
const lost = 'critical: Agent not live or unreachable'

async function addressesInDns(): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 })
  resolver.setServers([`${alpha.address}:8600`])
  return (await resolver.resolve4('backend.service.mesh')).sort()
}

/** How many of twenty connections reached beta and gamma. */
async function spread(): Promise<readonly number[]> {
  for (const service of services) service.resetCounts()
  for (let n = 0; n < 20; n += 1) {
    const outcome = await attempt(alpha.address, ports.upstream, 'hello')
    if (outcome.kind !== 'echoed') throw new Error(`a connection was ${outcome.kind}`)
  }
  return services.map(({ connections }) => connections)
}

async function bothServe(): Promise<void> {
  await until(
    'both instances to be chosen',
    async () => ((await spread()).every((count) => count > 0) ? true : undefined),
    { timeoutMs: 40_000, watching: [alpha.agent, gamma.agent, gamma.proxy] },
  )
}

test('every host is in the catalog with a membership check, servers’ hosts too', async () => {
  for (const node of ['s1', 's2', 's3', 'alpha', 'beta', 'gamma']) await becomes(node, alive)
})

test('with every server stopped, a proxy leaves a failed host by its own gossip, and takes it again', async () => {
  for (const server of servers.all) server.pause()
  try {
    // Its proxy still answers: whoever calls it now has not heard that its host failed.
    await gamma.agent.kill()
    await until('gamma to be left', async () => ((await spread())[1] === 0 ? true : undefined), {
      timeoutMs: 30_000,
    })
    expect(await spread()).toEqual([20, 0])
    gamma.agent.start()
    await bothServe()
  } finally {
    for (const server of servers.all) server.resume()
  }
  await becomes('gamma', alive)
}, 120_000)

test('when all instances are on failed hosts they are still tried', async () => {
  await Promise.all([beta.agent.kill(), gamma.agent.kill()])
  await becomes('beta', lost)
  await becomes('gamma', lost)
  expect((await spread()).reduce((sum, count) => sum + count)).toBe(20)
  beta.agent.start()
  gamma.agent.start()
  for (const host of [beta, gamma]) await becomes(host.name, alive)
}, 120_000)

test('a killed host is critical in the catalog, absent from DNS, and back in both when it returns', async () => {
  await until('both in DNS', async () => ((await addressesInDns()).length === 2 ? true : undefined))
  await Promise.all([gamma.agent.kill(), gamma.proxy.kill()])
  await becomes('gamma', lost)
  await until('gamma to be out of DNS', async () =>
    (await addressesInDns()).join() === beta.address ? true : undefined,
  )
  expect(await spread()).toEqual([20, 0])
  gamma.agent.start()
  gamma.proxy.start()
  await becomes('gamma', alive)
  await until('gamma in DNS', async () => ((await addressesInDns()).length === 2 ? true : undefined))
  await bothServe()
}, 120_000)

test('the agent beside the leader goes away: nobody is declared failed, and it catches up when it is back', async () => {
  const leader = await servers.leader()
  const host = serverHosts.find(({ server }) => server === leader)
  if (host === undefined) throw new Error('every server has a host')
  const silences = (): number => leader.logged('tells nothing of the gossip pool any more').length
  const before = silences()
  await host.agent.kill()
  await until('the leader to notice', () => (silences() > before ? true : undefined), { timeoutMs: 30_000 })
  await gamma.agent.kill()
  await until(
    'alpha to find gamma failed',
    async () => ((await aliveAt(alpha)).includes('gamma') ? undefined : true),
    { timeoutMs: 30_000 },
  )
  expect(await memberCheck('gamma'), 'nobody told the leader').toBe(alive)
  expect(await memberCheck('beta')).toBe(alive)
  await host.start(servers.addresses)
  await becomes('gamma', lost)
  gamma.agent.start()
  await becomes('gamma', alive)
}, 120_000)

test('a host that leaves is deregistered with its services, and can come back', async () => {
  const headers = { 'x-consul-token': servers.operatorToken }
  const left = await fetch(`${gamma.api}/v1/agent/leave`, { method: 'PUT', headers })
  expect(left.status).toBe(200)
  await becomes('gamma', 'gone')
  const rows = (await alpha.get('/v1/catalog/service/backend')) as readonly { readonly Node: string }[]
  expect(rows.map(({ Node }) => Node)).toEqual(['beta'])
  await until('the agent to end', () => (gamma.agent.running ? undefined : true))
  gamma.agent.start()
  await becomes('gamma', alive)
}, 120_000)
