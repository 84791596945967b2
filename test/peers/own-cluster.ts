// Three of our servers with agents beside them, for comparisons with a peer: the servers by gRPC, the agents by HTTP.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import { Program, until } from '../../src/command/dev/program.ts'
import { entry } from '../processes/fixture.ts'
import { type ServerProcess, Servers } from '../processes/three-servers.ts'

export interface OwnClusterPlan {
  readonly directory: string
  readonly hosts: readonly string[]
  readonly prefix?: (server: number) => readonly string[]
}

export const ownPorts = { rpc: 8300, http: 8500 } as const

export class OwnCluster {
  readonly servers: Servers
  private readonly plan: OwnClusterPlan
  private readonly agents: Program[] = []

  constructor(plan: OwnClusterPlan) {
    this.plan = plan
    mkdirSync(plan.directory, { recursive: true })
    this.servers = new Servers({ ...plan, count: plan.hosts.length })
  }

  /** Starts the servers, then an agent beside each. */
  async start(): Promise<void> {
    await this.servers.start()
    for (const [i] of this.plan.hosts.entries()) await this.startAgent(i, this.servers.addresses)
  }

  /**
   * Starts the servers, then one agent, again until it has chosen the leader: which server an agent takes is left to chance,
   * and a measure should not be.
   */
  async startWithAgentOfLeader(): Promise<void> {
    await this.servers.start()
    await this.startAgent(0, this.servers.addresses)
    const leader = await this.servers.leader()
    const agent = this.agents[0]
    while (agent !== undefined && this.serverOfAgent(0) !== leader.address) {
      await agent.kill()
      agent.start()
      await this.agentReady(0)
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.kill()))
    await this.servers.close()
  }

  server(at: number): ServerProcess {
    const found = this.servers.all[at]
    if (found === undefined) throw new Error(`there is no server ${at}`)
    return found
  }

  /** Position of the server that leads. */
  async leader(timeoutMs?: number): Promise<number> {
    return this.servers.all.indexOf(await this.servers.leader(timeoutMs))
  }

  get serverPids(): readonly number[] {
    return this.servers.running.flatMap(({ program }) => program.pid ?? [])
  }

  agentPid(at: number): number {
    return this.agents[at]?.pid ?? 0
  }

  get token(): string {
    return this.servers.operatorToken
  }

  /** What the host of the first agent shows to servers. */
  get identity(): SecureContextOptions {
    const read = (name: string): string => readFileSync(join(this.agentFolder(0), 'data/agent', name), 'utf8')
    return { cert: read('host.crt'), key: read('host.key') }
  }

  private agentFolder(at: number): string {
    return join(this.plan.directory, `a${at + 1}`)
  }

  private async startAgent(at: number, servers: readonly string[]): Promise<void> {
    const folder = this.agentFolder(at)
    const [name, address] = [`a${at + 1}`, this.plan.hosts[at] ?? '']
    for (const part of ['conf', 'run', 'data'])
      mkdirSync(join(folder, part), { recursive: true, mode: 0o700 })
    const token = await this.servers.operate(['token', 'create', '-node', name, '-service', '*', '-q'])
    writeFileSync(join(folder, 'token'), token, { mode: 0o600 })
    const lines = [
      `node_name = "${name}"`,
      `data_dir = "${join(folder, 'data')}"`,
      `runtime_dir = "${join(folder, 'run')}"`,
      `bind_addr = "${address}"`,
      `client_addr = "${address}"`,
      `servers = [${servers.map((each) => `"${each}"`).join(', ')}]`,
      `enrollment_token_file = "${join(folder, 'token')}"`,
      'log_json = true',
      '',
    ]
    writeFileSync(join(folder, 'conf/mesh-agent.hcl'), lines.join('\n'))
    const agent = new Program({
      name,
      args: [entry, 'agent', '--config-dir', join(folder, 'conf')],
      logFile: join(folder, 'agent.log'),
      prefix: this.plan.prefix?.(at) ?? [],
    })
    this.agents.push(agent)
    agent.start()
    const isEnrolled = (): true | undefined =>
      existsSync(join(folder, 'data/agent/host.crt')) ? true : undefined
    await until(`agent ${name} to be enrolled`, isEnrolled, { watching: [agent] })
    await this.agentReady(at)
  }

  private async agentReady(at: number): Promise<void> {
    const agent = this.agents[at]
    if (agent === undefined) throw new Error(`there is no agent ${at}`)
    const url = `http://${this.plan.hosts[at]}:${ownPorts.http}/v1/status/leader`
    const headers = { 'X-Consul-Token': this.token }
    await until(
      `${agent.name} to answer`,
      async () => ((await fetch(url, { headers })).ok ? true : undefined),
      {
        watching: [agent],
      },
    )
  }

  /** Address of the server that the agent has chosen last. */
  private serverOfAgent(at: number): string {
    const log = readFileSync(join(this.agentFolder(at), 'agent.log'), 'utf8')
    const chosen = [...log.matchAll(/"server":"([^"]+)"[^\n]*"msg":"connected to a server"/g)]
    return chosen.at(-1)?.[1] ?? ''
  }
}
