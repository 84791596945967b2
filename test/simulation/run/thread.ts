/**
 * A thread that runs one job after the other. Patches of the product are put in before any of it is loaded, so that a
 * planted bug is in nothing but this thread.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { Job } from './job.ts'
import { type NewText, putIn } from './patch.ts'

const { texts } = workerData as { readonly texts: readonly NewText[] }
putIn(texts)
const { runJob } = await import('./job.ts')

parentPort?.on('message', (job: Job) => {
  parentPort?.postMessage(runJob(job))
})
