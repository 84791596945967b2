/**
 * Metrics of one interval as `/v1/agent/metrics` shows them: the shape of Consul's telemetry library (go-metrics), which
 * dashboards and `consul debug` read. Labels and names are our own.
 */

interface Named {
  readonly Name: string
  readonly Labels: Readonly<Record<string, string>>
}

export interface MetricsJson {
  /** Begin of the interval, as Go prints a time. */
  readonly Timestamp: string
  readonly Gauges: readonly (Named & { readonly Value: number })[]
  readonly Points: readonly []
  readonly Counters: readonly CounterJson[]
  readonly Samples: readonly CounterJson[]
}

export interface CounterJson extends Named {
  readonly Count: number
  /** Per second. */
  readonly Rate: number
  readonly Sum: number
  readonly Min: number
  readonly Max: number
  readonly Mean: number
  readonly Stddev: number
}

interface Counter {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly updates: number
  readonly sum: number
  readonly min: number
  readonly max: number
  readonly sumOfSquares: number
}

export interface MetricsFacts {
  readonly beganMs: number
  readonly intervalMs: number
  readonly gauges: readonly {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
  }[]
  readonly counters: readonly Counter[]
}

export function metricsJson({ beganMs, intervalMs, gauges, counters }: MetricsFacts): MetricsJson {
  return {
    Timestamp: goTime(beganMs),
    // Node's own gauges are NaN before their first sample, which JSON cannot say.
    Gauges: gauges.flatMap(({ name, value, labels }) =>
      Number.isFinite(value) ? [{ Name: name, Value: value, Labels: labels }] : [],
    ),
    Points: [],
    Counters: counters.map((counter) => counterJson(counter, intervalMs / 1_000)),
    Samples: [],
  }
}

/** Deviation of a sample: the divisor is one less than the number of updates, as the library has it. */
function counterJson(counter: Counter, seconds: number): CounterJson {
  const { name, labels, updates, sum, min, max, sumOfSquares } = counter
  const spread = updates * sumOfSquares - sum * sum
  return {
    Name: name,
    Count: updates,
    Rate: sum / seconds,
    Sum: sum,
    Min: min,
    Max: max,
    Mean: sum / updates,
    Stddev: updates < 2 ? 0 : Math.sqrt(Math.max(0, spread) / (updates * (updates - 1))),
    Labels: labels,
  }
}

const goTime = (ms: number): string =>
  `${new Date(ms).toISOString().replace('T', ' ').slice(0, 19)} +0000 UTC`
