// How long connections lasted, from the reports of workers to what a scraper reads.
import { expect, test } from 'vitest'
import { ProxyMetrics } from '../../../src/agent/link/proxy-metrics.ts'
import { createMetrics } from '../../../src/platform/metrics.ts'
import { PairCounters } from '../../../src/proxy/telemetry/counters.ts'
import { type PairStats, readFromProxy } from '../../../src/wire/link/message.ts'

const stats = (worker: string, pairs: readonly PairStats[]) => {
  const read = readFromProxy({ kind: 'stats', open: 0, expired: 0, draining: [], pairs })
  if (!read.ok || read.value.kind !== 'stats') throw new Error('not read')
  return { ...read.value, worker }
}

test('durations of several reports and workers add up, and a worker that knows none adds none', async () => {
  const metrics = createMetrics({ process: false })
  const proxies = new ProxyMetrics(metrics)
  const report = (worker: string, ...durationsMs: readonly number[]): PairCounters => {
    const counters = new PairCounters()
    const slot = counters.slot('outbound', 'web', 'backend')
    for (const ms of durationsMs) counters.ended(slot, ms)
    proxies.add(stats(worker, counters.all()))
    return counters
  }
  const first = report('one', 3, 700)
  first.ended(first.slot('outbound', 'web', 'backend'), 3)
  proxies.add(stats('one', first.all()))
  report('two', 99_000_000)
  const old = { direction: 'outbound', source: 'web', destination: 'backend', connections: 1 } as const
  const unaware = { ...old, bytesToDestination: 0, bytesToSource: 0, refusals: {} } as unknown as PairStats
  proxies.add(stats('three', [unaware]))
  const text = await metrics.text()
  const labels = 'direction="outbound",source="web",destination="backend"'
  const name = 'mesh_proxy_connection_duration_seconds'
  for (const line of [
    `${name}_bucket{le="0.005",${labels}} 2`,
    `${name}_bucket{le="0.5",${labels}} 2`,
    `${name}_bucket{le="1",${labels}} 3`,
    `${name}_bucket{le="86400",${labels}} 3`,
    `${name}_bucket{le="+Inf",${labels}} 4`,
    `${name}_count{${labels}} 4`,
    `${name}_sum{${labels}} 99000.706`,
    `mesh_proxy_connections_total{${labels}} 1`,
  ])
    expect(text).toContain(`${line}\n`)
})
