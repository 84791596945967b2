/**
 * A thread that runs one job after the other. Patches of the product are put in before any of it is loaded, so that a
 * planted bug is in nothing but this thread.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { Job } from './job.ts'
import { type Patch, putInPatches } from './patch.ts'

const { patches } = workerData as { readonly patches: readonly Patch[] }
putInPatches(patches)
const { runJob } = await import('./job.ts')

parentPort?.on('message', (job: Job) => {
  parentPort?.postMessage(runJob(job))
})
