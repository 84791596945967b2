// What an operator does on a running mesh: changes files, applies intentions, waits for certificates to be renewed, restarts
// everything but the traffic.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attempt, Conversation } from './client.ts'
import { EchoService } from './echo.ts'
import { backendHcl, operate, planMesh, ports, until, webHcl } from './fixture.ts'

const shortLeaves = 'connect { ca_config { leaf_cert_ttl = "10s" } }'
const plan = planMesh({ serverSettings: shortLeaves })
const { mesh } = plan
const alpha = mesh.host('alpha')
const beta = mesh.host('beta')
let service: EchoService

const call = (): ReturnType<typeof attempt> => attempt(plan.web.address, ports.upstream, 'hello')
const flowing = (): Promise<true> =>
  until('web to reach backend', async () => ((await call()).kind === 'echoed' ? true : undefined))

beforeAll(async () => {
  service = await EchoService.listen(plan.backend.address, ports.backend)
  await mesh.start()
}, 60_000)

afterAll(async () => {
  await service?.close()
  await plan.close()
})

test('apply takes intentions in both forms, says what changed, and changes nothing the second time', async () => {
  const file = join(mesh.plan.directory, 'intentions.hcl')
  const both = [
    'intention {\n  source_name      = "web"\n  destination_name = "backend"\n  action           = "allow"\n}\n',
    'Kind = "service-intentions"\nName = "backend"\nSources = [{ Name = "web", Action = "allow" }]\n',
  ]
  for (const text of both) {
    await operate(plan, ['intention', 'delete', 'web', 'backend']).catch(() => undefined)
    writeFileSync(file, text)
    expect(await operate(plan, ['apply', '-f', file])).toMatch(/created/)
    expect(await operate(plan, ['apply', '-f', file])).toMatch(/unchanged/)
    await flowing()
  }
  writeFileSync(
    file,
    'intention {\n  source_name = "web"\n  destination = "backend"\n  action = "allow"\n}\n',
  )
  await expect(operate(plan, ['apply', '-f', file])).rejects.toThrow(
    /intentions\.hcl:3:3: .*destination_name/,
  )
})

test('a changed file is taken by itself, a bad one keeps what was and says where and why', async () => {
  const tags = async (): Promise<unknown> => {
    const services = (await mesh.get(alpha, '/v1/agent/services')) as Record<string, { Tags: unknown }>
    return services['web']?.Tags
  }
  const file = join(alpha.configuration, 'web.hcl')
  const good = webHcl(plan.web.address)
  writeFileSync(file, good.replace('port = 8080', 'port = 8080\n  tags = ["v2"]'))
  await until('the new tag', async () => (JSON.stringify(await tags()) === '["v2"]' ? true : undefined))

  writeFileSync(file, good.replace('port = 8080', 'prot = 8080'))
  await expect(operate(plan, ['reload'])).rejects.toThrow(/web\.hcl:3:3: .*`?prot`?.*port/)
  expect(await tags()).toEqual(['v2'])
  await flowing()

  writeFileSync(file, good)
  expect(await operate(plan, ['reload'])).toContain('reloaded')
  expect(await tags()).toEqual([])
})

test('leaves of ten seconds are renewed while a connection stays open and new ones get through', async () => {
  await flowing()
  const conversation = await Conversation.open(plan.web.address, ports.upstream)
  expect(await conversation?.echo('before')).toBe(true)
  const serials = new Set<string>()
  const leaf = async (): Promise<true | undefined> => {
    for (const { service, SerialNumber } of await leaves()) serials.add(`${service} ${SerialNumber}`)
    expect((await call()).kind).toBe('echoed')
    expect(await conversation?.echo('meanwhile')).toBe(true)
    const seen = (of: string): number => [...serials].filter((serial) => serial.startsWith(of)).length
    return seen('web') >= 3 && seen('backend') >= 2 ? true : undefined
  }
  await until('three leaves of web and two of backend', leaf, { timeoutMs: 50_000 })
  expect(conversation?.closed).toBe(false)
  conversation?.close()
})

interface ServedLeaf {
  readonly SerialNumber: string
  readonly ValidBefore: string
}

async function leaves(): Promise<readonly (ServedLeaf & { readonly service: string })[]> {
  const served = [[alpha, 'web'] as const, [beta, 'backend'] as const].map(async ([host, service]) => {
    const path = `--unix-socket ${join(host.run, 'api.sock')} http://localhost/v1/agent/connect/ca/leaf/${service}`
    return { ...(await curl(path)), service }
  })
  return Promise.all(served)
}

async function curl(args: string): Promise<ServedLeaf> {
  const { execFile } = await import('node:child_process')
  return new Promise((resolve, reject) => {
    execFile('curl', ['-sSf', ...args.split(' ')], (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout) as ServedLeaf)
      else reject(error)
    })
  })
}

test('a server that is started with longer lives gives longer leaves', async () => {
  const file = join(mesh.plan.directory, 'server/conf/mesh-agent.hcl')
  writeFileSync(file, readFileSync(file, 'utf8').replace(shortLeaves, ''))
  await mesh.server.stop()
  mesh.server.start()
  await until('leaves of an hour and more', async () => {
    const ends = (await leaves()).map(({ ValidBefore }) => Date.parse(ValidBefore))
    return ends.every((end) => end > Date.now() + 3_600_000) ? true : undefined
  })
  await flowing()
})

test('with servers and agents gone, proxies that are started anew serve on, and deny on', async () => {
  await operate(plan, ['intention', 'deny', 'other', 'backend'])
  await flowing()
  for (const program of [mesh.server, alpha.agent, beta.agent]) await program.kill()
  for (const host of [alpha, beta]) {
    await host.proxy.stop()
    host.proxy.start()
  }
  await flowing()
  mesh.server.start()
  for (const host of [alpha, beta]) {
    host.agent.start()
    await mesh.agentReady(host)
  }
  await until('the servers to be heard again', () => mesh.get(alpha, '/v1/connect/intentions'))
  await operate(plan, ['intention', 'deny', 'web', 'backend'])
  service.resetCounts()
  expect((await call()).kind).toBe('cut')
  expect(service.bytes).toBe(0)
  await operate(plan, ['intention', 'allow', 'web', 'backend'])
  await flowing()
})

test('a service whose file is removed leaves the catalog, and its upstream port is closed', async () => {
  rmSync(join(alpha.configuration, 'web.hcl'))
  await until('web to be gone', async () => {
    const services = (await mesh.get(alpha, '/v1/catalog/services')) as Record<string, unknown>
    return services['web'] === undefined ? true : undefined
  })
  await until('its port to be closed', async () => ((await call()).kind === 'refused' ? true : undefined))
  writeFileSync(join(alpha.configuration, 'web.hcl'), webHcl(plan.web.address))
  writeFileSync(join(beta.configuration, 'backend.hcl'), backendHcl(plan.backend.address))
  await flowing()
})
