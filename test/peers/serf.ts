// Agents of Debian's `serf`, which nobody here wrote: started on loopback addresses of their own, asked by their own
// command line, ended by their process ids.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { debianProgram } from './debian.ts'

const run = promisify(execFile)

export const serfProgram = debianProgram('serf', 'serf')

export interface SerfOptions {
  readonly node: string
  readonly address: string
  readonly port?: number
  /** Base64. */
  readonly key?: string
  readonly profile?: 'lan' | 'wan' | 'local'
  readonly args?: readonly string[]
  /** Gets each line that it prints, as soon as it comes. */
  readonly onLine?: (line: string) => void
}

export class SerfPeer {
  readonly node: string
  readonly address: string
  readonly port: number
  readonly #child: ChildProcess
  #output = ''

  constructor({ node, address, port = 7_946, key, profile = 'lan', args = [], onLine }: SerfOptions) {
    if (serfProgram === undefined) throw new Error('there is no serf')
    this.node = node
    this.address = address
    this.port = port
    const encrypt = key === undefined ? [] : ['-encrypt', key]
    const bind = ['-bind', `${address}:${port}`, '-rpc-addr', this.#rpc]
    this.#child = spawn(
      serfProgram.path,
      ['agent', '-node', node, ...bind, '-profile', profile, ...encrypt, ...args],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...serfProgram.env } },
    )
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (piece: Buffer) => {
        this.#output = (this.#output + piece.toString()).slice(-20_000)
      })
    const { stdout } = this.#child
    if (onLine !== undefined && stdout !== null) createInterface({ input: stdout }).on('line', onLine)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** The end of what it printed. */
  get output(): string {
    return this.#output
  }

  get #rpc(): string {
    return `${this.address}:7373`
  }

  /** Fails with what it printed where the command fails. */
  async command(name: string, ...rest: readonly string[]): Promise<string> {
    if (serfProgram === undefined) throw new Error('there is no serf')
    const options = { env: { ...process.env, ...serfProgram.env } }
    const { stdout } = await run(serfProgram.path, [name, `-rpc-addr=${this.#rpc}`, ...rest], options)
    return stdout
  }

  /** Status by name; empty while it does not answer yet. */
  async members(): Promise<Map<string, string>> {
    const text = await this.command('members').catch(() => '')
    const lines = text
      .trim()
      .split('\n')
      .filter((line) => line !== '')
    return new Map(lines.map((line) => [line.split(/\s+/)[0] ?? '', line.split(/\s+/)[2] ?? '']))
  }

  /** Without a word. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}
