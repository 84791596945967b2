// Hosts with an agent and a proxy each, enrolled in a cluster of several servers: `web` on alpha reaches `backend` on beta.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../../src/command/dev/mesh.ts'
import { Program } from '../../src/command/dev/program.ts'
import { backendHcl, entry, until, webHcl } from './fixture.ts'
import type { Servers } from './three-servers.ts'

export class ClusterHost {
  readonly name: string
  readonly address: string
  readonly directory: string
  readonly agent: Program
  readonly proxy: Program
  readonly #servers: Servers
  readonly #settings: string

  /** `settings`: more HCL for the agent's configuration. */
  constructor(servers: Servers, name: string, number: number, settings = '') {
    this.#servers = servers
    this.#settings = settings
    this.name = name
    const [first] = servers.addresses
    this.address = `${(first ?? '').split('.').slice(0, 3).join('.')}.${number}`
    this.directory = join(servers.directory, name)
    for (const folder of ['conf', 'run', 'data'])
      mkdirSync(join(this.directory, folder), { recursive: true, mode: 0o700 })
    this.agent = this.#program('agent')
    this.proxy = this.#program('proxy')
  }

  get api(): string {
    return `http://${this.address}:8500`
  }

  /** Enrolls the host for `service` and starts its programs; its configuration names `addresses` as servers. */
  async start(service: 'web' | 'backend', addresses: readonly string[]): Promise<void> {
    const token = join(this.directory, 'token')
    const create = ['token', 'create', '-node', this.name, '-service', service, '-q']
    writeFileSync(token, await this.#servers.operate(create), { mode: 0o600 })
    this.configure(service, addresses, `enrollment_token_file = "${token}"`)
    this.agent.start()
    this.proxy.start()
    await until(`agent ${this.name}`, () => this.get('/v1/agent/self'), { watching: [this.agent] })
  }

  /** Writes the configuration only; `more` is HCL. */
  configure(service: 'web' | 'backend', addresses: readonly string[], more = ''): void {
    const settings = [
      `node_name = "${this.name}"`,
      `data_dir = "${join(this.directory, 'data')}"`,
      `runtime_dir = "${join(this.directory, 'run')}"`,
      `bind_addr = "${this.address}"`,
      `client_addr = "${this.address}"`,
      `servers = [${addresses.map((each) => `"${each}"`).join(', ')}]`,
      more,
      'log_json = true',
      this.#settings,
      '',
    ]
    writeFileSync(join(this.directory, 'conf/mesh-agent.hcl'), settings.join('\n'))
    const hcl = service === 'web' ? webHcl(this.address) : backendHcl(this.address)
    writeFileSync(join(this.directory, `conf/${service}.hcl`), hcl)
  }

  async stop(): Promise<void> {
    await this.proxy.stop()
    await this.agent.stop()
  }

  async get(path: string): Promise<unknown> {
    const response = await fetch(`${this.api}${path}`)
    return response.ok ? response.json() : undefined
  }

  /** `mesh ARGS` at this host's agent, as the operator. */
  operate(args: readonly string[]): Promise<string> {
    return runCommand(entry, args, {
      MESH_HTTP_ADDR: this.api,
      MESH_TOKEN_FILE: this.#servers.operatorTokenFile,
    })
  }

  /** Name of the server that holds the control stream, as the agent's log says last. */
  server(): string {
    const lines = readFileSync(this.agent.logFile, 'utf8').split('\n')
    const connected = lines.filter((line) => line.includes('"following the catalog"'))
    return (JSON.parse(connected.at(-1) ?? '{}') as { readonly server?: string }).server ?? ''
  }

  #program(command: 'agent' | 'proxy'): Program {
    return new Program({
      name: `${command} ${this.name}`,
      args: [entry, command, '--config-dir', join(this.directory, 'conf')],
      logFile: join(this.directory, `${command}.log`),
    })
  }
}
