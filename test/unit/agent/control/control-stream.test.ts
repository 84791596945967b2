import { describe, expect, test } from 'vitest'
import { limits } from '../../../../src/model/limits.ts'
import { Agent, health, intentions, rules, upsert } from './fake-control.ts'

describe('a new stream', () => {
  test('greets first, and subscribes what is wanted once it is welcome', () => {
    const agent = new Agent()
    agent.views.want([intentions('web'), health('db')])
    agent.control.start()
    agent.clock.run(5)
    expect(agent.server.received).toEqual([
      { kind: 'hello', node: 'n1', nodeId: 'id-1', version: '0.1.0', minVersion: 1, maxVersion: 3 },
    ])
    agent.server.welcome()
    agent.clock.run(5)
    expect(agent.server.frames('subscribe', 'unsubscribe')).toEqual([
      { kind: 'subscribe', subject: intentions('web'), cursor: 0 },
      { kind: 'subscribe', subject: health('db'), cursor: 0 },
    ])
    expect([agent.control.server(), agent.ups]).toEqual(['s1', ['s1']])
  })

  test('follows what is wanted from then on', () => {
    const agent = new Agent()
    agent.views.want([health('a'), health('b')])
    const server = agent.connect()
    server.received.length = 0
    agent.views.want([health('b'), health('c')])
    agent.clock.run(5)
    expect(server.frames('subscribe', 'unsubscribe')).toEqual([
      { kind: 'unsubscribe', subject: health('a') },
      { kind: 'subscribe', subject: health('c'), cursor: 0 },
    ])
  })

  test('that replaces a broken one resumes after the last event seen', () => {
    const agent = new Agent()
    agent.views.want([health('db'), health('never')])
    const first = agent.connect()
    first.snapshot(health('db'), 10, upsert('n2', 'db'))
    first.event(health('db'), 12, upsert('n3', 'db'))
    agent.clock.run(5)
    first.cut()
    agent.clock.run(1_000)
    expect(agent.streams).toHaveLength(2)
    agent.server.welcome('s2')
    agent.clock.run(5)
    expect(agent.server.frames('subscribe')).toEqual([
      { kind: 'subscribe', subject: health('db'), cursor: 12 },
      { kind: 'subscribe', subject: health('never'), cursor: 0 },
    ])
    agent.server.event(health('db'), 15, upsert('n4', 'db'))
    agent.clock.run(5)
    expect(agent.instances('db')).toEqual(['n2/db', 'n3/db', 'n4/db'])
  })
})

describe('other servers', () => {
  test('are kept as the server tells them', () => {
    const agent = new Agent()
    const server = agent.connect()
    server.send({ kind: 'servers', addresses: ['a:8300', 'b:8300'] })
    agent.clock.run(5)
    expect(agent.servers).toEqual([['a:8300', 'b:8300']])
  })

  test('tell the gossip keys, and whether they refuse this host; with something new to show it comes back at once', () => {
    const agent = new Agent()
    const server = agent.connect()
    server.send({ kind: 'gossip-keys', keys: ['one'] })
    agent.clock.run(5)
    expect(agent.gossipKeys).toEqual([['one']])
    agent.control.retry()
    expect(agent.streams, 'a stream that is there stays').toHaveLength(1)
    const reason = { code: 'host-evicted', message: '' } as const
    server.send({ kind: 'goaway', reason, retryAfterMs: 60_000 })
    agent.clock.run(5)
    expect(agent.evictions).toBe(1)
    agent.clock.run(1_000)
    expect(agent.streams).toHaveLength(1)
    agent.control.retry()
    agent.clock.run(5)
    expect(agent.streams).toHaveLength(2)
  })

  test('are looked for when one sends this agent away or does not answer, and not when its own stream took over', () => {
    const agent = new Agent()
    const goaway = (code: 'no-leader' | 'conflict'): void =>
      agent.server.send({ kind: 'goaway', reason: { code, message: '' }, retryAfterMs: 10 })
    agent.connect()
    goaway('conflict')
    agent.clock.run(1_000)
    expect(agent.sentAway).toBe(0)
    agent.server.welcome()
    goaway('no-leader')
    agent.clock.run(1_000)
    expect(agent.sentAway).toBe(1)
    agent.answersPings = false
    agent.clock.run(60_000)
    expect(agent.sentAway).toBeGreaterThan(1)
  })
})

describe('reconnecting', () => {
  const waits = (agent: Agent): readonly number[] =>
    agent.streams.slice(1).map((stream, i) => stream.openedAtMs - (agent.streams[i]?.openedAtMs ?? 0))

  test('waits 0.1 s and 1.6 times more each time, 20 % either way, up to two minutes', () => {
    const agent = new Agent()
    agent.control.start()
    for (let attempt = 0; attempt < 25; attempt += 1) {
      agent.server.cut()
      agent.clock.runUntil(() => agent.streams.length === attempt + 2, 200_000)
    }
    waits(agent).forEach((wait, attempt) => {
      const base = Math.min(100 * 1.6 ** attempt, 120_000)
      expect(wait).toBeGreaterThanOrEqual(base * 0.8 - 1)
      expect(wait).toBeLessThanOrEqual(base * 1.2 + 1)
    })
    expect(new Set(waits(agent).slice(-8).map(Math.round)).size).toBeGreaterThan(6)
    expect(agent.log.at('warn')).toHaveLength(1)
  })

  test('is quick again after a stream that was good, and not after one that was welcome and dropped at once', () => {
    const agent = new Agent()
    agent.control.start()
    for (let attempt = 0; attempt < 12; attempt += 1) {
      agent.server.welcome()
      agent.clock.run(5)
      agent.server.cut()
      agent.clock.runUntil(() => agent.streams.length === attempt + 2, 200_000)
    }
    expect(waits(agent).at(-1)).toBeGreaterThan(5_000)
    agent.server.welcome()
    agent.clock.run(11_000)
    const lostAtMs = agent.clock.monotonicMs()
    agent.server.cut()
    agent.clock.runUntil(() => agent.streams.length === 14, 200_000)
    expect(agent.server.openedAtMs - lostAtMs).toBeLessThan(130)
  })

  test('waits at least as long as a server that sends the agent away asks', () => {
    const agent = new Agent()
    agent.control.start()
    agent.clock.run(5)
    agent.server.send({
      kind: 'goaway',
      reason: { code: 'overloaded', message: 'full' },
      retryAfterMs: 9_000,
    })
    agent.clock.run(60_000)
    const [wait = 0] = waits(agent)
    expect(wait).toBeGreaterThanOrEqual(9_000)
    expect(wait).toBeLessThan(11_000)
    expect(agent.log.at('warn').join()).toContain('overloaded')
  })

  test('happens when a server that took the stream falls silent, and when none greets', () => {
    const agent = new Agent()
    agent.answersPings = false
    agent.views.want([health('db')])
    const server = agent.connect()
    server.snapshot(health('db'), 1, upsert('n2', 'db'))
    agent.clock.run(limits.controlSilenceMs + 2 * limits.controlPingEveryMs)
    expect(server.closed).toBe(true)
    expect(agent.streams.length).toBeGreaterThan(1)
    expect(agent.instances('db')).toEqual(['n2/db'])

    const mute = new Agent()
    mute.control.start()
    mute.clock.run(limits.handshakeTimeoutMs + 500)
    expect(mute.streams).toHaveLength(2)
  })

  test('does not happen while pings are answered, nor after a stop', () => {
    const agent = new Agent()
    agent.connect()
    agent.clock.run(3_600_000)
    expect(agent.streams).toHaveLength(1)
    agent.control.stop()
    agent.clock.run(600_000)
    expect(agent.streams).toHaveLength(1)
    expect(agent.server.closed).toBe(true)
  })
})

describe('what proxies enforce', () => {
  test('is told when it changes, destination by destination, and all of it on a new stream', () => {
    const agent = new Agent()
    agent.control.enforced(new Map([['web', [7, 7]]]))
    const first = agent.connect()
    expect(first.frames('enforced')).toEqual([{ kind: 'enforced', destination: 'web', indexes: [7, 7] }])
    first.received.length = 0
    agent.control.enforced(
      new Map([
        ['web', [7, 7]],
        ['db', [9]],
      ]),
    )
    agent.control.enforced(new Map([['db', [9]]]))
    agent.clock.run(5)
    expect(first.frames('enforced')).toEqual([
      { kind: 'enforced', destination: 'db', indexes: [9] },
      { kind: 'enforced', destination: 'web', indexes: [] },
    ])
    first.cut()
    agent.clock.run(1_000)
    agent.server.welcome()
    agent.clock.run(5)
    expect(agent.server.frames('enforced')).toEqual([{ kind: 'enforced', destination: 'db', indexes: [9] }])
  })
})

describe('a view', () => {
  test('is live once the server has handled the subscription, also when there was nothing to send', () => {
    const agent = new Agent()
    agent.views.want([health('db')])
    const first = agent.connect()
    first.snapshot(health('db'), 5, upsert('n2', 'db'))
    agent.clock.run(5)
    expect(agent.views.view(health('db'))?.live).toBe(true)
    first.cut()
    expect(agent.views.view(health('db'))?.live).toBe(false)
    agent.clock.run(1_000)
    agent.server.welcome()
    agent.clock.run(5)
    expect(agent.views.view(health('db'))).toMatchObject({ live: true, index: 5 })
  })

  test('whose events go backwards is subscribed again from nothing, and stays usable until it is whole', () => {
    const agent = new Agent()
    agent.views.want([health('db')])
    const server = agent.connect()
    server.snapshot(health('db'), 50, upsert('n2', 'db'))
    server.event(health('db'), 40, upsert('n3', 'db'))
    server.event(health('db'), 60, upsert('n9', 'db'))
    agent.clock.run(5)
    expect(server.frames('subscribe').at(-1)).toEqual({ kind: 'subscribe', subject: health('db'), cursor: 0 })
    expect(server.frames('subscribe')).toHaveLength(2)
    expect(agent.instances('db')).toEqual(['n2/db'])
    server.snapshot(health('db'), 41, upsert('n2', 'db'), upsert('n3', 'db'))
    agent.clock.run(5)
    expect(agent.instances('db')).toEqual(['n2/db', 'n3/db'])
    expect(agent.views.view(health('db'))).toMatchObject({ live: true, index: 41 })
  })

  test('of a server that never sends a whole one does not keep the agent busy for ever', () => {
    const agent = new Agent()
    agent.views.want([health('db')])
    const server = agent.connect()
    for (let i = 0; i < 200; i += 1) {
      server.send({ kind: 'snapshot-end', subject: health('db'), index: i })
      agent.clock.run(2)
    }
    expect(server.closed).toBe(true)
    expect(server.frames('subscribe').length).toBeLessThan(100)
  })

  test('of a topic with one body is replaced by each event', () => {
    const agent = new Agent()
    agent.views.want([intentions('web')])
    const server = agent.connect()
    server.snapshot(intentions('web'), 3, rules('deny', 'a'))
    server.event(intentions('web'), 8, rules('allow'))
    agent.clock.run(5)
    expect(agent.views.view(intentions('web'))).toEqual({
      subject: intentions('web'),
      index: 8,
      bodies: [rules('allow')],
      live: true,
    })
  })
})
