// SIGKILL of each program alone, under traffic: what is open stays open, what is new gets through, and after the restart the
// cluster is what it was.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Host } from '../../src/command/dev/mesh.ts'
import { attempt } from './client.ts'
import { EchoService } from './echo.ts'
import { operate, planMesh, ports, until } from './fixture.ts'
import { Traffic } from './traffic.ts'

const test_ = planMesh()
const { mesh } = test_
const alpha = mesh.host('alpha')
const beta = mesh.host('beta')
let service: EchoService

beforeAll(async () => {
  service = await EchoService.listen(test_.backend.address, ports.backend)
  await mesh.start()
  await operate(test_, ['intention', 'allow', 'web', 'backend'])
  await until('web to reach backend', async () =>
    (await attempt(test_.web.address, ports.upstream, 'hello')).kind === 'echoed' ? true : undefined,
  )
}, 60_000)

afterAll(async () => {
  await service?.close()
  await test_.close()
})

/** What must be the same before and after: root, intentions, services. */
async function state(): Promise<unknown> {
  const [roots, intentions, services, health] = await Promise.all(
    [
      '/v1/connect/ca/roots',
      '/v1/connect/intentions',
      '/v1/catalog/services',
      '/v1/health/connect/backend',
    ].map((path) => mesh.get(alpha, path)),
  )
  return {
    root: (roots as { ActiveRootID: string } | undefined)?.ActiveRootID,
    intentions: (intentions as readonly { SourceName: string; Action: string }[] | undefined)?.map((each) => [
      each.SourceName,
      each.Action,
    ]),
    services,
    backends: (health as readonly { Service: { ID: string } }[] | undefined)?.map((each) => each.Service.ID),
  }
}

const enough = (traffic: Traffic, from: number): Promise<true> =>
  until('traffic to flow', () => (traffic.ended > from + 50 ? true : undefined))

test('the server is killed: nothing open is lost, nothing new fails, and it comes back as it was', async () => {
  const before = await state()
  const traffic = await Traffic.start(test_.web.address)
  await enough(traffic, 0)
  await mesh.server.kill()
  await enough(traffic, traffic.ended)
  await mesh.startServer()
  await until('the same state', async () => {
    const now = await state()
    return JSON.stringify(now) === JSON.stringify(before) ? true : undefined
  })
  await enough(traffic, traffic.ended)
  expect(await traffic.stop()).toMatchObject({ broken: 0, cut: 0, refused: 0 })
})

test.each([alpha, beta])('the agent of $plan.name is killed: the same', async (host) => {
  const before = await state()
  const traffic = await Traffic.start(test_.web.address)
  await enough(traffic, 0)
  await host.agent.kill()
  await enough(traffic, traffic.ended)
  host.agent.start()
  await mesh.agentReady(host)
  await until('the same state', async () =>
    JSON.stringify(await state()) === JSON.stringify(before) ? true : undefined,
  )
  await enough(traffic, traffic.ended)
  expect(await traffic.stop()).toMatchObject({ broken: 0, cut: 0, refused: 0 })
})

/** The worker that serves now, from the log of its holder. */
function workerOf(host: Host): number {
  const started = readFileSync(host.proxy.logFile, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"proxy worker started"'))
    .map((line) => (JSON.parse(line) as { readonly pid: number }).pid)
  return started.at(-1) ?? Number.NaN
}

test.each([alpha, beta])(
  'the proxy worker of $plan.name is killed: only its own connections end',
  async (host) => {
    const traffic = await Traffic.start(test_.web.address)
    await enough(traffic, 0)
    const worker = workerOf(host)
    process.kill(worker, 'SIGKILL')
    const atKill = traffic.ended
    await until('another worker', () => (workerOf(host) === worker ? undefined : true))
    await enough(traffic, traffic.ended)
    // Two lanes: at most two new connections were in the killed worker's hands.
    const after = traffic.since(atKill)
    expect(after.slice(2).filter(({ kind }) => kind !== 'echoed')).toEqual([])
    const report = await traffic.stop()
    expect(report).toMatchObject({ broken: 20, refused: 0 })
    expect(report.cut).toBeLessThanOrEqual(2)
  },
)

test('a worker that dies while the configuration is half written is replaced all the same', async () => {
  const broken = join(beta.configuration, 'half-written.hcl')
  writeFileSync(broken, 'service {\n')
  try {
    const worker = workerOf(beta)
    process.kill(worker, 'SIGKILL')
    await until('another worker', () => (workerOf(beta) === worker ? undefined : true))
    await until('web to reach backend', async () =>
      (await attempt(test_.web.address, ports.upstream, 'hello')).kind === 'echoed' ? true : undefined,
    )
    expect(readFileSync(beta.proxy.logFile, 'utf8')).toMatch(/half-written\.hcl:.*goes on with the one/)
  } finally {
    rmSync(broken)
  }
})

test('a writer that records what was acknowledged misses nothing after five kills of the server', async () => {
  const token = readFileSync(mesh.operatorTokenFile, 'utf8').trim()
  const acknowledged: string[] = []
  let stopping = false
  let written = 0
  const writer = async (lane: number): Promise<void> => {
    for (let i = 0; !stopping; i++) {
      const source = `writer-${lane}-${i}`
      const url = `${alpha.api}/v1/connect/intentions/exact?source=${source}&destination=ledger`
      const response = await fetch(url, {
        method: 'PUT',
        headers: { 'x-consul-token': token },
        body: '{"Action":"allow"}',
      }).catch(() => undefined)
      written += 1
      if (response?.ok === true) acknowledged.push(source)
    }
  }
  const lanes = [0, 1, 2, 3].map(writer)
  for (let kill = 0; kill < 5; kill++) {
    const from = written
    await until('writes to flow', () => (written > from + 40 ? true : undefined))
    await mesh.server.kill()
    await mesh.startServer()
  }
  stopping = true
  await Promise.all(lanes)
  const rows = await until('the intentions', () => mesh.get(alpha, '/v1/connect/intentions'))
  const present = new Set((rows as readonly { SourceName: string }[]).map((row) => row.SourceName))
  expect(acknowledged.length).toBeGreaterThan(150)
  expect(acknowledged.filter((source) => !present.has(source))).toEqual([])
})
