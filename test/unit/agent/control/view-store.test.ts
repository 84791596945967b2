import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { View } from '../../../../src/agent/contract.ts'
import type { EventBody } from '../../../../src/model/topic.ts'
import { VirtualClock } from '../../../simulation/clock.ts'
import { Agent, health, intentions, remove, rules, upsert } from './fake-control.ts'

const db = health('db')

describe('a snapshot', () => {
  test('takes the place of the rows only when it is whole; until then the old ones answer', () => {
    const agent = new Agent()
    agent.views.want([db])
    const server = agent.connect()
    server.snapshot(db, 5, upsert('n2', 'db'), upsert('n3', 'db'))
    agent.clock.run(5)
    server.send({ kind: 'snapshot-begin', subject: db })
    server.event(db, 9, upsert('n4', 'db'))
    agent.clock.run(5)
    expect(agent.instances('db')).toEqual(['n2/db', 'n3/db'])
    expect(agent.views.view(db)?.live).toBe(false)
    server.event(db, 9, upsert('n3', 'db'))
    server.send({ kind: 'snapshot-end', subject: db, index: 9 })
    agent.clock.run(5)
    expect(agent.instances('db')).toEqual(['n3/db', 'n4/db'])
    expect(agent.views.view(db)).toMatchObject({ index: 9, live: true })
  })

  test('that a broken stream cuts in half changes nothing', () => {
    const agent = new Agent()
    agent.views.want([db])
    const server = agent.connect()
    server.snapshot(db, 5, upsert('n2', 'db'))
    server.send({ kind: 'snapshot-begin', subject: db })
    server.event(db, 9, upsert('n4', 'db'))
    agent.clock.run(5)
    server.cut()
    agent.clock.run(1_000)
    agent.server.welcome()
    agent.clock.run(5)
    expect(agent.instances('db')).toEqual(['n2/db'])
    expect(agent.server.frames('subscribe')).toEqual([{ kind: 'subscribe', subject: db, cursor: 5 }])
  })

  test('that tells the same rows again leaves the very same bodies, so that nothing is planned anew', () => {
    const agent = new Agent()
    agent.views.want([db])
    const server = agent.connect()
    server.snapshot(db, 5, upsert('n2', 'db'), upsert('n3', 'db'))
    agent.clock.run(5)
    const before = agent.views.view(db)
    server.snapshot(db, 7, upsert('n3', 'db'), upsert('n2', 'db'))
    agent.clock.run(5)
    expect(agent.views.view(db)?.index).toBe(7)
    expect(agent.views.view(db)?.bodies).toBe(before?.bodies)
  })

  test('that takes away more than half of a service is put in place, counted and named', () => {
    const agent = new Agent()
    agent.views.want([db])
    const server = agent.connect()
    const all = ['n1', 'n2', 'n3', 'n4'].map((node) => upsert(node, 'db'))
    server.snapshot(db, 5, ...all)
    server.snapshot(db, 6, ...all.slice(0, 2))
    agent.clock.run(5)
    expect(agent.log.at('warn')).toEqual([])
    server.snapshot(db, 7, ...all)
    server.snapshot(db, 8, ...all.slice(0, 1))
    agent.clock.run(5)
    expect(agent.instances('db')).toEqual(['n1/db'])
    expect(agent.log.at('warn')).toEqual([expect.stringContaining('"before":4,"removed":3')])
    expect(agent.metrics.counts.get('mesh_view_suspicious_snapshots_total{topic=mesh-health}')).toBe(1)
  })
})

test('events make the same view as a snapshot of where they lead, in whatever pieces they come', () => {
  const node = fc.integer({ min: 1, max: 5 }).map((n) => `n${n}`)
  const change = fc.record({ node, remove: fc.boolean(), port: fc.integer({ min: 1, max: 3 }) })
  const property = fc.property(
    fc.array(change, { maxLength: 30 }),
    fc.integer({ min: 0, max: 30 }),
    (changes, cutAt) => {
      const bodyOf = (each: (typeof changes)[number]): EventBody =>
        each.remove ? remove(each.node, 'db') : upsert(each.node, 'db', { service: { port: each.port } })
      const agent = new Agent()
      agent.views.want([db])
      let server = agent.connect()
      server.snapshot(db, 100)
      const expected = new Map<string, EventBody>()
      changes.forEach((each, i) => {
        if (i === cutAt) {
          agent.clock.run(5)
          server.cut()
          agent.clock.run(1_000)
          server = agent.server
          server.welcome()
        }
        server.event(db, 101 + i, bodyOf(each))
        if (each.remove) expected.delete(each.node)
        else expected.set(each.node, bodyOf(each))
      })
      agent.clock.run(5)
      const rows = [...expected].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, body]) => body)
      expect(agent.views.view(db)?.bodies).toEqual(rows)
    },
  )
  fc.assert(property, { numRuns: 60 })
})

describe('without servers', () => {
  test('a restarted agent has the last good views, not live, with their age', () => {
    const agent = new Agent()
    agent.views.want([db, intentions('web')])
    const server = agent.connect()
    server.snapshot(db, 5, upsert('n2', 'db'))
    server.snapshot(intentions('web'), 6, rules('deny', 'a'))
    agent.clock.run(6_000)

    const clock = new VirtualClock()
    clock.wallOffsetMs = agent.clock.wallMs() + 3_600_000
    const next = new Agent({ files: agent.files, clock })
    next.views.want([db, intentions('web')])
    expect(next.instances('db')).toEqual(['n2/db'])
    expect(next.views.view(intentions('web'))).toMatchObject({ index: 6, live: false })
    const ageMs = next.views.ageMs(db) ?? 0
    expect(ageMs).toBeGreaterThanOrEqual(3_600_000)
    expect(ageMs).toBeLessThan(3_610_000)
    next.connect()
    expect(next.server.frames('subscribe')).toEqual([
      { kind: 'subscribe', subject: db, cursor: 5 },
      { kind: 'subscribe', subject: intentions('web'), cursor: 6 },
    ])
  })

  test('a damaged file counts as none and takes nothing else with it', () => {
    const agent = new Agent()
    agent.views.want([db, health('web')])
    const server = agent.connect()
    server.snapshot(db, 5, upsert('n2', 'db'))
    server.snapshot(health('web'), 5, upsert('n2', 'web'))
    agent.clock.run(10)
    agent.control.stop()
    agent.views.close()
    const [first = ''] = [...agent.files.files.keys()].filter((path) =>
      agent.files.text(path).includes('"key":"db"'),
    )
    const bytes = agent.files.read(first) ?? new Uint8Array()
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1
    const next = new Agent({ files: agent.files })
    next.views.want([db, health('web')])
    expect([next.instances('db'), next.instances('web')]).toEqual([undefined, ['n2/web']])
    expect(next.log.at('warn').join()).toContain('damaged')
  })

  test('an age is 0 while the view is live and grows while it is not', () => {
    const agent = new Agent()
    agent.views.want([db])
    expect(agent.views.ageMs(db)).toBeUndefined()
    const server = agent.connect()
    server.snapshot(db, 5, upsert('n2', 'db'))
    agent.clock.run(60_000)
    expect(agent.views.ageMs(db)).toBe(0)
    server.cut()
    agent.clock.run(50)
    expect(agent.views.ageMs(db)).toBe(50)
  })
})

describe('a subject that is no longer wanted', () => {
  test('is kept for a while, so that a service that comes back resumes it', () => {
    const agent = new Agent()
    agent.views.want([db])
    const server = agent.connect()
    server.snapshot(db, 5, upsert('n2', 'db'))
    agent.clock.run(5)
    agent.views.want([])
    server.event(db, 6, upsert('n3', 'db'))
    agent.clock.run(60_000)
    expect(agent.instances('db')).toEqual(['n2/db'])
    agent.views.want([db])
    agent.clock.run(5)
    expect(server.frames('subscribe').at(-1)).toEqual({ kind: 'subscribe', subject: db, cursor: 5 })
  })

  test('is told of, because its listeners will hear of no change any more', () => {
    const agent = new Agent()
    agent.views.want([db])
    agent.connect().snapshot(db, 5, upsert('n2', 'db'))
    agent.clock.run(5)
    const told: (boolean | undefined)[] = []
    agent.views.onChange((subject) => told.push(agent.views.view(subject)?.live))
    agent.views.want([])
    expect(told).toEqual([false])
  })

  test('is forgotten in the end, on disk too', () => {
    const agent = new Agent()
    agent.views.want([db])
    agent.connect().snapshot(db, 5, upsert('n2', 'db'))
    agent.clock.run(10_000)
    expect(agent.files.list('views')).toHaveLength(1)
    agent.views.want([])
    agent.clock.run(1_300_000)
    expect(agent.views.view(db)).toBeUndefined()
    expect(agent.files.list('views')).toEqual([])
  })
})

describe('on disk', () => {
  /** Index of the one view that is kept. */
  const savedIndex = (agent: Agent): number | undefined => {
    const [name] = agent.files.list('views')
    const bytes = name === undefined ? undefined : agent.files.read(`views/${name}`)
    const text = Buffer.from(bytes ?? []).toString()
    return text === '' ? undefined : JSON.parse(text.slice(text.indexOf('\n'))).index
  }

  test('a view is as soon as it is known, because an agent that starts without it would take listeners down', () => {
    const agent = new Agent()
    agent.views.want([db])
    const server = agent.connect()
    server.snapshot(db, 5, upsert('n2', 'db'))
    agent.clock.run(5)
    expect(savedIndex(agent)).toBe(5)
    server.event(db, 6, upsert('n3', 'db'))
    agent.clock.run(100)
    expect(savedIndex(agent)).toBe(5)
    agent.clock.run(1_000)
    expect(savedIndex(agent)).toBe(6)
  })

  test('a rule is at once whenever it changes, because an older one could let somebody in', () => {
    const agent = new Agent()
    agent.views.want([intentions('db')])
    const server = agent.connect()
    server.snapshot(intentions('db'), 5, rules('allow', 'web'))
    agent.clock.run(5)
    server.event(intentions('db'), 6, rules('deny'))
    agent.clock.run(5)
    expect(savedIndex(agent)).toBe(6)
  })
})

test('a view is the same object until it changes, and its listeners hear of each change', () => {
  const agent = new Agent()
  agent.views.want([db])
  const heard: (View | undefined)[] = []
  agent.views.onChange((subject) => heard.push(agent.views.view(subject)))
  const server = agent.connect()
  server.snapshot(db, 5, upsert('n2', 'db'))
  agent.clock.run(5)
  const before = agent.views.view(db)
  expect(agent.views.view(db)).toBe(before)
  expect(heard.at(-1)).toBe(before)
  server.event(db, 6, remove('n2', 'db'))
  agent.clock.run(5)
  expect(heard.at(-1)?.bodies).toEqual([])
})
