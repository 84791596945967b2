/**
 * What a person who looks for a fault wants to know of the machine and of this process: memory, heap, event loop, open
 * handles, and where time goes. Holds no data of the mesh; machine.ts reads the machine.
 */
import { Session } from 'node:inspector'
import { performance } from 'node:perf_hooks'
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'
import { limits } from '../model/limits.ts'
import { readMachine } from './machine.ts'
import type { Diagnostics } from './ports.ts'

export function createDiagnostics(): Diagnostics {
  let isProfiling = false
  return {
    machine: readMachine,
    process: readProcess,
    profile(durationMs, done) {
      if (isProfiling) return undefined
      isProfiling = true
      return takeProfile(Math.min(durationMs, limits.profileMaxMs), (profile) => {
        isProfiling = false
        done(profile)
      })
    },
  }
}

function readProcess(): Readonly<Record<string, unknown>> {
  const loop = performance.eventLoopUtilization()
  return {
    Pid: process.pid,
    UptimeSeconds: Math.floor(process.uptime()),
    Versions: process.versions,
    Memory: process.memoryUsage(),
    Resources: process.resourceUsage(),
    Heap: getHeapStatistics(),
    HeapSpaces: getHeapSpaceStatistics(),
    EventLoopUtilization: loop.utilization,
    ActiveResources: counted(process.getActiveResourcesInfo()),
  }
}

function counted(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** Calls back once: with the profile, or with undefined where it was cancelled or the engine refused. */
function takeProfile(durationMs: number, done: (profile: string | undefined) => void): { cancel(): void } {
  const session = new Session()
  let isOver = false
  const finish = (profile: string | undefined): void => {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    session.disconnect()
    done(profile)
  }
  const timer = setTimeout(() => {
    session.post('Profiler.stop', (error, answer) =>
      finish(error === null ? JSON.stringify(answer.profile) : undefined),
    )
  }, durationMs)
  session.connect()
  session.post('Profiler.enable', (error) => {
    if (error !== null) return finish(undefined)
    session.post('Profiler.start', (refused) => {
      if (refused !== null) finish(undefined)
    })
  })
  return { cancel: () => finish(undefined) }
}
