// A CPU yardstick for bars that have no peer: hashes a second on one core in this minute, on this machine. Figures of two
// machines, or of a quiet and a busy minute, are compared through it.
import { createHash } from 'node:crypto'

/** SHA-256 of 4 KiB blocks per second of CPU time, measured for about a quarter of a second. */
export function yardstick(): number {
  const block = Buffer.alloc(4096, 7)
  const before = process.cpuUsage()
  let blocks = 0
  for (;;) {
    for (let i = 0; i < 500; i++) createHash('sha256').update(block).digest()
    blocks += 500
    const used = process.cpuUsage(before)
    const seconds = (used.user + used.system) / 1e6
    if (seconds > 0.25) return Math.round(blocks / seconds)
  }
}
