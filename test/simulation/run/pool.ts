/**
 * Runs jobs in threads. A run that does not end, or takes all memory, is itself a finding: its thread is ended and the
 * next job gets a new one.
 */
import { Worker } from 'node:worker_threads'
import { startDeadline } from './deadline.ts'
import type { Job, Report } from './job.ts'
import type { NewText } from './patch.ts'

export interface PoolOptions {
  readonly threads: number
  /** Changed files of the product. */
  readonly texts?: readonly NewText[]
  /** Of processor time, per job. */
  readonly timeoutMs: number
}

/** `stop`: no further jobs; those that run are ended too. */
export type OnReport = (report: Report) => 'stop' | undefined

/** Resolves when all jobs are done or somebody said stop. */
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
  readonly #options: PoolOptions
  #isGone: boolean = false
  /** The job that runs, and who waits for it. */
  #current: { readonly job: Job; readonly resolve: (report: Report) => void } | undefined
  #deadline: { close(): void } | undefined

  constructor(options: PoolOptions) {
    const { texts = [] } = options
    this.#options = options
    this.#worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: { texts },
      // A run makes much that lives for a moment; a small young generation would be swept all the time.
      resourceLimits: { maxOldGenerationSizeMb: 1_024, maxYoungGenerationSizeMb: 64 },
    })
    this.#worker.on('message', (report: Report) => this.#settle(report))
    this.#worker.on('error', (error: Error & { readonly code?: string }) =>
      this.#broke(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'thread', error.message),
    )
    this.#worker.on('exit', (code) => this.#broke('thread', `it ended with ${code}`))
  }

  get isGone(): boolean {
    return this.#isGone
  }

  run(job: Job): Promise<Report> {
    return new Promise((resolve) => {
      this.#current = { job, resolve }
      this.#deadline = startDeadline(this.#options, () =>
        this.#broke('hang', `no end after ${this.#options.timeoutMs} ms of processor time`),
      )
      this.#worker.postMessage(job)
    })
  }

  async end(): Promise<void> {
    this.#isGone = true
    await this.#worker.terminate()
  }

  #broke(rule: string, message: string): void {
    this.#isGone = true
    if (this.#current !== undefined) this.#settle(broken(this.#current.job, rule, message))
    void this.#worker.terminate()
  }

  #settle(report: Report): void {
    const current = this.#current
    this.#current = undefined
    this.#deadline?.close()
    current?.resolve(report)
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
