// reference/consul.md 1.1: what holds for every endpoint.
import { expect } from 'vitest'
import { all, fails, header, Section, says, status } from './checks.ts'

const catalog = '/v1/catalog/nodes'

export const rules = new Section('Rules of every endpoint')
  .row(
    'DELETE (any)',
    catalog,
    all(fails(405, /method DELETE not allowed/), header('allow', /OPTIONS,GET$/)),
    {
      part: 'a method that the path does not have',
    },
  )
  .row('HEAD (any)', catalog, all(status(405), header('allow', /OPTIONS,GET$/)), { part: '`HEAD`' })
  .row('OPTIONS (any)', catalog, all(status(200), header('allow', /OPTIONS,GET$/)), { part: '`OPTIONS`' })
  .row('GET (any)', '/v1/no/such/path', ({ status: code, text }) => expect([code, text]).toEqual([404, '']), {
    part: 'an unknown path',
  })
  .row('GET (any)', `${catalog}?pretty`, says(/^\[\n {4}\{\n {8}"/), { part: '`pretty`' })
  .row('GET (any)', `${catalog}?unknown=1`, status(200), { part: 'a parameter that nobody knows' })
  .row(
    'GET (any)',
    catalog,
    all(header('content-type', /application\/json/), header('vary', /Accept-Encoding/)),
    {
      part: 'content type',
    },
  )
  .row('GET (any)', '/v1/agent/self', header('content-encoding', /gzip$/), {
    part: 'gzip, when asked',
    options: { headers: { 'Accept-Encoding': 'gzip' } },
  })
  .row('PUT (any)', '/v1/kv/rules/token', says(/^true$/), {
    part: 'token in `X-Consul-Token`',
    body: 'x',
  })
  .row('PUT (any)', '/v1/kv/rules/token', says(/^true$/), {
    part: 'token in `Authorization: Bearer`',
    body: 'x',
    before: async (scene) => {
      const headers = { Authorization: `Bearer ${scene.operatorToken}` }
      await scene.must('PUT', '/v1/kv/rules/bearer', { body: 'x', token: '', headers })
    },
  })
  .row('PUT (any)', '/v1/kv/rules/token?token=wrong', fails(403, /Permission denied|ACL not found/), {
    part: '`token` goes before the header',
    body: 'x',
  })
  .row('PUT (any)', '/v1/agent/service/register', status(200), {
    part: 'keys of a body in any case and with underscores',
    body: { NAME: 'cased', tagged_addresses: { lan: { address: '192.0.2.1', port: 1 } }, port: 1 },
  })
  .row(
    'PUT (any)',
    '/v1/agent/service/register',
    fails(400, /Request decode failed.*unknown field "Colour"/),
    {
      part: 'an unknown key in a body',
      body: { Name: 'web2', Colour: 'red' },
    },
  )
  .row('PUT (any)', '/v1/agent/service/register', fails(400, /Request decode failed/), {
    part: 'a body that is no JSON',
    body: '{',
  })
  .row('PUT (any)', '/v1/kv/rules/large', fails(413, /too large/), {
    part: 'a body over the limit',
    body: 'x'.repeat(513 * 1024),
  })
  .row('GET (any)', '/v1/kv/app%2Fon?raw', says(/^yes$/), { part: 'names are decoded once' })
  .row('GET (any)', '/v1/catalog/nodes?ns=default', status(200), { part: '`ns=default`' })
  .row('GET (any)', '/v1/catalog/nodes?partition=default', status(200), { part: '`partition=default`' })
