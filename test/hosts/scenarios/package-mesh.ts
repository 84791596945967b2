/**
 * The mesh in which package-life happens: vm1 is the server, web on vm2 calls backend on vm2 and vm3 all the while. And how it is
 * seen that nothing which is done to a package costs a call.
 */
import { deepEqual, ok } from 'node:assert/strict'
import { install, states } from '../installation.ts'
import { Load } from '../load.ts'
import { hostOf, type Scene } from '../scenario.ts'
import { eventually, type Step } from '../steps.ts'
import type { Host } from '../testbed.ts'

export interface Mesh {
  readonly vm1: Host
  readonly vm2: Host
  readonly vm3: Host
  /** On vm2, through web's upstream, each time by a new connection. */
  readonly load: Load
}

const examples = '/usr/share/doc/mesh-agent/examples'

export async function meshOf(step: Step, scene: Scene): Promise<Mesh> {
  const [vm1, vm2, vm3] = [hostOf(scene, 'vm1'), hostOf(scene, 'vm2'), hostOf(scene, 'vm3')]
  await step('vm1: a server, two tokens, an intention', async () => {
    await install(vm1)
    await vm1.exec('mesh', 'init', '-server', '-start')
    await vm1.exec('mesh', 'intention', 'allow', 'web', 'backend')
  })
  await step('vm3: a host whose configuration was there first is started by its installation', async () => {
    await vm3.exec('mkdir', '/etc/mesh-agent')
    await vm3.write('/etc/mesh-agent/host.hcl', `servers = ["${vm1.address}"]\n`)
    await install(vm3)
    deepEqual(await states(vm3), ['active', 'inactive', 'active'])
    await enter(vm1, vm3, 'backend', ['backend'])
  })
  await step('vm2: web, and another backend', async () => {
    await install(vm2)
    await enter(vm1, vm2, 'web,backend', ['web', 'backend'])
  })
  const load = await step('web reaches both', async () => {
    await eventually(() => vm2.exec('curl', '-sSf', '--max-time', '5', 'http://127.0.0.1:9191'))
    const started = await Load.start(vm2, { web: { url: 'http://127.0.0.1:9191', perSecond: 50 } })
    for (const host of [vm2, vm3]) await answeredBy(started, host)
    return started
  })
  return { vm1, vm2, vm3, load }
}

/** Waits until backend of this host answers from now on. */
export async function answeredBy(load: Load, host: Host): Promise<void> {
  const count = async (): Promise<number> => (await load.report())['web']?.answers[greeting(host)] ?? 0
  const before = await count()
  await eventually(async () => ok((await count()) >= before + 10, `10 answers of ${host.name}`))
}

/** Does something to the package of a host while web calls backend, and sees that not one call failed. */
export async function unharmed(load: Load, work: () => Promise<unknown>): Promise<void> {
  const { web } = await load.during('web', work)
  deepEqual(web?.failures, {})
}

const greeting = (host: Host): string => `hello from backend-${host.name}`

/** Enrolls a host with a token from vm1, and runs its services there. */
async function enter(vm1: Host, host: Host, may: string, services: readonly string[]): Promise<void> {
  const name = (await host.exec('hostname')).trim()
  await host.write(
    '/root/token',
    await vm1.exec('mesh', 'token', 'create', '-node', name, '-service', may, '-q'),
  )
  const listens = { web: '127.0.0.1:8080', backend: '127.0.0.1:9090' } as Readonly<Record<string, string>>
  for (const service of services) {
    await host.exec('cp', `${examples}/${service}.hcl`, '/etc/mesh-agent/')
    const words = ['--name', `${service}-${host.name}`, '--listen', listens[service] ?? '']
    await host.exec('systemd-run', '--quiet', `--unit=${service}`, 'mesh', 'sample-service', ...words)
  }
  await host.exec(
    'sh',
    '-ec',
    'mesh enroll -token-file /root/token && systemctl reload-or-restart mesh-agent',
  )
}
