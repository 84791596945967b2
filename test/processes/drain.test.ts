// An instance goes out of use while requests arrive all the time: by `mesh services drain`, by maintenance of its host, by
// deregistration. No request fails; what is open lives to its deadline.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Host } from '../../src/command/dev/mesh.ts'
import { attempt, Conversation, type Outcome } from './client.ts'
import { EchoService } from './echo.ts'
import { backendHcl, operate, planMesh, ports, until } from './fixture.ts'

const plan = planMesh({ gamma: true })
const { mesh } = plan
const beta = mesh.host('beta')
const alpha = mesh.host('alpha')
const services: EchoService[] = []
const onBeta = (): EchoService => services[0] as EchoService
const onGamma = (): EchoService => services[1] as EchoService

const onHost = (host: Host, args: readonly string[]): Promise<string> =>
  mesh.cli(args, mesh.hostEnvironment(host))

const healthy = async (): Promise<readonly string[]> => {
  const rows = (await mesh.get(alpha, '/v1/health/connect/backend?passing')) as {
    readonly Node: { readonly Node: string }
  }[]
  return rows.map(({ Node }) => Node.Node)
}

const bothInUse = (): Promise<true> =>
  until('both instances to take requests', async () => {
    const outcomes: Outcome[] = []
    for (const service of services) service.resetCounts()
    for (let i = 0; i < 4; i++) outcomes.push(await attempt(plan.web.address, ports.upstream, 'x'))
    const served = onBeta().connections > 0 && onGamma().connections > 0
    return served && outcomes.every(({ kind }) => kind === 'echoed') ? true : undefined
  })

/** 200 requests a second for as long as `work` runs, each on a connection of its own. */
async function under200PerSecond<Value>(
  work: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly outcomes: readonly Outcome[] }> {
  const requests: Promise<Outcome>[] = []
  const startedMs = performance.now()
  const timer = setInterval(() => {
    // As many as are due: a late timer must not make it fewer.
    while (requests.length < (performance.now() - startedMs) / 5)
      requests.push(attempt(plan.web.address, ports.upstream, 'request'))
  }, 5)
  try {
    const value = await work()
    clearInterval(timer)
    return { value, outcomes: await Promise.all(requests) }
  } finally {
    clearInterval(timer)
  }
}

function failures(outcomes: readonly Outcome[]): readonly Outcome[] {
  return outcomes.filter(({ kind }) => kind !== 'echoed')
}

/** Conversations by the instance they reached. */
async function conversations(): Promise<readonly [Conversation[], Conversation[]]> {
  const found: [Conversation[], Conversation[]] = [[], []]
  for (let i = 0; i < 6; i++) {
    for (const service of services) service.resetCounts()
    const each = await Conversation.open(plan.web.address, ports.upstream)
    if (each === undefined || !(await each.echo('open'))) throw new Error('no conversation')
    found[onBeta().connections > 0 ? 0 : 1].push(each)
  }
  expect(found.map((list) => list.length)).toEqual([3, 3])
  return found
}

beforeAll(async () => {
  for (const { address } of [plan.backend, plan.other])
    services.push(await EchoService.listen(address, ports.backend))
  await mesh.start()
  await operate(plan, ['intention', 'allow', 'web', 'backend'])
}, 60_000)

afterAll(async () => {
  for (const service of services) await service.close()
  await plan.close()
})

afterEach(async () => {
  await onHost(beta, ['services', 'drain', 'backend', '-undo']).catch(() => undefined)
})

test('mesh services drain under 200 requests a second: none fails, and the other instance takes them all', async () => {
  await bothInUse()
  const { value: output, outcomes } = await under200PerSecond(async () => {
    const said = await onHost(beta, ['services', 'drain', 'backend', '-reason', 'new disk'])
    for (const service of services) service.resetCounts()
    await until('100 more requests', async () => (onGamma().connections > 100 ? true : undefined))
    return said
  })
  console.log(`drain: ${outcomes.length} requests, ${failures(outcomes).length} failed\n${output}`)
  expect(failures(outcomes)).toEqual([])
  expect(output).toMatch(
    /^backend: out of balancing and DNS\n(.*\n)*backend: drained on 1 of 1 proxies(.*\n)*backend: drained, no connection was cut$/m,
  )
  expect(onBeta().connections).toBe(0)
  expect(await healthy()).toEqual(['gamma'])
  const checks = (await mesh.get(beta, '/v1/agent/checks')) as Record<string, { readonly Notes: string }>
  expect(checks['_service_maintenance:backend']?.Notes).toBe('new disk')
  expect(await onHost(beta, ['services', 'drain', 'backend', '-undo'])).toContain('In use again: backend')
  await bothInUse()
}, 60_000)

test('open connections live to the deadline and are cut then, those of the other instance go on', async () => {
  await bothInUse()
  const [there, elsewhere] = await conversations()
  const draining = onHost(beta, ['services', 'drain', 'backend', '-timeout', '12s']).then(
    () => 'exit 0',
    (error: unknown) => String(error),
  )
  await until('the drain to close', async () => {
    const { Phase, Open } = (await mesh.get(beta, '/v1/mesh/drain/service/backend')) as {
      readonly Phase: string
      readonly Open: number
    }
    return Phase === 'closing' && Open === 3 ? true : undefined
  })
  expect(await Promise.all(there.map((each) => each.echo('still here')))).toEqual([true, true, true])
  expect((await attempt(plan.web.address, ports.upstream, 'x')).kind).toBe('echoed')
  expect(await draining).toContain('3 connections cut at the deadline')
  await until('the connections to end', async () => (there.every((each) => each.closed) ? true : undefined))
  expect(await Promise.all(elsewhere.map((each) => each.echo('still here')))).toEqual([true, true, true])
  for (const each of elsewhere) each.close()
}, 60_000)

test('a deregistration under 200 requests a second fails none, and its open connections live on', async () => {
  await bothInUse()
  const [there, elsewhere] = await conversations()
  const file = join(beta.configuration, 'backend.hcl')
  const { outcomes } = await under200PerSecond(async () => {
    rmSync(file)
    await onHost(beta, ['reload'])
    await until('the catalog to know', async () => ((await healthy()).join() === 'gamma' ? true : undefined))
    for (const service of services) service.resetCounts()
    await until('600 more requests', async () => (onGamma().connections > 600 ? true : undefined))
  })
  console.log(`deregister: ${outcomes.length} requests, ${failures(outcomes).length} failed`)
  expect(failures(outcomes)).toEqual([])
  expect(await Promise.all(there.map((each) => each.echo('still here')))).toEqual([true, true, true])
  writeFileSync(file, backendHcl(plan.backend.address))
  await onHost(beta, ['reload'])
  await bothInUse()
  expect(await Promise.all(there.map((each) => each.echo('still here')))).toEqual([true, true, true])
  for (const each of [...there, ...elsewhere]) each.close()
}, 60_000)

test('maintenance of a host under 200 requests a second fails none', async () => {
  await bothInUse()
  const { outcomes } = await under200PerSecond(async () => {
    await onHost(beta, ['maint', '-enable', '-reason', 'reboot'])
    await until('the others to know', async () => ((await healthy()).join() === 'gamma' ? true : undefined))
    for (const service of services) service.resetCounts()
    await until('100 more requests', async () => (onGamma().connections > 100 ? true : undefined))
    await onHost(beta, ['maint', '-disable'])
    await until('both to be back', async () => ((await healthy()).length === 2 ? true : undefined))
  })
  expect(failures(outcomes)).toEqual([])
}, 60_000)

test('drain says where a service runs that is not on this host, and what to drain', async () => {
  const text = (args: readonly string[]): Promise<string> =>
    onHost(alpha, ['services', 'drain', ...args]).then(
      () => 'exit 0',
      (error: unknown) => String(error),
    )
  expect(await text(['backend'])).toMatch(/"backend" runs on beta, gamma and not on this host/)
  expect(await text(['wbe'])).toMatch(/this host has no service "wbe"[\s\S]*mesh services drain web/)
  expect(await text([])).toMatch(/say what to drain/)
  expect(await text(['web', '-timeout', '30'])).toMatch(/Invalid timeout "30"/)
})

test('an agent that leaves takes its host out first and stops; when it is started again, the host is back', async () => {
  await bothInUse()
  const { outcomes } = await under200PerSecond(async () => {
    expect(await onHost(beta, ['leave'])).toContain('its agent stops')
    for (const service of services) service.resetCounts()
    await until('100 more requests', async () => (onGamma().connections > 100 ? true : undefined))
  })
  expect(failures(outcomes)).toEqual([])
  expect(onBeta().connections).toBe(0)
  await until('the agent to be gone', async () => {
    const answer = await fetch(`${beta.api}/v1/agent/self`).catch(() => undefined)
    return answer === undefined ? true : undefined
  })
  beta.agent.start()
  await bothInUse()
}, 60_000)
