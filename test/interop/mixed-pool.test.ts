// An encrypted pool of four agents of Debian's `serf` and four of ours, each in a process of its own: all see all, deaths
// and leaves are seen by both kinds, and the key is exchanged under way.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SerfPeer, serfProgram } from '../peers/serf.ts'
import { PoolChild } from './pool-child.ts'

if (serfProgram === undefined) process.stderr.write('mixed-pool: skipped, Debian’s serf cannot be had here\n')

interface Keys {
  readonly inUse: readonly [string, number][]
}

interface QueryAnswers {
  readonly Acks: readonly string[]
  readonly Responses: Readonly<Record<string, string>>
}

const oldKey = Buffer.alloc(16, 1).toString('base64')
const newKey = Buffer.alloc(32, 2).toString('base64')
const port = 7_946
const folder = mkdtempSync(join(tmpdir(), 'mixed-pool-'))
const peers: SerfPeer[] = []
const ours: PoolChild[] = []

async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 90_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within 90 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

const living = (): readonly (SerfPeer | PoolChild)[] => [...peers, ...ours]

/** Whether every side lists `node` so. */
async function allSee(node: string, status: string): Promise<boolean> {
  const lists = await Promise.all(living().map((one) => one.members()))
  return lists.every((list) => list.get(node) === status)
}

async function allSeeAlive(count: number): Promise<boolean> {
  const lists = await Promise.all(living().map((one) => one.members()))
  return lists.every((list) => [...list.values()].filter((status) => status === 'alive').length === count)
}

const address = (host: number): string => `127.78.${process.pid % 250}.${host}`

const startOurs = (host: number): Promise<PoolChild> =>
  PoolChild.start({
    node: `ours-${host}`,
    address: address(10 + host),
    port,
    key: oldKey,
    folder: join(folder, `ours-${host}`),
    profile: 'lan',
  })

function without<Kind extends SerfPeer | PoolChild>(list: Kind[], node: string): Kind {
  const at = list.findIndex((one) => one.node === node)
  const [taken] = list.splice(at, 1)
  if (taken === undefined) throw new Error(`${node} is not there`)
  return taken
}

describe.skipIf(serfProgram === undefined)(
  'four of serf and four of ours in one encrypted pool',
  { timeout: 120_000 },
  () => {
    const all: (SerfPeer | PoolChild)[] = []

    beforeAll(async () => {
      for (const host of [1, 2, 3, 4])
        peers.push(
          new SerfPeer({
            node: `serf-${host}`,
            address: address(host),
            key: oldKey,
            profile: 'lan',
            args: ['-tag', 'role=peer'],
          }),
        )
      ours.push(...(await Promise.all([1, 2, 3, 4].map(startOurs))))
      all.push(...peers, ...ours)
      await eventually('every serf answers', async () =>
        (await Promise.all(peers.map((peer) => peer.members()))).every((list) => list.size > 0),
      )
      const [first] = peers
      for (const peer of peers.slice(1)) await peer.command('join', `${first?.address}:${port}`)
      for (const one of ours) {
        const report = await one.do<{ joined: number; failures: string[] }>({
          do: 'join',
          addresses: [`${first?.address}:${port}`],
        })
        expect(report).toEqual({ joined: 1, failures: [] })
      }
    })

    afterAll(async () => {
      await Promise.all(all.map((one) => one.kill()))
      rmSync(folder, { recursive: true, force: true })
    })

    test('every side lists eight alive', async () => {
      await eventually('eight alive everywhere', () => allSeeAlive(8))
      expect(await peers[0]?.command('members')).toMatch(/ours-1\s.*role=mesh/)
    })

    test('events of either kind reach both, and queries are answered by all', async () => {
      // Gossip may miss a member, so an event is told again now and then, by both kinds.
      let looks = 0
      const isTurn = (): boolean => looks++ % 30 === 0
      await eventually('ours hear it', async () => {
        if (isTurn()) await peers[0]?.command('event', 'deploy', 'v1')
        return ours.every((one) =>
          one.events.some(({ name, payload }) => name === 'deploy' && payload === 'v1'),
        )
      })
      looks = 0
      await eventually('serf hears it', async () => {
        if (isTurn()) await ours[0]?.do({ do: 'event', name: 'restart', payload: 'web' })
        return peers.every((peer) => peer.output.includes('restart'))
      })
      // Serf's queries may miss a member, and are repeated by whoever needs them all.
      await eventually('all acknowledge a query of serf, and ours answer it', async () => {
        const answers = (await peers[1]?.command('query', '-format=json', 'load').catch(() => '{}')) ?? '{}'
        const { Acks = [], Responses = {} } = JSON.parse(answers) as Partial<QueryAnswers>
        const isAcked = all.every(({ node }) => Acks.includes(node))
        return isAcked && ours.every(({ node }) => Responses[node] === '0.42')
      })
    })

    test('the key is exchanged from both sides, and nobody is lost', async () => {
      const everywhere = (report: unknown): void =>
        expect(report).toMatchObject({ members: 8, answered: 8, failures: [] })
      everywhere(await ours[0]?.do({ do: 'keys', operation: 'install', key: newKey }))
      // Serf's own queries may miss a member; its command then fails, and an operator repeats it.
      const listed = (host: number): Promise<string> =>
        peers[host]?.command('keys', '-list').catch(() => '') ?? Promise.resolve('')
      const everyoneHas = new RegExp(`${newKey}\\s+\\[8/8\\]`)
      await eventually('serf lists the new key on all', async () => everyoneHas.test(await listed(0)))
      await eventually('serf makes all use it', async () => {
        await peers[1]?.command('keys', '-use', newKey).catch(() => '')
        const keys = await ours[3]?.do<Keys>({ do: 'keys', operation: 'list', key: newKey })
        return keys?.inUse.some(([key, count]) => key === newKey && count === 8) === true
      })
      everywhere(await ours[1]?.do({ do: 'keys', operation: 'remove', key: oldKey }))
      const left = await ours[2]?.do({ do: 'keys', operation: 'list', key: newKey })
      expect(left).toMatchObject({ answered: 8, installed: [[newKey, 8]] })
      await eventually('eight alive with the new key', () => allSeeAlive(8))
      await eventually('serf lists it alone', async () => {
        const text = await listed(2)
        return everyoneHas.test(text) && !text.includes(oldKey)
      })
    })

    // Before anybody is killed: gossip to the dead would slow the news.
    test('one that leaves, of either kind, is seen as left by both and never as failed', async () => {
      await without(peers, 'serf-3').command('leave')
      await without(ours, 'ours-3').do({ do: 'leave' })
      await eventually('all see serf-3 left', () => allSee('serf-3', 'left'))
      await eventually('all see ours-3 left', () => allSee('ours-3', 'left'))
      for (const one of ours)
        expect(
          one.events.filter(({ event, node }) => event === 'member-failed' && node?.endsWith('-3')),
        ).toEqual([])
      for (const peer of peers) expect(peer.output).not.toMatch(/member-failed.*-3/)
    })

    test('a killed one of either kind is seen as failed by both', async () => {
      await without(peers, 'serf-4').kill()
      await without(ours, 'ours-4').kill()
      await eventually('all see serf-4 failed', () => allSee('serf-4', 'failed'))
      await eventually('all see ours-4 failed', () => allSee('ours-4', 'failed'))
      expect(await allSeeAlive(4)).toBe(true)
    })

    test('a killed one that comes back with its folder finds the pool by itself', async () => {
      const back = await startOurs(4)
      ours.push(back)
      all.push(back)
      expect(await back.do({ do: 'rejoin' })).toBe(true)
      await eventually('all see ours-4 alive', () => allSee('ours-4', 'alive'))
    })
  },
)
