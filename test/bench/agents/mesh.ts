// One server, and agents that are enrolled by it and told nothing else: the key of gossip and the addresses of the others come
// from the server, as on any host that an operator lets in.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../../../src/command/dev/mesh.ts'
import { Program, until } from '../../../src/command/dev/program.ts'
import { type HostNetwork, routerAddress } from './networks.ts'

export interface AgentHost {
  readonly name: string
  readonly socketPath: string
  readonly program: Program
}

/** Tokens are made by the command line, a process each. */
const tokensAtOnce = 4

export class Mesh {
  readonly hosts: readonly AgentHost[]
  readonly #folder: string
  readonly #entry: string
  readonly #server: Program

  constructor(networks: readonly HostNetwork[], folder: string, entry: string) {
    this.#folder = folder
    this.#entry = entry
    this.#server = this.#program('server', 'server', [])
    this.#configure('server', routerAddress, ['server = true', 'ports { http = -1 }'])
    this.hosts = networks.map(({ address, prefix }, at) => {
      const name = `host-${at + 1}`
      const program = this.#program(name, 'agent', prefix)
      this.#configure(name, address, [
        `servers = ["${routerAddress}:8300"]`,
        `enrollment_token_file = "${this.#path(name, 'token')}"`,
      ])
      return { name, program, socketPath: this.#path(name, 'run/api.sock') }
    })
  }

  /** The server leads, and every host has its token; no agent runs yet. */
  async prepare(): Promise<void> {
    this.#server.start()
    const environment = {
      MESH_RUNTIME_DIR: this.#path('server', 'run'),
      MESH_TOKEN_FILE: this.#path('server', 'data/server/operator.token'),
    }
    const mesh = (...words: readonly string[]): Promise<string> => runCommand(this.#entry, words, environment)
    await until('the server to lead', () => mesh('status', '-leader'), { watching: [this.#server] })
    const waiting = [...this.hosts]
    const make = async (): Promise<void> => {
      for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) {
        const token = await mesh('token', 'create', '-node', host.name, '-q')
        writeFileSync(this.#path(host.name, 'token'), token, { mode: 0o600 })
      }
    }
    await Promise.all(Array.from({ length: tokensAtOnce }, make))
  }

  async kill(): Promise<void> {
    await Promise.all([this.#server, ...this.hosts.map(({ program }) => program)].map((one) => one.kill()))
  }

  #path(name: string, path: string): string {
    return join(this.#folder, name, path)
  }

  #program(name: string, command: 'agent' | 'server', prefix: readonly string[]): Program {
    for (const part of ['conf', 'data', 'run'])
      mkdirSync(this.#path(name, part), { recursive: true, mode: 0o700 })
    const args = [this.#entry, command, '--config-dir', this.#path(name, 'conf')]
    return new Program({ name, args, logFile: this.#path(name, 'log'), prefix })
  }

  #configure(name: string, address: string, more: readonly string[]): void {
    const lines = [
      `node_name = "${name}"`,
      `data_dir = "${this.#path(name, 'data')}"`,
      `runtime_dir = "${this.#path(name, 'run')}"`,
      `bind_addr = "${address}"`,
      ...more,
      '',
    ]
    writeFileSync(this.#path(name, 'conf/mesh-agent.hcl'), lines.join('\n'), { mode: 0o600 })
  }
}
