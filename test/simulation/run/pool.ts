/**
 * Runs jobs in threads. A run that does not end, or takes all memory, is itself a finding: its thread is ended and the
 * next job gets a new one.
 */
import { Worker } from 'node:worker_threads'
import { type Job, type Report } from './job.ts'
import type { Patch } from './patch.ts'

export interface PoolOptions {
  readonly threads: number
  readonly patches?: readonly Patch[]
  /** Of wall time, per job. */
  readonly timeoutMs: number
}

/** `stop`: no further jobs; those that run are ended too. */
export type OnReport = (report: Report) => 'stop' | undefined

/** Resolves when all jobs are done or somebody said stop. Rejects if a thread cannot be started at all. */
export async function runJobs(jobs: Iterable<Job>, options: PoolOptions, onReport: OnReport): Promise<void> {
  const queue = jobs[Symbol.iterator]()
  const threads = new Set<Thread>()
  let isOver = false
  const serve = async (): Promise<void> => {
    let thread: Thread | undefined
    while (!isOver) {
      const next = queue.next()
      if (next.done === true) break
      thread ??= new Thread(options)
      threads.add(thread)
      const report = await thread.run(next.value)
      if (thread.isGone) {
        threads.delete(thread)
        thread = undefined
      }
      if (isOver) break
      if (onReport(report) !== 'stop') continue
      isOver = true
      await Promise.all([...threads].map((one) => one.end()))
    }
    await thread?.end()
  }
  await Promise.all(Array.from({ length: options.threads }, serve))
}

class Thread {
  readonly #worker: Worker
  readonly #timeoutMs: number
  isGone: boolean = false

  constructor({ patches = [], timeoutMs }: PoolOptions) {
    this.#timeoutMs = timeoutMs
    this.#worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: { patches },
      resourceLimits: { maxOldGenerationSizeMb: 1_024 },
    })
  }

  run(job: Job): Promise<Report> {
    const worker = this.#worker
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(broken(job, 'hang', `no end after ${this.#timeoutMs} ms`)), this.#timeoutMs)
      const settle = (report: Report, isGone = true): void => {
        clearTimeout(timer)
        worker.removeAllListeners()
        if (isGone) {
          this.isGone = true
          void worker.terminate()
        }
        resolve(report)
      }
      worker.on('message', (report: Report) => settle(report, false))
      worker.on('error', (error) => {
        const { code, message, name } = error as Error & { readonly code?: string }
        if (code === 'ERR_WORKER_OUT_OF_MEMORY') settle(broken(job, 'memory', message))
        else if (name === 'PatchError' || message.includes('instead of once')) reject(error)
        else settle(broken(job, 'error', message))
      })
      worker.on('exit', (code) => settle(broken(job, 'ended', `the thread ended with ${code}`)))
      worker.postMessage(job)
    })
  }

  async end(): Promise<void> {
    this.isGone = true
    await this.#worker.terminate()
  }
}

function broken(job: Job, rule: string, message: string): Report {
  return {
    job,
    size: { servers: 0, spares: 0, agents: 0, clients: 0, watchers: 0, durationMs: 0, faults: [] },
    hash: '',
    simulatedMs: 0,
    events: 0,
    operations: 0,
    acknowledged: 0,
    unknown: 0,
    reached: new Map(),
    finding: { rule, message: `${rule}: ${message}`, stack: '' },
    lines: [],
    cpuMs: 0,
  }
}
