// A server whose state has two hosts, and the words of locking, for the tests of sessions, locks and transactions.
import type { Command } from '../../../src/model/command.ts'
import type { Session } from '../../../src/model/session.ts'
import type { KvOperation } from '../../../src/model/txn.ts'
import { aCheck, aMemberCheck, aNode, aService, genesis, register } from '../store/rows.ts'
import { TestServer } from '../store/server.ts'

export const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** A UUID that ends in `n`. */
export const sessionId = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

export const aSession = (n: number, rest: Partial<Session> = {}): Session => ({
  id: sessionId(n),
  name: '',
  node: 'n1',
  nodeChecks: ['serfHealth'],
  serviceChecks: [],
  lockDelayMs: 0,
  behavior: 'release',
  ttl: '',
  ...rest,
})

export const create = (n: number, rest: Partial<Session> = {}): Command => ({
  type: 'session.create',
  session: aSession(n, rest),
})
export const destroy = (n: number): Command => ({ type: 'session.destroy', id: sessionId(n) })
export const lock = (key: string, n: number, text = ''): Command => ({
  type: 'kv.lock',
  key,
  value: base64(text),
  flags: '0',
  session: sessionId(n),
})
export const unlock = (key: string, n: number, text = ''): Command => ({
  ...(lock(key, n, text) as Extract<Command, { type: 'kv.lock' }>),
  type: 'kv.unlock',
})
export const set = (key: string, text: string): Command => ({
  type: 'kv.set',
  key,
  value: base64(text),
  flags: '0',
})

export const kvOperation = (
  verb: KvOperation['verb'],
  key: string,
  rest: Partial<KvOperation> = {},
): KvOperation => ({ kind: 'kv', verb, key, value: '', flags: '0', index: 0, session: '', ...rest })

/** Hosts n1 and n2 with their membership; on n1 service web with check `web-up`. */
export function lockServer(): TestServer {
  const server = new TestServer()
  server.applied(genesis())
  for (const node of ['n1', 'n2']) server.applied(register(aNode(node), [], [aMemberCheck(node, 'passing')]))
  server.applied(
    register(
      'n1',
      [aService('web')],
      [aCheck('n1', 'web-up', { serviceId: 'web' }), aCheck('n1', 'disk', { status: 'warning' })],
    ),
  )
  return server
}

/** Who holds a key, and how often it was taken; undefined where there is no such key. */
export function holder(server: TestServer, key: string): readonly [string | undefined, number] | undefined {
  const entry = server.answer('kv.get', { key })
  return entry === null ? undefined : [entry.session, entry.lockIndex ?? 0]
}
