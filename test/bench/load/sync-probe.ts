// How long this disk takes to make a small write durable, with nothing else going on.
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { median } from '../result.ts'

/** Median of fdatasync after a write of 512 bytes, milliseconds. */
export function syncP50Ms(folder: string, times = 200): number {
  const path = join(folder, 'sync-probe')
  const file = openSync(path, 'w')
  const bytes = Buffer.alloc(512, 1)
  const took = Array.from({ length: times }, (_, i) => {
    writeSync(file, bytes, 0, bytes.length, i * bytes.length)
    const begunMs = performance.now()
    fdatasyncSync(file)
    return performance.now() - begunMs
  })
  closeSync(file)
  rmSync(path)
  return median(took)
}
