// Runs the real `mesh` as a process of its own, with nothing from this machine's environment or folders.
import { spawn } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../..')
const entry = join(root, 'src/main.ts')

export interface Run {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
}

/** Compiled code is kept for the next process (vitest.config.ts), as the packages do. */
const { NODE_COMPILE_CACHE: cache } = process.env

function spawnMesh(args: readonly string[], env: RunOptions['env']) {
  return spawn(process.execPath, [entry, ...args], {
    cwd: root,
    env: {
      PATH: '/usr/bin:/bin',
      NO_COLOR: '1',
      ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }),
      MESH_RUNTIME_DIR: '/nonexistent/run',
      MESH_DATA_DIR: '/nonexistent/data',
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

export interface RunningMesh {
  /** What was written to standard output until now. */
  out(): string
  stop(): Promise<void>
}

/** For commands that go on until they are stopped. */
export function startProcess(args: readonly string[], options: RunOptions = {}): RunningMesh {
  const child = spawnMesh(args, options.env)
  let out = ''
  child.stdout.on('data', (piece: Buffer) => (out += piece.toString()))
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return {
    out: () => out,
    stop: () => {
      child.kill('SIGKILL')
      return ended
    },
  }
}

export function runMesh(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const { env = {}, input = '' } = options
  return new Promise((resolve, reject) => {
    const child = spawnMesh(args, env)
    const output = { out: '', err: '' }
    child.stdout.on('data', (piece: Buffer) => (output.out += piece.toString()))
    child.stderr.on('data', (piece: Buffer) => (output.err += piece.toString()))
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, ...output }))
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

/** All of `tasks`, a few at a time: each is a process, and the machine is small. */
export async function inTurn<T>(tasks: readonly (() => Promise<T>)[], atOnce = 4): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < tasks.length) {
      const mine = next++
      results[mine] = await (tasks[mine] as () => Promise<T>)()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return results
}

/** How a run is kept in a golden file. */
export function transcript(args: readonly string[], { status, out, err }: Run): string {
  const indent = (text: string): string => text.trimEnd().replace(/^/gm, '  ')
  return [
    `$ mesh ${args.join(' ')}`,
    ...(out === '' ? [] : [indent(out)]),
    ...(err === '' ? [] : ['stderr:', indent(err)]),
    `exit ${status}`,
    '',
  ].join('\n')
}
