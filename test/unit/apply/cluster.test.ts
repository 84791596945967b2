// Founding, settings, intentions with their entries, enrollment, and what stops a server.
import { expect, test } from 'vitest'
import type { Command } from '../../../src/model/command.ts'
import { MeshError } from '../../../src/model/errors.ts'
import { logIndex } from '../../../src/model/ids.ts'
import { limits } from '../../../src/model/limits.ts'
import { clusterId, genesis, intention } from '../store/rows.ts'
import { TestServer } from '../store/server.ts'

function founded(): TestServer {
  const server = new TestServer()
  server.applied(genesis())
  return server
}

const outcome = (server: TestServer, command: Command): string => {
  const result = server.apply(command)
  return result.ok ? result.value.kind : result.failure.code
}

const entry = (name: string, sources: readonly [string, 'allow' | 'deny'][], casIndex?: number): Command => ({
  type: 'config-entry.upsert',
  entry: {
    kind: 'service-intentions',
    name,
    meta: { team: 'a' },
    sources: sources.map(([source, action]) => ({ name: source, action, description: '', precedence: 1 })),
  },
  ...(casIndex === undefined ? {} : { casIndex }),
})

test('a cluster is founded once', () => {
  const server = new TestServer()
  expect(outcome(server, { type: 'settings.set', settings: { defaultIntentionAction: 'allow' } })).toBe(
    'conflict',
  )
  server.applied(genesis('allow'))
  const hash = server.machine.hash()
  expect(outcome(server, genesis('deny'))).toBe('conflict')
  expect(server.machine.hash()).toBe(hash)
  expect(server.store.view().settings()).toMatchObject({ clusterId, defaultIntentionAction: 'allow' })
  expect(server.store.view().operator('a'.repeat(64))?.name).toBe('first')
  expect(server.answer('ca.roots', {})).toMatchObject({
    activeRootId: 'root-1',
    trustDomain: `${clusterId}.consul`,
  })
  expect(JSON.stringify(server.answer('ca.roots', {}))).not.toContain('sealed')
})

test('intentions of a destination are sources of one entry, which goes with the last of them', () => {
  const server = founded()
  server.applied(intention('*', 'db', 'deny'))
  server.applied(intention('web', 'db', 'allow', { description: 'shop' }))
  expect(server.answer('config.get', { kind: 'service-intentions', name: 'db' })).toMatchObject({
    sources: [
      { name: 'web', action: 'allow', description: 'shop', precedence: 9 },
      { name: '*', action: 'deny', description: '', precedence: 8 },
    ],
  })
  expect(server.answer('intentions.list', {}).map((row) => [row.sourceName, row.precedence])).toEqual([
    ['web', 9],
    ['*', 8],
  ])
  expect(outcome(server, { type: 'intention.delete', sourceName: 'web', destinationName: 'db' })).toBe('done')
  expect(outcome(server, { type: 'intention.delete', sourceName: 'web', destinationName: 'db' })).toBe(
    'unchanged',
  )
  expect(outcome(server, { type: 'intention.delete', sourceName: '*', destinationName: 'db' })).toBe('done')
  expect(server.answer('config.get', { kind: 'service-intentions', name: 'db' })).toBeNull()
  expect(server.answer('intentions.list', {})).toEqual([])
})

test('an intention keeps its id and birth when it changes', () => {
  const server = founded()
  expect(server.value(intention('web', 'db', 'allow', { id: 'one' }))).toEqual({
    kind: 'intention',
    id: 'one',
  })
  const born = server.clock.wallMs()
  server.clock.run(5_000)
  expect(server.value(intention('web', 'db', 'deny', { id: 'two' }))).toEqual({
    kind: 'intention',
    id: 'one',
  })
  expect(server.answer('intentions.exact', { source: 'web', destination: 'db' })).toMatchObject({
    id: 'one',
    action: 'deny',
    createdAtMs: born,
    updatedAtMs: born + 5_000,
  })
})

test('writing an entry makes rows with ids that every server would make, and drops sources left out', () => {
  const one = founded()
  const other = founded()
  for (const server of [one, other]) {
    server.applied(intention('old', 'db', 'allow'))
    server.applied(
      entry('db', [
        ['*', 'deny'],
        ['web', 'allow'],
      ]),
    )
  }
  const rows = one.answer('intentions.list', {})
  expect(rows.map((row) => [row.sourceName, row.action, row.meta])).toEqual([
    ['web', 'allow', { team: 'a' }],
    ['*', 'deny', { team: 'a' }],
  ])
  expect(rows[0]?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
  expect(rows[0]?.id).not.toBe(rows[1]?.id)
  expect(other.answer('intentions.list', {})).toEqual(rows)
  expect(one.answer('intentions.check', { source: 'old', destination: 'db' })).toMatchObject({
    allowed: false,
  })
})

test('conditional writes of entries hold to the index that was read', () => {
  const server = founded()
  expect(outcome(server, entry('db', [['web', 'allow']], 0))).toBe('done')
  expect(outcome(server, entry('db', [['web', 'deny']], 0)), 'it exists').toBe('unchanged')
  const index = server.answer('config.get', { kind: 'service-intentions', name: 'db' })?.modifyIndex ?? -1
  expect(outcome(server, entry('db', [['web', 'deny']], index))).toBe('done')
  const remove: Command = {
    type: 'config-entry.delete',
    kind: 'service-intentions',
    name: 'db',
    casIndex: index,
  }
  expect(outcome(server, remove), 'written since').toBe('unchanged')
  expect(outcome(server, { type: 'config-entry.delete', kind: 'service-intentions', name: 'db' })).toBe(
    'done',
  )
  expect(outcome(server, entry('db', [])), 'no source').toBe('invalid-config')
  expect(
    outcome(
      server,
      entry('db', [
        ['web', 'deny'],
        ['web', 'allow'],
      ]),
    ),
    'twice',
  ).toBe('invalid-config')
})

test('a destination has a bounded number of sources', () => {
  const server = founded()
  const names = Array.from({ length: limits.sourcesPerDestination }, (_, i): [string, 'allow'] => [
    `s${i}`,
    'allow',
  ])
  server.applied(entry('db', names))
  expect(outcome(server, intention('one-more', 'db', 'allow'))).toBe('too-large')
  expect(outcome(server, intention('s1', 'db', 'deny'))).toBe('intention')
})

const token = (letter: string, node = ''): Command => ({
  type: 'enrollment.create',
  enrollment: {
    tokenHash: letter.repeat(64),
    node,
    services: ['web'],
    expiresAtMs: 1_700_000_000_000 + 60_000,
    createdBy: 'alice',
  },
})
const redeem = (letter: string, node: string, publicKey: string): Command => ({
  type: 'enrollment.redeem',
  tokenHash: letter.repeat(64),
  node,
  nodeId: `id-of-${node}`,
  publicKey,
})

test('a token enrolls one host, once; the same host may ask again with its key', () => {
  const server = founded()
  server.applied(token('1'))
  expect(outcome(server, token('1'))).toBe('conflict')
  expect(outcome(server, redeem('2', 'n1', 'key-1'))).toBe('token-unknown')
  expect(server.value(redeem('1', 'n1', 'key-1'))).toEqual({ kind: 'enrolled', services: ['web'] })
  expect(server.store.view().host('n1')).toMatchObject({
    publicKey: 'key-1',
    services: ['web'],
    evicted: false,
  })
  expect(server.store.view().enrollment('1'.repeat(64))?.usedBy).toBe('n1')
  expect(outcome(server, redeem('1', 'n1', 'key-1')), 'the answer was lost').toBe('enrolled')
  expect(outcome(server, redeem('1', 'n1', 'key-2'))).toBe('token-used')
  expect(outcome(server, redeem('1', 'n2', 'key-1'))).toBe('token-used')
})

test('an earlier token of a host gives back nothing that a later one took away', () => {
  const server = founded()
  server.applied(token('1'))
  server.applied(redeem('1', 'n1', 'key-1'))
  const narrower = token('2')
  if (narrower.type !== 'enrollment.create') throw new Error('unexpected')
  server.applied({ ...narrower, enrollment: { ...narrower.enrollment, services: [] } })
  server.applied(redeem('2', 'n1', 'key-1'))
  expect(server.value(redeem('1', 'n1', 'key-1'))).toEqual({ kind: 'enrolled', services: [] })
  expect(server.store.view().host('n1')).toMatchObject({ nodeId: 'id-of-n1', services: [] })
})

test('a token expires by the time of the entry, not of the server that applies it', () => {
  const server = founded()
  server.applied(token('1'))
  server.clock.run(59_999)
  expect(outcome(server, redeem('1', 'n1', 'key-1'))).toBe('enrolled')
  const late = founded()
  late.applied(token('1'))
  late.clock.run(60_000)
  expect(outcome(late, redeem('1', 'n1', 'key-1'))).toBe('token-expired')
})

test('a token may be bound to a node, and a node name belongs to its key', () => {
  const server = founded()
  server.applied(token('1', 'n1'))
  server.applied(token('2'))
  server.applied(token('3'))
  expect(outcome(server, redeem('1', 'n2', 'key-2'))).toBe('bad-token')
  expect(outcome(server, redeem('1', 'n1', 'key-1'))).toBe('enrolled')
  expect(outcome(server, redeem('2', 'n1', 'key-9'))).toBe('node-name-taken')
  expect(outcome(server, redeem('3', 'n1', 'key-1')), 're-enrolled with its own key').toBe('enrolled')
})

const serverToken = (letter: string, node = ''): Command => {
  const made = token(letter, node)
  if (made.type !== 'enrollment.create') throw new Error('unexpected')
  return { ...made, enrollment: { ...made.enrollment, services: [], role: 'server' } }
}
const redeemServer = (letter: string, node: string, publicKey: string): Command => ({
  type: 'enrollment.redeem-server',
  tokenHash: letter.repeat(64),
  node,
  serverId: `id-of-${node}`,
  publicKey,
})

test('a server’s token lets one server in, once, and no host; a host’s token lets no server in', () => {
  const server = founded()
  server.applied(serverToken('1'))
  server.applied(token('2'))
  expect(outcome(server, redeem('1', 's2', 'key-1'))).toBe('bad-token')
  expect(outcome(server, redeemServer('2', 's2', 'key-1'))).toBe('bad-token')
  expect(outcome(server, redeemServer('3', 's2', 'key-1'))).toBe('token-unknown')
  expect(outcome(server, redeemServer('1', 's2', 'key-1'))).toBe('done')
  expect(outcome(server, redeemServer('1', 's2', 'key-1')), 'the answer was lost').toBe('done')
  expect(outcome(server, redeemServer('1', 's2', 'key-2'))).toBe('token-used')
  expect(outcome(server, redeemServer('1', 's3', 'key-1'))).toBe('token-used')
  expect(server.store.view().enrollment('1'.repeat(64))).toMatchObject({ usedBy: 's2', usedByKey: 'key-1' })
  expect(server.store.view().host('s2'), 'it is no host by that').toBeUndefined()
})

test('a server’s token is bound to its node and its time as a host’s is', () => {
  const server = founded()
  server.applied(serverToken('1', 's2'))
  expect(outcome(server, redeemServer('1', 's3', 'key-1'))).toBe('bad-token')
  server.clock.run(60_000)
  expect(outcome(server, redeemServer('1', 's2', 'key-1'))).toBe('token-expired')
})

test('the same server may show its used token again until the token expires, not later', () => {
  const server = founded()
  server.applied(serverToken('1'))
  expect(outcome(server, redeemServer('1', 's2', 'key-1'))).toBe('done')
  server.clock.run(59_999)
  expect(outcome(server, redeemServer('1', 's2', 'key-1'))).toBe('done')
  server.clock.run(1)
  expect(outcome(server, redeemServer('1', 's2', 'key-1'))).toBe('token-used')
})

test('a token that lives too long or not at all is refused', () => {
  const server = founded()
  const create = token('1')
  if (create.type !== 'enrollment.create') throw new Error('unexpected')
  const living = (ms: number): Command => ({
    ...create,
    enrollment: { ...create.enrollment, expiresAtMs: server.clock.wallMs() + ms },
  })
  expect(outcome(server, living(0))).toBe('bad-request')
  expect(outcome(server, living(limits.enrollmentTtlMaxMs + 1))).toBe('bad-request')
  expect(outcome(server, living(limits.enrollmentTtlMaxMs))).toBe('done')
})

test('an entry of a newer version or with an unknown command stops the server, damage is a broken invariant', () => {
  const server = founded()
  const body = (text: string, version = 1): Uint8Array => Uint8Array.from([version, ...Buffer.from(text)])
  const codeOf = (bytes: Uint8Array): string => {
    try {
      server.machine.apply(logIndex(100), bytes)
      return 'applied'
    } catch (error) {
      return error instanceof MeshError ? error.code : String(error)
    }
  }
  expect(codeOf(body('{}', 2))).toBe('version-mismatch')
  expect(codeOf(body('{"version":1,"principal":{"kind":"anonymous"},"command":{"type":"new"}}'))).toBe(
    'version-mismatch',
  )
  expect(codeOf(body('not json'))).toContain('broken invariant: log entry 100 is not a command')
  expect(server.store.view().index).toBe(1)
})

test('an entry that was refused is applied all the same: the index of the state moves, the state does not', () => {
  const server = founded()
  const hash = server.machine.hash()
  expect(outcome(server, genesis())).toBe('conflict')
  expect(server.store.view().index).toBe(2)
  expect(server.machine.hash()).toBe(hash)
  const again = server.consensus.entries.at(-1)?.bytes ?? new Uint8Array()
  expect(() => server.machine.apply(logIndex(2), again), 'an index is applied once').toThrow(
    'broken invariant',
  )
})
