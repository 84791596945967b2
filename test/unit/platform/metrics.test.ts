import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { createMetrics } from '../../../src/platform/metrics.ts'

test('what was counted is read as Prometheus text', async () => {
  const metrics = createMetrics({ process: false })
  metrics.count('mesh_refusals_total', { code: 'denied' })
  metrics.count('mesh_refusals_total', { code: 'denied' }, 4)
  metrics.count('mesh_refusals_total', { code: 'draining' })
  metrics.gauge('mesh_sessions', 7)
  metrics.gauge('mesh_sessions', 3)
  const lines = (await metrics.text()).split('\n')
  expect(lines).toEqual(
    expect.arrayContaining([
      '# TYPE mesh_refusals_total counter',
      'mesh_refusals_total{code="denied"} 5',
      'mesh_refusals_total{code="draining"} 1',
      '# TYPE mesh_sessions gauge',
      'mesh_sessions 3',
    ]),
  )
  expect(metrics.contentType).toContain('text/plain; version=0.0.4')
})

test('two sets of metrics share nothing', async () => {
  const [one, other] = [createMetrics({ process: false }), createMetrics({ process: false })]
  one.count('mesh_things_total')
  expect(await other.text()).not.toContain('mesh_things_total')
})

test('labels that take ever new values stop at the limit and are counted as dropped', async () => {
  const metrics = createMetrics({ process: false })
  for (let i = 0; i < limits.metricSeries + 10; i += 1) metrics.gauge('mesh_wide', i, { label: `v${i}` })
  metrics.gauge('mesh_wide', 42, { label: 'v1' })
  const text = await metrics.text()
  expect(text.match(/^mesh_wide\{/gm)).toHaveLength(limits.metricSeries)
  expect(text).toContain('mesh_wide{label="v1"} 42')
  expect(text).toContain('mesh_metric_updates_dropped_total 10')
})

test('a metric that is counted with other labels than before costs the update, not the program', async () => {
  const metrics = createMetrics({ process: false })
  metrics.count('mesh_things_total', { a: '1' })
  metrics.count('mesh_things_total', { b: '1' })
  metrics.count('mesh_things_total')
  const text = await metrics.text()
  expect(text).toContain('mesh_things_total{a="1"} 1')
  expect(text).toContain('mesh_metric_updates_dropped_total 2')
})

test('process metrics come when asked for', async () => {
  expect(await createMetrics({ process: true }).text()).toContain('process_resident_memory_bytes')
})

test('counts made elsewhere are read as a histogram, added up over all reports', async () => {
  const metrics = createMetrics({ process: false })
  const bounds = [0.1, 1]
  const labels = { source: 'web' }
  metrics.histogram?.('mesh_waits_seconds', { bounds, counts: [1, 2, 0], sum: 1.5 }, labels)
  metrics.histogram?.('mesh_waits_seconds', { bounds, counts: [0, 1, 4], sum: 40 }, labels)
  metrics.histogram?.('mesh_waits_seconds', { bounds, counts: [1, 0, 0], sum: 0.25 }, { source: 'api' })
  const lines = (await metrics.text()).split('\n').filter((line) => line.includes('mesh_waits'))
  expect(lines).toEqual([
    '# HELP mesh_waits_seconds waits seconds',
    '# TYPE mesh_waits_seconds histogram',
    'mesh_waits_seconds_bucket{le="0.1",source="web"} 1',
    'mesh_waits_seconds_bucket{le="1",source="web"} 4',
    'mesh_waits_seconds_bucket{le="+Inf",source="web"} 8',
    'mesh_waits_seconds_sum{source="web"} 41.5',
    'mesh_waits_seconds_count{source="web"} 8',
    'mesh_waits_seconds_bucket{le="0.1",source="api"} 1',
    'mesh_waits_seconds_bucket{le="1",source="api"} 1',
    'mesh_waits_seconds_bucket{le="+Inf",source="api"} 1',
    'mesh_waits_seconds_sum{source="api"} 0.25',
    'mesh_waits_seconds_count{source="api"} 1',
  ])
  expect(() => metrics.recent()).not.toThrow()
})

test('histograms of ever new labels stop at the limit and are counted as dropped', async () => {
  const metrics = createMetrics({ process: false })
  const values = { bounds: [1], counts: [1, 0], sum: 1 }
  for (let i = 0; i < limits.metricSeries / 4 + 5; i += 1)
    metrics.histogram?.('mesh_wide', values, { label: `v${i}` })
  expect(await metrics.text()).toContain('mesh_metric_updates_dropped_total 5')
})
