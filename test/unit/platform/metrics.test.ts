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
