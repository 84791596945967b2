/** One thread of the gossip simulator, asked for one job at a time; a job that does not end is ended. */
import { Worker } from 'node:worker_threads'
import type { NewText } from '../run/patch.ts'
import type { Jobs, Kind, Results } from './job.ts'

/** Views of 5,000 members by 5,000 members, twice over. */
const mostMemoryMb = 14_000

export type Outcome<Result> =
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly error: string }

export class SwimThread {
  readonly #texts: readonly NewText[]
  #worker: Worker | undefined

  constructor(texts: readonly NewText[] = []) {
    this.#texts = texts
  }

  async run<One extends Kind>(kind: One, job: Jobs[One], timeoutMs: number): Promise<Outcome<Results[One]>> {
    const worker = this.#start()
    const { promise, resolve } = Promise.withResolvers<Outcome<Results[One]>>()
    const timer = setTimeout(() => resolve({ ok: false, error: `no end after ${timeoutMs} ms` }), timeoutMs)
    worker.once('error', (error) => resolve({ ok: false, error: `the thread broke: ${String(error)}` }))
    worker.once('message', (message: { readonly result?: Results[One]; readonly error?: string }) =>
      resolve(
        message.result === undefined
          ? { ok: false, error: message.error ?? 'nothing came' }
          : { ok: true, result: message.result },
      ),
    )
    worker.postMessage({ kind, job })
    const outcome = await promise
    clearTimeout(timer)
    // By name: the worker listens to itself as well.
    worker.removeAllListeners('message').removeAllListeners('error')
    if (!outcome.ok) await this.end()
    return outcome
  }

  async end(): Promise<void> {
    await this.#worker?.terminate()
    this.#worker = undefined
  }

  #start(): Worker {
    this.#worker ??= new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: { texts: this.#texts },
      resourceLimits: { maxOldGenerationSizeMb: mostMemoryMb, maxYoungGenerationSizeMb: 64 },
    })
    return this.#worker
  }
}
