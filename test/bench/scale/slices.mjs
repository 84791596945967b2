// Preloaded into a server by a benchmark (NODE_OPTIONS=--import): times every callback that the event loop makes, by the CPU of
// its thread (a busy machine would make every wall clock look long), the garbage collector's pauses, and how late the loop is.
// SIGUSR2 writes the figures to the file of this process and begins anew.
import { createHook } from 'node:async_hooks'
import { renameSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'

const longMs = 2
const kept = 20_000
let slices = []
let pauses = []
let depth = 0
let begunMs = 0
let begunCpu = process.threadCpuUsage()
let kind = ''
const kinds = new Map()

createHook({
  init(id, type) {
    kinds.set(id, type)
  },
  destroy(id) {
    kinds.delete(id)
  },
  before(id) {
    depth += 1
    if (depth > 1) return
    kind = kinds.get(id) ?? ''
    begunMs = performance.now()
    begunCpu = process.threadCpuUsage()
  },
  after() {
    depth -= 1
    if (depth > 0) return
    const wallMs = performance.now() - begunMs
    if (wallMs < longMs || slices.length >= kept) return
    const { user, system } = process.threadCpuUsage(begunCpu)
    slices.push([begunMs, wallMs, (user + system) / 1_000, kind])
  },
}).enable()

new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries())
    if (pauses.length < kept) pauses.push([startTime, duration])
}).observe({ entryTypes: ['gc'] })

const delay = monitorEventLoopDelay({ resolution: 5 })
delay.enable()

process.on('SIGUSR2', () => {
  const file = `${process.env.MESH_SLICES}.${process.pid}`
  const figures = {
    slices: slices.map(([atMs, wallMs, cpuMs, type]) => ({
      wallMs,
      ownMs: Math.max(0, cpuMs - pausedMs(atMs, wallMs)),
      type,
    })),
    pausesMs: pauses.map(([, tookMs]) => tookMs),
    delayMaxMs: delay.max / 1e6,
    delayP99Ms: delay.percentile(99) / 1e6,
    rssBytes: process.memoryUsage.rss(),
    heapBytes: process.memoryUsage().heapUsed,
  }
  writeFileSync(`${file}.part`, JSON.stringify(figures))
  renameSync(`${file}.part`, file)
  slices = []
  pauses = []
  delay.reset()
})

/** How much of a slice was the collector's. */
function pausedMs(atMs, tookMs) {
  let sum = 0
  for (const [startMs, pauseMs] of pauses)
    sum += Math.max(0, Math.min(atMs + tookMs, startMs + pauseMs) - Math.max(atMs, startMs))
  return sum
}
