/** A thread of the gossip simulator. Patches of the core are put in before any of it is loaded. */
import { parentPort, workerData } from 'node:worker_threads'
import { type NewText, putIn } from '../run/patch.ts'
import type { Jobs, Kind } from './job.ts'

putIn((workerData as { readonly texts: readonly NewText[] }).texts)
const { runJob } = await import('./job.ts')

parentPort?.on('message', ({ kind, job }: { readonly kind: Kind; readonly job: Jobs[Kind] }) => {
  try {
    parentPort?.postMessage({ result: runJob(kind, job as never) })
  } catch (error) {
    // A broken invariant of the core is a finding, not the end of the thread.
    parentPort?.postMessage({ error: error instanceof Error ? error.message : String(error) })
  }
})
