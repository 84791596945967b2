// Servers and failed hosts, as the agent learns of them from its pool.
import { expect, test } from 'vitest'
import { FailedHosts } from '../../../../src/agent/membership/failed-hosts.ts'
import { FoundServers } from '../../../../src/agent/membership/found-servers.ts'
import type { PoolEvent } from '../../../../src/membership/contract.ts'
import type { PoolListener } from '../../../../src/membership/pool.ts'
import { limits } from '../../../../src/model/limits.ts'

type MemberEvent = Extract<PoolEvent, { readonly member: unknown }>

const presences = {
  'member-joined': 'alive',
  'member-updated': 'alive',
  'member-failed': 'failed',
  'member-left': 'left',
  'member-reaped': 'failed',
} as const

/** Tells of members as a pool does. */
class Teller {
  listener: PoolListener = () => undefined

  onEvent(listener: PoolListener): void {
    this.listener = listener
  }

  tell(type: MemberEvent['type'], node: string, tags: Readonly<Record<string, string>> = {}): void {
    const number = Number(node.replace(/\D/g, ''))
    const member = {
      node,
      address: `10.0.${number >> 8}.${number & 255}`,
      port: 8301,
      tags: new Map(Object.entries(tags)),
      presence: presences[type],
      isSuspected: false,
      incarnation: 1,
      versions: [1, 5, 2, 2, 5, 5],
    } as const
    this.listener({ type, member })
  }
}

const server = { role: 'consul', port: '8300' }

function following(): {
  readonly teller: Teller
  readonly servers: FoundServers
  readonly found: string[]
  readonly lost: string[]
} {
  const teller = new Teller()
  const found: string[] = []
  const lost: string[] = []
  const events = {
    onFound: (address: string) => void found.push(address),
    onLost: (address: string) => void lost.push(address),
  }
  return { teller, servers: new FoundServers(teller, events), found, lost }
}

test('a server that gossip shows is tried beside those that are known, and told once', () => {
  const { teller, servers, found } = following()
  teller.tell('member-joined', 'n1')
  teller.tell('member-joined', 'n2', server)
  teller.tell('member-updated', 'n2', server)
  expect(servers.among(['10.0.0.9:8300', '10.0.0.2:8300'])).toEqual(['10.0.0.9:8300', '10.0.0.2:8300'])
  expect(servers.among([])).toEqual(['10.0.0.2:8300'])
  expect(found).toEqual(['10.0.0.2:8300'])
})

test('a host becomes a server and stops being one by its tags', () => {
  const { teller, servers, found } = following()
  teller.tell('member-joined', 'n1', { role: 'node' })
  expect(servers.among([])).toEqual([])
  teller.tell('member-updated', 'n1', server)
  expect(servers.among([])).toEqual(['10.0.0.1:8300'])
  teller.tell('member-updated', 'n1', { role: 'node', port: '8300' })
  expect(servers.among([])).toEqual([])
  for (const port of ['', '0', '70000', 'x', '1.5'])
    teller.tell('member-updated', 'n1', { role: 'consul', port })
  expect([servers.among([]), found]).toEqual([[], ['10.0.0.1:8300']])
})

test('servers on failed hosts are left out while there are others, also those that were known before', () => {
  const { teller, servers, lost } = following()
  teller.tell('member-joined', 'n1', server)
  teller.tell('member-joined', 'n2', server)
  teller.tell('member-failed', 'n1', server)
  expect(lost).toEqual(['10.0.0.1:8300'])
  expect(servers.among(['10.0.0.1:8300'])).toEqual(['10.0.0.2:8300'])
  teller.tell('member-failed', 'n2', server)
  expect(servers.among(['10.0.0.1:8300']), 'better than none').toEqual(['10.0.0.1:8300'])
  teller.tell('member-joined', 'n1', server)
  expect(servers.among([])).toEqual(['10.0.0.1:8300'])
  teller.tell('member-left', 'n1', server)
  expect(servers.among([])).toEqual([])
})

test('however many claim to be servers, a bounded number is tried', () => {
  const { teller, servers } = following()
  for (let n = 1; n <= 1_000; n += 1) teller.tell('member-joined', `n${n}`, server)
  expect(servers.among(['known:8300'])).toHaveLength(1 + limits.gossipServersTried)
})

test('a host has failed from the failure until it is alive, left or forgotten', () => {
  const teller = new Teller()
  const failed = new FailedHosts(teller)
  const changes: (readonly string[])[] = []
  failed.onChange(() => changes.push([...failed.nodes()]))
  teller.tell('member-joined', 'n1')
  teller.tell('member-failed', 'n1')
  teller.tell('member-failed', 'n1')
  teller.tell('member-joined', 'n1')
  teller.tell('member-failed', 'n2')
  teller.tell('member-left', 'n2')
  teller.tell('member-failed', 'n3')
  teller.tell('member-reaped', 'n3')
  expect(changes).toEqual([['n1'], [], ['n2'], [], ['n3'], []])
  teller.tell('member-failed', 'n4')
  teller.listener({ type: 'name-lost', holder: { address: '10.0.0.9', port: 8301 } })
  expect([...failed.nodes()], 'who does not gossip cannot know').toEqual([])
})
