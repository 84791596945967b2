// The gossip keys over time: the first one, the steps of a rotation after an eviction, and what a change of leader does to them.
import { expect, test } from 'vitest'
import type { Command } from '../../../src/model/command.ts'
import { limits } from '../../../src/model/limits.ts'
import { GossipKeys, resealGossipKey } from '../../../src/server/ca/gossip-keys.ts'
import { GossipRotation } from '../../../src/server/leader/gossip-keys.ts'
import { genesis } from '../store/rows.ts'
import { asServer, silentLog, TestServer } from '../store/server.ts'

const clusterKey = new Uint8Array(32).fill(5)

class Stage {
  readonly server = new TestServer()
  readonly keys: GossipKeys

  constructor() {
    const { store, consensus, admission, clock, random } = this.server
    this.keys = new GossipKeys({
      clusterKey,
      keyring: () => store.view().gossipKeys(),
      random,
      log: silentLog,
    })
    new GossipRotation({
      store,
      consensus,
      write: (command, reply) => admission.write(asServer, command, reply),
      make: () => this.keys.make(),
      clock,
      log: silentLog,
    })
  }

  /** A cluster at the newest feature level, or at another one. */
  found(featureLevel = 4): void {
    const first = genesis() as Extract<Command, { type: 'genesis' }>
    this.server.applied({ ...first, settings: { ...first.settings, featureLevel } })
    this.server.clock.run(10)
  }

  evict(node: string): void {
    const { server } = this
    const tokenHash = Buffer.from(node.padEnd(32)).toString('hex')
    const expiresAtMs = server.clock.wallMs() + 3_600_000
    const enrollment = { tokenHash, node: '', services: [], expiresAtMs, createdBy: '' }
    server.applied({ type: 'enrollment.create', enrollment })
    const publicKey = Buffer.from(node).toString('base64')
    server.applied({ type: 'enrollment.redeem', tokenHash, node, nodeId: node, publicKey }, asServer)
    server.applied({ type: 'host.evict', node })
  }

  step(): readonly string[] {
    this.server.clock.run(limits.gossipKeyStepMs + 10)
    return this.keys.keys()
  }
}

test('a cluster has one key from its beginning, and keeps it', () => {
  const stage = new Stage()
  expect(stage.keys.keys()).toEqual([])
  stage.found()
  const [key, ...others] = stage.keys.keys()
  expect(others).toEqual([])
  expect(Buffer.from(key ?? '', 'base64')).toHaveLength(32)
  expect(JSON.stringify(stage.server.store.view().gossipKeys())).not.toContain(key)
  stage.server.clock.run(3_600_000)
  expect(stage.keys.keys()).toEqual([key])
})

test('a cluster of a lower feature level has none until it is raised', () => {
  const stage = new Stage()
  stage.found(3)
  stage.server.clock.run(60_000)
  expect(stage.keys.keys()).toEqual([])
  stage.server.applied({ type: 'feature.raise', level: 4 }, asServer)
  stage.server.clock.run(10)
  expect(stage.keys.keys()).toHaveLength(1)
})

test('an eviction brings a new key in three steps, with the old one behind it in between', () => {
  const stage = new Stage()
  stage.found()
  const [old] = stage.keys.keys()
  stage.evict('n1')
  stage.server.clock.run(10)
  const [first, fresh, ...more] = stage.keys.keys()
  expect([first, more]).toEqual([old, []])
  expect(fresh).not.toBe(old)
  stage.server.clock.run(limits.gossipKeyStepMs - 1_000)
  expect(stage.keys.keys(), 'members get time for each step').toEqual([old, fresh])
  expect(stage.step()).toEqual([fresh, old])
  expect(stage.step()).toEqual([fresh])
  expect(stage.step()).toEqual([fresh])
})

test('an eviction during a rotation has another one follow: that host was given the new key', () => {
  const stage = new Stage()
  stage.found()
  stage.evict('n1')
  stage.server.clock.run(10)
  const [, second] = stage.keys.keys()
  stage.evict('n2')
  stage.step()
  stage.step()
  const [now, third] = stage.keys.keys()
  expect(now).toBe(second)
  expect(third).toBeDefined()
  stage.step()
  expect(stage.step()).toEqual([third])
})

test('a leader that is lost half-way leaves a rotation that the next one ends', () => {
  const stage = new Stage()
  stage.found()
  stage.evict('n1')
  stage.server.clock.run(10)
  const [old, fresh] = stage.keys.keys()
  stage.server.consensus.setLeading(false)
  expect(stage.step()).toEqual([old, fresh])
  stage.server.consensus.setLeading(true)
  expect(stage.step()).toEqual([fresh, old])
  expect(stage.step()).toEqual([fresh])
})

test('keys are sealed: another cluster key opens none, unless they are sealed anew for it', () => {
  const stage = new Stage()
  stage.found()
  const row = stage.server.store.view().gossipKeys()
  const otherKey = new Uint8Array(32).fill(6)
  const { random } = stage.server
  const other = new GossipKeys({ clusterKey: otherKey, keyring: () => row, random, log: silentLog })
  expect(other.keys()).toEqual([])
  const [key] = row?.keys ?? []
  if (row === undefined || key === undefined) throw new Error('no key')
  const sealed = resealGossipKey(key, { from: clusterKey, to: otherKey }, random)
  if (sealed === undefined) throw new Error('not sealed anew')
  const moved = { ...row, keys: [sealed] }
  const again = new GossipKeys({ clusterKey: otherKey, keyring: () => moved, random, log: silentLog })
  expect(again.keys()).toEqual(stage.keys.keys())
  expect(resealGossipKey(key, { from: otherKey, to: clusterKey }, random)).toBeUndefined()
})
