// A program of someone else as a child process: started, paused, killed and started again, with a log file of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

export class Child {
  private readonly command: readonly string[]
  private readonly logFile: string
  private readonly environment: Readonly<Record<string, string>>
  private child: ChildProcess | undefined
  private exited: Promise<void> = Promise.resolve()

  constructor(
    command: readonly string[],
    logFile: string,
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.command = command
    this.logFile = logFile
    this.environment = environment
  }

  get pid(): number | undefined {
    return this.isRunning ? this.child?.pid : undefined
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  start(): void {
    const [program = '', ...args] = this.command
    const log = openSync(this.logFile, 'a', 0o600)
    const child = spawn(program, args, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...this.environment },
    })
    closeSync(log)
    this.child = child
    this.exited = new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    })
  }

  pause(): void {
    this.child?.kill('SIGSTOP')
  }

  resume(): void {
    this.child?.kill('SIGCONT')
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL')
    await this.exited
  }

  logTail(lines = 15): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  }
}
