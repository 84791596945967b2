/**
 * Two upgrades host by host under load: from the package of an earlier commit to this one, and from this one to one in which
 * every version is one higher. Half way both versions serve side by side for a minute, and a worker is killed. No request
 * fails, no instance is missing at any look at the catalog, no write is lost, and leadership changes twice at most.
 */
import { equal, match, notEqual, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readManifest } from '../../../packaging/bundle.ts'
import { buildDeb } from '../../../packaging/deb/build.ts'
import { type Cluster, clusterHosts, leaderOf, standing, startCluster, wellAgain } from '../cluster.ts'
import { buildOldPackage, whyNoOldPackage } from '../old-package.ts'
import type { Scenario, Scene } from '../scenario.ts'
import { eventually, type Step } from '../steps.ts'
import type { Host } from '../testbed.ts'
import { beginWatch, bringOwnServices, endWatch, hostsOf, judge } from '../upgrade-traffic.ts'

const mixedMs = 60_000
const nextVersion = '999.0.0'
/** Six hosts on two cores, one of them unpacking a package, answer each command after seconds. */
const patienceMs = 180_000
/** What systemd does not answer with another start. */
const exitConfiguration = 78

export const upgrade: Scenario = {
  name: 'upgrade',
  about: 'host by host under load, from an old commit and to raised versions: nothing fails, nothing is lost',
  hosts: clusterHosts,
  suites: ['bookworm'],
  run: async (step, scene) => {
    const work = mkdtempSync(join(tmpdir(), 'mesh-upgrade-'))
    try {
      await upgrades(step, scene, work)
    } finally {
      rmSync(work, { recursive: true })
    }
  },
}

async function upgrades(step: Step, scene: Scene, work: string): Promise<void> {
  const missing = whyNoOldPackage()
  if (missing !== undefined) console.log(`# skipped: the upgrade from an old commit: ${missing}`)
  const old =
    missing === undefined
      ? await step('the package of an old commit is built', async () => buildOldPackage(work))
      : undefined
  const next = await step('the package of the next release is built', () =>
    buildDeb({ output: work, version: nextVersion, isNextRelease: true }),
  )
  if (old !== undefined) for (const host of scene.hosts.values()) await host.push(old, '/root/mesh-agent.deb')
  const cluster = await startCluster(step, scene)
  await bringOwnServices(scene, cluster)
  await wellAgain(cluster, patienceMs)
  if (old !== undefined)
    await upgradeAll(step, cluster, {
      name: 'this version',
      deb: scene.deb,
      version: readManifest().version,
    })
  await upgradeAll(step, cluster, { name: 'the next release', deb: next, version: nextVersion })
  await step('the cluster agreed on what only the next release knows', () => agreed(cluster))
  await step('a server of this version refuses the newer data directory in words, and changes nothing', () =>
    wayBackIsClosed(cluster, scene.deb),
  )
}

interface Target {
  readonly name: string
  readonly deb: string
  readonly version: string
}

async function upgradeAll(step: Step, cluster: Cluster, { name, deb, version }: Target): Promise<void> {
  const upgradeEach = async (hosts: readonly Host[]): Promise<void> => {
    for (const host of hosts) await upgradeHost(cluster, host, version)
  }
  for (const host of hostsOf(cluster)) await host.push(deb, '/root/next.deb')
  const order = await upgradeOrder(cluster)
  const before = await newestTerm(cluster)
  const load = await beginWatch(cluster)
  await step(`half of the hosts are upgraded to ${name}`, () => upgradeEach(order.slice(0, 3)))
  const side = `both versions serve for ${mixedMs / 1000} s, and a worker is killed`
  const killedAtMs = await step(side, () => mixed(cluster))
  await step(`the other half is upgraded to ${name}`, () => upgradeEach(order.slice(3)))
  await step(
    'no request failed, no instance was missing, no write was lost, guest was never let in',
    async () => judge(await endWatch(cluster, load), killedAtMs),
  )
  await step('leadership changed twice at most', async () => {
    const changes = (await newestTerm(cluster)) - before
    console.log(`# leader changes: ${changes}`)
    ok(changes <= 2, `${changes} terms later`)
  })
}

/** Servers and others in turn, so that at half time there are both versions of each; the leader is the last server. */
async function upgradeOrder({ servers, caller, backends }: Cluster): Promise<readonly Host[]> {
  const leader = await leaderOf(servers)
  const followers = servers.filter((server) => server !== leader)
  const others = [caller, ...backends]
  return [...followers, leader].flatMap((server, at) => [server, ...others.slice(at, at + 1)])
}

/** Returns, as an operator waits, when the host is back and all its programs are of that version. */
async function upgradeHost(cluster: Cluster, host: Host, version: string): Promise<void> {
  await host.exec('apt-get', 'install', '-y', '/root/next.deb')
  await eventually(async () => {
    equal(await newestVersion(host, 'mesh-agent', 'serving'), version)
    equal(await newestVersion(host, 'mesh-agent', 'proxy connected'), version)
    if (cluster.servers.includes(host)) equal(await newestVersion(host, 'mesh-server', 'serving'), version)
  }, patienceMs)
  await wellAgain(cluster, patienceMs)
}

/** What the unit's journal said last about a program's version. */
async function newestVersion(host: Host, unit: string, event: string): Promise<string | undefined> {
  const lines = (await host.journal(unit)).split('\n').filter((line) => line.includes(` ${event} `))
  return / version=(\S+)/.exec(lines[lines.length - 1] ?? '')?.[1]
}

/** In the middle of the minute, the worker of a host with a backend that is still old; when that was. */
async function mixed({ backends: [backend] }: Cluster): Promise<number> {
  ok(backend)
  const wait = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, mixedMs / 2))
  await wait()
  const newest = async (): Promise<string> => (await backend.exec('pgrep', '-n', '-f', 'proxy-worker')).trim()
  const worker = await newest()
  const killedAtMs = Date.now()
  await backend.exec('kill', '-KILL', worker)
  await eventually(async () => notEqual(await newest(), worker))
  await wait()
  return killedAtMs
}

/** Each election has a term of its own, won or not. */
async function newestTerm({ servers }: Cluster): Promise<number> {
  const seen = await Promise.all(servers.map(standing))
  return Math.max(...seen.map(({ Term }) => Term))
}

/** The leader raised the level once all servers were upgraded, and each wrote down that older programs must stay away. */
async function agreed({ servers }: Cluster): Promise<void> {
  await eventually(async () => {
    for (const host of servers) match(await host.exec('cat', '/var/lib/mesh-agent/server/FORMAT'), / 2\n$/)
  })
}

async function wayBackIsClosed(cluster: Cluster, deb: string): Promise<void> {
  const leader = await leaderOf(cluster.servers)
  const server = cluster.servers.find((one) => one !== leader)
  ok(server)
  await server.push(deb, '/root/this.deb')
  await server.exec('dpkg-deb', '-x', '/root/this.deb', '/opt/this')
  await server.exec('systemctl', 'stop', 'mesh-server')
  const program = ['/opt/this/usr/lib/mesh-agent/node', '/opt/this/usr/lib/mesh-agent/main.js']
  const { status, output } = await server.attempt(
    ...['runuser', '-u', 'mesh-server', '--', ...program, 'server', '-config-dir', '/etc/mesh-agent'],
  )
  equal(status, exitConfiguration, output)
  match(output, /format-too-new.*the data directory has format 2, this program knows formats up to 1/)
  await server.exec('systemctl', 'start', 'mesh-server')
  await wellAgain(cluster, patienceMs)
}
