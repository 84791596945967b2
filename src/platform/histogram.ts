/**
 * A histogram that takes counts which somebody else has made, many at once; the library's own takes single values. Sums
 * in typed arrays, turned into text only when somebody reads. Knows no limits; metrics.ts has them.
 */
import type { Histogram, MetricValueWithName, Registry } from 'prom-client'

type Labels = Readonly<Record<string, string>>

interface Row {
  readonly labels: Labels
  /** One per bound, then one for what is larger; not cumulative. */
  readonly counts: Float64Array
  sum: number
}

export class CountedHistogram {
  readonly name: string
  readonly help: string
  readonly bounds: readonly number[]
  private readonly rows = new Map<string, Row>()

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name
    this.help = help
    this.bounds = bounds
  }

  /** The library only ever asks a metric for its name and its values. */
  register(registry: Registry): void {
    registry.registerMetric(this as unknown as Histogram)
  }

  has(key: string): boolean {
    return this.rows.has(key)
  }

  /** `counts` is as long as the bounds and one more; `key` stands for the labels. */
  add(key: string, labels: Labels, counts: readonly number[], sum: number): void {
    let row = this.rows.get(key)
    if (row === undefined) {
      row = { labels, counts: new Float64Array(this.bounds.length + 1), sum: 0 }
      this.rows.set(key, row)
    }
    for (let i = 0; i < row.counts.length; i += 1) row.counts[i] = (row.counts[i] ?? 0) + (counts[i] ?? 0)
    row.sum += sum
  }

  get(): Promise<object> {
    const values = [...this.rows.values()].flatMap((row) => this.lines(row))
    return Promise.resolve({
      name: this.name,
      help: this.help,
      type: 'histogram',
      aggregator: 'sum',
      values,
    })
  }

  reset(): void {
    this.rows.clear()
  }

  private lines({ labels, counts, sum }: Row): readonly MetricValueWithName<string>[] {
    let below = 0
    const buckets = Array.from(counts, (count, i) => {
      below += count
      const le = this.bounds[i] ?? '+Inf'
      return { metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: below }
    })
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: sum },
      { metricName: `${this.name}_count`, labels, value: below },
    ]
  }
}
