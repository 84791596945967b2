/**
 * The metrics of a program: prom-client behind the `Metrics` port, read as Prometheus text.
 * A metric comes into being when it is first counted. The number of label combinations is bounded, because a label that
 * takes its values from outside must not fill the memory.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { limits } from '../model/limits.ts'
import { CountedHistogram } from './histogram.ts'
import { MetricIntervals } from './metric-intervals.ts'
import type { CountedValues, Metrics, MetricsPage, RecentMetrics } from './ports.ts'

export interface ProgramMetrics extends Metrics, MetricsPage {}

type Labels = Readonly<Record<string, string>>

interface Family {
  readonly labelNames: readonly string[]
  readonly add: (labels: Record<string, string>, value: number) => void
  readonly seen: Set<string>
}

interface Series {
  readonly family: Family
  /** Values of the labels, in the order of the family's names. */
  readonly key: string
}

const droppedName = 'mesh_metric_updates_dropped_total'

export interface MetricsOptions {
  /** Also CPU, memory, event loop lag and garbage collection of this process. */
  readonly process: boolean
  /** Time of day in milliseconds; the system's when not given. */
  readonly nowMs?: () => number
}

export function createMetrics(options: MetricsOptions): ProgramMetrics {
  const registry = new Registry()
  if (options.process) collectDefaultMetrics({ register: registry })
  const dropped = new Counter({
    name: droppedName,
    help: 'Updates that named new labels beyond the limit, or other labels than the metric has.',
    registers: [registry],
  })
  const families = new Map<string, Family>()
  const intervals = new MetricIntervals(options.nowMs ?? Date.now, limits.metricsIntervalMs)
  let series = 0

  const seriesOf = (name: string, kind: 'counter' | 'gauge', labels: Labels): Series | undefined => {
    const family = families.get(name) ?? makeFamily(registry, name, kind, labels)
    families.set(name, family)
    const values = family.labelNames.map((label) => labels[label])
    if (Object.keys(labels).length !== values.length || values.includes(undefined)) return undefined
    const key = values.join('\u0000')
    if (!family.seen.has(key)) {
      if (series >= limits.metricSeries) return undefined
      family.seen.add(key)
      series += 1
    }
    return { family, key }
  }
  const histograms = new Map<string, CountedHistogram>()
  const fold = (name: string, { bounds, counts, sum }: CountedValues, labels: Labels): void => {
    const known = histograms.get(name)
    const histogram = known ?? new CountedHistogram(name, helpOf(name), bounds)
    if (known === undefined) {
      histogram.register(registry)
      histograms.set(name, histogram)
    }
    const key = Object.values(labels).join('\u0000')
    if (!histogram.has(key)) {
      // Each of its lines is a series to those who read.
      if (series + counts.length + 2 > limits.metricSeries) {
        dropped.inc()
        return
      }
      series += counts.length + 2
    }
    histogram.add(key, labels, counts, sum)
  }
  const update = (name: string, kind: 'counter' | 'gauge', labels: Labels, value: number): void => {
    const found = seriesOf(name, kind, labels)
    if (found === undefined) {
      dropped.inc()
      return
    }
    found.family.add({ ...labels }, value)
    if (kind === 'counter') intervals.add(`${name}\u0000${found.key}`, { name, labels }, value)
  }
  return {
    count: (name, labels = {}, by = 1) => update(name, 'counter', labels, by),
    gauge: (name, value, labels = {}) => update(name, 'gauge', labels, value),
    histogram: fold,
    text: () => registry.metrics(),
    contentType: registry.contentType,
    recent: async () => ({
      ...intervals.recent(),
      intervalMs: limits.metricsIntervalMs,
      gauges: await gaugesOf(registry),
    }),
  }
}

async function gaugesOf(registry: Registry): Promise<RecentMetrics['gauges']> {
  const rows: RecentMetrics['gauges'][number][] = []
  // The library's own type calls it a number, its values are the names.
  for (const { name, type, values } of await registry.getMetricsAsJSON())
    if (String(type) === 'gauge')
      for (const { value, labels } of values) rows.push({ name, value, labels: textLabels(labels) })
  return rows
}

const textLabels = (labels: Readonly<Record<string, string | number | undefined>>): Labels =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]))

/** Names speak for themselves, so the help line is the name in words. */
const helpOf = (name: string): string =>
  name
    .replace(/^mesh_/, '')
    .replace(/_total$/, '')
    .replaceAll('_', ' ')

function makeFamily(registry: Registry, name: string, kind: 'counter' | 'gauge', labels: Labels): Family {
  const labelNames = Object.keys(labels)
  const configuration = { name, help: helpOf(name), labelNames, registers: [registry] }
  if (kind === 'counter') {
    const counter = new Counter(configuration)
    return { labelNames, seen: new Set(), add: (at, by) => counter.inc(at, by) }
  }
  const gauge = new Gauge(configuration)
  return { labelNames, seen: new Set(), add: (at, value) => gauge.set(at, value) }
}
