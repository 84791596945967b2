// A pool of ours in another process, by the lines that test/peers/pool-agent.ts speaks.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { PoolAgentOptions, PoolCommand } from '../peers/pool-agent.ts'

const program = join(import.meta.dirname, '../peers/pool-agent.ts')

interface Line {
  readonly ready?: true
  readonly answer?: unknown
  readonly failure?: string
  readonly event?: string
  readonly node?: string
  readonly name?: string
  readonly payload?: string
  readonly atMs?: number
}

interface HeardLine extends Line {
  /** When the line came, by `performance.now()` of this process. */
  readonly heardMs: number
}

export class PoolChild {
  readonly node: string
  readonly address: string
  readonly events: HeardLine[] = []
  readonly #child: ChildProcess
  readonly #waiting: ((line: Line) => void)[] = []

  private constructor(options: PoolAgentOptions) {
    this.node = options.node
    this.address = options.address
    this.#child = spawn(process.execPath, [program, JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const { stdout } = this.#child
    if (stdout === null) throw new Error('a child has stdout')
    createInterface({ input: stdout }).on('line', (text) => {
      const line = JSON.parse(text) as Line
      if (line.event !== undefined) this.events.push({ ...line, heardMs: performance.now() })
      else this.#waiting.shift()?.(line)
    })
  }

  static async start(options: PoolAgentOptions): Promise<PoolChild> {
    const child = new PoolChild(options)
    await new Promise<Line>((resolve) => child.#waiting.push(resolve))
    return child
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  async do<Answer>(command: PoolCommand): Promise<Answer> {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`)
    const line = await new Promise<Line>((resolve) => this.#waiting.push(resolve))
    if (line.failure !== undefined) throw new Error(line.failure)
    return line.answer as Answer
  }

  async members(): Promise<Map<string, string>> {
    return new Map(await this.do<[string, string][]>({ do: 'members' }))
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}
