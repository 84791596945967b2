/**
 * The metrics of a program: prom-client behind the `Metrics` port, read as Prometheus text.
 * A metric comes into being when it is first counted. The number of label combinations is bounded, because a label that
 * takes its values from outside must not fill the memory.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { limits } from '../model/limits.ts'
import type { Metrics } from './ports.ts'

export interface ProgramMetrics extends Metrics {
  /** Everything in Prometheus text exposition format 0.0.4. */
  text(): Promise<string>
  /** Value for the Content-Type header of `text`. */
  readonly contentType: string
}

type Labels = Readonly<Record<string, string>>

interface Family {
  readonly labelNames: readonly string[]
  readonly add: (labels: Record<string, string>, value: number) => void
  readonly seen: Set<string>
}

const droppedName = 'mesh_metric_updates_dropped_total'

/** `process`: also CPU, memory, event loop lag and garbage collection of this process. */
export function createMetrics(options: { readonly process: boolean }): ProgramMetrics {
  const registry = new Registry()
  if (options.process) collectDefaultMetrics({ register: registry })
  const dropped = new Counter({
    name: droppedName,
    help: 'Updates that named new labels beyond the limit, or other labels than the metric has.',
    registers: [registry],
  })
  const families = new Map<string, Family>()
  let series = 0

  const seriesOf = (name: string, kind: 'counter' | 'gauge', labels: Labels): Family | undefined => {
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
    return family
  }
  const update = (name: string, kind: 'counter' | 'gauge', labels: Labels, value: number): void => {
    const family = seriesOf(name, kind, labels)
    if (family === undefined) dropped.inc()
    else family.add({ ...labels }, value)
  }
  return {
    count: (name, labels = {}, by = 1) => update(name, 'counter', labels, by),
    gauge: (name, value, labels = {}) => update(name, 'gauge', labels, value),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

/** Names speak for themselves, so the help line is the name in words. */
function makeFamily(registry: Registry, name: string, kind: 'counter' | 'gauge', labels: Labels): Family {
  const labelNames = Object.keys(labels)
  const help = name
    .replace(/^mesh_/, '')
    .replace(/_total$/, '')
    .replaceAll('_', ' ')
  const configuration = { name, help, labelNames, registers: [registry] }
  if (kind === 'counter') {
    const counter = new Counter(configuration)
    return { labelNames, seen: new Set(), add: (at, by) => counter.inc(at, by) }
  }
  const gauge = new Gauge(configuration)
  return { labelNames, seen: new Set(), add: (at, value) => gauge.set(at, value) }
}
