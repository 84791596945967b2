// The server's end of the agents' control streams, with agents in memory and virtual time.
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import type { Subject } from '../../../src/model/topic.ts'
import type { AgentFrame, ServerFrame } from '../../../src/rpc/contract.ts'
import { streamPair } from '../../simulation/streams.ts'
import {
  aMemberCheck,
  aNode,
  aRoot,
  aService,
  aSidecar,
  genesis,
  intention,
  register,
} from '../store/rows.ts'
import { asHost, asOperator, TestAgent, TestServer } from '../store/server.ts'

const intentionsOf = (key: string): Subject => ({ topic: 'intentions', key })
const meshOf = (key: string): Subject => ({ topic: 'mesh-health', key })
const healthOf = (key: string): Subject => ({ topic: 'service-health', key })

function founded(eventsKept?: number): TestServer {
  const server = new TestServer(eventsKept === undefined ? {} : { eventsKept })
  server.applied(genesis())
  return server
}

const kinds = (frames: readonly ServerFrame[]): readonly string[] =>
  frames.map((frame) =>
    'subject' in frame ? `${frame.kind} ${frame.subject.topic}/${frame.subject.key}` : frame.kind,
  )

function subscribed(server: TestServer, node: string, ...subjects: readonly Subject[]): TestAgent {
  const agent = server.connect(node)
  for (const subject of subjects) agent.send({ kind: 'subscribe', subject, cursor: 0 })
  server.clock.run(10)
  agent.take()
  return agent
}

test('an agent that greets is welcomed', () => {
  const server = founded()
  const agent = server.connect('n1', { hello: { minVersion: 1, maxVersion: 9 } })
  server.clock.run(10)
  expect(agent.take()).toEqual([{ kind: 'welcome', server: 'server-1', version: '0.1.0', linkVersion: 3 }])
  expect(server.hub.isPresent('n1')).toBe(true)
})

test.each([
  ['speaks newer versions only', { hello: { minVersion: 8, maxVersion: 9 } }, 'version-mismatch'],
  ['names another node than its certificate', { hello: { node: 'n2' } }, 'bad-token'],
  ['names another id than its enrollment', { hello: { nodeId: 'forged' } }, 'bad-token'],
  ['is no enrolled host', { principal: asOperator }, 'not-enrolled'],
] as const)('an agent that %s is sent away with the reason', (_what, options, code) => {
  const server = founded()
  const agent = server.connect('n1', options)
  server.clock.run(10)
  expect(agent.take()).toMatchObject([{ kind: 'goaway', reason: { code } }])
  expect(agent.closed).toBe(true)
  expect(server.hub.isPresent('n1')).toBe(false)
})

test('an agent is told where the servers are, at first and when that changes, if it understands it', () => {
  const server = founded()
  server.hub.useServers(['a:8300'])
  const agent = server.connect('n1', { hello: { maxVersion: 2 } })
  const older = server.connect('n2')
  server.clock.run(10)
  expect(agent.take().at(-1)).toEqual({ kind: 'servers', addresses: ['a:8300'] })
  server.hub.useServers(['a:8300', 'b:8300'])
  server.hub.useServers(['a:8300', 'b:8300'])
  server.clock.run(10)
  expect(agent.take()).toEqual([{ kind: 'servers', addresses: ['a:8300', 'b:8300'] }])
  expect(older.take().map(({ kind }) => kind)).toEqual(['welcome'])
})

test('an agent is told the gossip keys, at first and when they change, if it understands it', () => {
  const server = founded()
  server.hub.useGossipKeys(['one'])
  const agent = server.connect('n1', { hello: { maxVersion: 3 } })
  const older = server.connect('n2', { hello: { maxVersion: 2 } })
  server.clock.run(10)
  expect(agent.take().at(-1)).toEqual({ kind: 'gossip-keys', keys: ['one'] })
  server.hub.useGossipKeys(['two', 'one'])
  server.hub.useGossipKeys(['two', 'one'])
  server.clock.run(10)
  expect(agent.take()).toEqual([{ kind: 'gossip-keys', keys: ['two', 'one'] }])
  expect(older.take().map(({ kind }) => kind)).toEqual(['welcome'])
})

test('an evicted host is sent away at once and not taken again, also when it greets late; others stay', () => {
  const server = founded()
  for (const node of ['n1', 'n2', 'n3']) enroll(server, node)
  const [agent, other] = [server.connect('n1'), server.connect('n2')]
  const late = server.connect('n3', { hello: false })
  server.clock.run(10)
  for (const each of [agent, other]) each.take()
  for (const node of ['n1', 'n3']) server.applied({ type: 'host.evict', node })
  late.send({ kind: 'hello', node: 'n3', nodeId: 'id-of-n3', version: '', minVersion: 1, maxVersion: 1 })
  const again = server.connect('n1')
  server.clock.run(10)
  for (const refused of [agent, late, again]) {
    expect(refused.take().at(-1)).toMatchObject({ kind: 'goaway', reason: { code: 'host-evicted' } })
    expect(refused.closed).toBe(true)
  }
  expect(['n1', 'n2', 'n3'].map((node) => server.hub.isPresent(node))).toEqual([false, true, false])
  expect(other.take()).toEqual([])
})

function enroll(server: TestServer, node: string): void {
  const tokenHash = Buffer.from(node.padEnd(32)).toString('hex')
  const expiresAtMs = server.clock.wallMs() + 3_600_000
  const enrollment = { tokenHash, node: '', services: [], expiresAtMs, createdBy: '' }
  server.applied({ type: 'enrollment.create', enrollment })
  const publicKey = Buffer.from(node).toString('base64')
  server.applied({ type: 'enrollment.redeem', tokenHash, node, nodeId: `id-of-${node}`, publicKey })
}

test('the first frame must be the greeting, and there is one greeting', () => {
  const server = founded()
  const rude = server.connect('n1', { hello: false })
  rude.send({ kind: 'ping', nonce: 1 })
  const twice = server.connect('n2')
  twice.send({ kind: 'hello', node: 'n2', nodeId: 'id-of-n2', version: '', minVersion: 1, maxVersion: 1 })
  server.clock.run(10)
  expect(rude.take()).toMatchObject([{ kind: 'goaway', reason: { code: 'bad-request' } }])
  expect(twice.take()).toMatchObject([
    { kind: 'welcome' },
    { kind: 'goaway', reason: { code: 'bad-request' } },
  ])
})

test('a subscription begins with a snapshot and goes on with events', () => {
  const server = founded()
  server.applied(intention('web', 'db', 'allow'))
  const agent = server.connect('n1')
  agent.send({ kind: 'subscribe', subject: intentionsOf('db'), cursor: 0 })
  server.clock.run(10)
  const [, begin, event, end] = agent.take()
  expect(begin).toEqual({ kind: 'snapshot-begin', subject: intentionsOf('db') })
  expect(event).toMatchObject({
    kind: 'event',
    bodies: [
      {
        topic: 'intentions',
        defaultAction: 'deny',
        rules: [{ sourceName: 'web', destinationName: 'db', action: 'allow' }],
      },
    ],
  })
  expect(end).toEqual({ kind: 'snapshot-end', subject: intentionsOf('db'), index: 2 })
  const index = server.applied(intention('web', 'db', 'deny'))
  server.applied(intention('web', 'other', 'deny'))
  server.clock.run(10)
  expect(agent.take()).toMatchObject([{ kind: 'event', index, bodies: [{ rules: [{ action: 'deny' }] }] }])
})

test('a wildcard intention and the default reach every destination that is subscribed', () => {
  const server = founded()
  const agent = subscribed(server, 'n1', intentionsOf('a'), intentionsOf('b'))
  const wildcard = server.applied(intention('web', '*', 'deny'))
  server.clock.run(10)
  expect(agent.take().map((frame) => 'index' in frame && [kinds([frame])[0], frame.index])).toEqual([
    ['event intentions/a', wildcard],
    ['event intentions/b', wildcard],
  ])
  server.applied({ type: 'settings.set', settings: { defaultIntentionAction: 'allow' } })
  server.clock.run(10)
  const changed = agent.take()
  expect(kinds(changed)).toEqual(['event intentions/a', 'event intentions/b'])
  expect(changed).toMatchObject([
    { bodies: [{ defaultAction: 'allow' }] },
    { bodies: [{ defaultAction: 'allow' }] },
  ])
})

test('health subjects hear of instances, their checks and those of their node', () => {
  const server = founded()
  server.applied(register(aNode('n1'), [aService('web'), aSidecar('web')]))
  const agent = subscribed(server, 'n1', meshOf('web'), healthOf('web'))
  server.applied(register('n1', [], [aMemberCheck('n1', 'critical')]))
  server.clock.run(10)
  const frames = agent.take()
  expect(kinds(frames)).toEqual(['event mesh-health/web', 'event service-health/web'])
  expect(frames[0]).toMatchObject({
    bodies: [
      { op: 'upsert', entry: { service: { id: 'web-sidecar-proxy' }, checks: [{ status: 'critical' }] } },
    ],
  })
  server.applied({ type: 'catalog.deregister', node: 'n1', serviceId: 'web' })
  server.clock.run(10)
  expect(agent.take()).toMatchObject([
    { subject: healthOf('web'), bodies: [{ op: 'remove', node: 'n1', serviceId: 'web' }] },
  ])
})

test('what takes permissions away goes first, whatever was committed first', () => {
  const server = founded()
  server.applied(register(aNode('n1'), [aService('web'), aSidecar('web')]))
  const agent = subscribed(
    server,
    'n1',
    healthOf('web'),
    meshOf('web'),
    { topic: 'roots', key: '' },
    intentionsOf('db'),
  )
  server.applied(register('n1', [aService('web', { port: 1 }), aSidecar('web', { port: 2 })]))
  const tx = server.store.begin(++server.consensus.lastIndex)
  tx.edits.roots.set('service\u0000root-2\u0000', {
    ...aRoot('root-2'),
    createIndex: tx.index,
    modifyIndex: tx.index,
  })
  tx.rootsChanged()
  server.store.commit(tx)
  server.applied(intention('web', 'db', 'deny'))
  server.clock.run(10)
  expect(kinds(agent.take())).toEqual([
    'event intentions/db',
    'event roots/',
    'event mesh-health/web',
    'event service-health/web',
  ])
})

test('a denial for one agent does not wait for the snapshot of another', () => {
  const server = founded()
  const instances = limits.bodiesPerEvent * 40
  for (let i = 0; i < instances; i++) server.applied(register(aNode(`n${i}`), [aService('web')]))
  const waiting = subscribed(server, 'waiting', intentionsOf('db'))
  const busy = server.connect('busy')
  busy.send({ kind: 'subscribe', subject: healthOf('web'), cursor: 0 })
  expect(server.clock.runUntil(() => busy.frames.length > 3, 100)).toBe(true)
  server.applied(intention('web', 'db', 'deny'))
  expect(server.clock.runUntil(() => waiting.frames.length > 0, 100)).toBe(true)
  expect(kinds(waiting.take())).toEqual(['event intentions/db'])
  expect(kinds(busy.frames)).not.toContain('snapshot-end service-health/web')
  server.clock.run(100)
  expect(kinds(busy.frames).at(-1)).toBe('snapshot-end service-health/web')
})

test('an agent that does not read holds a bounded queue and starts over when it reads again', () => {
  const server = founded(16)
  const meta = { pad: 'x'.repeat(500) }
  const services = 100
  const port = (i: number) =>
    server.applied(register(aNode('n1'), [aService(`s${i % services}`, { port: 1 + (i % 60_000), meta })]))
  for (let i = 0; i < services; i++) port(i)
  const subjects = Array.from({ length: services }, (_, i) => healthOf(`s${i}`))
  const agent = subscribed(server, 'agent', ...subjects, intentionsOf('db'))
  agent.pair.left.pauseReading(true)
  for (let i = 0; i < 5_000; i++) {
    port(i)
    server.clock.run(1)
  }
  const queued = agent.pair.right.queuedBytes()
  expect(queued).toBeGreaterThan(limits.sessionBulkBytes)
  expect(queued, 'bulk stops at its share').toBeLessThan(limits.sessionBulkBytes + 10_000)
  server.applied(intention('web', 'db', 'deny'))
  server.clock.run(1)
  expect(agent.pair.right.queuedBytes(), 'a denial is queued all the same').toBeGreaterThan(queued)
  agent.pair.left.pauseReading(false)
  server.clock.run(1_000)
  const frames = agent.take()
  const first = frames.findIndex((frame) => kinds([frame])[0]?.startsWith('snapshot-begin'))
  expect(first, 'it collapsed to snapshots').toBeGreaterThan(0)
  expect(kinds(frames.slice(0, first))).toContain('event intentions/db')
  const lastPorts = new Map<string, number>()
  for (const frame of frames)
    if (frame.kind === 'event')
      for (const body of frame.bodies)
        if ('entry' in body) lastPorts.set(body.entry.service.id, body.entry.service.port)
  for (let i = 0; i < services; i++)
    expect(lastPorts.get(`s${i}`)).toBe(server.store.view().service('n1', `s${i}`)?.port)
})

test('after an unsubscribe nothing more comes', () => {
  const server = founded()
  const agent = subscribed(server, 'n1', intentionsOf('db'), intentionsOf('web'))
  agent.send({ kind: 'unsubscribe', subject: intentionsOf('db') })
  server.clock.run(10)
  server.applied(intention('*', '*', 'deny'))
  server.clock.run(10)
  expect(kinds(agent.take())).toEqual(['event intentions/web'])
})

test('too many subscriptions and too many sessions are sent away with a delay that differs', () => {
  const server = founded()
  const greedy = server.connect('greedy')
  for (let i = 0; i <= limits.subscriptionsPerSession; i++)
    greedy.send({ kind: 'subscribe', subject: intentionsOf(`s${i}`), cursor: 0 })
  server.clock.run(10)
  expect(greedy.take().at(-1)).toMatchObject({ kind: 'goaway', reason: { code: 'overloaded' } })
  expect(greedy.closed).toBe(true)
  for (let i = 0; i < limits.sessionsPerServer; i++) server.connect(`n${i}`, { hello: false })
  const delays = [1, 2, 3].map((i) => {
    const late = server.connect(`late-${i}`)
    server.clock.run(1)
    const [frame] = late.take()
    if (frame?.kind !== 'goaway') throw new Error('not sent away')
    expect(frame.reason.code).toBe('overloaded')
    return frame.retryAfterMs
  })
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(limits.goawayRetryMs)
  expect(Math.max(...delays)).toBeLessThanOrEqual(2 * limits.goawayRetryMs)
  expect(new Set(delays).size).toBe(3)
})

test('pings are answered, and an agent that falls silent is dropped', () => {
  const server = founded()
  const agent = server.connect('n1')
  for (let i = 1; i <= 10; i++) {
    agent.send({ kind: 'ping', nonce: i })
    server.clock.run(limits.controlSilenceMs - 1_000)
    expect(agent.take().at(-1)).toEqual({ kind: 'pong', nonce: i })
  }
  expect(server.hub.isPresent('n1')).toBe(true)
  server.clock.run(limits.controlSilenceMs)
  expect(server.hub.isPresent('n1')).toBe(false)
  expect(agent.closed).toBe(true)
})

test('a stream without a greeting is dropped in time', () => {
  const server = founded()
  const agent = server.connect('n1', { hello: false })
  server.clock.run(limits.handshakeTimeoutMs + 10)
  expect(agent.closed).toBe(true)
})

test('a newer stream of the same host takes over', () => {
  const server = founded()
  const presence: boolean[] = []
  server.hub.onPresence((_node, present) => presence.push(present))
  const before = subscribed(server, 'n1', intentionsOf('db'))
  const after = subscribed(server, 'n1', intentionsOf('db'))
  expect(before.take()).toMatchObject([{ kind: 'goaway', reason: { code: 'conflict' } }])
  server.applied(intention('web', 'db', 'deny'))
  server.clock.run(10)
  expect(kinds(after.take())).toEqual(['event intentions/db'])
  expect(server.hub.isPresent('n1')).toBe(true)
  after.pair.cut()
  expect(server.hub.isPresent('n1')).toBe(false)
  expect(presence, 'the take-over is neither coming nor going').toEqual([true, false])
})

test('a stopping server sends its agents away and takes no more', () => {
  const server = founded()
  const agent = subscribed(server, 'n1', intentionsOf('db'))
  server.hub.stop()
  const late = server.connect('n2')
  server.clock.run(10)
  expect(agent.take()).toMatchObject([{ kind: 'goaway', reason: { code: 'no-server' } }])
  expect(late.take()).toMatchObject([{ kind: 'goaway', reason: { code: 'no-server' } }])
})

test('one change is one frame object for all who get it', () => {
  const server = founded()
  const seen = new Set<unknown>()
  const agents = Array.from({ length: 5 }, (_, i) => {
    const pair = streamPair<AgentFrame, ServerFrame>({ clock: server.clock })
    server.hub.open(asHost(`n${i}`), pair.right)
    const agent = new TestAgent(pair)
    agent.send({
      kind: 'hello',
      node: `n${i}`,
      nodeId: `id-of-n${i}`,
      version: '',
      minVersion: 1,
      maxVersion: 1,
    })
    agent.send({ kind: 'subscribe', subject: intentionsOf('db'), cursor: 0 })
    agent.send({ kind: 'subscribe', subject: healthOf('web'), cursor: 0 })
    return agent
  })
  server.applied(register(aNode('n1'), [aService('web')]))
  server.clock.run(10)
  for (const agent of agents) for (const frame of agent.take()) if (frame.kind === 'event') seen.add(frame)
  expect(seen.size).toBe(2)
  server.applied(register('n1', [aService('web', { port: 9 })]))
  server.applied(intention('web', 'db', 'deny'))
  server.clock.run(10)
  for (const agent of agents) for (const frame of agent.take()) if (frame.kind === 'event') seen.add(frame)
  expect(seen.size).toBe(4)
})
