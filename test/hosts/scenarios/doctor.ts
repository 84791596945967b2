/**
 * `mesh doctor` on hosts that are well, where it must find nothing, and on hosts that have one fault each, which it must name by
 * its code with something to type. Faults are applied to running hosts and undone; at the end all are well again.
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { install } from '../installation.ts'
import { hostOf, type Scenario, type Scene } from '../scenario.ts'
import { eventually, type Step } from '../steps.ts'
import type { Host } from '../testbed.ts'
import { fakeTime, installFakeTime } from './doctor-clock.ts'
import { enroll, type Fault, faultsOfMember, faultsOfNewcomer, faultsOfStranger } from './doctor-faults.ts'

export const doctor: Scenario = {
  name: 'doctor',
  about: 'mesh doctor finds nothing on healthy hosts, and names the fault and the remedy on broken ones',
  hosts: 3,
  suites: ['bookworm'],
  run: async (step, scene) => {
    await healthyMesh(step, scene)
    const found: string[] = []
    const examine = (faults: readonly Fault[]): Promise<void> => examineAll(step, scene, { faults, found })
    await examine(faultsOfMember)
    await wellAgain(step, scene)
    await examine(faultsOfNewcomer)
    await foreignMesh(step, scene)
    await examine(faultsOfStranger)
    for (const line of found) console.log(`# ${line}`)
    console.log(
      `# ${found.length} of ${faultsOfMember.length + faultsOfNewcomer.length + faultsOfStranger.length}`,
    )
  },
}

const server = 'server = true\n'
const service = `service {
  name = "backend"
  port = 9090
  connect { sidecar_service {} }
  check {
    name     = "backend answers"
    http     = "http://127.0.0.1:9090/health"
    interval = "1s"
    timeout  = "2s"
  }
}
`

/** vm1 runs a server, vm2 a service of the mesh; vm3 has the package and nothing else. */
async function healthyMesh(step: Step, scene: Scene): Promise<void> {
  const [vm1, vm2, vm3] = hosts(scene)
  await step('the package is installed on three hosts', () =>
    Promise.all([vm1, vm2, vm3].map((host) => install(host))),
  )
  await step('a host that nobody configured is told what to type', async () => {
    const { status, problems } = await examineHost(vm3)
    deepEqual([status, problems.map(({ Code }) => Code)], [1, ['config-missing']])
    match(problems[0]?.Remedy ?? '', /mesh init/)
  })
  await step('a configured one is well before its first start', async () => {
    await vm1.write('/etc/mesh-agent/server.hcl', server)
    await isWell(vm1, '-pre')
  })
  await step('vm1 and vm2 are a small mesh', async () => {
    await vm1.exec('systemctl', 'start', 'mesh-agent')
    await vm2.exec(
      'systemd-run',
      '--unit=backend',
      'mesh',
      'sample-service',
      '--name',
      'backend',
      '--listen',
      '127.0.0.1:9090',
    )
    await vm2.write('/etc/mesh-agent/backend.hcl', service)
    await vm2.exec('systemctl', 'start', 'mesh-agent')
    await enroll(scene)
    await vm1.exec('mesh', 'intention', 'allow', 'web', 'backend')
  })
  await step('the doctor finds nothing on either', async () => {
    for (const host of [vm1, vm2]) await eventually(() => isWell(host))
    match(await vm2.exec('mesh', 'doctor'), /\nThis host is well: \d+ things looked at\.\n$/)
  })
  await step('a clock can be set for one command', () => installFakeTime(vm2))
}

/** vm3 founds a mesh of its own. */
async function foreignMesh(step: Step, scene: Scene): Promise<void> {
  const [, , vm3] = hosts(scene)
  await step('vm3 founds another mesh, and is well', async () => {
    await vm3.exec(
      'sh',
      '-c',
      'systemctl stop mesh-agent mesh-proxy; rm -rf /var/lib/mesh-agent/* /etc/mesh-agent/*.hcl',
    )
    await vm3.write('/etc/mesh-agent/server.hcl', server)
    await vm3.exec('systemctl', 'start', 'mesh-agent')
    await eventually(() => isWell(vm3))
  })
}

async function wellAgain(step: Step, scene: Scene): Promise<void> {
  const [vm1, vm2] = hosts(scene)
  await step('with every fault undone both hosts are well again', async () => {
    for (const host of [vm1, vm2]) await eventually(() => isWell(host), 60_000)
  })
}

async function examineAll(
  step: Step,
  scene: Scene,
  { faults, found }: { readonly faults: readonly Fault[]; readonly found: string[] },
): Promise<void> {
  for (const fault of faults)
    await step(`${fault.host}: ${fault.what} -> ${fault.code}`, async () => {
      const host = hostOf(scene, fault.host)
      await fault.apply(host, scene)
      await eventually(() => isNamed(host, fault), fault.deadlineMs ?? 20_000)
      await fault.undo(host, scene)
      found.push(`${fault.what} -> ${fault.code}`)
    })
}

/** The fault is named, with something to type, and nothing is named beside it but what follows from it. */
async function isNamed(host: Host, fault: Fault): Promise<void> {
  const { status, problems } = await examineHost(host, ...(fault.options ?? []))
  const named = problems.find(({ Code }) => Code === fault.code)
  const others = problems.filter(({ Code }) => Code !== fault.code && fault.follows?.includes(Code) !== true)
  equal(named?.Code, fault.code, JSON.stringify(problems))
  deepEqual(others, [])
  equal(status, problems.some(({ Mark }) => Mark === 'wrong') ? 1 : 0)
  match(named?.Text ?? '', fault.names)
  match(named?.Remedy ?? '', fault.remedy)
}

interface Problem {
  readonly Mark: string
  readonly Text: string
  readonly Code: string
  readonly Remedy: string
}

interface Findings {
  readonly status: number
  readonly problems: readonly Problem[]
}

async function examineHost(host: Host, ...options: readonly string[]): Promise<Findings> {
  const { status, output } = await host.attempt(
    ...fakeTime(options),
    'mesh',
    'doctor',
    ...options.filter(isFlag),
    '-format',
    'json',
  )
  const { Lines } = JSON.parse(output) as { readonly Lines: readonly Problem[] }
  return { status, problems: Lines.filter(({ Mark }) => Mark === 'wrong' || Mark === 'warning') }
}

const isFlag = (word: string): boolean => word.startsWith('-')

async function isWell(host: Host, ...options: readonly string[]): Promise<void> {
  const { status, problems } = await examineHost(host, ...options)
  deepEqual(problems, [])
  equal(status, 0)
}

function hosts(scene: Scene): readonly [Host, Host, Host] {
  return [hostOf(scene, 'vm1'), hostOf(scene, 'vm2'), hostOf(scene, 'vm3')]
}
