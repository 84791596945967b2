/**
 * Machines that are not as they should be: the disk of the leading server is full, and clocks are an hour ahead or behind, of
 * hosts that carry traffic and of servers that lead. The disk is a small one in memory; the clock is that of the mesh's
 * own programs, because a host cannot set the kernel's.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import {
  ask,
  type Cluster,
  clusterHosts,
  lanes,
  leaderOf,
  operate,
  standing,
  startCluster,
  wellAgain,
} from '../cluster.ts'
import { Load, nothingLost } from '../load.ts'
import { hostOf, type Scenario, type Scene } from '../scenario.ts'
import { eventually, type Step } from '../steps.ts'
import type { Host } from '../testbed.ts'

const writesPerSecond = 10
const hourMs = 3_600_000

export const faultsMachine: Scenario = {
  name: 'faults-machine',
  about:
    'a full disk makes the leader step aside until there is room, and clocks an hour off stop neither traffic nor writes nor ' +
    'rules nor leases',
  hosts: clusterHosts,
  suites: ['bookworm'],
  run: async (step, scene) => {
    await prepare(scene)
    const cluster = await startCluster(step, scene)
    const load = await Load.start(cluster.caller, lanes, writesPerSecond)
    await diskFull(step, cluster, load)
    await trafficAcrossClocks(step, cluster, load)
    await leadersWithWrongClocks(step, cluster, load)
    deepEqual((await load.stop())['guest']?.answers, {}, 'guest was never let in')
  },
}

const clockFile = '/etc/clock-of-the-mesh'
const preload = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1'
const dropIn = `[Service]
Environment=LD_PRELOAD=${preload} FAKETIME_TIMESTAMP_FILE=${clockFile} FAKETIME_CACHE_DURATION=1
Environment=FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_DISABLE_SHM=1 NO_FAKE_STAT=1
`

/** Before the package comes: a disk of 200 MiB for vm3, and clocks that can be set on all. */
async function prepare(scene: Scene): Promise<void> {
  await hostOf(scene, 'vm3').exec(
    'sh',
    '-ec',
    'mkdir -m 755 /var/lib/mesh-agent && mount -t tmpfs -o mode=755,size=200m tmpfs /var/lib/mesh-agent',
  )
  for (const host of scene.hosts.values()) {
    await setClock(host, '+0')
    for (const unit of ['mesh-agent', 'mesh-server', 'mesh-proxy']) {
      await host.exec('mkdir', '-p', `/etc/systemd/system/${unit}.service.d`)
      await host.write(`/etc/systemd/system/${unit}.service.d/clock.conf`, dropIn)
    }
  }
}

/** Takes effect within a second, on programs that run. */
const setClock = (host: Host, offset: string): Promise<void> => host.write(clockFile, `${offset}\n`)

async function diskFull(step: Step, cluster: Cluster, load: Load): Promise<void> {
  const [, , small] = cluster.servers
  ok(small)
  await step(
    'the leader’s disk is full: it steps aside and says so, and writes go on with the others',
    async () => {
      await makeLeader(cluster, small)
      const { web, guest, writes } = await load.during('writes', async () => {
        await small.attempt('dd', 'if=/dev/zero', 'of=/var/lib/mesh-agent/filler', 'bs=1M')
        await eventually(async () => ok((await standing(small)).DiskFull, 'it says that its disk is full'))
      })
      console.log(`# writes: ${JSON.stringify(writes)}`)
      await eventually(async () => ok((await leaderOf(cluster.servers)) !== small))
      deepEqual(web?.failures, {})
      deepEqual(guest?.answers, {})
      const reasons = Object.keys(writes?.failures ?? {})
      ok(
        reasons.every((reason) => /^500 (disk-full|no-leader|write-outcome-unknown)/.test(reason)),
        reasons.join(),
      )
      match(await small.journal('mesh-server'), /disk full/)
    },
  )
  await step(
    'there is room again: it takes writes, may lead, and no acknowledged write is lost',
    async () => {
      await small.exec('rm', '/var/lib/mesh-agent/filler')
      await eventually(async () => equal((await standing(small)).DiskFull, false), 60_000)
      await wellAgain(cluster)
      await makeLeader(cluster, small)
      await load.flows('writes')
      await nothingLost(cluster.caller)
    },
  )
}

async function makeLeader(cluster: Cluster, server: Host): Promise<void> {
  const id = (await server.exec('cat', '/var/lib/mesh-agent/server/node-id')).trim()
  await eventually(async () => {
    if ((await leaderOf(cluster.servers)) === server) return
    await operate(cluster, 'operator', 'raft', 'transfer-leader', '-id', id)
    equal(await leaderOf(cluster.servers), server)
  })
}

async function trafficAcrossClocks(step: Step, cluster: Cluster, load: Load): Promise<void> {
  const [ahead, behind] = cluster.backends
  ok(ahead && behind)
  await step(
    'one instance’s clock goes an hour ahead, the other’s an hour behind: web reaches both',
    async () => {
      const { web, guest } = await load.during('web', async () => {
        await setClock(ahead, '+1h')
        await setClock(behind, '-1h')
        await Promise.all([clockIsOff(ahead, hourMs), clockIsOff(behind, -hourMs)])
        // Sessions of before would hide that new ones are refused.
        for (const host of [ahead, behind]) await host.exec('mesh', 'proxy', 'upgrade', '-drain-time', '1s')
        await wellAgain(cluster)
      })
      deepEqual(web?.failures, {})
      deepEqual(guest?.answers, {})
    },
  )
  await step('a rule made now holds on both at once', async () => {
    await operate(cluster, 'intention', 'deny', 'web', 'backend')
    for (let i = 0; i < 10; i++)
      ok((await cluster.caller.attempt('curl', '-sSf', 'http://127.0.0.1:9191')).status !== 0)
    await operate(cluster, 'intention', 'allow', 'web', 'backend')
    ok((await ask(cluster.caller, 9191)).startsWith('hello'))
  })
}

/** The agent's own clock, as the head of its answers tells it, is off by this much. */
async function clockIsOff(host: Host, offsetMs: number): Promise<void> {
  await eventually(async () => {
    const head = await host.exec('curl', '-sSi', 'http://127.0.0.1:8500/v1/status/leader')
    const date = /^date: (.*)$/im.exec(head)?.[1] ?? ''
    const isMs = Date.parse(date) - Date.now()
    ok(Math.abs(isMs - offsetMs) < 60_000, `the agent says ${date}`)
  })
}

async function leadersWithWrongClocks(step: Step, cluster: Cluster, load: Load): Promise<void> {
  const [, follower, leader] = cluster.servers
  ok(follower && leader)
  const session = await createSession(cluster)
  await step(
    'the leader’s clock goes an hour ahead: writes, a lease and the signing of certificates are as before',
    async () => {
      await makeLeader(cluster, leader)
      const { web, writes } = await load.during('writes', () => setClock(leader, '+1h'))
      deepEqual([web?.failures, writes?.failures], [{}, {}])
      await certificatesAreSigned(cluster)
      await sessionLives(cluster, session)
    },
  )
  await step('a server an hour behind takes over from it: the same', async () => {
    await setClock(follower, '-1h')
    await makeLeader(cluster, follower)
    await load.flows('writes')
    await certificatesAreSigned(cluster)
    await sessionLives(cluster, session)
  })
  await step('all clocks are right again, and no acknowledged write is lost', async () => {
    for (const host of [...cluster.servers, ...cluster.backends]) await setClock(host, '+0')
    await wellAgain(cluster)
    await nothingLost(cluster.caller)
  })
}

const api = async (cluster: Cluster, ...words: readonly string[]): Promise<string> =>
  cluster.caller.exec(
    'sh',
    '-c',
    'curl -sSf -H "x-consul-token: $(cat /root/operator.token)" "$@"',
    '_',
    ...words,
  )

async function createSession(cluster: Cluster): Promise<string> {
  const url = 'http://127.0.0.1:8500/v1/session/create'
  const { ID } = JSON.parse(await api(cluster, '-X', 'PUT', '-d', '{"TTL":"600s"}', url)) as {
    readonly ID: string
  }
  return ID
}

async function sessionLives(cluster: Cluster, session: string): Promise<void> {
  const rows = JSON.parse(
    await api(cluster, `http://127.0.0.1:8500/v1/session/info/${session}`),
  ) as readonly unknown[]
  equal(rows.length, 1, 'the lease of ten minutes is held')
}

/** Both instances' hosts, whose clocks differ from the signer's and from each other's, get certificates and use them. */
async function certificatesAreSigned(cluster: Cluster): Promise<void> {
  for (const host of cluster.backends) {
    await host.exec('sh', '-c', 'rm -rf /var/lib/mesh-agent/agent/leaves/*')
    await host.exec('systemctl', 'restart', 'mesh-agent')
  }
  await wellAgain(cluster)
}
