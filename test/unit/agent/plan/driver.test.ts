import { expect, test } from 'vitest'
import type { Leaf, Leaves, View, Views } from '../../../../src/agent/contract.ts'
import { PlanDriver } from '../../../../src/agent/plan/driver.ts'
import { LocalState } from '../../../../src/agent/registry/local-state.ts'
import { limits } from '../../../../src/model/limits.ts'
import { type ProxyResource, resourceKey } from '../../../../src/model/proxy-config.ts'
import { type Subject, subjectKey } from '../../../../src/model/topic.ts'
import { VirtualClock } from '../../../simulation/clock.ts'
import { health, intentions, rules, upsert } from '../control/fake-control.ts'
import { definitionOf, MemoryStateFiles, RecordingLog, RecordingMetrics, upstreamOf } from '../fakes.ts'

const api = { source: 'api', replaceChecks: false } as const

class FakeViews implements Views {
  readonly views = new Map<string, View>()
  wanted: readonly Subject[] = []
  listener: (subject: Subject) => void = () => undefined

  want(subjects: readonly Subject[]): void {
    this.wanted = subjects
  }

  view(subject: Subject): View | undefined {
    return this.views.get(subjectKey(subject))
  }

  onChange(listener: (subject: Subject) => void): void {
    this.listener = listener
  }
}

class FakeLeaves implements Leaves {
  wanted: ReadonlySet<string> = new Set()

  want(services: ReadonlySet<string>): void {
    this.wanted = services
  }

  leaf(): Leaf | undefined {
    return undefined
  }

  request(): void {
    throw new Error('the plan never asks for a leaf by itself')
  }

  onChange(): void {
    // No leaf ever changes here.
  }
}

class Host {
  readonly clock = new VirtualClock()
  readonly views = new FakeViews()
  readonly leaves = new FakeLeaves()
  readonly metrics = new RecordingMetrics()
  readonly published: (readonly ProxyResource[])[] = []
  readonly failed = new Set<string>()
  failedChanged: () => void = () => undefined
  readonly state: LocalState
  readonly driver: PlanDriver

  constructor() {
    const { clock, views, leaves, metrics } = this
    this.state = new LocalState({
      node: 'n1',
      files: new MemoryStateFiles(),
      clock,
      log: new RecordingLog(),
      sidecarPorts: { min: 21_000, max: 21_255 },
      bindAddress: '127.0.0.2',
      scripts: { everywhere: false, files: false },
    })
    this.driver = new PlanDriver({
      registry: this.state,
      views,
      leaves,
      link: { publish: (resources) => this.published.push(resources) },
      bindAddress: '127.0.0.2',
      datacenter: 'dc1',
      host: { node: 'n1', zone: '' },
      failedHosts: {
        nodes: () => this.failed,
        onChange: (listener) => {
          this.failedChanged = listener
        },
      },
      clock,
      metrics,
    })
  }
}

test('nothing is published before the start, and then when no server confirmed in time what it is made from', () => {
  const host = new Host()
  host.state.register(definitionOf('web', { sidecar: {} }), api)
  host.clock.run(1_000)
  host.driver.start()
  host.clock.run(limits.firstPlanWaitMs - 10)
  expect(host.published).toEqual([])
  host.clock.run(20)
  expect(host.published.map((resources) => resources.map(resourceKey))).toEqual([['policy/web']])
})

test('the first plan waits for the last view to be confirmed: what it lacked, proxies would take down', () => {
  const host = new Host()
  host.state.register(definitionOf('web', { sidecar: { upstreams: [upstreamOf('db')] } }), api)
  const tell = (subject: Subject, live: boolean): void => {
    host.views.views.set(subjectKey(subject), { subject, index: 3, bodies: [], live })
    host.views.listener(subject)
    host.clock.run(1)
  }
  tell(health('db'), false)
  host.driver.start()
  for (const subject of [intentions('web'), { topic: 'roots', key: '' } as const]) tell(subject, true)
  expect(host.published).toEqual([])
  tell(health('db'), true)
  expect(host.published).toHaveLength(1)
  host.clock.run(limits.firstPlanWaitMs)
  expect(host.published).toHaveLength(1)
})

test('many changes of one turn make one plan, and what it needs is asked for', () => {
  const host = new Host()
  host.driver.start()
  for (const name of ['a', 'b', 'c'])
    host.state.register(definitionOf(name, { sidecar: { upstreams: [upstreamOf('db')] } }), api)
  host.clock.run(10)
  expect(host.metrics.counts.get('mesh_plans_total')).toBe(2)
  expect(host.views.wanted.map(subjectKey)).toEqual([
    'intentions/a',
    'intentions/b',
    'intentions/c',
    'roots/',
    'mesh-health/db',
  ])
  expect([...host.leaves.wanted]).toEqual(['a', 'b', 'c'])
})

test('a view that changes is published; one that changes nothing for proxies is not', () => {
  const host = new Host()
  host.state.register(definitionOf('web', { sidecar: { upstreams: [upstreamOf('db')] } }), api)
  host.driver.start()
  host.clock.run(limits.firstPlanWaitMs)
  const before = host.published.length
  const subject = intentions('web')
  host.views.views.set(subjectKey(subject), { subject, index: 3, bodies: [rules('deny', 'a')], live: true })
  host.views.listener(subject)
  host.clock.run(10)
  expect(host.published).toHaveLength(before + 1)
  expect(host.published.at(-1)?.[0]).toMatchObject({ kind: 'policy', index: 3 })
  host.views.views.set('mesh-health/db', { subject: health('db'), index: 9, bodies: [], live: true })
  host.views.listener(health('db'))
  host.clock.run(10)
  expect(host.published).toHaveLength(before + 1)
})

test('a failed host is published in the same turn, without a word from any server', () => {
  const host = new Host()
  host.state.register(definitionOf('web', { sidecar: { upstreams: [upstreamOf('db')] } }), api)
  const subject = health('db')
  host.views.views.set('mesh-health/db', {
    subject,
    index: 9,
    bodies: [upsert('n2', 'db-proxy', {})],
    live: false,
  })
  host.driver.start()
  host.clock.run(limits.firstPlanWaitMs)
  host.failed.add('n2')
  host.failedChanged()
  host.clock.run(1)
  const endpoints = host.published.at(-1)?.find((resource) => resource.kind === 'endpoints')
  expect(endpoints).toMatchObject({ instances: [{ node: 'n2', health: 'host-unreachable' }] })
})

test('after a stop nothing is published', () => {
  const host = new Host()
  host.driver.start()
  host.clock.run(limits.firstPlanWaitMs)
  host.state.register(definitionOf('web', { sidecar: {} }), api)
  host.driver.stop()
  host.clock.run(1_000)
  expect(host.published).toHaveLength(1)
})
