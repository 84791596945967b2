// Instances in another datacenter as agents of this one are told of them.
import { expect, test } from 'vitest'
import { farKey } from '../../../src/model/datacenter.ts'
import { limits } from '../../../src/model/limits.ts'
import type { ServerFrame } from '../../../src/rpc/contract.ts'
import { aCheck, aNode, aService, aSidecar, register } from '../store/rows.ts'
import type { TestAgent } from '../store/server.ts'
import { type TestDatacenter, World } from './world.ts'

const subject = { topic: 'datacenter-health', key: farKey('dc2', 'web') } as const

function withWeb(world: World): { readonly dc1: TestDatacenter; readonly dc2: TestDatacenter } {
  const both = world.federated()
  for (const node of ['h1', 'h2']) addWeb(both.dc2, node)
  return both
}

function addWeb({ server }: TestDatacenter, node: string): void {
  const services = [aService('web'), aSidecar('web')]
  server.applied(register(aNode(node, { datacenter: 'dc2' }), services))
}

function follow({ server }: TestDatacenter, node: string, cursor = 0): TestAgent {
  const agent = server.connect(node, { hello: { minVersion: 3, maxVersion: 3 } })
  agent.send({ kind: 'subscribe', subject, cursor })
  return agent
}

/** Nodes of the last snapshot that the agent was sent whole; undefined where none was. */
function told(agent: TestAgent): readonly string[] | undefined {
  let open: string[] | undefined
  let whole: readonly string[] | undefined
  for (const frame of agent.frames as ServerFrame[]) {
    if (frame.kind === 'snapshot-begin') open = []
    else if (frame.kind === 'event')
      for (const body of frame.bodies)
        if ('op' in body && body.op === 'upsert') open?.push(body.entry.node.name)
    if (frame.kind === 'snapshot-end') whole = open
  }
  return whole
}

test('agents are told of the instances there and of every change, by one question for all of them', () => {
  const world = new World()
  const { dc1, dc2 } = withWeb(world)
  const before = dc2.asked
  const agents = ['a1', 'a2', 'a3'].map((node) => follow(dc1, node))
  world.clock.run(1_000)
  expect(agents.map(told)).toEqual([
    ['h1', 'h2'],
    ['h1', 'h2'],
    ['h1', 'h2'],
  ])
  addWeb(dc2, 'h3')
  world.clock.run(1_000)
  expect(agents.map(told)).toEqual(Array.from({ length: 3 }, () => ['h1', 'h2', 'h3']))
  dc2.server.applied({ type: 'catalog.deregister', node: 'h1' })
  world.clock.run(1_000)
  expect(agents.map(told)).toEqual(Array.from({ length: 3 }, () => ['h2', 'h3']))
  expect(dc2.asked - before).toBeLessThanOrEqual(4)
})

test('an agent that comes with a cursor of another server gets everything', () => {
  const world = new World()
  const { dc1 } = withWeb(world)
  follow(dc1, 'a1')
  world.clock.run(1_000)
  const agent = follow(dc1, 'a2', 999_999)
  world.clock.run(1_000)
  expect(told(agent)).toEqual(['h1', 'h2'])
})

test('while the link is cut agents keep what they have, and new ones get what was known last', () => {
  const world = new World()
  const { dc1, dc2 } = withWeb(world)
  const agent = follow(dc1, 'a1')
  world.clock.run(1_000)
  world.cut('dc2')
  addWeb(dc2, 'h3')
  world.clock.run(10_000)
  const late = follow(dc1, 'a2')
  world.clock.run(1_000)
  expect([told(agent), told(late)]).toEqual([
    ['h1', 'h2'],
    ['h1', 'h2'],
  ])
  world.cut('dc2', false)
  world.clock.run(limits.farRetryMaxMs + 1_000)
  expect([told(agent), told(late)]).toEqual([
    ['h1', 'h2', 'h3'],
    ['h1', 'h2', 'h3'],
  ])
})

test('many changes at once are few snapshots', () => {
  const world = new World()
  const { dc1, dc2 } = withWeb(world)
  const agent = follow(dc1, 'a1')
  world.clock.run(1_000)
  const before = agent.frames.length
  for (let round = 0; round < 100; round += 1) {
    const status = round % 2 === 0 ? 'critical' : 'passing'
    const check = aCheck('h1', 'web', { serviceId: 'web-sidecar-proxy', status })
    dc2.server.applied(register('h1', [], [check]))
    world.clock.run(5)
  }
  world.clock.run(1_000)
  const snapshots = agent.frames.slice(before).filter(({ kind }) => kind === 'snapshot-end')
  expect(snapshots.length).toBeLessThanOrEqual(8)
  expect(snapshots.length).toBeGreaterThan(0)
})

test('what nobody follows is asked no more, and no more than the limit is followed', () => {
  const world = new World()
  const { dc1, dc2 } = withWeb(world)
  const agent = follow(dc1, 'a1')
  world.clock.run(1_000)
  agent.send({ kind: 'unsubscribe', subject })
  world.clock.run(limits.farLingerMs + 1_000)
  const asked = dc2.asked
  for (let round = 0; round < 5; round += 1) addWeb(dc2, `later-${round}`)
  world.clock.run(limits.farWaitMs * 2)
  // Its own description and its entries are followed all the same.
  expect(dc2.asked - asked).toBeLessThanOrEqual(4)
  for (let at = 0; at <= limits.farServices; at += 1)
    dc1.services.subscribe({ topic: 'datacenter-health', key: farKey('dc2', `s${at}`) }, () => undefined)
  expect(
    dc1.services.subscribe({ topic: 'datacenter-health', key: 'no-key' }, () => undefined)(),
  ).toBeUndefined()
  dc1.services.stop()
})
