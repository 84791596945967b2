// Gossip between real agents: who is there, who joins, leaves and fails, as the command line and the API show it.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Host } from '../../src/command/dev/mesh.ts'
import { until } from '../../src/command/dev/program.ts'
import { operate, planMesh, type TestMesh } from './fixture.ts'

/** Twice as fast as in a datacenter. */
const agentSettings = `encrypt = "cg8StVXbQJ0gPvMd9o7yrg=="
gossip_lan {
  gossip_interval = "100ms"
  probe_interval  = "500ms"
  probe_timeout   = "250ms"
}`

let mesh: TestMesh & { close(): Promise<void> }
const host = (name: string): Host => mesh.mesh.host(name)

interface Member {
  readonly Name: string
  readonly Addr: string
  readonly Port: number
  readonly Status: number
  readonly Tags: Readonly<Record<string, string>>
}

const alive = 1
const left = 3
const failedStatus = 4

async function members(of: string): Promise<readonly Member[]> {
  return (await mesh.mesh.get(host(of), '/v1/agent/members')) as readonly Member[]
}

/** Waits until `of` says this of the others. */
const seen = (of: string, wanted: Readonly<Record<string, number>>): Promise<true> =>
  until(
    `${of} to see ${JSON.stringify(wanted)}`,
    async () => {
      const found = Object.fromEntries((await members(of)).map(({ Name, Status }) => [Name, Status]))
      return Object.entries(wanted).every(([name, status]) => found[name] === status) ? true : undefined
    },
    { timeoutMs: 60_000 },
  )

beforeAll(async () => {
  mesh = planMesh({ gamma: true, agentSettings })
  await mesh.mesh.start()
}, 90_000)

afterAll(() => mesh.close())

test('enrolled hosts find each other without being told any address', async () => {
  for (const of of ['alpha', 'beta', 'gamma']) await seen(of, { alpha: alive, beta: alive, gamma: alive })
  const [alpha] = await members('beta')
  expect(alpha).toMatchObject({
    Name: 'alpha',
    Addr: mesh.web.address,
    Port: 8301,
    Tags: { role: 'node', dc: 'dc1', build: expect.stringContaining('mesh-agent') },
  })
  const self = (await mesh.mesh.get(host('alpha'), '/v1/agent/self')) as {
    readonly Member: Member
    readonly Stats: { readonly serf_lan: Readonly<Record<string, string>> }
  }
  expect(self.Member).toMatchObject({ Name: 'alpha', Port: 8301, Status: alive })
  expect(self.Stats.serf_lan).toMatchObject({ encrypted: 'true', members: '3', failed: '0', left: '0' })
  const text = await operate(mesh, ['members'])
  expect(text).toMatch(/alpha +127\.\S+ +alive/)
})

interface EventRow {
  readonly ID: string
  readonly Name: string
  readonly Payload: string | null
}

const events = async (of: string, query = ''): Promise<readonly EventRow[]> =>
  (await mesh.mesh.get(host(of), `/v1/event/list${query}`)) as readonly EventRow[]

const heard = (of: string, name: string): Promise<EventRow> =>
  until(`${of} to hear ${name}`, async () => (await events(of)).find(({ Name }) => Name === name))

test('an event reaches all hosts, or those that its filters name, and wakes who waits for it', async () => {
  const first = await fetch(`${host('beta').api}/v1/event/list?name=deploy`)
  const waiting = fetch(
    `${host('beta').api}/v1/event/list?name=deploy&wait=60s&index=${first.headers.get('x-consul-index')}`,
  )
  const text = await operate(mesh, ['event', '-name', 'deploy', '1.2.3'])
  const [woken] = (await (await waiting).json()) as readonly EventRow[]
  expect(woken).toMatchObject({ Name: 'deploy', Payload: Buffer.from('1.2.3').toString('base64') })
  expect(text).toContain(woken?.ID)
  for (const of of ['alpha', 'gamma']) expect((await heard(of, 'deploy')).ID).toBe(woken?.ID)

  await operate(mesh, ['event', '-name', 'for-backends', '-service', '^backend$'])
  await operate(mesh, ['event', '-name', 'for-gamma', '-node', 'amma$'])
  await operate(mesh, ['event', '-name', 'last'])
  for (const of of ['alpha', 'beta', 'gamma']) await heard(of, 'last')
  const names = async (of: string) => (await events(of)).map(({ Name }) => Name).sort()
  expect(await names('alpha')).toEqual(['deploy', 'last'])
  expect(await names('beta')).toEqual(['deploy', 'for-backends', 'last'])
  expect(await names('gamma')).toEqual(['deploy', 'for-backends', 'for-gamma', 'last'])
  await expect(operate(mesh, ['event', '-name', 'big', 'x'.repeat(600)])).rejects.toThrow(/512/)
}, 60_000)

test('hosts know how far apart they are, and rows of near hosts come first where that is asked for', async () => {
  const text = await until('a distance', () => operate(mesh, ['rtt', 'beta', 'gamma']))
  expect(text).toMatch(/^Estimated beta <-> gamma rtt: \d+\.\d{3} ms/)
  const order = async (near: string) =>
    (
      (await mesh.mesh.get(host('alpha'), `/v1/health/service/backend?near=${near}`)) as {
        readonly Node: { readonly Node: string }
      }[]
    ).map(({ Node }) => Node.Node)
  await until('both instances', async () => ((await order('gamma')).length === 2 ? true : undefined))
  expect(await order('gamma')).toEqual(['gamma', 'beta'])
  expect(await order('beta')).toEqual(['beta', 'gamma'])
})

test('the key of gossip is changed on all hosts without losing one', async () => {
  const old = 'cg8StVXbQJ0gPvMd9o7yrg=='
  const key = (await mesh.mesh.cli(['keygen'], {})).trim()
  expect(await operate(mesh, ['keyring', '-list'])).toMatch(/cg8StVXbQJ0gPvMd9o7yrg== +3\/3 +3\/3/)
  await operate(mesh, ['keyring', '-install', key])
  await operate(mesh, ['keyring', '-use', key])
  await operate(mesh, ['keyring', '-remove', old])
  const listed = await operate(mesh, ['keyring', '-list'])
  expect(listed).toContain(`${key}  3/3        3/3`)
  expect(listed).not.toContain(old)
  for (const of of ['alpha', 'beta', 'gamma']) await seen(of, { alpha: alive, beta: alive, gamma: alive })
}, 60_000)

test('an address where nobody gossips is no way in, and the reason is told', async () => {
  await expect(operate(mesh, ['join', `${mesh.web.address}:1`])).rejects.toThrow(/connection refused/)
  expect(await operate(mesh, ['join', mesh.backend.address])).toContain('Joined by 1 of 1 addresses')
})

test('a killed agent is failed for all others, and alive again when it is back', async () => {
  await host('gamma').agent.kill()
  for (const of of ['alpha', 'beta']) await seen(of, { gamma: failedStatus })
  host('gamma').agent.start()
  // With the key that it kept: the one in its configuration is no longer in use.
  for (const of of ['alpha', 'beta']) await seen(of, { gamma: alive })
}, 90_000)

test('an agent that was told to leave is seen as left, not as failed', async () => {
  await mesh.mesh.cli(['leave'], mesh.mesh.hostEnvironment(host('gamma')))
  for (const of of ['alpha', 'beta']) await seen(of, { gamma: left })
  await until('the agent to stop', () => (host('gamma').agent.running ? undefined : true))
  writeFileSync(join(host('gamma').configuration, 'leave.hcl'), 'leave_on_terminate = true\n')
  host('gamma').agent.start()
  await seen('alpha', { gamma: alive })
  await host('gamma').agent.stop()
  for (const of of ['alpha', 'beta']) await seen(of, { gamma: left })
  rmSync(join(host('gamma').configuration, 'leave.hcl'))
  host('gamma').agent.start()
  await seen('alpha', { gamma: alive })
}, 90_000)

test('a failed host that will not come back can be sent away for good', async () => {
  await host('gamma').agent.kill()
  await seen('alpha', { gamma: failedStatus })
  await operate(mesh, ['force-leave', 'gamma'])
  for (const of of ['alpha', 'beta']) await seen(of, { gamma: left })
}, 90_000)
