/**
 * The README's walk on three hosts, by its own commands: from `apt install` to the first request over mTLS between
 * services on two of them. Then the request is denied, allowed again, and passes after a reboot.
 */
import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { states } from '../installation.ts'
import { readmeBlocks } from '../readme.ts'
import { hostOf, type Scenario, type Scene } from '../scenario.ts'
import { eventually, type Step } from '../steps.ts'
import type { Host } from '../testbed.ts'

const call = ['curl', '-sSf', '--max-time', '5', 'http://127.0.0.1:9191'] as const

export const firstRequest: Scenario = {
  name: 'first-request',
  about: 'the README’s own commands lead to a request over mTLS, and a rule and a reboot do what they should',
  hosts: 3,
  suites: ['bookworm', 'trixie'],
  run: async (step, scene) => {
    const startMs = performance.now()
    await readmeWalk(step, scene)
    await step('the walk took at most 120 s', async () => {
      const tookSeconds = (performance.now() - startMs) / 1000
      ok(tookSeconds <= 120, `it took ${tookSeconds.toFixed(1)} s`)
      console.log(`# from apt install to the first request: ${tookSeconds.toFixed(1)} s`)
    })
    await ruleAndReboot(step, scene)
  },
}

/** The README's walk, for other scenarios to begin with: web on vm2 calls backend on vm3 through the mesh of vm1. */
export async function readmeWalk(step: Step, scene: Scene): Promise<void> {
  const [server, backend, web, allow, request] = readmeBlocks()
  ok(server && backend && web && allow && request, 'the README has the five blocks of its walk')
  const [vm1, vm2, vm3] = ['vm1', 'vm2', 'vm3'].map((name) => hostOf(scene, name))
  ok(vm1 && vm2 && vm3)
  await step('vm1: the README’s commands make a cluster and two tokens', async () => {
    const said = await type(vm1, server.commands)
    match(said, /What to do next:\n.*mesh init -server.*\n/)
    deepEqual(await states(vm1), ['active', 'active', 'active'])
    for (const [name, host] of [['vm2', vm2] as const, ['vm3', vm3] as const])
      await host.write(`/root/${name}.token`, await vm1.exec('cat', `/root/${name}.token`))
  })
  await step('vm3: backend is enrolled and in the mesh', () => type(vm3, backend.commands))
  await step('vm2: web is enrolled and in the mesh', () => type(vm2, web.commands))
  await step('vm1: an intention allows it', () => type(vm1, allow.commands))
  await step('vm2: the first request passes', async () => {
    equal(await eventually(() => type(vm2, request.commands)), 'hello from backend\n')
  })
}

async function ruleAndReboot(step: Step, scene: Scene): Promise<void> {
  const [vm1, vm2, vm3] = ['vm1', 'vm2', 'vm3'].map((name) => hostOf(scene, name))
  ok(vm1 && vm2 && vm3)
  const backend = readmeBlocks()[1]?.commands ?? ''
  await step('web is refused when an intention denies it, each time with its reason', async () => {
    await vm1.exec('mesh', 'intention', 'deny', 'web', 'backend')
    for (let i = 0; i < 20; i++) notEqual((await vm2.attempt(...call)).status, 0)
    await eventually(async () => {
      const refusals = (await vm3.journal('mesh-proxy')).match(/denied-by-intention/g)
      ok((refusals?.length ?? 0) >= 20, 'twenty refusals stand in the journal of the far proxy')
    })
  })
  await step('and reaches backend again when it is allowed', async () => {
    await vm1.exec('mesh', 'intention', 'allow', 'web', 'backend')
    equal(await eventually(() => vm2.exec(...call)), 'hello from backend\n')
  })
  await step('after a reboot of vm3 it does so with nobody typing anything', async () => {
    await vm3.powerOff()
    await vm3.powerOn()
    await vm3.exec('sh', '-c', serviceOf(backend))
    equal(await eventually(() => vm2.exec(...call), 60_000), 'hello from backend\n')
  })
}

/** Types commands into a root shell; what they printed. Lines of a terminal that apt makes end otherwise. */
async function type(host: Host, commands: string): Promise<string> {
  return (await host.exec('sh', '-ec', `cd /root\n${commands}`)).replaceAll('\r', '')
}

/** The service itself is the operator's, and the README starts it for the day only. */
const serviceOf = (commands: string): string =>
  commands.split('\n').find((line) => line.startsWith('systemd-run')) ?? 'false'
