// The key-value store over HTTP (reference/consul.md 1.8, Appendix A traps 6 and 7): the server's own store answers.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { startTestApi, type TestApi, until, withLocal } from './fixture.ts'
import { asOperator } from './seed.ts'

let api: TestApi
beforeEach(async () => {
  api = await startTestApi()
})
afterEach(() => api.close())

const put = (path: string, body = '') => api.ask('PUT', `/v1/kv/${path}`, { body, headers: asOperator })
const get = (path: string) => api.ask('GET', `/v1/kv/${path}`)
const remove = (path: string) => api.ask('DELETE', `/v1/kv/${path}`, { headers: asOperator })

test('a value comes back in base64, no value as null, and flags with all their digits', async () => {
  const written = await put('a?flags=18446744073709551615', 'grüße')
  expect([written.status, written.text]).toEqual([200, 'true'])
  await put('b?flags=003304740253564472344')
  const a = await get('a')
  expect(a.text).toBe(
    `[{"LockIndex":0,"Key":"a","Flags":18446744073709551615,"Value":"Z3LDvMOfZQ==","CreateIndex":11,"ModifyIndex":11}]`,
  )
  expect(a.headers['x-consul-index']).toBe('11')
  const b = await get('b')
  expect(b.text).toContain('"Flags":3304740253564472344,"Value":null')
})

test('raw gives the bytes alone, which no browser takes for a page', async () => {
  await put('page', '<script>alert(1)</script>')
  const reply = await get('page?raw')
  expect(reply.text).toBe('<script>alert(1)</script>')
  expect(reply.headers).toMatchObject({
    'content-type': 'text/plain',
    'x-content-type-options': 'nosniff',
    'content-security-policy': 'sandbox',
  })
})

test('a missing key is an empty 404 with an index that one can wait on', async () => {
  await put('other', 'x')
  for (const path of ['none', 'none?recurse', 'none?keys', 'none?raw']) {
    const reply = await get(path)
    expect([path, reply.status, reply.text]).toEqual([path, 404, ''])
    expect(Number(reply.headers['x-consul-index'])).toBeGreaterThanOrEqual(1)
  }
  const index = (await get('none')).headers['x-consul-index']
  const waiting = get(`none?index=${index}&wait=30s`)
  await until(() => api.cluster.kv.held === 1)
  await put('other', 'y')
  await put('none', 'here')
  const reply = await waiting
  expect([reply.status, reply.text.includes('aGVyZQ==')]).toEqual([200, true])
})

test('a deletion wakes who waits on the prefix', async () => {
  await put('dir/a', 'x')
  const index = Number((await get('dir/?recurse')).headers['x-consul-index'])
  const waiting = get(`dir/?recurse&index=${index}&wait=30s`)
  await until(() => api.cluster.kv.held === 1)
  expect((await remove('dir/a')).text).toBe('true')
  const reply = await waiting
  expect(reply.status).toBe(404)
  expect(Number(reply.headers['x-consul-index'])).toBeGreaterThan(index)
})

test('keys of an empty store are an empty list at the root, and names are decoded once', async () => {
  expect((await get('?keys')).text).toBe('[]')
  for (const name of ['a/b', 'a//c', 'sp%20ace', 'per%2525cent', 'sl%2Fash', '%C3%BC', 'end/', 'q%3Fm'])
    expect([name, (await put(name, 'x')).text]).toEqual([name, 'true'])
  expect((await get('?keys')).json).toEqual(
    ['a/b', 'a//c', 'sp ace', 'per%25cent', 'sl/ash', 'ü', 'end/', 'q?m'].sort(),
  )
  expect((await get('a/?keys')).json).toEqual(['a//c', 'a/b'])
  expect((await get('?keys&separator=/')).json).toEqual(
    ['a/', 'end/', 'per%25cent', 'q?m', 'sl/', 'sp ace', 'ü'].sort(),
  )
  expect((await get('sl/ash?raw')).text).toBe('x')
})

test('cas writes and deletes only what was not changed meanwhile', async () => {
  expect((await put('a?cas=0', '1')).text).toBe('true')
  expect((await put('a?cas=0', '2')).text).toBe('false')
  const [entry] = (await get('a')).json as { ModifyIndex: number }[]
  const index = entry?.ModifyIndex ?? 0
  expect((await put(`a?cas=${index}`, '2')).text).toBe('true')
  expect((await put(`a?cas=${index}`, '3')).text).toBe('false')
  expect((await remove(`a?cas=${index}`)).text).toBe('false')
  expect((await get('a?raw')).text).toBe('2')
  const [newer] = (await get('a')).json as { ModifyIndex: number }[]
  expect((await remove(`a?cas=${newer?.ModifyIndex}`)).text).toBe('true')
  expect((await get('a')).status).toBe(404)
})

test('a deletion says yes whether there was anything or not, and recurse takes all that begins so', async () => {
  for (const key of ['x/1', 'x/2', 'xy', 'z']) await put(key, key)
  expect((await remove('none')).text).toBe('true')
  expect((await remove('x?recurse')).text).toBe('true')
  expect((await remove('x?recurse')).text).toBe('true')
  expect((await get('?keys')).json).toEqual(['z'])
})

test('a value of 512 KiB is kept whole, one byte more is refused', async () => {
  const bytes = 'y'.repeat(limits.kvValueBytes)
  expect((await put('large', bytes)).text).toBe('true')
  expect((await get('large?raw')).text).toBe(bytes)
  const refused = await put('large', `${bytes}z`)
  expect([refused.status, refused.text.includes('too large')]).toEqual([413, true])
})

describe('what makes no sense is refused in words', () => {
  test.each([
    ['PUT', '', 400, 'Missing key name'],
    ['GET', '', 400, 'Missing key name'],
    ['DELETE', '', 400, 'Missing key name'],
    ['PUT', 'a?cas=1&acquire=s', 400, 'Conflicting flags: cas&acquire'],
    ['DELETE', 'a?cas=1&recurse', 400, 'Conflicting flags: recurse&cas'],
    ['PUT', 'a?flags=18446744073709551616', 400, 'Invalid flags'],
    ['PUT', 'a?flags=-1', 400, 'Invalid flags'],
    ['PUT', 'a?cas=soon', 400, 'Invalid cas'],
    ['PUT', 'a?cas=', 400, 'Invalid cas'],
    ['PUT', 'a%00b', 400, 'U+0000'],
    ['PUT', 'a?acquire=5b1d5bd6', 500, 'invalid session "5b1d5bd6"'],
    ['PUT', 'a?release=5b1d5bd6', 500, 'invalid session "5b1d5bd6"'],
    ['PUT', 'k'.repeat(limits.kvKeyChars + 1), 413, 'longer than'],
  ])('%s %s', async (method, path, status, text) => {
    const reply = await api.ask(method, `/v1/kv/${path}`, { headers: asOperator })
    expect([reply.status, reply.text]).toEqual([status, expect.stringContaining(text)])
    expect((await get('?keys')).text).toBe('[]')
  })

  test('a write without an operator token', async () => {
    expect((await api.ask('PUT', '/v1/kv/a', { body: 'x', ...withLocal })).status).toBe(403)
    expect((await api.ask('DELETE', '/v1/kv/a', { ...withLocal })).status).toBe(403)
    expect((await get('?keys')).text).toBe('[]')
  })
})
