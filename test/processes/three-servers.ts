/**
 * Several real servers as processes, each on a loopback address of its own, made into one cluster the way an operator does it:
 * the first founds, each further one is let in by a token. Used by the tests of clusters, by benchmarks and by the
 * linearizability harness. Nothing runs before `start`; call `close` in any case.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '../../src/command/dev/mesh.ts'
import { Program, until } from '../../src/command/dev/program.ts'
import { entry } from './fixture.ts'

export interface ServersOptions {
  /** How many; 3 by default. */
  readonly count?: number
  /** More HCL for every server's configuration. */
  readonly settings?: string
  /** Folder for everything; default: a new temporary one. Short, because a unix socket's path is at most 107 bytes. */
  readonly directory?: string
  /** Addresses of the servers; default: a loopback network of their own. */
  readonly hosts?: readonly string[]
  /** Words before each server's program, such as those that put it into a network namespace. */
  readonly prefix?: (server: number) => readonly string[]
}

let clusters = 0

/** 127.x.y: unlikely to be shared with another test process, never with another cluster of this one. */
function network(): string {
  clusters += 1
  return `127.${32 + (process.pid % 200)}.${100 + ((Math.floor(process.pid / 200) + clusters) % 150)}`
}

const rpcPort = 8300
/** On a machine that is busy with other things a server needs many seconds to start. */
const patienceMs = 60_000
/** A token and a new server's vote in tests: autopilot would make it wait for ten seconds. */
const quickVotes = 'autopilot { server_stabilization_time = "0s" }'

/** One server: its process and where it is. */
export class ServerProcess {
  readonly name: string
  readonly host: string
  readonly directory: string
  readonly program: Program
  readonly #others: () => readonly ServerProcess[]
  readonly #settings: string

  constructor(place: {
    readonly name: string
    readonly host: string
    readonly directory: string
    readonly settings: string
    readonly prefix: readonly string[]
    readonly others: () => readonly ServerProcess[]
  }) {
    this.name = place.name
    this.host = place.host
    this.directory = place.directory
    this.#others = place.others
    this.#settings = place.settings
    mkdirSync(join(this.directory, 'conf'), { recursive: true })
    mkdirSync(join(this.directory, 'run'), { recursive: true, mode: 0o700 })
    this.program = new Program({
      name: this.name,
      args: [entry, 'server', '--config-dir', join(this.directory, 'conf')],
      logFile: join(this.directory, 'server.log'),
      prefix: place.prefix,
    })
  }

  /** RPC address. */
  get address(): string {
    return `${this.host}:${rpcPort}`
  }

  /** Where the server keeps its files: log, keys, certificate. */
  get data(): string {
    return join(this.directory, 'data/server')
  }

  get configuration(): string {
    return join(this.directory, 'conf')
  }

  /** Name and address as the others know them now; written at every start. */
  writeConfiguration(): void {
    const servers = this.#others().map((other) => `"${other.address}"`)
    const lines = [
      `node_name = "${this.name}"`,
      'server = true',
      `data_dir = "${join(this.directory, 'data')}"`,
      `runtime_dir = "${join(this.directory, 'run')}"`,
      `bind_addr = "${this.host}"`,
      servers.length === 0 ? '' : `servers = [${servers.join(', ')}]`,
      'ports { http = -1 }',
      'log_json = true',
      this.#settings,
      '',
    ]
    writeFileSync(join(this.configuration, 'mesh-agent.hcl'), lines.join('\n'))
  }

  start(): void {
    this.program.start()
  }

  /** SIGTERM: hands leadership over, ends. */
  stop(): Promise<void> {
    return this.program.stop()
  }

  /** SIGKILL. */
  kill(): Promise<void> {
    return this.program.kill()
  }

  /** SIGSTOP: everything stands still and the connections stay open. */
  pause(): void {
    this.#signal('SIGSTOP')
  }

  resume(): void {
    this.#signal('SIGCONT')
  }

  /** `mesh ARGS` at this server's socket, as the operator of the cluster where `tokenFile` names the operator's token. */
  cli(args: readonly string[], tokenFile = ''): Promise<string> {
    return runCommand(entry, args, {
      MESH_RUNTIME_DIR: join(this.directory, 'run'),
      MESH_DATA_DIR: join(this.directory, 'data'),
      ...(tokenFile === '' ? {} : { MESH_TOKEN_FILE: tokenFile }),
    })
  }

  /** Lines of its log with this message, oldest first. */
  logged(message: string): readonly Readonly<Record<string, unknown>>[] {
    return readFileSync(this.program.logFile, 'utf8')
      .split('\n')
      .filter((line) => line.includes(message))
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.program
    if (pid !== undefined && this.program.running) process.kill(pid, signal)
  }
}

export class Servers {
  readonly directory: string
  readonly all: readonly ServerProcess[]
  readonly #isOwnDirectory: boolean

  constructor(options: ServersOptions = {}) {
    const { count = 3, settings = '' } = options
    this.#isOwnDirectory = options.directory === undefined
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), 'mesh-s-'))
    const net = network()
    this.all = Array.from({ length: count }, (_, i) => {
      const name = `s${i + 1}`
      return new ServerProcess({
        name,
        host: options.hosts?.[i] ?? `${net}.${i + 1}`,
        prefix: options.prefix?.(i) ?? [],
        directory: join(this.directory, name),
        settings: `${quickVotes}\n${settings}`,
        // The first founds the cluster, so it names nobody.
        others: () => (i === 0 ? [] : this.all.filter((other) => other.name !== name)),
      })
    })
  }

  /** `s1`, `s2`, ... */
  server(name: string): ServerProcess {
    const found = this.all.find((server) => server.name === name)
    if (found === undefined) throw new Error(`there is no server ${name}`)
    return found
  }

  /** RPC addresses of all. */
  get addresses(): readonly string[] {
    return this.all.map((server) => server.address)
  }

  /** The operator's token, on the disk of the server that founded the cluster. */
  get operatorTokenFile(): string {
    return join(this.server('s1').data, 'operator.token')
  }

  get operatorToken(): string {
    return readFileSync(this.operatorTokenFile, 'utf8').trim()
  }

  /** Founds the cluster with the first server and lets the others in; resolves when all have a vote and one leads. */
  async start(): Promise<void> {
    const [first, ...others] = this.all
    if (first === undefined) return
    first.writeConfiguration()
    first.start()
    await this.leader()
    for (const server of others) await this.join(server)
    await this.voters(this.all.length)
  }

  /** Makes a token for `server`, starts it and lets it in. */
  async join(server: ServerProcess): Promise<void> {
    server.writeConfiguration()
    const token = join(server.directory, 'token')
    writeFileSync(token, await this.operate(['token', 'create', '-server', '-node', server.name, '-q']), {
      mode: 0o600,
    })
    server.start()
    await until(
      `${server.name} to wait for its token`,
      () => (server.logged('this server waits to be admitted').length > 0 ? true : undefined),
      { watching: [server.program], timeoutMs: patienceMs },
    )
    await server.cli(['enroll', '-server', '-token-file', token, '-config-dir', server.configuration])
    await until(
      `${server.name} to serve`,
      () => (server.logged('"msg":"serving"').length > 0 ? true : undefined),
      { watching: [server.program], timeoutMs: patienceMs },
    )
  }

  /** `mesh ARGS` as the operator, at the first server that runs and answers. */
  async operate(args: readonly string[]): Promise<string> {
    let last: unknown
    for (const server of this.running)
      try {
        return await server.cli(args, this.operatorTokenFile)
      } catch (error) {
        last = error
      }
    throw last ?? new Error('no server runs')
  }

  get running(): readonly ServerProcess[] {
    return this.all.filter((server) => server.program.running)
  }

  /** The server that leads, as the servers that run say; waits for one. */
  async leader(timeoutMs = patienceMs): Promise<ServerProcess> {
    return until(
      'a leader',
      async () => {
        for (const server of this.running) {
          const address = (await server.cli(['status', '-leader']).catch(() => '')).trim()
          const found = this.running.find((each) => each.address === address)
          if (found !== undefined) return found
        }
        return undefined
      },
      { timeoutMs },
    )
  }

  /** Waits until the cluster has so many voters. */
  async voters(count: number): Promise<void> {
    await until(
      `${count} voters`,
      async () => {
        const servers = JSON.parse(
          await this.operate(['operator', 'raft', 'list-peers', '-o', 'json']),
        ) as readonly {
          readonly Voter: boolean
        }[]
        return servers.filter((server) => server.Voter).length >= count ? true : undefined
      },
      { timeoutMs: patienceMs },
    )
  }

  async startAll(): Promise<void> {
    for (const server of this.all) server.start()
    await this.leader()
  }

  /** Stops everything and removes what it kept. */
  async close(): Promise<void> {
    for (const server of this.all) server.resume()
    await Promise.all(this.all.map((server) => server.kill()))
    if (this.#isOwnDirectory) rmSync(this.directory, { recursive: true, force: true })
  }
}
