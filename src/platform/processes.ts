/**
 * Runs the program of a script check behind the `Processes` port: no shell, its own process group, bounded output.
 * Knows nothing of checks; what an exit status means is decided in agent/checks.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Processes, ProcessResult } from './ports.ts'

/** After the program itself ended, how long descendants may keep its output open before the group is killed. */
const lingerMs = 500

/** The agent's own credentials and its line to systemd are no business of a script. */
const withheld = /^(MESH_|CONSUL_HTTP_TOKEN|NOTIFY_SOCKET$|WATCHDOG_|LISTEN_|CREDENTIALS_DIRECTORY$)/

export const systemProcesses: Processes = {
  run(args, options, done) {
    const [program = '', ...rest] = args
    let child: ChildProcess
    try {
      child = spawn(program, rest, {
        detached: true,
        env: environment(),
        shell: false,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    } catch (error) {
      // Arguments that no program could be started with, such as a zero byte.
      const result = notStarted(program, error)
      const handle = setImmediate(() => done(result))
      return { kill: () => clearImmediate(handle) }
    }
    return follow(child, program, options, done)
  },
}

function follow(
  child: ChildProcess,
  program: string,
  options: { readonly timeoutMs: number; readonly outputMaxBytes: number },
  done: (result: ProcessResult) => void,
): { kill(): void } {
  const output = capture(child, options.outputMaxBytes)
  let finished = false
  let timedOut = false
  let linger: NodeJS.Timeout | undefined
  const finish = (result: ProcessResult): void => {
    if (finished) return
    finished = true
    clearTimeout(timeout)
    clearTimeout(linger)
    done(result)
  }
  const ended = (exitCode: number | null): void =>
    finish({ exitCode: exitCode ?? undefined, timedOut, output: output() })
  const kill = (): void => {
    if (!finished) killGroup(child)
  }
  const timeout = setTimeout(() => {
    timedOut = true
    kill()
  }, options.timeoutMs)
  child.on('error', (error) => finish(notStarted(program, error)))
  child.on('close', ended)
  child.on('exit', (exitCode) => {
    linger = setTimeout(() => {
      // A descendant still holds the output: without this each run would leave one more process behind.
      kill()
      child.stdout?.destroy()
      child.stderr?.destroy()
      ended(exitCode)
    }, lingerMs)
  })
  return { kill }
}

function capture(child: ChildProcess, maxBytes: number): () => string {
  const pieces: Buffer[] = []
  let room = maxBytes
  const take = (piece: Buffer): void => {
    if (room <= 0) return
    pieces.push(piece.subarray(0, room))
    room -= piece.length
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  return () => Buffer.concat(pieces).toString('utf8')
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The group ended by itself in this moment.
  }
}

function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !withheld.test(name)))
}

function notStarted(program: string, error: unknown): ProcessResult {
  const why = error instanceof Error ? error.message : String(error)
  return { exitCode: undefined, timedOut: false, output: `cannot start ${program}: ${why}` }
}
