/**
 * A mesh of three servers as docs/servers.md has it, for scenarios that begin with one: vm1, vm2 and vm3 are servers, `web` on
 * vm4 calls `backend` on vm5 and vm6, and `guest` on vm4 may call nobody. Services are units that start at boot. Knows how
 * a mesh is made and asked, and nothing of what a scenario does to it.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { install } from './installation.ts'
import type { Lanes } from './load.ts'
import { hostOf, type Scene } from './scenario.ts'
import { eventually, type Step } from './steps.ts'
import type { Host } from './testbed.ts'

export interface Cluster {
  /** vm1, which founded the mesh, vm2 and vm3. */
  readonly servers: readonly Host[]
  /** vm4: `web`, which may call backend at port 9191, and `guest`, which may not, at 9292. */
  readonly caller: Host
  /** vm5 and vm6; each answers with `hello from` and its own name. */
  readonly backends: readonly Host[]
}

/** Hosts that a scenario with this set-up needs. */
export const clusterHosts = 6

export const operatorToken = '/root/operator.token'

/** What web and guest ask, for load.ts. */
export const lanes: Lanes = {
  web: { url: 'http://127.0.0.1:9191', perSecond: 50 },
  guest: { url: 'http://127.0.0.1:9292', perSecond: 10 },
}

export async function startCluster(step: Step, scene: Scene): Promise<Cluster> {
  const [vm1, vm2, vm3, vm4, vm5, vm6] = ['vm1', 'vm2', 'vm3', 'vm4', 'vm5', 'vm6'].map((name) =>
    hostOf(scene, name),
  )
  ok(vm1 && vm2 && vm3 && vm4 && vm5 && vm6)
  const cluster: Cluster = { servers: [vm1, vm2, vm3], caller: vm4, backends: [vm5, vm6] }
  await step('the package is installed on all hosts', () =>
    Promise.all([vm1, vm2, vm3, vm4, vm5, vm6].map((host) => install(host))),
  )
  await step('vm1 founds a mesh', () => found(vm1))
  await step('vm2 and vm3 are let in as servers, the others as hosts', () =>
    Promise.all([
      letServerIn(vm1, vm2, 'vm2'),
      letServerIn(vm1, vm3, 'vm3'),
      letHostIn(cluster, vm4, { node: 'vm4', services: { web: 8080, guest: 8081 } }),
      letHostIn(cluster, vm5, { node: 'vm5', services: { backend: 9090 } }),
      letHostIn(cluster, vm6, { node: 'vm6', services: { backend: 9090 } }),
    ]),
  )
  await step('all three servers vote, and web reaches both instances of backend', async () => {
    await eventually(async () => equal((await voters(vm1)).length, 3), 60_000)
    await operate(cluster, 'intention', 'allow', 'web', 'backend')
    await wellAgain(cluster)
  })
  return cluster
}

/** Waits until all servers follow one leader and are healthy, web reaches both instances, and guest none. */
export async function wellAgain(cluster: Cluster, deadlineMs = 90_000): Promise<void> {
  await eventually(() => leaderOf(cluster.servers), deadlineMs)
  await eventually(async () => equal(await healthyServers(cluster), cluster.servers.length), deadlineMs)
  await eventually(async () => {
    const answers = new Set<string>()
    for (let i = 0; i < 4; i++) answers.add(await ask(cluster.caller, 9191))
    deepEqual([...answers].sort(), ['hello from vm5\n', 'hello from vm6\n'])
  }, deadlineMs)
  await guestIsDenied(cluster)
}

/** One request on a connection of its own. */
export const ask = (host: Host, port: number): Promise<string> =>
  host.exec('curl', '-sSf', '--max-time', '10', `http://127.0.0.1:${port}`)

export async function guestIsDenied({ caller }: Cluster): Promise<void> {
  // 52: the connection was opened and ended without an answer. Reset: 7 before curl looked, 55 as it sent, 56 as it read.
  const { status, output } = await caller.attempt('curl', '-sS', '--max-time', '10', 'http://127.0.0.1:9292')
  ok([52, 7, 55, 56].includes(status), `guest was not refused: ${status} ${output}`)
}

/** What a server knows of the cluster, asked at its own socket, also where nobody leads. */
export interface Standing {
  readonly Role: string
  /** Grows by one with each election, so its growth bounds how often the leader changed. */
  readonly Term: number
  /** Address; empty where it knows none. */
  readonly Leader: string
  readonly DiskFull: boolean
}

export async function standing(server: Host): Promise<Standing> {
  // Exit status 1: nobody leads, which is an answer.
  const { output } = await server.attempt('sh', '-c', 'mesh status -o json 2> /dev/null')
  return JSON.parse(output) as Standing
}

/** The server that leads as `among` agree. */
export async function leaderOf(among: readonly Host[]): Promise<Host> {
  const seen = await Promise.all(among.map(standing))
  const addresses = new Set(seen.map(({ Leader }) => Leader.split(':')[0]))
  const leader = among.find(({ address }) => addresses.size === 1 && addresses.has(address))
  ok(leader, `these servers agree on a leader among them: ${JSON.stringify(seen)}`)
  return leader
}

async function healthyServers({ caller }: Cluster): Promise<number> {
  const url = 'http://127.0.0.1:8500/v1/operator/autopilot/health'
  const body = await caller.exec('curl', '-sS', '--max-time', '5', url)
  const { Servers } = JSON.parse(body) as { readonly Servers: readonly { readonly Healthy: boolean }[] }
  return Servers.filter(({ Healthy }) => Healthy).length
}

/** An operator's command, at the host that never is harmed itself. */
export const operate = (cluster: Cluster, ...words: readonly string[]): Promise<string> =>
  cluster.caller.exec('env', `MESH_TOKEN_FILE=${operatorToken}`, 'mesh', ...words)

async function voters(server: Host): Promise<readonly string[]> {
  const { output } = await server.attempt('mesh', 'operator', 'raft', 'list-peers')
  return output.split('\n').filter((line) => /\byes\b/.test(line))
}

async function found(host: Host): Promise<void> {
  await host.exec('mesh', 'init', '-server', '-node', 'vm1')
  await host.write('/etc/mesh-agent/votes.hcl', 'autopilot { server_stabilization_time = "1s" }\n')
  await host.exec('systemctl', 'start', 'mesh-agent')
  await eventually(() => host.exec('mesh', 'status', '-leader'), 60_000)
}

async function letServerIn(founder: Host, host: Host, node: string): Promise<void> {
  await host.exec('mesh', 'init', '-server', '-node', node, '-join', founder.address)
  await host.exec('systemctl', 'start', 'mesh-agent')
  await host.write(
    '/root/token',
    await founder.exec('mesh', 'token', 'create', '-server', '-node', node, '-q'),
  )
  await eventually(() => host.exec('mesh', 'enroll', '-server', '-token-file', '/root/token'), 60_000)
}

interface Member {
  readonly node: string
  /** Ports of the services on loopback, by name. */
  readonly services: Readonly<Record<string, number>>
}

async function letHostIn(
  { servers: [founder] }: Cluster,
  host: Host,
  { node, services }: Member,
): Promise<void> {
  ok(founder)
  const names = Object.keys(services)
  const token = await founder.exec(
    'mesh',
    'token',
    'create',
    '-node',
    node,
    '-service',
    names.join(','),
    '-q',
  )
  await host.write('/root/token', token)
  await host.write(operatorToken, await founder.exec('cat', '/var/lib/mesh-agent/server/operator.token'))
  await host.exec('mesh', 'init', '-agent', '-node', node, '-join', founder.address)
  for (const [name, port] of Object.entries(services)) await addService(host, { name, port, node })
  await host.exec('systemctl', 'start', 'mesh-agent')
  await eventually(() => host.exec('mesh', 'enroll', '-token-file', '/root/token'), 60_000)
}

/** Local ports at which a caller finds backend. */
const upstreams: Readonly<Record<string, number>> = { web: 9191, guest: 9292 }

async function addService(
  host: Host,
  { name, port, node }: { readonly name: string; readonly port: number; readonly node: string },
): Promise<void> {
  await host.write(
    `/etc/systemd/system/${name}.service`,
    unitOf(`mesh sample-service --name ${node} --listen 127.0.0.1:${port}`),
  )
  await host.exec('systemctl', 'enable', '--now', name)
  await host.write(`/etc/mesh-agent/${name}.hcl`, definitionOf(name, port))
}

const unitOf = (command: string): string => `[Service]
ExecStart=/usr/bin/${command}
Restart=always

[Install]
WantedBy=multi-user.target
`

function definitionOf(name: string, port: number): string {
  const upstream = upstreams[name]
  const proxy =
    upstream === undefined
      ? ''
      : `proxy { upstreams { destination_name = "backend"\n local_bind_port = ${upstream} } }`
  return `service {
  name = "${name}"
  port = ${port}
  connect { sidecar_service { ${proxy} } }
  check {
    http     = "http://127.0.0.1:${port}/health"
    interval = "2s"
    timeout  = "1s"
  }
}
`
}
