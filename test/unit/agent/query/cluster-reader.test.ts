import { describe, expect, test } from 'vitest'
import type { View } from '../../../../src/agent/contract.ts'
import { ClusterReader } from '../../../../src/agent/query/cluster-reader.ts'
import { type ErrorCode, ok, type Result } from '../../../../src/model/errors.ts'
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
  #changed: (subject: Subject) => void = () => undefined
  readonly reader: ClusterReader

  constructor() {
    const read: ServerClient['read'] = (request, reply) => {
      this.asked.push(request)
      const timer = this.clock.after(100, () => {
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
    const { results: unknown } = host.read()
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
