// What a process costs, as the kernel counts it.
import { readFileSync } from 'node:fs'

/** USER_HZ, which is the same on every Linux that Node runs on. */
const ticksPerSecond = 100

/** CPU time since its start, all threads. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name may hold spaces; the third field comes after it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Memory with its share of what several processes have in common. */
export function pssMb(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]
  return Number(kilobytes) / 1_024
}
