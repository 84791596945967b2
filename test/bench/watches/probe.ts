// What a running program says about itself: memory after a collection, and its metrics. The program must have been started
// `around` by the probe, which preloads memory.mjs.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Program, until } from '../../../src/command/dev/program.ts'

export interface Figures {
  readonly rss: number
  /** Objects of JavaScript, and memory beside them that they hold. */
  readonly heapUsed: number
  readonly external: number
  metric(name: string): number
}

export class Probe {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  async around(start: () => Promise<void>): Promise<void> {
    const { NODE_OPTIONS, MESH_MEMORY } = process.env
    Object.assign(process.env, {
      NODE_OPTIONS: `--import=${join(import.meta.dirname, 'memory.mjs')}`,
      MESH_MEMORY: this.#file,
    })
    try {
      await start()
    } finally {
      restore('NODE_OPTIONS', NODE_OPTIONS)
      restore('MESH_MEMORY', MESH_MEMORY)
    }
  }

  async read(program: Program): Promise<Figures> {
    const { pid } = program
    if (pid === undefined) throw new Error(`${program.name} does not run`)
    const file = `${this.#file}.${pid}`
    rmSync(file, { force: true })
    process.kill(pid, 'SIGUSR2')
    await until(`figures of ${program.name}`, () => (existsSync(file) ? true : undefined), {
      watching: [program],
    })
    const figures = JSON.parse(readFileSync(file, 'utf8')) as Omit<Figures, 'metric'> & { metrics: string }
    return { ...figures, metric: (name) => sumOf(figures.metrics, name) }
  }
}

/** All series of one metric together; 0 where there is none yet. */
export function sumOf(page: string, name: string): number {
  let sum = 0
  for (const line of page.split('\n'))
    if (line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      sum += Number(line.slice(line.lastIndexOf(' ') + 1))
  return sum
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}
