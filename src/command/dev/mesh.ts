/**
 * A whole mesh on this machine as separate processes: one server, and hosts with an agent and a proxy each, every host on
 * its own loopback address. The quickstart shows it to people, and the tests of whole processes are built on it.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Program, until } from './program.ts'

export interface HostPlan {
  readonly name: string
  readonly address: string
  /** Services that the host's enrollment allows. */
  readonly services: readonly string[]
  /** Service files by name: their text is put into the agent's configuration directory. */
  readonly files: Readonly<Record<string, string>>
  /** Further files and folders of the agent's configuration. */
  readonly configuration?: readonly string[]
}

export interface MeshPlan {
  /** Everything lives below; must be short, because a unix socket's path is at most 107 bytes. */
  readonly directory: string
  /** Entry file of the program: main.ts here, main.js from the package. */
  readonly entry: string
  readonly serverAddress: string
  readonly hosts: readonly HostPlan[]
  /** Default: dc1. */
  readonly datacenter?: string
  /** More HCL for the server's and every agent's configuration. */
  readonly serverSettings?: string
  readonly agentSettings?: string
}

/** One host: its programs and where they are reached. */
export interface Host {
  readonly plan: HostPlan
  readonly agent: Program
  readonly proxy: Program
  readonly configuration: string
  readonly data: string
  readonly run: string
  /** Base URL of the agent's HTTP API. */
  readonly api: string
}

export class LocalMesh {
  readonly plan: MeshPlan
  readonly server: Program
  readonly hosts: readonly Host[]
  readonly operatorTokenFile: string
  private readonly serverDirectory: string

  constructor(plan: MeshPlan) {
    this.plan = plan
    this.serverDirectory = join(plan.directory, 'server')
    this.operatorTokenFile = join(this.serverDirectory, 'data/server/operator.token')
    this.server = this.program('server', this.serverDirectory, ['server'])
    this.hosts = plan.hosts.map((host) => {
      const directory = join(plan.directory, host.name)
      return {
        plan: host,
        agent: this.program(`agent ${host.name}`, directory, ['agent', ...(host.configuration ?? [])]),
        proxy: this.program(`proxy ${host.name}`, directory, ['proxy']),
        configuration: join(directory, 'conf'),
        data: join(directory, 'data'),
        run: join(directory, 'run'),
        api: `http://${host.address}:8500`,
      }
    })
  }

  host(name: string): Host {
    const found = this.hosts.find((host) => host.plan.name === name)
    if (found === undefined) throw new Error(`this mesh has no host ${name}`)
    return found
  }

  get programs(): readonly Program[] {
    return [this.server, ...this.hosts.flatMap((host) => [host.agent, host.proxy])]
  }

  /** Writes configurations and starts the server; resolves when it leads and answers. */
  async startServer(): Promise<void> {
    if (this.server.pid === undefined) this.writeServerConfiguration()
    this.server.start()
    await until('the server to lead', () => this.cli(['status', '-leader'], this.serverEnvironment()), {
      watching: [this.server],
    })
  }

  /** Enrolls one host with a token of its own and starts its agent and proxy. */
  async startHost(host: Host): Promise<void> {
    const { name, services } = host.plan
    this.writeHostConfiguration(host)
    const create = ['token', 'create', '-node', name, '-service', services.join(','), '-q']
    const token = await this.cli(create, this.serverEnvironment())
    writeFileSync(join(host.configuration, '../token'), token, { mode: 0o600 })
    host.agent.start()
    host.proxy.start()
    await this.agentReady(host)
    // It answers before it is enrolled, and refuses then what needs the cluster.
    const watching = [host.agent]
    await until(`${name} to be enrolled`, () => this.get(host, '/v1/connect/intentions'), { watching })
  }

  async agentReady(host: Host): Promise<void> {
    await until(`agent ${host.plan.name}`, () => this.get(host, '/v1/agent/self'), { watching: [host.agent] })
  }

  async start(): Promise<void> {
    await this.startServer()
    await Promise.all(this.hosts.map((host) => this.startHost(host)))
  }

  /** Stops everything, proxies first, and removes the directory. */
  async stop(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.proxy.stop()))
    await Promise.all(this.hosts.map((host) => host.agent.stop()))
    await this.server.stop()
    rmSync(this.plan.directory, { recursive: true, force: true })
  }

  /** Body of a successful GET on the host's API, undefined for any other answer. */
  async get(host: Host, path: string): Promise<unknown> {
    const response = await fetch(`${host.api}${path}`)
    const body = await response.text()
    return response.ok ? JSON.parse(body) : undefined
  }

  /** Runs `mesh ARGS` to its end; its standard output, or an error with what it said. */
  cli(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<string> {
    return runCommand(this.plan.entry, args, environment)
  }

  /** Environment with which the command line talks to the server's socket as its operator. */
  serverEnvironment(): Readonly<Record<string, string>> {
    return { MESH_RUNTIME_DIR: join(this.serverDirectory, 'run'), MESH_TOKEN_FILE: this.operatorTokenFile }
  }

  /** Environment with which the command line talks to a host's agent as the operator. */
  hostEnvironment(host: Host): Readonly<Record<string, string>> {
    return { MESH_HTTP_ADDR: host.api, MESH_TOKEN_FILE: this.operatorTokenFile }
  }

  private program(
    name: string,
    directory: string,
    [command, ...configuration]: readonly [string, ...string[]],
  ): Program {
    mkdirSync(join(directory, 'conf'), { recursive: true })
    mkdirSync(join(directory, 'run'), { recursive: true, mode: 0o700 })
    mkdirSync(join(directory, 'data'), { recursive: true, mode: 0o700 })
    return new Program({
      name,
      args: [
        this.plan.entry,
        command,
        ...[join(directory, 'conf'), ...configuration].flatMap((path) => ['--config-dir', path]),
      ],
      logFile: join(directory, `${command}.log`),
    })
  }

  private get datacenterLine(): string {
    return `datacenter = "${this.plan.datacenter ?? 'dc1'}"`
  }

  private writeServerConfiguration(): void {
    const { serverAddress, serverSettings } = this.plan
    const text = settings('server-1', this.serverDirectory, serverAddress, [
      this.datacenterLine,
      'server = true',
      'ports { http = -1 }',
      serverSettings ?? '',
    ])
    writeFileSync(join(this.serverDirectory, 'conf/mesh-agent.hcl'), text)
  }

  private writeHostConfiguration(host: Host): void {
    const { name, address, files } = host.plan
    const text = settings(name, join(this.plan.directory, name), address, [
      this.datacenterLine,
      `servers = ["${this.plan.serverAddress}:8300"]`,
      `client_addr = "${address}"`,
      `enrollment_token_file = "${join(this.plan.directory, name, 'token')}"`,
      this.plan.agentSettings ?? '',
    ])
    writeFileSync(join(host.configuration, 'mesh-agent.hcl'), text)
    for (const [file, content] of Object.entries(files))
      writeFileSync(join(host.configuration, file), content)
  }
}

function settings(name: string, directory: string, address: string, more: readonly string[]): string {
  return [
    `node_name = "${name}"`,
    `data_dir = "${join(directory, 'data')}"`,
    `runtime_dir = "${join(directory, 'run')}"`,
    `bind_addr = "${address}"`,
    'log_json = true',
    ...more,
    '',
  ].join('\n')
}

/** Runs one command line in a process of its own. */
export async function runCommand(
  entry: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const { execFile } = await import('node:child_process')
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [entry, ...args],
      { env: { ...process.env, ...environment }, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else reject(new Error(`mesh ${args.join(' ')}: ${stderr.trim() || stdout.trim() || error.message}`))
      },
    )
  })
}

/** Whether something accepts connections at `host:port`. */
export function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
