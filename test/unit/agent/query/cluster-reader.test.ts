import { describe, expect, test } from 'vitest'
import type { View } from '../../../../src/agent/contract.ts'
import { AnswerMemory } from '../../../../src/agent/query/answer-memory.ts'
import { ClusterReader } from '../../../../src/agent/query/cluster-reader.ts'
import { type ErrorCode, ok, type Result } from '../../../../src/model/errors.ts'
import { limits } from '../../../../src/model/limits.ts'
import type { Consistency, QueryName, ReadAnswer, ServiceFilter } from '../../../../src/model/query.ts'
import { type EventBody, type Subject, subjectKey } from '../../../../src/model/topic.ts'
import type { ReadRequest, ServerClient } from '../../../../src/rpc/contract.ts'
import { VirtualClock } from '../../../simulation/clock.ts'
import { health, upsert } from '../control/fake-control.ts'
import { RecordingMetrics } from '../fakes.ts'

const db = health('db')

class Host {
  readonly clock = new VirtualClock()
  readonly views = new Map<string, View>()
  readonly asked: ReadRequest<QueryName>[] = []
  failure: ErrorCode | undefined
  cancelled = 0
  delayMs = 100
  followed: readonly Subject[] = []
  #changed: (subject: Subject) => void = () => undefined
  readonly reader: ClusterReader

  constructor() {
    const read: ServerClient['read'] = (request, reply) => {
      this.asked.push(request)
      const timer = this.clock.after(this.delayMs, () => {
        const meta = { index: 77, knownLeader: true, lastContactMs: 0, effective: 'leader' } as const
        const { failure } = this
        if (failure === undefined) reply(ok({ meta, answer: ['from the server'] as never }))
        else reply({ ok: false, failure: { code: failure, message: 'away' } })
      })
      return {
        cancel: () => {
          this.cancelled += 1
          timer.cancel()
        },
      }
    }
    this.reader = new ClusterReader({
      client: { read },
      views: {
        view: (subject) => this.views.get(subjectKey(subject)),
        onChange: (listener) => {
          this.#changed = listener
        },
        ageMs: (subject) => (this.views.get(subjectKey(subject))?.live === true ? 0 : 4_000),
      },
      clock: this.clock,
      metrics: new RecordingMetrics(),
      want: (subjects) => {
        this.followed = subjects
      },
    })
  }

  receive(index: number, live: boolean, ...bodies: readonly EventBody[]): void {
    this.views.set(subjectKey(db), { subject: db, index, bodies, live })
    this.#changed(db)
  }

  /** Reads mesh instances of `db`; the results come into the array. */
  read(
    more: {
      readonly consistency?: Consistency
      readonly minIndex?: number
      readonly waitMs?: number
      readonly filter?: Partial<ServiceFilter>
    } = {},
  ): { readonly results: Result<ReadAnswer<'catalog.mesh'>>[]; cancel(): void } {
    const results: Result<ReadAnswer<'catalog.mesh'>>[] = []
    const options = {
      consistency: more.consistency ?? 'default',
      minIndex: more.minIndex ?? 0,
      waitMs: more.waitMs ?? 0,
    }
    const args = { service: 'db', tags: [], nodeMeta: {}, ...more.filter }
    const handle = this.reader.read({ name: 'catalog.mesh', args, options, token: '' }, (result) =>
      results.push(result),
    )
    return { results, cancel: () => handle.cancel() }
  }
}

const nodes = ([result]: readonly Result<ReadAnswer<'catalog.mesh'>>[]): unknown =>
  result?.ok === true ? result.value.answer.map((entry) => entry.node.name) : result

describe('a read', () => {
  test('is answered by a server, whatever the views hold', () => {
    const host = new Host()
    host.receive(5, true, upsert('n2', 'db'))
    const { results } = host.read()
    host.clock.run(100)
    expect(results).toMatchObject([{ ok: true, value: { answer: ['from the server'], meta: { index: 77 } } }])
  })

  test('that may be stale is answered by a live view without asking, unless it waits for something newer', () => {
    const host = new Host()
    host.receive(5, true, upsert('n2', 'db'))
    const { results } = host.read({ consistency: 'stale', minIndex: 4 })
    expect(results).toEqual([])
    host.clock.run(1)
    expect(nodes(results)).toEqual(['n2'])
    expect(results).toMatchObject([
      { value: { meta: { index: 5, knownLeader: true, lastContactMs: 0, effective: 'stale' } } },
    ])
    expect(host.asked).toEqual([])
    host.read({ consistency: 'stale', minIndex: 5 })
    host.receive(5, false, upsert('n2', 'db'))
    host.read({ consistency: 'stale' })
    expect(host.asked).toHaveLength(2)
  })
})

describe('while no server answers', () => {
  test('the last known instances are given, with their age and without a leader', () => {
    const host = new Host()
    host.failure = 'no-server'
    host.receive(5, false, upsert('n2', 'db'), upsert('n3', 'db'))
    const { results } = host.read()
    host.clock.run(150)
    expect(nodes(results)).toEqual(['n2', 'n3'])
    expect(results).toMatchObject([
      { value: { meta: { index: 5, knownLeader: false, lastContactMs: 4_000, effective: 'stale' } } },
    ])
  })

  test('tags and node metadata select as a server would', () => {
    const host = new Host()
    host.failure = 'no-leader'
    const tagged = upsert('n2', 'db', { service: { tags: ['Primary', 'v1'] } })
    host.receive(5, false, tagged, upsert('n3', 'db'))
    const select = (filter: Partial<ServiceFilter>): unknown => {
      const { results } = host.read({ filter })
      host.clock.run(150)
      return nodes(results)
    }
    expect(select({ tags: ['primary'] })).toEqual(['n2'])
    expect(select({ tags: ['primary', 'v2'] })).toEqual([])
    expect(select({ nodeMeta: { rack: 'a' } })).toEqual([])
  })

  test('a consistent read, a read of what no view holds and any other failure stay failures', () => {
    const host = new Host()
    host.failure = 'no-server'
    const { results: unknown } = host.read({ filter: { service: 'never-asked' } })
    host.clock.run(150)
    host.receive(5, false, upsert('n2', 'db'))
    const { results: consistent } = host.read({ consistency: 'consistent' })
    host.clock.run(150)
    host.failure = 'bad-token'
    const { results: refused } = host.read()
    host.clock.run(150)
    expect(
      [unknown, consistent, refused].map(([result]) => (result?.ok === false ? result.failure.code : '')),
    ).toEqual(['no-server', 'no-server', 'bad-token'])
  })

  test('a blocking read waits for news from the view, or for the end of its wait, and never spins', () => {
    const host = new Host()
    host.failure = 'no-server'
    host.receive(5, false, upsert('n2', 'db'))
    const waiting = host.read({ minIndex: 5, waitMs: 60_000 })
    const patient = host.read({ minIndex: 5, waitMs: 10_000 })
    host.clock.run(9_000)
    expect([waiting.results, patient.results]).toEqual([[], []])
    host.clock.run(1_100)
    expect(nodes(patient.results)).toEqual(['n2'])
    host.receive(8, true, upsert('n4', 'db'))
    expect(nodes(waiting.results)).toEqual(['n4'])
    host.clock.run(100_000)
    expect([waiting.results.length, patient.results.length]).toEqual([1, 1])
  })

  test('a cancelled read is never answered', () => {
    const host = new Host()
    const early = host.read()
    early.cancel()
    host.failure = 'no-server'
    host.receive(5, false, upsert('n2', 'db'))
    const held = host.read({ minIndex: 5, waitMs: 60_000 })
    host.clock.run(1_000)
    held.cancel()
    host.receive(9, true, upsert('n4', 'db'))
    host.clock.run(100_000)
    expect([early.results, held.results]).toEqual([[], []])
    expect(host.cancelled).toBe(2)
  })
})

describe('what was answered once', () => {
  const services = { name: 'catalog.services', args: { nodeMeta: {} } } as const
  const ask = (host: Host, more: { minIndex?: number; waitMs?: number; consistency?: Consistency } = {}) => {
    const results: Result<ReadAnswer<'catalog.services'>>[] = []
    const options = {
      consistency: more.consistency ?? 'default',
      minIndex: more.minIndex ?? 0,
      waitMs: more.waitMs ?? 0,
    }
    host.reader.read({ ...services, options, token: '' }, (result) => results.push(result))
    host.clock.run(150)
    return results
  }

  test('is answered again while no server is there, with its index and its age', () => {
    const host = new Host()
    expect(ask(host)).toMatchObject([{ value: { meta: { index: 77, effective: 'leader' } } }])
    host.failure = 'no-server'
    host.clock.run(60_000)
    const age = 60_000 + 50 + 100
    expect(ask(host)).toMatchObject([
      {
        value: {
          answer: ['from the server'],
          meta: { index: 77, knownLeader: false, lastContactMs: age, effective: 'stale', kept: true },
        },
      },
    ])
    expect(ask(host, { consistency: 'consistent' })).toMatchObject([{ failure: { code: 'no-server' } }])
  })

  test('is given soon in an outage that is known, and a server that is back is heard at once', () => {
    const host = new Host()
    ask(host)
    host.failure = 'no-server'
    host.delayMs = 1_500
    const first = ask(host)
    expect(first).toEqual([])
    host.clock.run(2_000)
    expect(first).toMatchObject([{ value: { meta: { kept: true } } }])
    expect(ask(host)).toMatchObject([{ value: { meta: { kept: true } } }])
    host.failure = undefined
    host.clock.run(2_000)
    host.delayMs = 10
    expect(ask(host)).toMatchObject([{ value: { meta: { effective: 'leader' } } }])
  })

  test('answers other arguments, other queries and keys not at all', () => {
    const host = new Host()
    ask(host)
    const other: Result<unknown>[] = []
    const read = (request: Pick<ReadRequest<QueryName>, 'name' | 'args'>): void => {
      const options = { consistency: 'default', minIndex: 0, waitMs: 0 } as const
      host.reader.read({ ...request, options, token: '' }, (result) => other.push(result))
      host.clock.run(150)
    }
    read({ name: 'kv.get', args: { key: 'a' } })
    host.failure = 'no-server'
    read({ name: 'kv.get', args: { key: 'a' } })
    read({ name: 'catalog.services', args: { nodeMeta: { rack: 'a' } } })
    read({ name: 'catalog.nodes', args: { nodeMeta: {} } })
    expect(other.map((result) => (result.ok ? 'answered' : result.failure.code))).toEqual([
      'answered',
      'no-server',
      'no-server',
      'no-server',
    ])
  })

  test('keeps a blocking reader who has it already for a while, and does not spin', () => {
    const host = new Host()
    ask(host)
    host.failure = 'no-server'
    const results = ask(host, { minIndex: 77, waitMs: 300_000 })
    host.clock.run(4_000)
    expect(results).toEqual([])
    host.clock.run(2_000)
    expect(results).toMatchObject([{ value: { meta: { index: 77, kept: true } } }])
    expect(ask(host, { minIndex: 12, waitMs: 300_000 })).toHaveLength(1)
  })

  test('is recalled for caches, the younger of view and memory', () => {
    const host = new Host()
    const question = { name: 'catalog.mesh', args: { service: 'db', tags: [], nodeMeta: {} } } as const
    expect(host.reader.recall(question)).toBeUndefined()
    host.read()
    host.clock.run(150)
    expect(host.reader.recall(question)).toMatchObject({ answer: ['from the server'], meta: { kept: true } })
    // This view is four seconds old, the answer not.
    host.receive(5, false, upsert('n2', 'db'))
    expect(host.reader.recall(question)).toMatchObject({ meta: { index: 77 } })
    host.clock.run(10_000)
    expect(host.reader.recall(question)).toMatchObject({ meta: { index: 5, lastContactMs: 4_000 } })
    host.receive(6, true, upsert('n2', 'db'))
    expect(host.reader.recall(question)).toMatchObject({ meta: { index: 6, lastContactMs: 0 } })
  })

  test('is bounded in answers and in rows, the least used going first', () => {
    const clock = new VirtualClock()
    const memory = new AnswerMemory(clock)
    const meta = { index: 1, knownLeader: true, lastContactMs: 0, effective: 'leader' } as const
    const named = (key: string) => ({ name: 'catalog.services', args: { nodeMeta: { key } } }) as const
    for (let i = 0; i < limits.answersRemembered; i++) memory.remember(named(`${i}`), { answer: {}, meta })
    expect(memory.recall(named('0'))).toBeDefined()
    memory.remember(named('one more'), { answer: {}, meta })
    expect([memory.recall(named('0')), memory.recall(named('one more'))]).not.toContain(undefined)
    expect(memory.recall(named('1'))).toBeUndefined()
    const rows = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`s${i}`, []]))
    memory.remember(named('too large'), { answer: rows(limits.answerRowsRemembered + 1), meta })
    expect(memory.recall(named('too large'))).toBeUndefined()
    expect(memory.recall(named('0'))).toBeDefined()
    memory.remember(named('large'), { answer: rows(limits.answerRowsRemembered - 10), meta })
    expect(memory.recall(named('large'))).toBeDefined()
    expect(memory.recall(named('2'))).toBeUndefined()
  })

  test('is not that a name does not exist, which also ends what was known of it', () => {
    const memory = new AnswerMemory(new VirtualClock())
    const meta = { index: 1, knownLeader: true, lastContactMs: 0, effective: 'leader' } as const
    const question = { name: 'catalog.node', args: { node: 'n1' } } as const
    const node = { id: '', name: 'n1', address: '', datacenter: '', taggedAddresses: {}, meta: {} }
    const row = { ...node, createIndex: 1, modifyIndex: 1 }
    memory.remember(question, { answer: { node: row, services: [], checks: [] }, meta })
    expect(memory.recall(question)).toBeDefined()
    memory.remember(question, { answer: null, meta })
    expect(memory.recall(question)).toBeUndefined()
    const state = { name: 'health.state', args: { state: 'critical', nodeMeta: {} } } as const
    memory.remember(state, { answer: [], meta })
    expect(memory.recall(state)).toMatchObject({ answer: [] })
  })

  test('services asked for with ?cached are followed, a bounded number of them', () => {
    const host = new Host()
    const follow = (service: string): void =>
      host.reader.follow({ name: 'catalog.service', args: { service, tags: [], nodeMeta: {} } })
    for (let i = 0; i < limits.cachedSubjects; i++) follow(`s${i}`)
    follow('s0')
    follow('one more')
    const keys = host.followed.map(({ topic, key }) => `${topic}/${key}`)
    expect(keys).toHaveLength(limits.cachedSubjects)
    expect(keys).toContain('service-health/s0')
    expect(keys).toContain('service-health/one more')
    expect(keys).not.toContain('service-health/s1')
    host.reader.follow({ name: 'catalog.nodes', args: { nodeMeta: {} } })
    expect(host.followed).toHaveLength(limits.cachedSubjects)
  })
})
