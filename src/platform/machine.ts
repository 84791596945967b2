/**
 * Facts about this machine, from /proc and the system's own calls. Runs nothing and asks no network; what cannot be read is
 * 0 or '', because a diagnosis with a hole is worth more than none.
 */
import { readdirSync, readFileSync, statfsSync } from 'node:fs'
import { arch, cpus, freemem, hostname, release, totalmem, uptime } from 'node:os'
import type { MachineFacts } from './ports.ts'

export function readMachine(path: string): MachineFacts {
  const distribution = keysOf(textOf('/etc/os-release'), '=')
  return {
    memory: { total: totalmem(), available: availableMemory(), free: freemem() },
    processors: cpus().map(({ model, speed }) => ({ model, mhz: speed })),
    system: {
      hostname: hostname(),
      uptimeSeconds: Math.floor(uptime()),
      processes: processCount(),
      distribution: distribution.get('ID') ?? '',
      distributionVersion: distribution.get('VERSION_ID') ?? '',
      kernel: release(),
      architecture: arch(),
    },
    disk: diskOf(path),
  }
}

/** What programs could still take without swapping, by the kernel's own estimate (proc(5), MemAvailable). */
function availableMemory(): number {
  const kilobytes = /^\d+/.exec(keysOf(textOf('/proc/meminfo'), ':').get('MemAvailable') ?? '')?.[0]
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1_024
}

function processCount(): number {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length
  } catch {
    return 0
  }
}

function diskOf(path: string): MachineFacts['disk'] {
  try {
    const { bsize, blocks, bavail, files, ffree } = statfsSync(path)
    return { path, total: blocks * bsize, free: bavail * bsize, files, filesFree: ffree }
  } catch {
    return { path, total: 0, free: 0, files: 0, filesFree: 0 }
  }
}

function keysOf(text: string, separator: string): ReadonlyMap<string, string> {
  const keys = new Map<string, string>()
  for (const line of text.split('\n')) {
    const at = line.indexOf(separator)
    if (at > 0)
      keys.set(
        line.slice(0, at).trim(),
        line
          .slice(at + 1)
          .trim()
          .replace(/^"(.*)"$/, '$1'),
      )
  }
  return keys
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
