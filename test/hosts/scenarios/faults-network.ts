/**
 * Networks that fail in part: the leader is cut off together with an instance's agent, then it is deaf, then it is mute.
 * Each time another server leads, traffic goes on, no acknowledged write is lost, and whoever was denied meanwhile is
 * denied everywhere after the heal.
 */
import { deepEqual, match, notEqual, ok } from 'node:assert/strict'
import {
  ask,
  type Cluster,
  clusterHosts,
  lanes,
  leaderOf,
  operate,
  operatorToken,
  standing,
  startCluster,
  wellAgain,
} from '../cluster.ts'
import { between, Load, nothingLost } from '../load.ts'
import type { Scenario } from '../scenario.ts'
import { eventually, type Step } from '../steps.ts'
import type { Host } from '../testbed.ts'

const writesPerSecond = 10

export const faultsNetwork: Scenario = {
  name: 'faults-network',
  about:
    'the leader is cut off, hears nothing, or is not heard: another one leads and nothing flaps, the old one takes no write, ' +
    'and a rule made meanwhile holds everywhere after the heal',
  hosts: clusterHosts,
  suites: ['bookworm'],
  run: async (step, scene) => {
    const cluster = await startCluster(step, scene)
    const load = await Load.start(cluster.caller, lanes, writesPerSecond)
    await leaderCutOff(step, cluster, load)
    await ruleDuringCut(step, cluster, load)
    for (const way of ['in', 'out'] as const) await oneWay(step, cluster, { load, way })
    deepEqual((await load.stop())['guest']?.answers, {}, 'guest was never let in')
  },
}

async function leaderCutOff(step: Step, cluster: Cluster, load: Load): Promise<void> {
  const old = await leaderOf(cluster.servers)
  const others = cluster.servers.filter((server) => server !== old)
  await step(
    'the leader’s cable is pulled: another one leads, writes go on, traffic does not notice',
    async () => {
      const { web, guest, writes } = await load.during('writes', () => old.partition('both'))
      notEqual(await eventually(() => leaderOf(others)), old)
      console.log(`# writes: ${JSON.stringify(writes)}`)
      deepEqual(web?.failures, {})
      deepEqual(guest?.answers, {})
    },
  )
  await step('the old one has stepped down and takes no write', async () => {
    await eventually(async () => notEqual((await standing(old)).Role, 'leader'))
    match(await refusedWrite(cluster, old), /no-leader|no-server/)
  })
  await step('its cable is plugged in: it follows, and no acknowledged write is lost', async () => {
    await old.healAll()
    await wellAgain(cluster)
    await nothingLost(cluster.caller)
  })
}

/** A write at the server's own host, which must not be acknowledged. What was said instead. */
async function refusedWrite({ caller }: Cluster, server: Host): Promise<string> {
  await server.write(operatorToken, await caller.exec('cat', operatorToken))
  const write = ['mesh', 'kv', 'put', 'ledger/cut-off', 'never']
  const { status, output } = await server.attempt('env', `MESH_TOKEN_FILE=${operatorToken}`, ...write)
  notEqual(status, 0, `the write was acknowledged: ${output}`)
  return output
}

/**
 * The deposed leader keeps one instance's host, which keeps the caller: the worst place from which to let a caller in whom
 * the others deny.
 */
async function ruleDuringCut(step: Step, cluster: Cluster, load: Load): Promise<void> {
  const { servers, caller, backends } = cluster
  const old = await leaderOf(servers)
  const others = servers.filter((server) => server !== old)
  const [far, near] = backends
  ok(far && near)
  await step(
    'the leader and an instance are cut off from the other servers; web is denied there',
    async () => {
      for (const other of [...others, caller, near]) await old.partition(other)
      for (const other of others) await far.partition(other)
      await eventually(async () => notEqual(await leaderOf(others), old))
      await load.flows('writes')
      const said = await caller.attempt(
        'env',
        `MESH_TOKEN_FILE=${operatorToken}`,
        'mesh',
        'intention',
        'deny',
        'web',
        'backend',
      )
      console.log(`# ${said.output.trim()}`)
    },
  )
  await step('after the heal web is denied at both instances, and stays so', async () => {
    await old.healAll()
    await eventually(async () => deepEqual(await answersOfNext(load, 50), {}), 60_000)
    deepEqual(await answersOfNext(load, 200), {})
    for (const server of servers)
      match((await server.attempt('mesh', 'intention', 'check', 'web', 'backend')).output, /denied/i)
  })
  await step('web is allowed again, and no acknowledged write is lost', async () => {
    await operate(cluster, 'intention', 'allow', 'web', 'backend')
    await wellAgain(cluster)
    await nothingLost(caller)
  })
}

/** What the next requests of web were answered. */
async function answersOfNext(load: Load, requests: number): Promise<Readonly<Record<string, number>>> {
  const before = await load.report()
  const after = await eventually(async () => {
    const now = await load.report()
    ok((now['web']?.sent ?? 0) >= (before['web']?.sent ?? 0) + requests)
    return now
  })
  return between(before, after, 'web').answers
}

/** `in`: the leader is deaf, `out`: it is mute. */
async function oneWay(
  step: Step,
  cluster: Cluster,
  { load, way }: { readonly load: Load; readonly way: 'in' | 'out' },
): Promise<void> {
  const old = await leaderOf(cluster.servers)
  const others = cluster.servers.filter((server) => server !== old)
  const what = way === 'in' ? 'hears nothing but is heard' : 'hears but is not heard'
  await step(
    `the leader ${what}: another one leads after one change, and traffic does not notice`,
    async () => {
      const { Term: before } = await standing(old)
      const { web, guest, writes } = await load.during('writes', () => old.partition(way))
      const leader = await eventually(() => leaderOf(others))
      notEqual(leader, old)
      console.log(`# writes: ${JSON.stringify(writes)}`)
      deepEqual(web?.failures, {})
      deepEqual(guest?.answers, {})
      await eventually(async () => notEqual((await standing(old)).Role, 'leader'))
      await load.flows('writes', 100)
      const { Term: after } = await standing(leader)
      ok(after - before <= 2, `at most two elections, not ${after - before}`)
      await eventually(async () => deepEqual(await missing(cluster, old), []))
    },
  )
  await step('its network is whole again: it follows, and no acknowledged write is lost', async () => {
    await old.healAll()
    await wellAgain(cluster)
    await eventually(async () => deepEqual(await missing(cluster), []), 60_000)
    await nothingLost(cluster.caller)
    ok((await ask(cluster.caller, 9191)).startsWith('hello'))
  })
}

/** Hosts that the caller’s gossip does not hold for alive, but for the one that is half there. */
async function missing({ caller }: Cluster, besides?: Host): Promise<readonly string[]> {
  const members = JSON.parse(
    await caller.exec('curl', '-sSf', 'http://127.0.0.1:8500/v1/agent/members'),
  ) as readonly {
    readonly Name: string
    readonly Addr: string
    readonly Status: number
  }[]
  const alive = 1
  return members
    .filter(({ Status, Addr }) => Status !== alive && Addr !== besides?.address)
    .map(({ Name }) => Name)
}
