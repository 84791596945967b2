// reference/consul.md 1.8: keys and values, sessions, transactions, events, prepared queries.
import { expect } from 'vitest'
import { z } from 'zod'
import { event } from '../../unit/api/schemas.ts'
import { afterwards, all, counts, fails, header, is, of, Section, says, shaped, status } from './checks.ts'
import { blockingRows, type Read } from './reads.ts'
import type { Scene } from './scene.ts'

const section = new Section('Keys, sessions, transactions, events, queries')

const sessionShape = z.array(
  z.strictObject({
    ID: z.uuid(),
    Name: z.string(),
    Node: z.string(),
    LockDelay: z.number().int(),
    Behavior: z.enum(['release', 'delete']),
    TTL: z.string(),
    NodeChecks: z.array(z.string()).nullable(),
    ServiceChecks: z.array(z.strictObject({ ID: z.string(), Namespace: z.string() })).nullable(),
    CreateIndex: z.number().int(),
    ModifyIndex: z.number().int(),
  }),
)
const madeId = z.strictObject({ ID: z.uuid() })

const reads: readonly Read[] = [
  { endpoint: 'GET /kv/:key', path: '/v1/kv/app/on' },
  { endpoint: 'GET /session/list', path: '/v1/session/list' },
  { endpoint: 'GET /session/node/:node', path: '/v1/session/node/outside' },
  { endpoint: 'GET /session/info/:id', path: '/v1/session/info/@session' },
]

const put = (key: string) => (scene: Scene) => scene.must('PUT', `/v1/kv/${key}`, { body: 'v' })
/** A free lock and a session that may take it. */
const sessionAs = (name: string) => async (scene: Scene) => {
  const made = await scene.must('PUT', '/v1/session/create', {
    body: { Name: name, Node: 'outside', NodeChecks: [] },
  })
  scene.made.set(name, (made.json as { readonly ID: string }).ID)
}

section
  .row('GET /kv/:key', '/v1/kv/app/on', shaped('/v1/kv/*'))
  .row('GET /kv/:key', '/v1/kv/app?recurse', all(shaped('/v1/kv/*'), counts(2)), { part: '`recurse`' })
  .row('GET /kv/:key', '/v1/kv/app/?keys', is(['app/on', 'app/sub/deep']), { part: '`keys`' })
  .row('GET /kv/:key', '/v1/kv/app/?keys&separator=/', is(['app/on', 'app/sub/']), { part: '`separator`' })
  .row(
    'GET /kv/:key',
    '/v1/kv/app/on?raw',
    all(
      says(/^yes$/),
      header('x-content-type-options', /nosniff/),
      header('content-security-policy', /sandbox/),
    ),
    { part: '`raw`' },
  )
  .row(
    'GET /kv/:key',
    '/v1/kv/none',
    all(({ status: code, text }) => expect([code, text]).toEqual([404, '']), header('x-consul-index', /\d$/)),
    { part: 'a key that is not there' },
  )
  .row('PUT /kv/:key', '/v1/kv/w/a?flags=18446744073709551615', is(true), { part: '`flags`', body: 'v' })
  .row('GET /kv/:key', '/v1/kv/w/a', says(/"Flags":18446744073709551615\b/), { part: '64-bit `Flags`' })
  .row('PUT /kv/:key', '/v1/kv/w/a?cas=0', is(false), { part: '`cas=0` where the key is', body: 'v' })
  .row('PUT /kv/:key', '/v1/kv/w/a?cas=1', is(false), { part: '`cas`, stale', body: 'v' })
  .row(
    'PUT /kv/:key',
    '/v1/kv/w/lock?acquire=@taker',
    all(is(true), afterwards('/v1/kv/w/lock', says(/"LockIndex":1,.*"Session":"[0-9a-f-]{36}"/))),
    {
      part: '`acquire`',
      body: 'v',
      before: sessionAs('taker'),
    },
  )
  .row('PUT /kv/:key', '/v1/kv/w/lock?acquire=@session', is(false), {
    part: '`acquire` of what is taken',
    body: 'v',
  })
  .row('PUT /kv/:key', '/v1/kv/w/lock?release=@taker', is(true), { part: '`release`', body: 'v' })
  .row(
    'PUT /kv/:key',
    '/v1/kv/w/lock?acquire=00000000-0000-4000-8000-000000000000',
    fails(500, /invalid session/i),
    {
      part: '`acquire` with an unknown session',
      body: 'v',
    },
  )
  .row('PUT /kv/:key', '/v1/kv/w/a?cas=1&acquire=x', fails(400, /Conflicting flags/), {
    part: 'conflicting flags',
    body: 'v',
  })
  .row('DELETE /kv/:key', '/v1/kv/w/a', is(true), { before: put('w/a') })
  .row('DELETE /kv/:key', '/v1/kv/w/?recurse', is(true), { part: '`recurse`', before: put('w/b') })
  .row('DELETE /kv/:key', '/v1/kv/w/c?cas=1', is(false), { part: '`cas`, stale', before: put('w/c') })
  .row('PUT /session/create', '/v1/session/create', of(madeId), {
    body: { Name: 's', Node: 'outside', NodeChecks: [], LockDelay: '5s', TTL: '30s', Behavior: 'delete' },
  })
  .row('PUT /session/create', '/v1/session/create', of(madeId), { part: 'without a body' })
  .row('PUT /session/create', '/v1/session/create', of(madeId), {
    part: '`Checks` (legacy)',
    body: { Node: 'outside', Checks: [] },
  })
  .row('PUT /session/create', '/v1/session/create', of(madeId), {
    part: '`LockDelay` in nanoseconds',
    body: { Node: 'outside', NodeChecks: [], LockDelay: 5_000_000_000 },
  })
  .row('PUT /session/create', '/v1/session/create', status(500), {
    part: 'a `TTL` that is too short',
    body: { Node: 'outside', NodeChecks: [], TTL: '1s' },
  })
  .row('PUT /session/create', '/v1/session/create', status(500), {
    part: 'a check that is not passing',
    body: { Node: 'outside', NodeChecks: [], ServiceChecks: [{ ID: 'no-such-check' }] },
  })
  .row('GET /session/list', '/v1/session/list', of(sessionShape))
  .row('GET /session/node/:node', '/v1/session/node/outside', of(sessionShape))
  .row('GET /session/info/:id', '/v1/session/info/@session', all(of(sessionShape), counts(1)))
  .row('PUT /session/renew/:id', '/v1/session/renew/@session', all(of(sessionShape), counts(1)))
  .row('PUT /session/renew/:id', '/v1/session/renew/00000000-0000-4000-8000-000000000000', status(404), {
    part: 'an unknown id',
  })
  .row(
    'PUT /session/destroy/:id',
    '/v1/session/destroy/@gone',
    all(is(true), afterwards('/v1/session/info/@gone', is([]))),
    { before: sessionAs('gone') },
  )

const kv = (operation: Record<string, unknown>) => [{ KV: operation }]
const committed = of(z.looseObject({ Results: z.array(z.unknown()).nullable(), Errors: z.null() }))
const verbs: readonly (readonly [verb: string, operation: Record<string, unknown>])[] = [
  ['set', { Key: 't/a', Value: 'djE=', Flags: 1 }],
  ['cas', { Key: 't/new', Value: 'djE=', Index: 0 }],
  ['lock', { Key: 't/lock', Value: 'djE=', Session: '@session' }],
  ['unlock', { Key: 't/lock', Value: 'djE=', Session: '@session' }],
  ['get', { Key: 't/a' }],
  ['get-or-empty', { Key: 't/none' }],
  ['get-tree', { Key: 't/' }],
  ['check-not-exists', { Key: 't/none' }],
  ['delete', { Key: 't/a' }],
  ['delete-tree', { Key: 't/' }],
]
for (const [verb, operation] of verbs) {
  const body = kv({ Verb: verb, ...operation })
  section.rows.push({
    section: section.name,
    endpoint: 'PUT /txn',
    part: `KV verb \`${verb}\``,
    consul: committed,
    ask: (scene) =>
      scene.ask('PUT', '/v1/txn', {
        body: JSON.stringify(body).replace('@session', scene.made.get('session') ?? ''),
      }),
  })
}

section
  .row('PUT /txn', '/v1/txn', committed, {
    part: 'node verbs',
    body: [
      { Node: { Verb: 'set', Node: { Node: 'txn-node', Address: '192.0.2.5' } } },
      { Node: { Verb: 'get', Node: { Node: 'txn-node' } } },
    ],
  })
  .row('PUT /txn', '/v1/txn', committed, {
    part: 'service verbs',
    body: [{ Service: { Verb: 'set', Node: 'txn-node', Service: { ID: 's', Service: 's', Port: 1 } } }],
  })
  .row('PUT /txn', '/v1/txn', committed, {
    part: 'check verbs',
    body: [
      { Check: { Verb: 'set', Check: { Node: 'txn-node', CheckID: 'c', Name: 'c', Status: 'passing' } } },
    ],
  })
  .row('PUT /txn', '/v1/txn', fails(409, /key \\?"zz\\?" doesn't exist/), {
    part: '`get` of a missing key',
    body: kv({ Verb: 'get', Key: 'zz' }),
  })
  .row('PUT /txn', '/v1/txn', status(400, 413), {
    part: 'more than 64 operations',
    body: Array.from({ length: 200 }, (_, i) => ({ KV: { Verb: 'get-or-empty', Key: `k${i}` } })),
  })
  .row('PUT /event/fire/:name', '/v1/event/fire/deploy', of(event), { body: 'payload' })
  .row(
    'GET /event/list',
    '/v1/event/list?name=deploy',
    all(of(z.array(event).length(1)), header('x-consul-index', /\d+$/)),
  )
  .row('GET /query', '/v1/query', status(200))
  .row('POST /query', '/v1/query', of(madeId), { body: { Name: 'q', Service: { Service: 'web' } } })
  .row('GET /query/:id', '/v1/query/8f246b77-f3e1-ff88-5b48-8ec93abf3e05', status(200, 404))
  .row('GET /query/:id/execute', '/v1/query/q/execute', status(200))
  .row('GET /query/:id/explain', '/v1/query/q/explain', status(200))

blockingRows(section, reads)

export const storage = section
