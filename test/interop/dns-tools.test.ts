// Tools that Debian ships, against DNS of real agents and servers: dig asks in every form, dnsmasq forwards a domain to us,
// unbound resolves it through us, haproxy fills its servers from SRV records and follows instances that come and go.
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Child } from '../peers/child.ts'
import { type DebianProgram, debianProgram } from '../peers/debian.ts'
import { planMesh, until } from '../processes/fixture.ts'

const dig = debianProgram('bind9-dnsutils', 'dig')
const dnsmasq = debianProgram('dnsmasq-base', 'dnsmasq')
const haproxy = debianProgram('haproxy', 'haproxy')
const unbound = debianProgram('unbound', 'unbound')

const plan = planMesh({ agentSettings: 'node_meta { rack = "r1" }\ndns_config { node_ttl = "5s" }' })
const { mesh } = plan
const alpha = mesh.host('alpha')
const net = plan.web.address.replace(/\.\d+$/, '')
const dnsPort = 8600
const frontend = { address: `${net}.9`, port: 9_000 }
const forwarder = { address: `${net}.8`, port: 5_353 }
const stub = { address: `${net}.7`, port: 5_353 }
const named: Server[] = []
const children: Child[] = []

beforeAll(async () => {
  await mesh.start()
  named.push(await answering('one', 8_080), await answering('two', 8_082))
  for (const what of ['service/web', 'service/backend', 'connect/backend'])
    await until(`${what} to be healthy`, async () => {
      const entries = (await mesh.get(alpha, `/v1/health/${what}?passing`)) as readonly unknown[]
      return entries.length > 0 ? true : undefined
    })
}, 60_000)

afterAll(async () => {
  await Promise.all(children.map((child) => child.kill()))
  await Promise.all(named.map((server) => new Promise((resolve) => server.close(resolve))))
  await plan.close()
})

/** Says its name to whoever connects. */
async function answering(name: string, port: number): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.end(name)
  })
  await new Promise<void>((resolve) => server.listen({ host: plan.web.address, port }, resolve))
  return server
}

function run(program: DebianProgram, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...program.env }
    execFile(program.path, args, { env, timeout: 20_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${program.path} ${args.join(' ')}: ${stderr}${stdout}${error.message}`))
    })
  })
}

const at = (address: string, port: number): readonly string[] => [`@${address}`, '-p', String(port)]

/** What dig says to a question asked of the agent: status, flags and records. */
async function ask(program: DebianProgram, words: string): Promise<string> {
  const shown = ['+noall', '+comments', '+answer', '+authority', '+additional', '+nocookie', '+tries=1']
  const text = await run(program, [...at(plan.web.address, dnsPort), ...shown, ...words.split(' ')])
  return text.replace(/[\t ]+/g, ' ')
}

const register = (body: object): Promise<Response> =>
  fetch(`${alpha.api}/v1/agent/service/register`, {
    method: 'PUT',
    headers: { 'x-consul-token': readFileSync(join(alpha.data, 'agent/local.token'), 'utf8').trim() },
    body: JSON.stringify(body),
  })

const deregister = (id: string): Promise<Response> =>
  fetch(`${alpha.api}/v1/agent/service/deregister/${id}`, {
    method: 'PUT',
    headers: { 'x-consul-token': readFileSync(join(alpha.data, 'agent/local.token'), 'utf8').trim() },
  })

const second = (tags: readonly string[]) => ({
  Name: 'web',
  ID: 'web-2',
  Port: 8_082,
  Address: plan.web.address,
  Tags: tags,
})

test.skipIf(dig === undefined)(
  'dig gets the right answer to every form of a name (skipped without bind9-dnsutils)',
  async () => {
    if (dig === undefined) return
    const a = plan.web.address
    const b = plan.backend.address
    const reverse = (address: string): string => `${address.split('.').reverse().join('.')}.in-addr.arpa`
    const hex = a
      .split('.')
      .map((byte) => Number(byte).toString(16).padStart(2, '0'))
      .join('')
    const forms: readonly (readonly [string, readonly string[]])[] = [
      ['web.service.consul A', ['NOERROR', ' aa ', `web.service.consul. 0 IN A ${a}`]],
      ['WeB.sErViCe.dc1.MESH A', ['NOERROR', `WeB.sErViCe.dc1.MESH. 0 IN A ${a}`]],
      [
        'web.service.mesh SRV',
        [
          'web.service.mesh. 0 IN SRV 1 1 8080 alpha.node.dc1.mesh.',
          `alpha.node.dc1.mesh. 0 IN A ${a}`,
          '"rack=r1"',
        ],
      ],
      ['+tcp _web._tcp.service.dc1.dc.mesh SRV', ['SRV 1 1 8080 alpha.node.dc1.mesh.']],
      ['+noedns +ignore web.service.mesh A', ['ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0']],
      ['web.service.mesh AAAA', ['NOERROR', 'ANSWER: 0', 'SOA ns.mesh. hostmaster.mesh.']],
      ['backend.connect.mesh SRV', ['SRV 1 1 21000 beta.node.dc1.mesh.', `beta.node.dc1.mesh. 0 IN A ${b}`]],
      ['beta.node.mesh A', [`beta.node.mesh. 5 IN A ${b}`]],
      ['beta.node.mesh TXT', ['"rack=r1"']],
      ['beta.node.mesh ANY', [`IN A ${b}`, '"rack=r1"']],
      [`${hex}.addr.dc1.mesh A`, [`IN A ${a}`]],
      [`${reverse(b)} PTR`, ['PTR beta.node.dc1.mesh.']],
      ['mesh SOA', ['mesh. 0 IN SOA ns.mesh. hostmaster.mesh.']],
      ['mesh NS', ['NS server-1.node.dc1.mesh.', `server-1.node.dc1.mesh. 5 IN A ${net}.1`]],
      ['nope.service.mesh A', ['NXDOMAIN', 'SOA ns.mesh.']],
      ['web.service.dc2.mesh A', ['NXDOMAIN']],
      ['web.virtual.mesh A', ['NXDOMAIN']],
      ['web.ingress.mesh A', ['NXDOMAIN']],
      ['example.com A', ['REFUSED']],
      ['-c CH version.bind TXT', ['REFUSED']],
      ['+tcp mesh AXFR', ['NOTIMP']],
      ['+edns=1 +noednsneg web.service.mesh A', ['BADVERS']],
      ['+opcode=notify web.service.mesh A', ['NOTIMP']],
    ]
    for (const [words, expected] of forms) {
      const said = await ask(dig, words)
      for (const part of expected) expect(said, words).toContain(part)
      expect(said).not.toMatch(/malformed|Got bad|extra data|;; Warning/)
    }
  },
)

test.skipIf(dig === undefined || dnsmasq === undefined)(
  'dnsmasq forwards the domain to us, and only that (skipped without its package)',
  async () => {
    if (dig === undefined || dnsmasq === undefined) return
    const { address, port } = forwarder
    const options = [
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      '--no-resolv',
      '--no-hosts',
      '--bind-interfaces',
      '--pid-file=',
      `--user=${process.env['USER'] ?? 'root'}`,
      `--listen-address=${address}`,
      `--port=${port}`,
      `--server=/mesh/consul/${plan.web.address}#${dnsPort}`,
      `--rev-server=${net}.0/24,${plan.web.address}#${dnsPort}`,
    ]
    const child = new Child([dnsmasq.path, ...options], join(mesh.plan.directory, 'dnsmasq.log'), dnsmasq.env)
    children.push(child)
    child.start()
    const through = (...words: string[]): Promise<string> =>
      run(dig, [...at(address, port), '+short', '+tries=1', ...words])
    const status = (name: string): Promise<string> =>
      run(dig, [...at(address, port), '+noall', '+comments', '+tries=1', name])
    await until('dnsmasq to answer', async () =>
      (await through('web.service.mesh')) === `${plan.web.address}\n` ? true : undefined,
    )
    expect(await through('web.service.consul', 'SRV')).toBe('1 1 8080 alpha.node.dc1.consul.\n')
    expect(await through('-x', plan.backend.address)).toBe('beta.node.dc1.mesh.\n')
    expect(await status('nope.service.mesh')).toContain('NXDOMAIN')
    expect(await status('example.com')).toContain('REFUSED')
  },
)

const unboundConfiguration = (): string => `
server:
  interface: ${stub.address}@${stub.port}
  port: ${stub.port}
  do-daemonize: no
  use-syslog: no
  chroot: ""
  username: ""
  directory: "${mesh.plan.directory}"
  pidfile: ""
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  domain-insecure: "mesh"
stub-zone:
  name: "mesh"
  stub-addr: ${plan.web.address}@${dnsPort}
remote-control:
  control-enable: no
`

test.skipIf(dig === undefined || unbound === undefined)(
  'unbound resolves the domain through us (skipped without its package)',
  async () => {
    if (dig === undefined || unbound === undefined) return
    const file = join(mesh.plan.directory, 'unbound.conf')
    writeFileSync(file, unboundConfiguration())
    const log = join(mesh.plan.directory, 'unbound.log')
    const child = new Child([unbound.path, '-d', '-c', file], log, unbound.env)
    children.push(child)
    child.start()
    const through = (...words: string[]): Promise<string> =>
      run(dig, [...at(stub.address, stub.port), '+short', '+tries=1', ...words])
    await until('unbound to answer', async () =>
      (await through('web.service.mesh')) === `${plan.web.address}\n` ? true : undefined,
    )
    expect(await through('backend.service.mesh', 'SRV')).toBe('1 1 9090 beta.node.dc1.mesh.\n')
    expect(await through('beta.node.mesh', 'TXT')).toBe('"rack=r1"\n')
  },
)

test.skipIf(dig === undefined)('a changed dns_config is in force without a restart', async () => {
  if (dig === undefined) return
  expect(await ask(dig, 'web.service.mesh A')).toContain('web.service.mesh. 0 IN A')
  const text = 'dns_config { service_ttl = { "w*" = "9s" } }\n'
  writeFileSync(join(alpha.configuration, 'dns.hcl'), text)
  await until('the new TTL', async () =>
    (await ask(dig, 'web.service.mesh A')).includes('web.service.mesh. 9 IN A') ? true : undefined,
  )
})

const haproxyConfiguration = (): string => `
global
  maxconn 200
defaults
  mode tcp
  timeout connect 2s
  timeout client 5s
  timeout server 5s
resolvers mesh
  nameserver agent ${plan.web.address}:${dnsPort}
  accepted_payload_size 4096
  timeout resolve 200ms
  timeout retry 200ms
  hold valid 200ms
  hold nx 200ms
  hold obsolete 200ms
listen web
  bind ${frontend.address}:${frontend.port}
  balance roundrobin
  server-template web 4 _web._tcp.service.mesh resolvers mesh resolve-prefer ipv4 init-addr none
`

/** Who answers through haproxy, in a few connections. */
async function whoAnswers(): Promise<string> {
  const names = new Set<string>()
  for (let n = 0; n < 8; n++) names.add(await talk())
  return [...names].sort().join()
}

function talk(): Promise<string> {
  return new Promise((resolve) => {
    let said = ''
    const socket = connect({ host: frontend.address, port: frontend.port })
    socket.on('data', (piece) => {
      said += piece.toString()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(said === '' ? 'nobody' : said))
  })
}

test.skipIf(haproxy === undefined)(
  'haproxy follows an instance that comes and goes (skipped without its package)',
  async () => {
    if (haproxy === undefined) return
    const file = join(mesh.plan.directory, 'haproxy.cfg')
    writeFileSync(file, haproxyConfiguration())
    const child = new Child(
      [haproxy.path, '-db', '-f', file],
      join(mesh.plan.directory, 'haproxy.log'),
      haproxy.env,
    )
    children.push(child)
    child.start()
    const answers = (who: string): Promise<true> =>
      until(`${who} to answer through haproxy`, async () => ((await whoAnswers()) === who ? true : undefined))
    await answers('one')
    expect((await register(second(['v2']))).status).toBe(200)
    await answers('one,two')
    expect((await deregister('web-2')).status).toBe(200)
    await answers('one')
  },
)

test.skipIf(dig === undefined)(
  'with all servers stopped names are answered all the same, also after the agent was restarted',
  async () => {
    if (dig === undefined) return
    const short = (name: string): Promise<string> =>
      run(dig, [...at(plan.web.address, dnsPort), '+short', '+tries=1', name])
    expect(await short('backend.service.mesh')).toBe(`${plan.backend.address}\n`)
    await mesh.server.stop()
    expect(await short('backend.service.mesh')).toBe(`${plan.backend.address}\n`)
    await until('names that nobody asked for to fail', async () =>
      (await ask(dig, 'never-asked.service.mesh A')).includes('SERVFAIL') ? true : undefined,
    )
    await alpha.agent.stop()
    alpha.agent.start()
    await mesh.agentReady(alpha)
    await until('DNS to be there again', async () =>
      (await short('backend.service.mesh')) === `${plan.backend.address}\n` ? true : undefined,
    )
  },
)
