/** The program that `mesh lock` runs while it holds the lock: started, sent signals, ended. Knows nothing of locks. */
import { type ChildProcess, spawn } from 'node:child_process'
import { CommandFailure, systemReason } from './failure.ts'

export interface ChildOptions {
  /** Run by /bin/sh, the words joined by spaces; else the program itself with its arguments. */
  readonly shell: boolean
  readonly passStdin: boolean
}

/** How long a child may take to end before it is killed. */
const graceMs = 5_000

export class Child {
  readonly #child: ChildProcess
  readonly #isGroup: boolean
  /** Its exit status; undefined where a signal ended it. Fails where it could not be started. */
  readonly ended: Promise<number | undefined>

  constructor(command: readonly string[], options: ChildOptions) {
    const [program = '', ...args] = options.shell ? ['/bin/sh', '-c', command.join(' ')] : command
    // A group of its own, so that a signal reaches what the shell started too. With the terminal's input it must stay in the
    // group that the terminal knows, or reading would stop it.
    this.#isGroup = !options.passStdin
    this.#child = spawn(program, args, {
      stdio: [options.passStdin ? 'inherit' : 'ignore', 'inherit', 'inherit'],
      detached: this.#isGroup,
      env: { ...process.env, CONSUL_LOCK_HELD: 'true', MESH_LOCK_HELD: 'true' },
    })
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', (error) =>
        reject(new CommandFailure(`${program} cannot be run: ${systemReason(error)}`)),
      )
      this.#child.once('exit', (code) => resolve(code ?? undefined))
    })
  }

  signal(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#child
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    try {
      process.kill(this.#isGroup ? -pid : pid, signal)
    } catch {
      // It ended in this moment.
    }
  }

  /** Asks it to end, kills it after a while, waits until it is gone. */
  async end(): Promise<void> {
    this.signal('SIGTERM')
    const kill = setTimeout(() => this.signal('SIGKILL'), graceMs)
    await this.ended.catch(() => undefined)
    clearTimeout(kill)
  }
}
