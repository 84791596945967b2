// The agent beside a server tells it of the pool: a whole pool in virtual time, and the server's view at the other end.
import { expect, test } from 'vitest'
import type { Membership } from '../../../../src/agent/contract.ts'
import { ServerFeed } from '../../../../src/agent/membership/server-feed.ts'
import type { PoolListener } from '../../../../src/membership/pool.ts'
import { failed, ok } from '../../../../src/model/errors.ts'
import { limits } from '../../../../src/model/limits.ts'
import type { OperationRequest, OperatorClient } from '../../../../src/rpc/operator.ts'
import { GossipView } from '../../../../src/server/leader/gossip-view.ts'
import { type Opened, World } from '../../membership/pools.ts'
import { CountedMetrics, silentLog } from '../../store/server.ts'

const serverTags = { role: 'consul', port: '8300' }

/** The pool of a host, as the rest of its agent sees it. */
class OwnPool implements Membership {
  opened: Opened | undefined
  readonly worn: Readonly<Record<string, string>>[] = []
  readonly #listeners: PoolListener[] = []

  use(opened: Opened): void {
    this.opened = opened
    opened.pool.onEvent((event) => {
      for (const listener of this.#listeners) listener(event)
    })
  }

  pool(): ReturnType<Membership['pool']> {
    return this.opened === undefined ? failed('needs-gossip', 'no pool yet') : ok(this.opened.pool)
  }

  onEvent(listener: PoolListener): void {
    this.#listeners.push(listener)
  }

  setRoleTags(tags: ReadonlyMap<string, string>): ReturnType<Membership['setRoleTags']> {
    this.worn.push(Object.fromEntries(tags))
    return ok(true)
  }
}

class Side {
  readonly world = new World()
  readonly own = new OwnPool()
  view = this.newView()
  /** The server is reached. */
  isUp = true
  frames = 0
  rowsTold = 0
  readonly feed: ServerFeed

  constructor() {
    const { clock, random } = this.world
    const operate = this.#operate as OperatorClient['operate']
    this.feed = new ServerFeed({ membership: this.own, server: { operate }, clock, random, log: silentLog })
  }

  newView(): GossipView {
    return new GossipView({ clock: this.world.clock, log: silentLog, metrics: new CountedMetrics() })
  }

  told(): Readonly<Record<string, string | undefined>> {
    const nodes = [...this.view.nodes()].sort()
    return Object.fromEntries(nodes.map((node) => [node, this.view.claim(node)?.presence]))
  }

  until(text: string, isSo: () => boolean): void {
    if (!this.world.clock.runUntil(isSo, 120_000)) throw new Error(`not within two minutes: ${text}`)
  }

  readonly #operate = (
    { args }: OperationRequest<'membership.feed'>,
    reply: Parameters<OperatorClient['operate']>[1],
  ): void => {
    this.frames += 1
    this.rowsTold += args.members.length + args.reaped.length
    if (args.members.length > limits.memberFeedRows) throw new Error('a frame is too long')
    this.world.clock.after(5, () => {
      if (!this.isUp) return reply(failed('no-server', 'nobody listens'))
      const answer = { isContinued: this.view.hear(args), tags: serverTags }
      reply(ok({ answer, data: new Uint8Array(0) }) as Parameters<typeof reply>[0])
    })
  }
}

function running(hosts = 3): { readonly side: Side; readonly others: readonly Opened[] } {
  const side = new Side()
  const [first, ...others] = side.world.formed(Math.max(3, hosts))
  side.own.use(first)
  side.feed.start()
  side.until('everybody is told', () => side.view.isWhole && Object.keys(side.told()).length === hosts)
  return { side, others }
}

test('the server is told of everybody, the host itself included, and the host wears its server’s tags', () => {
  const { side } = running()
  expect(side.told()).toEqual({ 'node-1': 'alive', 'node-2': 'alive', 'node-3': 'alive' })
  expect(side.view.claim('node-2')?.address).toBe('10.0.0.2')
  expect(side.own.worn).toEqual([serverTags])
})

test('a host that fails, one that leaves, one that comes: each is told when it is known', () => {
  const { side, others } = running()
  others[0]?.pool.close()
  side.until('a failure is told', () => side.told()['node-2'] === 'failed')
  others[1]?.pool.leave(() => undefined)
  side.until('a leave is told', () => side.told()['node-3'] === 'left')
  const late = side.world.open(9)
  side.world.join(late)
  side.until('a newcomer is told', () => side.told()['node-9'] === 'alive')
})

test('a member that an operator gave up is told as forgotten', () => {
  const { side, others } = running()
  const reaped: string[] = []
  side.view.listen({
    onClaim: () => undefined,
    onReaped: (node) => reaped.push(node),
    onState: () => undefined,
  })
  others[0]?.pool.close()
  side.until('a failure is told', () => side.told()['node-2'] === 'failed')
  side.own.opened?.pool.forceLeave('node-2', true)
  side.until('it is forgotten', () => reaped.includes('node-2'))
  expect(side.told()['node-2']).toBeUndefined()
})

test('while nothing changes no member is told again', () => {
  const { side } = running()
  const before = { frames: side.frames, rows: side.rowsTold }
  side.world.clock.run(50 * limits.memberFeedBeatMs)
  expect(side.rowsTold).toBe(before.rows)
  expect(side.frames - before.frames).toBeLessThanOrEqual(51)
  expect(side.view.state).toBe('live')
})

test('a server that was restarted is told everything again', () => {
  const { side } = running()
  side.view = side.newView()
  side.until('the new one knows all', () => side.view.isWhole && Object.keys(side.told()).length === 3)
})

test('a server that does not answer is tried again, is no server to the others after a while, and is one again', () => {
  const { side } = running()
  side.isUp = false
  side.world.clock.run(limits.memberServerAwayMs / 2)
  expect(side.view.state).toBe('frozen')
  expect(side.own.worn).toHaveLength(1)
  side.world.clock.run(limits.memberServerAwayMs)
  expect(side.own.worn.at(-1)).toEqual({ role: 'node' })
  side.isUp = true
  side.until('it is told again', () => side.view.state === 'live')
  expect(side.own.worn.at(-1)).toEqual(serverTags)
})

test('more members than one frame holds go in several, and the server knows when they are all', () => {
  const { side } = running()
  const names = Array.from({ length: limits.memberFeedRows + 10 }, (_, n) => `many-${n}`)
  const member = side.own.opened?.pool.member('node-2')
  if (member === undefined) throw new Error('node-2 is a member')
  const many = names.map((node) => ({ ...member, node }))
  const pool = { members: () => many, member: (node: string) => many.find((each) => each.node === node) }
  side.own.pool = () => ok(pool) as unknown as ReturnType<Membership['pool']>
  side.view = side.newView()
  side.until('all are told', () => side.view.isWhole)
  expect([...side.view.nodes()].length).toBe(names.length)
})

test('a pool that opens later is told from its beginning', () => {
  const side = new Side()
  side.feed.start()
  side.world.clock.run(10_000)
  expect([side.frames, side.view.state]).toEqual([0, 'off'])
  side.own.use(side.world.open(1))
  side.until('the host itself is told', () => side.told()['node-1'] === 'alive')
})
