// One host's proxy as processes, with an agent's link in the test, and load through it: requests at a given rate, each on a
// connection of its own, and connections that stay open.
import { type ChildProcess, spawn } from 'node:child_process'
import net from 'node:net'
import { join } from 'node:path'
import { type RunningProxyLink, startProxyLink } from '../../src/agent/link/proxy-link.ts'
import { unwrap } from '../../src/model/errors.ts'
import type { ProxyResource } from '../../src/model/proxy-config.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { askControl, type ControlAnswer, type ControlRequest } from '../../src/proxy/holder/control.ts'
import type { Isolation } from '../../src/proxy/holder/scope.ts'
import {
  exchange,
  type LogLine,
  recordLog,
  recordMetrics,
  temporaryFolder,
  until,
} from '../unit/proxy/lab.ts'

export class ProxyHost {
  readonly lines: LogLine[] = []
  readonly path: string
  private readonly child: ChildProcess
  private readonly link: RunningProxyLink
  private readonly remove: () => void
  private published = 0

  private constructor(
    folder: ReturnType<typeof temporaryFolder>,
    link: RunningProxyLink,
    isolation: Isolation,
    execArgv: readonly string[],
  ) {
    this.path = folder.path
    this.remove = folder.remove
    this.link = link
    const args = ['holder', this.state, join(folder.path, 'link.sock'), this.control, isolation]
    const program = [...execArgv, join(import.meta.dirname, 'proxy-program.ts'), ...args]
    this.child = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    this.child.stdout?.on('data', (bytes: Buffer) => {
      text += bytes.toString()
      const whole = text.split('\n')
      text = whole.pop() ?? ''
      for (const line of whole) this.lines.push(JSON.parse(line) as LogLine)
    })
  }

  static async start(
    isolation: Isolation = 'host',
    /** Options of Node for the proxy's processes. */
    execArgv: readonly string[] = [],
  ): Promise<ProxyHost> {
    const folder = temporaryFolder()
    const socketPath = join(folder.path, 'link.sock')
    const options = {
      socketPath,
      mode: 0o600,
      clock: systemClock,
      log: recordLog(),
      metrics: recordMetrics(),
    }
    return new ProxyHost(folder, unwrap(await startProxyLink(options)), isolation, execArgv)
  }

  /** Where the proxy keeps its state. */
  get state(): string {
    return join(this.path, 'state')
  }

  get proxies(): ReturnType<RunningProxyLink['proxies']> {
    return this.link.proxies()
  }

  private get control(): string {
    return join(this.path, 'control.sock')
  }

  /** Publishes, and waits until `workers` proxies have it in force. */
  async publish(resources: readonly ProxyResource[], workers = 1): Promise<void> {
    this.published += 1
    const version = this.published
    this.link.publish(resources)
    const inForce = (): boolean =>
      this.proxies.filter(({ acknowledged }) => acknowledged >= version).length >= workers
    // The first one waits for the programs to start, which takes its time on a machine that is busy.
    await until(`configuration ${version} in force in ${workers} workers`, inForce, 60_000)
  }

  ask(request: ControlRequest): Promise<ControlAnswer> {
    return new Promise((resolve) => {
      askControl(this.control, request, resolve)
    })
  }

  get holderPid(): number {
    return this.child.pid ?? 0
  }

  /** Process of each worker by its name. */
  async workers(): Promise<ReadonlyMap<string, number>> {
    const answer = await this.ask({ ask: 'workers' })
    if (answer.kind !== 'workers') throw new Error(`the proxy says ${JSON.stringify(answer)}`)
    return new Map(answer.workers.map(({ worker, pid }) => [worker, pid]))
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.child.once('exit', () => resolve())
      this.child.kill('SIGTERM')
    })
    await this.link.close()
    this.remove()
  }
}

/** Requests to one port at a rate, whatever becomes of them. */
export class Load {
  /** How requests ended: 'ok' or an error's code. */
  readonly outcomes = new Map<string, number>()
  private readonly timer: NodeJS.Timeout
  private readonly running = new Set<Promise<void>>()
  private sent = 0

  constructor(port: number, perSecond: number) {
    const everyMs = 10
    this.timer = setInterval(() => {
      for (let count = (perSecond * everyMs) / 1_000; count > 0; count -= 1) this.send(port)
    }, everyMs)
  }

  get ok(): number {
    return this.outcomes.get('ok') ?? 0
  }

  /** Waits for `count` more requests that went through. */
  async more(count: number): Promise<void> {
    const enough = this.ok + count
    await until(
      `${count} more requests; so far ${JSON.stringify([...this.outcomes])}`,
      () => this.ok >= enough,
      30_000,
    )
  }

  /** All requests that were sent have ended when it resolves. */
  async stop(): Promise<ReadonlyMap<string, number>> {
    clearInterval(this.timer)
    await Promise.all(this.running)
    return this.outcomes
  }

  private send(port: number): void {
    this.sent += 1
    const text = `request ${this.sent}`
    const request = exchange(port, text).then((answer) => {
      const outcome = answer === text ? 'ok' : answer === '' ? 'ended early' : answer
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
      this.running.delete(request)
    })
    this.running.add(request)
  }
}

/** A connection that stays open. */
export class LongConnection {
  closed: boolean = false
  private readonly socket: net.Socket
  private heard = 0
  private said = 0

  constructor(port: number) {
    this.socket = net.connect(port, '127.0.0.1')
    this.socket.on('data', (bytes: Buffer) => {
      this.heard += bytes.length
    })
    this.socket.on('error', () => {})
    this.socket.once('close', () => {
      this.closed = true
    })
  }

  /** Resolves when all that was ever said came back; fails where it does not. */
  async echo(): Promise<void> {
    this.said += 5
    this.socket.write('again')
    await until('an echo on a long connection', () => {
      if (this.closed) throw new Error('a long connection was cut')
      return this.heard === this.said
    })
  }

  close(): void {
    this.socket.destroy()
  }
}

/** Opens connections, each answered once. */
export async function openLong(port: number, count: number): Promise<readonly LongConnection[]> {
  const connections = Array.from({ length: count }, () => new LongConnection(port))
  await Promise.all(connections.map((each) => each.echo()))
  return connections
}

/** Waits until a request to the port goes through. */
export async function served(port: number): Promise<void> {
  let answer = ''
  const ask = async (): Promise<void> => {
    answer = await exchange(port, 'served?')
    if (answer !== 'served?') setTimeout(() => void ask(), 20)
  }
  void ask()
  await until(`port ${port} to be served`, () => answer === 'served?')
}
