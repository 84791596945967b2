// UDP through a mesh of real processes: dig asks unbound on another host, over datagrams and, where an answer is too long for
// one, over TCP at the same port. Then the near proxy alone, whose workers are replaced and killed.
import { execFile } from 'node:child_process'
import dgram from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { unbound } from '../bench/dns/tools.ts'
import { debianProgram } from '../peers/debian.ts'
import { TestAuthority } from '../unit/proxy/authority.ts'
import { endpoint, endpoints, freePort, inbound, outbound, policy } from '../unit/proxy/lab.ts'
import { backendHcl, operate, planMesh, ports, until, webHcl } from './fixture.ts'
import { ProxyHost } from './proxy-host.ts'

const udpUpstream = (address: string): string => `upstreams {
  destination_name   = "backend"
  local_bind_address = "${address}"
  local_bind_port    = ${ports.upstream}
  config { protocol = "udp" }
}`

const longText = Array.from({ length: 8 }, (_, i) => `"${String(i).repeat(250)}"`).join(' ')

test('dig reaches a DNS server on another host, until an intention denies it', async (context) => {
  const dig = debianProgram('bind9-dnsutils', 'dig')
  if (dig === undefined || debianProgram('unbound', 'unbound') === undefined)
    return context.skip('Debian’s dig and unbound are not to be had')
  const plan = planMesh()
  const folder = mkdtempSync(join(tmpdir(), 'mesh-dig-'))
  const zone = {
    zone: 'corp.test',
    records: ['db.corp.test. A 192.0.2.7', `long.corp.test. TXT ${longText}`],
  }
  const server = unbound({ address: plan.backend.address, port: ports.backend }, folder, zone)
  onTestFinished(async () => {
    await plan.close()
    await server.kill()
    rmSync(folder, { recursive: true })
  })
  server.start()
  const { mesh } = plan
  await mesh.start()
  const web = webHcl(plan.web.address).replace(
    'upstreams {',
    `${udpUpstream(plan.web.address)}\n upstreams {`,
  )
  const backend = backendHcl(plan.backend.address).replace(
    'proxy {',
    `proxy {\n config { local_udp_port = ${ports.backend} }`,
  )
  for (const [name, file, text] of [
    ['alpha', 'web.hcl', web],
    ['beta', 'backend.hcl', backend],
  ] as const) {
    const host = mesh.host(name)
    writeFileSync(join(host.configuration, file), text)
    await mesh.cli(['reload'], mesh.hostEnvironment(host))
  }
  await operate(plan, ['intention', 'allow', 'web', 'backend'])
  const ask = async (...question: readonly string[]): Promise<string> => {
    const args = [`@${plan.web.address}`, '-p', String(ports.upstream), '+time=1', '+tries=1', ...question]
    const ran = promisify(execFile)(dig.path, args, { env: { ...process.env, ...dig.env } })
    return ran.then(({ stdout }) => stdout).catch(({ stdout }: { readonly stdout: string }) => stdout)
  }
  const answers = async (): Promise<true | undefined> =>
    (await ask('+short', 'db.corp.test')).includes('192.0.2.7') ? true : undefined
  await until('an answer through the mesh', answers)
  const whole = await ask('long.corp.test', 'TXT')
  expect(whole).toContain('Truncated, retrying in TCP mode')
  expect(whole).toContain('7'.repeat(250))
  await operate(plan, ['intention', 'deny', 'web', 'backend'])
  expect(await ask('+short', 'db.corp.test')).not.toContain('192.0.2.7')
  await operate(plan, ['intention', 'allow', 'web', 'backend'])
  await until('an answer again', answers)
}, 90_000)

interface Echo {
  readonly port: number
  close(): void
}

async function startEcho(): Promise<Echo> {
  const socket = dgram.createSocket('udp4')
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address))
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve)
  })
  return { port: socket.address().port, close: () => socket.close() }
}

test('a worker that is replaced or killed loses no datagram that comes later: it waits for the next one', async () => {
  const authority = new TestAuthority()
  const host = await ProxyHost.start()
  const echo = await startEcho()
  const client = dgram.createSocket('udp4')
  onTestFinished(async () => {
    client.close()
    echo.close()
    await host.stop()
  })
  const [upstreamPort, publicPort] = [await freePort(), await freePort()]
  const answers = new Set<string>()
  client.on('message', (bytes) => answers.add(bytes.toString()))
  const say = (text: string): Promise<unknown> => {
    client.send(text, upstreamPort, '127.0.0.1')
    return until(`the answer to ${text}`, () => (answers.has(text) ? true : undefined))
  }
  await host.publish([
    authority.rootsResource(),
    authority.leafResource('web'),
    authority.leafResource('backend'),
    policy('backend', 'allow'),
    endpoints('backend', [endpoint('beta/backend', publicPort)]),
    inbound('backend', publicPort, echo.port, { localUdpPort: echo.port }),
    outbound('web', 'backend', upstreamPort, { protocol: 'udp' }),
  ])
  await say('first')
  for (let round = 0; round < 3; round += 1) {
    const upgraded = host.ask({ ask: 'upgrade', drainMs: 5_000 })
    for (let count = 0; count < 20; count += 1) await say(`upgrade ${round}.${count}`)
    expect(await upgraded).toMatchObject({ kind: 'upgraded' })
    const [pid] = (await host.workers()).values()
    process.kill(pid ?? 0, 'SIGKILL')
    await until('the end of the worker', async () =>
      (await host.workers()).get('host') === pid ? undefined : true,
    )
    await say(`kill ${round}`)
  }
}, 60_000)
