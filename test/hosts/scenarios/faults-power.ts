/**
 * Hosts lose power without a word, under traffic and writes: the one of an instance, the one of the leader, one while all
 * servers are away, and all at once. After each the mesh has to be well again with nobody typing anything.
 */
import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import {
  ask,
  type Cluster,
  clusterHosts,
  guestIsDenied,
  lanes,
  leaderOf,
  startCluster,
  wellAgain,
} from '../cluster.ts'
import { answersOf, failuresOf, Load, nothingLost } from '../load.ts'
import type { Scenario } from '../scenario.ts'
import { eventually, type Step } from '../steps.ts'

const writesPerSecond = 10
/** Requests of 50 a second take milliseconds: one instance has a few of them in hand, also on a machine that is busy. */
const inHandAtMost = 15

export const faultsPower: Scenario = {
  name: 'faults-power',
  about:
    'an instance’s host, the leader, and all hosts at once lose power, and a host boots without servers: traffic finds a way, ' +
    'acknowledged writes stay, denied callers stay denied, and the mesh comes back by itself',
  hosts: clusterHosts,
  suites: ['bookworm'],
  run: async (step, scene) => {
    const cluster = await startCluster(step, scene)
    const load = await Load.start(cluster.caller, lanes, writesPerSecond)
    await instanceOff(step, cluster, load)
    await leaderOff(step, cluster, load)
    await load.stop()
    await bootWithoutServers(step, cluster)
    await everythingOff(step, cluster)
  },
}

async function instanceOff(step: Step, cluster: Cluster, load: Load): Promise<void> {
  const [victim] = cluster.backends
  ok(victim)
  await step(
    'an instance’s host loses power: callers move to the other one, and lose what it had in hand',
    async () => {
      const { web, guest } = await load.during('web', () => victim.cut())
      console.log(`# web: ${JSON.stringify(web)}`)
      ok(failuresOf(web) <= inHandAtMost, JSON.stringify(web?.failures))
      deepEqual(guest?.answers, {})
    },
  )
  await step('its host is switched on: it takes its share again', async () => {
    await victim.powerOn()
    await wellAgain(cluster)
    await nothingLost(cluster.caller)
  })
}

async function leaderOff(step: Step, cluster: Cluster, load: Load): Promise<void> {
  const leader = await leaderOf(cluster.servers)
  await step('the leader loses power: another one leads, writes go on, traffic does not notice', async () => {
    const { web, guest, writes } = await load.during('writes', () => leader.cut())
    const others = cluster.servers.filter((server) => server !== leader)
    notEqual(await eventually(() => leaderOf(others)), leader)
    console.log(`# writes: ${JSON.stringify(writes)}`)
    equal(writes?.failures['timeout'], undefined, 'a write that finds no leader is answered')
    deepEqual(web?.failures, {})
    deepEqual(guest?.answers, {})
  })
  await step('it is switched on: it follows, and no acknowledged write is lost', async () => {
    await leader.powerOn()
    await wellAgain(cluster)
    console.log(`# ${await nothingLost(cluster.caller)} acknowledged writes`)
  })
}

async function bootWithoutServers(step: Step, cluster: Cluster): Promise<void> {
  const { servers, backends, caller } = cluster
  const [instance] = backends
  ok(instance)
  await step(
    'all servers are off; a caller and an instance reboot and work from what lies on their disks',
    async () => {
      await Promise.all(servers.map((server) => server.cut()))
      await Promise.all([caller.cut(), instance.cut()])
      await Promise.all([caller.powerOn(), instance.powerOn()])
      const seen = new Set<string>()
      await eventually(async () => {
        seen.add(await ask(caller, 9191))
        ok(seen.size === 2, `both instances answer: ${[...seen]}`)
      }, 60_000)
      await guestIsDenied(cluster)
    },
  )
}

async function everythingOff(step: Step, cluster: Cluster): Promise<void> {
  const all = [...cluster.servers, cluster.caller, ...cluster.backends]
  await step('everything is off, and is switched on in any order: the mesh is back as it was', async () => {
    await Promise.all([cluster.caller, ...cluster.backends].map((host) => host.cut()))
    for (const host of all.toReversed()) await host.powerOn()
    await wellAgain(cluster)
    ok((await nothingLost(cluster.caller)) > 0)
    const load = await Load.start(cluster.caller, lanes, writesPerSecond)
    await load.flows('writes')
    await load.flows('web')
    const whole = await load.stop()
    ok(answersOf(whole['web']) > 0 && failuresOf(whole['web']) === 0, JSON.stringify(whole['web']))
    deepEqual(whole['guest']?.answers, {})
  })
}
