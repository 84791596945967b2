/**
 * The machine as `/v1/agent/host` shows it: the names of gopsutil's structs, which Consul's endpoint hands on. Fields that
 * say nothing on Linux are left away.
 */
import type { MachineFacts } from '../../platform/ports.ts'

export interface MachineJson {
  readonly Memory: {
    readonly total: number
    readonly available: number
    readonly used: number
    readonly usedPercent: number
    readonly free: number
  }
  readonly CPU: readonly { readonly cpu: number; readonly modelName: string; readonly mhz: number }[]
  readonly Host: Readonly<Record<string, string | number>>
  readonly Disk: Readonly<Record<string, string | number>>
  /** Nanoseconds since the epoch. */
  readonly CollectionTime: number
  readonly Errors: null
}

export function machineJson({ memory, processors, system, disk }: MachineFacts, nowMs: number): MachineJson {
  const used = memory.total - memory.available
  const filesUsed = disk.files - disk.filesFree
  return {
    Memory: { ...memory, used, usedPercent: percent(used, memory.total) },
    CPU: processors.map(({ model, mhz }, cpu) => ({ cpu, modelName: model, mhz })),
    Host: {
      hostname: system.hostname,
      uptime: system.uptimeSeconds,
      bootTime: Math.floor(nowMs / 1_000) - system.uptimeSeconds,
      procs: system.processes,
      os: 'linux',
      platform: system.distribution,
      platformVersion: system.distributionVersion,
      kernelVersion: system.kernel,
      kernelArch: system.architecture,
    },
    Disk: {
      path: disk.path,
      total: disk.total,
      free: disk.free,
      used: disk.total - disk.free,
      usedPercent: percent(disk.total - disk.free, disk.total),
      inodesTotal: disk.files,
      inodesUsed: filesUsed,
      inodesFree: disk.filesFree,
      inodesUsedPercent: percent(filesUsed, disk.files),
    },
    CollectionTime: nowMs * 1_000_000,
    Errors: null,
  }
}

const percent = (part: number, whole: number): number => (whole === 0 ? 0 : (part / whole) * 100)
