/**
 * From `apt install` to the first request over mTLS between services on two hosts: h1 runs a server and `web`, h2 runs
 * `backend`. Then the request is refused by an intention, let through again, and passes after a reboot of h2.
 */
import { deepEqual, equal, match, notEqual } from 'node:assert/strict'
import { join } from 'node:path'
import { eventually, type Step } from './steps.ts'
import type { Host } from './testbed.ts'

export interface Scene {
  readonly deb: string
  readonly h1: Host
  readonly h2: Host
}

const upstreamUrl = 'http://127.0.0.1:9001/'

export async function firstRequest(step: Step, { deb, h1, h2 }: Scene): Promise<void> {
  await step('apt installs the package on both: enabled, idle, and it says what to do next', async () => {
    const said = await Promise.all([h1, h2].map((host) => install(host, deb)))
    for (const words of said)
      match(words, /What to do next:\n.*mesh-agent\.hcl.*\n.*systemctl start mesh-agent/)
    await idle(h1)
    await idle(h2)
  })
  await step('h1 starts a server, which makes the cluster', () => startServer(h1))
  await step('h2 waits until it is let in, and says how', () => startWaiting(h2, h1))
  await step('h2 enrolls with a token made on h1', () => enroll(h1, h2, 'backend'))
  await step('the services of both hosts are in the catalog and healthy', () => inCatalog(h1))
  await step('web reaches backend when an intention allows it', async () => {
    await h1.exec('mesh', 'intention', 'allow', 'web', 'backend')
    match(await eventually(() => request(h1)), /^backend on h2, request 1$/m)
  })
  await step('web is refused when an intention denies it, and backend sees nothing', async () => {
    await h1.exec('mesh', 'intention', 'deny', 'web', 'backend')
    await refused(h1, h2)
  })
  await step('web reaches backend again', async () => {
    await h1.exec('mesh', 'intention', 'allow', 'web', 'backend')
    match(await eventually(() => request(h1)), /^backend on h2/)
  })
  await step('after a reboot of h2 it does so with nobody typing anything', async () => {
    await h2.powerOff()
    await h2.powerOn()
    match(await eventually(() => request(h1), 60_000), /^backend on h2/)
  })
}

export async function install(host: Host, deb: string): Promise<string> {
  await host.push(deb, '/root/mesh-agent.deb')
  // dpkg may run on a terminal of apt's, whose lines end otherwise.
  return (await host.exec('apt-get', 'install', '-y', '/root/mesh-agent.deb')).replaceAll('\r', '')
}

async function idle(host: Host): Promise<void> {
  equal((await host.exec('systemctl', 'is-enabled', 'mesh-agent')).trim(), 'enabled')
  const { output } = await host.attempt('systemctl', 'is-active', 'mesh-agent', 'mesh-server', 'mesh-proxy')
  deepEqual(output.trim().split('\n'), ['inactive', 'inactive', 'inactive'])
}

async function startServer(h1: Host): Promise<void> {
  await h1.write('/etc/mesh-agent/host.hcl', `server = true\nservers = ["${h1.address}:8300"]\n`)
  await h1.write('/etc/mesh-agent/web.hcl', webDefinition)
  await h1.exec('systemctl', 'start', 'mesh-agent')
  await eventually(() => h1.exec('systemctl', 'is-active', 'mesh-agent', 'mesh-server', 'mesh-proxy'))
  await eventually(() => enroll(h1, h1, 'web'))
}

async function startWaiting(h2: Host, h1: Host): Promise<void> {
  await h2.push(join(import.meta.dirname, 'backend.ts'), '/usr/local/lib/backend.ts')
  await h2.write('/etc/systemd/system/backend.service', backendUnit)
  await h2.exec('systemctl', 'daemon-reload')
  await h2.exec('systemctl', 'enable', '--now', 'backend')
  await h2.write('/etc/mesh-agent/host.hcl', `servers = ["${h1.address}:8300"]\n`)
  await h2.write('/etc/mesh-agent/backend.hcl', backendDefinition)
  await h2.exec('systemctl', 'start', 'mesh-agent')
  match(await h2.exec('systemctl', 'show', '-P', 'StatusText', 'mesh-agent'), /mesh enroll/)
  match(await h2.journal('mesh-agent'), /mesh enroll/)
  const { output } = await h2.attempt('systemctl', 'is-active', 'mesh-proxy', 'mesh-server')
  deepEqual(output.trim().split('\n'), ['active', 'inactive'])
}

async function enroll(h1: Host, host: Host, service: string): Promise<void> {
  const words = ['mesh', 'token', 'create', '-node', host.name, '-service', service, '-q']
  const token = await h1.exec(...words)
  await host.write('/root/token', token.trim())
  await host.exec('mesh', 'enroll', '-token-file', '/root/token')
  await host.exec('rm', '/root/token')
}

async function inCatalog(h1: Host): Promise<void> {
  await eventually(async () => {
    const services = await h1.exec('mesh', 'services')
    match(services, /^web\b/m)
    match(services, /^backend\b/m)
    const health = await h1.exec('curl', '-sSf', 'http://127.0.0.1:8500/v1/health/service/backend?passing')
    deepEqual(
      (JSON.parse(health) as readonly { Node: { Node: string } }[]).map((one) => one.Node.Node),
      ['h2'],
    )
  })
}

const request = (h1: Host): Promise<string> => h1.exec('curl', '-sSf', '--max-time', '5', upstreamUrl)

async function refused(h1: Host, h2: Host): Promise<void> {
  const served = (): Promise<string> => h2.exec('curl', '-sSf', 'http://127.0.0.1:8080/served')
  await eventually(async () =>
    notEqual((await h1.attempt('curl', '-sSf', '--max-time', '5', upstreamUrl)).status, 0),
  )
  const before = await served()
  for (let i = 0; i < 20; i++)
    notEqual((await h1.attempt('curl', '-sSf', '--max-time', '5', upstreamUrl)).status, 0)
  equal(await served(), before)
}

const webDefinition = `service {
  name = "web"
  port = 8080
  connect {
    sidecar_service {
      proxy {
        upstreams {
          destination_name = "backend"
          local_bind_port  = 9001
        }
      }
    }
  }
}
`

const backendDefinition = `service {
  name = "backend"
  port = 8080
  check {
    http     = "http://127.0.0.1:8080/health"
    interval = "1s"
    timeout  = "1s"
  }
  connect {
    sidecar_service {}
  }
}
`

const backendUnit = `[Service]
ExecStart=/usr/lib/mesh-agent/node /usr/local/lib/backend.ts
DynamicUser=yes
[Install]
WantedBy=multi-user.target
`
