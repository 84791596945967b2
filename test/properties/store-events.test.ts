// What agents are told under random commands, breaks, slow reading and resumed cursors: in order, nothing missing,
// nothing twice, and in the end what the store says.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type EventBody, type Subject, subjectKey } from '../../src/model/topic.ts'
import type { ServerFrame } from '../../src/rpc/contract.ts'
import { wholeBody } from '../../src/server/events/contents.ts'
import { genesis } from '../unit/store/rows.ts'
import { type TestAgent, TestServer } from '../unit/store/server.ts'
import { command, destinations, serviceNames } from './store-commands.ts'

const subjects: readonly Subject[] = [
  ...destinations.map((key): Subject => ({ topic: 'intentions', key })),
  { topic: 'roots', key: '' },
  ...serviceNames.map((key): Subject => ({ topic: 'mesh-health', key })),
  ...serviceNames.map((key): Subject => ({ topic: 'service-health', key })),
]

/** One subject as an agent keeps it. */
class View {
  cursor = 0
  inSnapshot = false
  bodies = new Map<string, EventBody>()

  take(frame: Extract<ServerFrame, { readonly subject: Subject }>): void {
    const what = subjectKey(frame.subject)
    if (frame.kind === 'snapshot-begin') {
      expect(this.inSnapshot, what).toBe(false)
      this.inSnapshot = true
      this.bodies = new Map()
      return
    }
    if (frame.kind === 'snapshot-end') {
      expect(this.inSnapshot, what).toBe(true)
      expect(frame.index, `${what}: a snapshot is not older than what was seen`).toBeGreaterThanOrEqual(
        this.cursor,
      )
      this.inSnapshot = false
      this.cursor = frame.index
      return
    }
    if (!this.inSnapshot) {
      expect(frame.index, `${what}: each index is told once, in order`).toBeGreaterThan(this.cursor)
      this.cursor = frame.index
    }
    for (const body of frame.bodies) {
      if (body.topic === 'intentions' || body.topic === 'roots') this.bodies.set('', body)
      else if (body.op === 'upsert')
        this.bodies.set(`${body.entry.node.name}\u0000${body.entry.service.id}`, body)
      else this.bodies.delete(`${body.node}\u0000${body.serviceId}`)
    }
  }

  sorted(): readonly EventBody[] {
    return [...this.bodies].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, body]) => body)
  }
}

function stored(server: TestServer, { topic, key }: Subject): readonly EventBody[] {
  const view = server.store.view()
  if (topic === 'intentions' || topic === 'roots') return [wholeBody(view, topic, key)]
  const entries = topic === 'mesh-health' ? view.meshInstances(key) : view.instances(key)
  return [...entries].map((entry) => ({ topic, op: 'upsert', entry }))
}

class Agent {
  readonly views = new Map(subjects.map((subject) => [subjectKey(subject), new View()]))
  stream: TestAgent | undefined

  connect(server: TestServer): void {
    this.stream?.pair.cut()
    // A snapshot that did not end is as if it had not begun: the old view stands, and so does its cursor.
    for (const view of this.views.values())
      if (view.inSnapshot) {
        view.inSnapshot = false
        view.cursor = 0
      }
    this.stream = server.connect('n1')
    for (const subject of subjects) {
      const cursor = this.views.get(subjectKey(subject))?.cursor ?? 0
      this.stream.send({ kind: 'subscribe', subject, cursor })
    }
  }

  /** Drops one subject and takes it up again later on the same stream, with nothing under way. */
  again(server: TestServer, subject: Subject): void {
    this.stream?.pair.left.pauseReading(false)
    this.stream?.send({ kind: 'unsubscribe', subject })
    server.clock.run(100)
    this.read()
    const cursor = this.views.get(subjectKey(subject))?.cursor ?? 0
    this.stream?.send({ kind: 'subscribe', subject, cursor })
  }

  read(): void {
    for (const frame of this.stream?.take() ?? [])
      if ('subject' in frame) this.views.get(subjectKey(frame.subject))?.take(frame)
  }
}

const action = fc.oneof(
  { weight: 12, arbitrary: command.map((one) => ({ do: 'apply' as const, command: one })) },
  { weight: 6, arbitrary: fc.nat(3).map((ms) => ({ do: 'run' as const, ms })) },
  { weight: 1, arbitrary: fc.constant({ do: 'reconnect' as const }) },
  { weight: 1, arbitrary: fc.boolean().map((paused) => ({ do: 'pause' as const, paused })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...subjects).map((subject) => ({ do: 'again' as const, subject })),
  },
)

test('a view that follows events equals the store, through breaks, slow reading and short memory', () => {
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 60, size: '+1' }),
      fc.constantFrom(1, 4, 4_096),
      fc.boolean(),
      (actions, eventsKept, replaced) => {
        const server = new TestServer({ eventsKept })
        server.applied(genesis())
        const agent = new Agent()
        agent.connect(server)
        for (const one of actions) {
          if (one.do === 'apply') server.apply(one.command)
          else if (one.do === 'run') server.clock.run(one.ms)
          else if (one.do === 'reconnect') agent.connect(server)
          else if (one.do === 'pause') agent.stream?.pair.left.pauseReading(one.paused)
          else agent.again(server, one.subject)
          agent.read()
        }
        if (replaced) server.restoreInPlace()
        agent.stream?.pair.left.pauseReading(false)
        server.clock.run(100)
        agent.read()
        for (const subject of subjects) {
          const view = agent.views.get(subjectKey(subject))
          expect(view?.inSnapshot).toBe(false)
          expect(view?.sorted(), subjectKey(subject)).toEqual(stored(server, subject))
        }
      },
    ),
    { numRuns: 150 },
  )
})
