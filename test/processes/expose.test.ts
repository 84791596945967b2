// `expose` on real processes: the service listens on loopback alone, its check goes through the proxy, and a scraper without
// any certificate reaches the one path that is let through.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { backendHcl, planMesh, ports, until } from './fixture.ts'

const asked: (readonly [path: string, host: string])[] = []
let service: Server
let isHealthy = true

const listenerPort = 21_600
const expose = `expose {
  checks = true
  paths {
    path            = "/metrics"
    local_path_port = ${ports.backend}
    listener_port   = ${listenerPort}
  }
}`
const withExpose = (address: string): string =>
  backendHcl(address)
    .replace('proxy {', `proxy {\n${expose}\n`)
    .replace(
      'connect {',
      `check {\n id = "up"\n http = "http://${address}:${ports.backend}/health"\n interval = "1s"\n}\nconnect {`,
    )

const plan = planMesh()
const { mesh } = plan
const beta = mesh.host('beta')

interface Shown {
  readonly Status: string
  readonly ExposedPort: number
  readonly Output: string
}
const check = async (): Promise<Shown | undefined> =>
  ((await mesh.get(beta, '/v1/agent/checks')) as Record<string, Shown>)['up']

beforeAll(async () => {
  service = createServer((request, response) => {
    asked.push([request.url ?? '', request.headers.host ?? ''])
    response.writeHead(isHealthy ? 200 : 500)
    response.end(`this is ${request.url}`)
  })
  service.listen(ports.backend, plan.backend.address)
  await once(service, 'listening')
  await mesh.start()
  writeFileSync(join(beta.configuration, 'backend.hcl'), withExpose(plan.backend.address))
  await mesh.cli(['reload'], mesh.hostEnvironment(beta))
}, 60_000)

afterAll(async () => {
  service?.closeAllConnections()
  service?.close()
  await plan.close()
})

test('the check is asked through a port of the exposed range, shows it, and follows the service', async () => {
  const passing = await until('the check to pass', async () => {
    const shown = await check()
    return shown?.Status === 'passing' && shown.ExposedPort > 0 ? shown : undefined
  })
  expect(passing.ExposedPort).toBeGreaterThanOrEqual(21_500)
  expect(passing.Output).toContain(`:${passing.ExposedPort}/health: 200 OK`)
  expect(asked).toContainEqual(['/health', `${plan.backend.address}:${passing.ExposedPort}`])
  isHealthy = false
  await until('the check to fail', async () => ((await check())?.Status === 'critical' ? true : undefined))
  isHealthy = true
  const inCatalog = async () =>
    ((await mesh.get(beta, '/v1/health/checks/backend')) as (Shown & { readonly CheckID: string })[]).find(
      ({ CheckID }) => CheckID === 'up',
    )?.ExposedPort
  await until('the catalog to show the port', async () =>
    (await inCatalog()) === passing.ExposedPort ? true : undefined,
  )
})

test('a scraper without a certificate reaches the exposed path and no other', async () => {
  const at = `http://${plan.backend.address}:${listenerPort}`
  const metrics = await until('the listener', () => fetch(`${at}/metrics?x=1`).catch(() => undefined))
  expect([metrics.status, await metrics.text()]).toEqual([200, 'this is /metrics?x=1'])
  expect((await fetch(`${at}/health`)).status).toBe(404)
})
