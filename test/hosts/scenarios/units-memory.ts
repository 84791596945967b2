/** How much memory agent and proxy of a host have to themselves: PSS, that is pages shared by n processes count 1/n each. */
import { ok } from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Host } from '../testbed.ts'

export interface Memory {
  readonly byProcess: readonly { readonly name: string; readonly pssMb: number }[]
  readonly totalMb: number
}

/** Between two readings, and how much they may differ when the host counts as idle. */
const readingMs = 5_000
const idleWithinMb = 0.5
const readings = 12

/** The first reading that hardly differs from the one before; the last one where none does. */
export async function idleMemory(host: Host): Promise<Memory> {
  let before = await reading(host)
  for (let i = 0; i < readings; i++) {
    await pause(readingMs)
    const now = await reading(host)
    if (Math.abs(now.totalMb - before.totalMb) <= idleWithinMb) return now
    before = now
  }
  return before
}

const script = `for unit in mesh-agent mesh-proxy; do
  for pid in $(cat /sys/fs/cgroup/system.slice/$unit.service/cgroup.procs); do
    echo "$(tr '\\0' '\\n' < /proc/$pid/cmdline | grep -A1 'main.js$' | tail -n1) $(sed -n 's/^Pss: *//p' /proc/$pid/smaps_rollup)"
  done
done`

async function reading(host: Host): Promise<Memory> {
  const rows = (await host.exec('sh', '-c', script)).matchAll(/^(.+) (\d+) kB$/gm)
  const byProcess = [...rows].map(([, name = '', kibibytes]) => ({ name, pssMb: Number(kibibytes) / 1024 }))
  ok(byProcess.length >= 3, 'agent, holder and worker run')
  return { byProcess, totalMb: byProcess.reduce((sum, { pssMb }) => sum + pssMb, 0) }
}
