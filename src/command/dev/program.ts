/**
 * One program of a local mesh as a child process: started with its own log file, watched, stopped, killed and started
 * again. Knows nothing of meshes. Children are detached, so that a Ctrl-C in the terminal reaches only the parent, which
 * then stops them in order.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

export interface ProgramOptions {
  readonly name: string
  /** Arguments for the Node that runs this process: the entry file first. */
  readonly args: readonly string[]
  readonly logFile: string
  readonly environment?: Readonly<Record<string, string>>
  /** Words before the program that run it somewhere else, in a network namespace for one, without a process between. */
  readonly prefix?: readonly string[]
}

/** How long a program may take to stop before it is killed. */
const stopTimeoutMs = 8_000

export class Program {
  readonly name: string
  readonly logFile: string
  private readonly options: ProgramOptions
  private child: ChildProcess | undefined
  private exited: Promise<void> = Promise.resolve()

  constructor(options: ProgramOptions) {
    this.options = options
    this.name = options.name
    this.logFile = options.logFile
  }

  get pid(): number | undefined {
    return this.child?.pid
  }

  get running(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  start(): void {
    const log = openSync(this.logFile, 'a', 0o600)
    const { prefix = [], args } = this.options
    const [program = process.execPath, ...words] = [...prefix, process.execPath, ...args]
    const child = spawn(program, words, {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...this.options.environment },
    })
    closeSync(log)
    this.child = child
    this.exited = new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    })
  }

  /** Ends it politely, and hard when it does not go. */
  async stop(): Promise<void> {
    if (!this.running) return
    this.child?.kill('SIGTERM')
    const timer = setTimeout(() => this.child?.kill('SIGKILL'), stopTimeoutMs)
    await this.exited
    clearTimeout(timer)
  }

  /** SIGKILL, as a crash or the kernel's out-of-memory killer would. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL')
    await this.exited
  }

  /** The last lines of its log, for an error message. */
  logTail(lines = 15): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  }
}

/** A loaded machine takes long to start seven programs; one that died ends the wait at once in any case. */
const patienceMs = 45_000

/**
 * Polls until `probe` gives a value. `watching` are programs that must stay alive meanwhile: a wait for a program that
 * has died fails at once, with the end of its log.
 */
export async function until<Value>(
  what: string,
  probe: () => Promise<Value | undefined> | Value | undefined,
  options: { readonly watching?: readonly Program[]; readonly timeoutMs?: number } = {},
): Promise<Value> {
  const deadline = performance.now() + (options.timeoutMs ?? patienceMs)
  for (;;) {
    let why = ''
    try {
      const value = await probe()
      if (value !== undefined) return value
    } catch (error) {
      why = `: ${error instanceof Error ? error.message : String(error)}`
    }
    for (const program of options.watching ?? [])
      if (!program.running)
        throw new Error(
          `${program.name} ended while waiting for ${what}; its last lines:\n${program.logTail()}`,
        )
    if (performance.now() > deadline) {
      const logs = (options.watching ?? []).map((program) => `--- ${program.name}\n${program.logTail()}`)
      throw new Error([`gave up waiting for ${what}${why}`, ...logs].join('\n'))
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
