/**
 * kill -9 of every process in turn, on each kind of host, under traffic. systemd brings each back. Who is named here loses
 * what stands in `costs` and nothing else: agents and servers cost no connection at all.
 */
import { deepEqual, notEqual, ok } from 'node:assert/strict'
import { type Cluster, clusterHosts, lanes, leaderOf, startCluster, wellAgain } from '../cluster.ts'
import { failuresOf, type LaneReport, Load, nothingLost } from '../load.ts'
import type { Scenario } from '../scenario.ts'
import { eventually, type Step } from '../steps.ts'
import type { Host } from '../testbed.ts'

const writesPerSecond = 10

/** What callers may lose when a process dies. */
type Cost =
  | 'nothing'
  /** Connections that were open through it: they are reset, and none is refused. */
  | 'its own connections'
  /** As before, and the listening sockets are gone until systemd has started it again. */
  | 'its own connections, and new ones until it is back'

interface Victim {
  readonly name: string
  readonly host: Host
  readonly process: 'mesh-agent' | 'mesh-server' | 'mesh-proxy' | 'worker'
  readonly costs: Cost
}

export const faultsProcesses: Scenario = {
  name: 'faults-processes',
  about:
    'kill -9 of agent, server, proxy holder and proxy worker on each kind of host: each comes back, only what a proxy ' +
    'process carried breaks, and registrations stay',
  hosts: clusterHosts,
  suites: ['bookworm'],
  run: async (step, scene) => {
    const cluster = await startCluster(step, scene)
    const registered = await registrations(cluster)
    const load = await Load.start(cluster.caller, lanes, writesPerSecond)
    for (const victim of await victims(cluster)) await killed(step, load, victim)
    await step(
      'the mesh is whole: no service was registered anew, no acknowledged write is lost',
      async () => {
        await wellAgain(cluster)
        deepEqual(await registrations(cluster), registered)
        await nothingLost(cluster.caller)
      },
    )
    deepEqual((await load.stop())['guest']?.answers, {}, 'guest was never let in')
  },
}

async function victims(cluster: Cluster): Promise<readonly Victim[]> {
  const { caller, servers, backends } = cluster
  const [backend] = backends
  const leader = await leaderOf(servers)
  const follower = servers.find((server) => server !== leader)
  ok(backend && follower)
  return [
    { name: 'agent of the caller', host: caller, process: 'mesh-agent', costs: 'nothing' },
    { name: 'agent of an instance', host: backend, process: 'mesh-agent', costs: 'nothing' },
    { name: 'agent beside the leader', host: leader, process: 'mesh-agent', costs: 'nothing' },
    { name: 'server that follows', host: follower, process: 'mesh-server', costs: 'nothing' },
    { name: 'server that leads', host: leader, process: 'mesh-server', costs: 'nothing' },
    { name: 'proxy worker of a server', host: follower, process: 'worker', costs: 'nothing' },
    { name: 'proxy holder of a server', host: follower, process: 'mesh-proxy', costs: 'nothing' },
    { name: 'proxy worker of an instance', host: backend, process: 'worker', costs: 'its own connections' },
    {
      name: 'proxy holder of an instance',
      host: backend,
      process: 'mesh-proxy',
      costs: 'its own connections',
    },
    { name: 'proxy worker of the caller', host: caller, process: 'worker', costs: 'its own connections' },
    {
      name: 'proxy holder of the caller',
      host: caller,
      process: 'mesh-proxy',
      costs: 'its own connections, and new ones until it is back',
    },
  ]
}

async function killed(step: Step, load: Load, victim: Victim): Promise<void> {
  const { name, host, process, costs } = victim
  await step(`kill -9 of the ${name}: it comes back, and callers lose ${costs}`, async () => {
    const seen = await load.during('web', async () => {
      const pid = await pidOf(victim)
      await host.exec('kill', '-9', pid)
      await eventually(async () => {
        notEqual(await pidOf(victim), pid)
        if (process !== 'worker') await host.exec('systemctl', 'is-active', process)
      })
    })
    const { web } = seen
    ok(web)
    checkCost(costs, web)
    deepEqual(seen['guest']?.answers, {})
  })
}

/** Requests of 50 a second take milliseconds: a worker has a few of them in its hands, also on a machine that is busy. */
const inHandAtMost = 15

function checkCost(costs: Cost, web: LaneReport): void {
  const lost = JSON.stringify(web.failures)
  switch (costs) {
    case 'nothing':
      deepEqual(web.failures, {})
      return
    case 'its own connections':
      ok(failuresOf(web) <= inHandAtMost, lost)
      ok(
        Object.keys(web.failures).every((reason) => reason === 'ECONNRESET'),
        lost,
      )
      return
    case 'its own connections, and new ones until it is back':
      ok(
        Object.keys(web.failures).every((reason) => ['ECONNRESET', 'ECONNREFUSED'].includes(reason)),
        lost,
      )
  }
}

/** Rejects while the process is not there. */
async function pidOf({ host, process }: Pick<Victim, 'host' | 'process'>): Promise<string> {
  const pid = process === 'worker' ? await workerOf(host) : await mainPidOf(host, process)
  ok(pid !== '' && pid !== '0', `${process} runs`)
  return pid
}

const mainPidOf = async (host: Host, unit: string): Promise<string> =>
  (await host.exec('systemctl', 'show', '-P', 'MainPID', unit)).trim()

async function workerOf(host: Host): Promise<string> {
  const workers = JSON.parse(await host.exec('mesh', 'proxy', 'workers', '-o', 'json')) as readonly {
    readonly pid: number
  }[]
  return String(workers[0]?.pid ?? '')
}

/** Each instance with the log index at which it was registered: a service that was lost for a moment has another one. */
async function registrations({ caller }: Cluster): Promise<readonly string[]> {
  const rows: string[] = []
  for (const service of ['web', 'guest', 'backend', 'backend-sidecar-proxy']) {
    const body = await caller.exec('curl', '-sSf', `http://127.0.0.1:8500/v1/catalog/service/${service}`)
    for (const row of JSON.parse(body) as readonly { Node: string; ServiceID: string; CreateIndex: number }[])
      rows.push(`${row.Node}/${row.ServiceID} since ${row.CreateIndex}`)
  }
  return rows.sort()
}
