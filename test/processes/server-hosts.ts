// A server's host as a package sets it up: the server, and beside it the agent of the same host, which is let in by the
// token that the server lays out for it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Program } from '../../src/command/dev/program.ts'
import { entry, until } from './fixture.ts'
import type { ServerProcess } from './three-servers.ts'

export class ServerHost {
  readonly server: ServerProcess
  readonly agent: Program
  readonly #configuration: string
  readonly #settings: string

  /** `settings`: more HCL for the agent's configuration. */
  constructor(server: ServerProcess, settings = '') {
    this.server = server
    this.#settings = settings
    this.#configuration = join(server.directory, 'agent-conf')
    mkdirSync(this.#configuration, { recursive: true })
    this.agent = new Program({
      name: `agent ${server.name}`,
      args: [entry, 'agent', '--config-dir', this.#configuration],
      logFile: join(server.directory, 'agent.log'),
    })
  }

  get api(): string {
    return `http://${this.server.host}:8500`
  }

  /** Starts the agent and waits until its server is told of the gossip pool. */
  async start(servers: readonly string[]): Promise<void> {
    const { name, host, directory } = this.server
    const settings = [
      `node_name = "${name}"`,
      'server = true',
      `data_dir = "${join(directory, 'data')}"`,
      `runtime_dir = "${join(directory, 'run')}"`,
      `bind_addr = "${host}"`,
      `client_addr = "${host}"`,
      `servers = [${servers.map((each) => `"${each}"`).join(', ')}]`,
      'log_json = true',
      this.#settings,
      '',
    ]
    writeFileSync(join(this.#configuration, 'mesh-agent.hcl'), settings.join('\n'))
    const told = this.tellings()
    this.agent.start()
    await until(`${name} to hear of gossip`, () => (this.tellings() > told ? true : undefined), {
      watching: [this.agent, this.server.program],
      timeoutMs: 40_000,
    })
  }

  /** How often the server began to be told. */
  tellings(): number {
    return this.server.logged('the agent of this host tells of the gossip pool').length
  }
}
