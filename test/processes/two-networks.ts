// Two datacenters, each in a network of its own, with a long way between them that can be cut. Each has a server and one host with
// the services `web` and `backend`; web's upstreams are backend near and backend far. What a user sees is asked with curl in
// the network, and with `mesh` on the server or on the host.
import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '../../src/command/dev/mesh.ts'
import { Program, until } from '../../src/command/dev/program.ts'
import { type Side, SlowLink, whyNoLink } from '../peers/slow-link.ts'
import { entry } from './fixture.ts'

const ports = { backend: 9090, web: 8080, far: 9191, near: 9192 } as const
/** curl gives up after this long; far longer than any answer takes that comes at all. */
const answerSeconds = 8
/** A connection that falls silent is given up within 20 s; then a read that waits for it has its answer. */
const readSeconds = 30

export interface Answer {
  /** 0: no answer, because the connection was refused, was cut or stayed silent. */
  readonly status: number
  readonly text: string
  readonly seconds: number
}

export const whyNoTwoNetworks = (): string | undefined =>
  spawnSync('curl', ['--version']).status === 0 ? whyNoLink() : 'there is no curl'

export class TwoNetworks {
  readonly dc1: Datacenter
  readonly dc2: Datacenter
  readonly link: SlowLink
  readonly #folder: string

  private constructor(link: SlowLink) {
    this.link = link
    this.#folder = mkdtempSync(join(tmpdir(), 'mesh-n-'))
    this.dc1 = new Datacenter({ name: 'dc1', other: 'dc2', side: link.left, folder: join(this.#folder, '1') })
    this.dc2 = new Datacenter({
      name: 'dc2',
      other: 'dc1',
      side: link.right,
      folder: join(this.#folder, '2'),
    })
  }

  /** `delayMs` in each direction. Nothing runs yet. */
  static async make(delayMs: number): Promise<TwoNetworks> {
    return new TwoNetworks(await SlowLink.make(delayMs))
  }

  async start(): Promise<void> {
    await Promise.all([this.dc1.start(), this.dc2.start()])
  }

  /** dc2 joins dc1, which becomes the primary. */
  async federate(): Promise<void> {
    const file = join(this.#folder, 'federation.token')
    writeFileSync(file, await this.dc1.onServer('federation', 'token', '-q'), { mode: 0o600 })
    await this.dc2.onServer('federation', 'join', '-enrollment-token-file', file)
  }

  async close(): Promise<void> {
    await Promise.all([this.dc1.stop(), this.dc2.stop()])
    await this.link.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

interface Plan {
  readonly name: string
  readonly other: string
  readonly side: Side
  readonly folder: string
}

export class Datacenter {
  readonly name: string
  readonly serverAddress: string
  readonly #plan: Plan
  readonly #server: Program
  readonly #agent: Program
  readonly #proxy: Program
  readonly #backend: Program

  constructor(plan: Plan) {
    this.#plan = plan
    this.name = plan.name
    this.serverAddress = plan.side.addresses[0]
    for (const place of ['server', 'host'])
      for (const part of ['conf', 'data', 'run'])
        mkdirSync(this.#path(place, part), { recursive: true, mode: 0o700 })
    const program = (name: string, args: readonly string[]): Program =>
      new Program({ name, args, logFile: this.#path(`${name}.log`), prefix: plan.side.prefix })
    const ours = (command: string, place: string): Program =>
      program(command, [entry, command, '--config-dir', this.#path(place, 'conf')])
    this.#server = ours('server', 'server')
    this.#agent = ours('agent', 'host')
    this.#proxy = ours('proxy', 'host')
    this.#backend = program('backend', ['-e', backendProgram, plan.name, String(ports.backend)])
  }

  /** Resolves when the host is enrolled and its backend serves. */
  async start(): Promise<void> {
    this.#configure()
    this.#server.start()
    await until('the server to lead', () => this.onServer('status', '-leader'), { watching: [this.#server] })
    const token = await this.onServer('token', 'create', '-node', this.#host, '-service', 'web,backend', '-q')
    writeFileSync(this.#path('host/token'), token, { mode: 0o600 })
    const programs = [this.#agent, this.#proxy, this.#backend]
    for (const program of programs) program.start()
    const up = async (url: string): Promise<true | undefined> =>
      (await this.curl(url)).status === 200 ? true : undefined
    await until('the host to be enrolled', () => up('http://127.0.0.1:8500/v1/catalog/nodes'), {
      watching: programs,
    })
    await until('the backend to serve', () => up(`http://127.0.0.1:${ports.backend}/served`))
  }

  async stop(): Promise<void> {
    for (const program of [this.#proxy, this.#agent, this.#server, this.#backend]) await program.stop()
  }

  /** `mesh WORDS` on the server, as its operator. */
  onServer(...words: readonly string[]): Promise<string> {
    return this.#mesh('server', words)
  }

  /** `mesh WORDS` on the host, as the operator of its datacenter. */
  onHost(...words: readonly string[]): Promise<string> {
    return this.#mesh('host', words)
  }

  /** What the host's API answers. */
  api(path: string): Promise<Answer> {
    return this.curl(`http://127.0.0.1:8500${path}`, readSeconds)
  }

  /** A request of web to the backend of the other datacenter. */
  readonly callFar = (): Promise<Answer> => this.curl(`http://127.0.0.1:${ports.far}/`)

  /** A request of web to the backend of this datacenter. */
  readonly callNear = (): Promise<Answer> => this.curl(`http://127.0.0.1:${ports.near}/`)

  /** How many requests of web this datacenter's backend has served, asked of itself. */
  async served(): Promise<number> {
    return Number((await this.curl(`http://127.0.0.1:${ports.backend}/served`)).text)
  }

  /** Seconds until a connection of this host to that address was open. */
  async connectSeconds(address: string, port: number): Promise<number> {
    const asked = ['-s', '-m', String(answerSeconds), '-o', '/dev/null', '-w', '%{time_connect}']
    return Number(await this.#inside(['curl', ...asked, `http://${address}:${port}/`]))
  }

  async curl(url: string, limitSeconds = answerSeconds): Promise<Answer> {
    const asked = ['-s', '-m', String(limitSeconds), '-w', '\n%{http_code} %{time_total}', url]
    const lines = (await this.#inside(['curl', ...asked])).split('\n')
    const [status = '', seconds = ''] = (lines.at(-1) ?? '').split(' ')
    return { status: Number(status), seconds: Number(seconds), text: lines.slice(0, -1).join('\n') }
  }

  get #host(): string {
    return `host-${this.name}`
  }

  #mesh(place: 'server' | 'host', words: readonly string[]): Promise<string> {
    return runCommand(entry, words, {
      MESH_RUNTIME_DIR: this.#path(place, 'run'),
      MESH_TOKEN_FILE: this.#path('server/data/server/operator.token'),
    })
  }

  /** Standard output of a command in this network, whatever its exit status is. */
  #inside(command: readonly string[]): Promise<string> {
    const [program = '', ...words] = [...this.#plan.side.prefix, ...command]
    return new Promise((resolve) => execFile(program, words, (_failed, stdout) => resolve(stdout)))
  }

  #path(...parts: readonly string[]): string {
    return join(this.#plan.folder, ...parts)
  }

  #configure(): void {
    const { name, other, side } = this.#plan
    const [server, host] = side.addresses
    this.#write('server', 'server-1', server, ['server = true', 'ports { http = -1 }', patience])
    this.#write('host', this.#host, host, [
      `servers = ["${server}:8300"]`,
      `enrollment_token_file = "${this.#path('host/token')}"`,
    ])
    writeFileSync(this.#path('host/conf/web.hcl'), webHcl(name, other))
    writeFileSync(this.#path('host/conf/backend.hcl'), backendHcl)
  }

  #write(place: string, node: string, address: string, more: readonly string[]): void {
    const lines = [
      `node_name = "${node}"`,
      `datacenter = "${this.name}"`,
      `data_dir = "${this.#path(place, 'data')}"`,
      `runtime_dir = "${this.#path(place, 'run')}"`,
      `bind_addr = "${address}"`,
      'log_json = true',
      ...more,
      '',
    ]
    writeFileSync(this.#path(place, 'conf/mesh-agent.hcl'), lines.join('\n'), { mode: 0o600 })
  }
}

/** What is cut is found out soon. */
const patience = 'performance { rpc_hold_timeout = "1s" }'

/** Says where it is, and counts the requests of others than the test. */
const backendProgram = `
const [name, port] = process.argv.slice(1)
let served = 0
require('node:http').createServer((request, response) => {
  if (request.url === '/served') return response.end(String(served))
  served += 1
  response.end('backend in ' + name)
}).listen(Number(port), '127.0.0.1')
`

const webHcl = (here: string, there: string): string => `service {
  name = "web"
  port = ${ports.web}
  connect {
    sidecar_service {
      proxy {
        upstreams {
          destination_name = "backend"
          datacenter       = "${there}"
          local_bind_port  = ${ports.far}
        }
        upstreams {
          destination_name = "backend"
          datacenter       = "${here}"
          local_bind_port  = ${ports.near}
        }
      }
    }
  }
}
`

const backendHcl = `service {
  name = "backend"
  port = ${ports.backend}
  connect {
    sidecar_service {}
  }
}
`
