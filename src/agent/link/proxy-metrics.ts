/**
 * Turns the sums that workers report into metrics that only grow, also when a worker is restarted and begins at zero.
 * Knows nothing of connections to proxies.
 */
import { limits } from '../../model/limits.ts'
import type { Metrics } from '../../platform/ports.ts'
import { type DatagramStats, durationBoundsMs, type PairStats } from '../../wire/link/message.ts'
import type { ProxyStats } from './proxy-session.ts'

const nothing: Omit<PairStats, 'direction' | 'source' | 'destination'> = {
  connections: 0,
  bytesToDestination: 0,
  bytesToSource: 0,
  refusals: {},
  durations: [],
  durationMs: 0,
}

const noDatagrams: DatagramStats = { toDestination: 0, toSource: 0, dropped: 0 }

const boundsSeconds = durationBoundsMs.map((boundMs) => boundMs / 1_000)

export class ProxyMetrics {
  private readonly metrics: Metrics
  /** Last report of each worker, newest worker last. */
  private readonly reported = new Map<string, Map<string, PairStats>>()

  constructor(metrics: Metrics) {
    this.metrics = metrics
  }

  add(stats: ProxyStats): void {
    const before = this.reportsOf(stats.worker)
    for (const pair of stats.pairs) {
      const key = `${pair.direction}\n${pair.source}\n${pair.destination}`
      this.addPair(before.get(key) ?? nothing, pair)
      before.set(key, pair)
    }
  }

  private reportsOf(worker: string): Map<string, PairStats> {
    const known = this.reported.get(worker)
    if (known !== undefined) return known
    const reports = new Map<string, PairStats>()
    this.reported.set(worker, reports)
    // A worker that is gone never reports again, so the oldest ones can be forgotten.
    for (const oldest of this.reported.keys()) {
      if (this.reported.size <= 2 * limits.proxiesPerAgent) break
      this.reported.delete(oldest)
    }
    return reports
  }

  private addPair(before: typeof nothing, now: PairStats): void {
    const { direction, source, destination } = now
    const labels = { direction, source, destination }
    const grow = (name: string, by: number, more: Readonly<Record<string, string>> = {}): void => {
      if (by > 0) this.metrics.count(name, { ...labels, ...more }, by)
    }
    grow('mesh_proxy_connections_total', now.connections - before.connections)
    grow('mesh_proxy_bytes_to_destination_total', now.bytesToDestination - before.bytesToDestination)
    grow('mesh_proxy_bytes_to_source_total', now.bytesToSource - before.bytesToSource)
    for (const [code, count] of Object.entries(now.refusals))
      grow('mesh_proxy_refusals_total', count - (before.refusals[code] ?? 0), { code })
    const datagrams = before.datagrams ?? noDatagrams
    const { toDestination, toSource, dropped } = now.datagrams ?? noDatagrams
    grow('mesh_proxy_datagrams_to_destination_total', toDestination - datagrams.toDestination)
    grow('mesh_proxy_datagrams_to_source_total', toSource - datagrams.toSource)
    grow('mesh_proxy_datagrams_dropped_total', dropped - datagrams.dropped)
    this.addDurations(before, now, labels)
  }

  /** A worker of another version may have other bounds, or none; its durations cannot be told then. */
  private addDurations(
    before: typeof nothing,
    now: typeof nothing,
    labels: Readonly<Record<string, string>>,
  ): void {
    if (now.durations.length !== boundsSeconds.length + 1) return
    const counts = now.durations.map((count, i) => count - (before.durations[i] ?? 0))
    if (counts.every((count) => count <= 0)) return
    const sum = (now.durationMs - before.durationMs) / 1_000
    const values = { bounds: boundsSeconds, counts, sum }
    this.metrics.histogram?.('mesh_proxy_connection_duration_seconds', values, labels)
  }
}
