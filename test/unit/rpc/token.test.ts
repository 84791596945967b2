import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  enrollmentHash,
  formatEnrollmentToken,
  makeEnrollmentToken,
  parseEnrollmentToken,
} from '../../../src/rpc/enrollment-token.ts'

const pin = Array.from({ length: 32 }, () => 'ab').join(':')
const token = {
  servers: ['10.0.0.1:8300', '[2001:db8::1]:8300'],
  pin,
  secret: 'A'.repeat(43),
  node: 'h1',
  datacenter: 'dc1',
}

test('a token is one line that comes back as it was', () => {
  const text = formatEnrollmentToken(token)
  expect(text).toMatch(/^mesh1\.[A-Za-z0-9_-]+$/)
  expect(parseEnrollmentToken(` ${text}\n`)).toEqual({ ok: true, value: token })
})

test('a token made from what a server tells holds a secret whose hash is the one that is stored', () => {
  const secret = Uint8Array.from({ length: 32 }, (_, i) => i * 7)
  const join = { clusterId: 'c', datacenter: 'dc1', hostRootPin: pin, servers: ['10.0.0.1:8300'] }
  const parsed = parseEnrollmentToken(makeEnrollmentToken(join, secret))
  if (!parsed.ok) throw new Error(parsed.failure.message)
  expect(parsed.value).toMatchObject({ servers: join.servers, pin, node: '', datacenter: 'dc1' })
  expect(enrollmentHash(parsed.value.secret)).toBe(createHash('sha256').update(secret).digest('hex'))
})

test('a token that was damaged on its way is refused without a word of it', () => {
  const text = formatEnrollmentToken(token)
  for (const damaged of [
    '',
    'mesh1.',
    text.slice(0, -9),
    text.replace('mesh1', 'mesh2'),
    `${text.slice(0, 40)}${text}`,
  ]) {
    const parsed = parseEnrollmentToken(damaged)
    expect(parsed.ok).toBe(false)
    if (damaged.length > 10) expect(JSON.stringify(parsed)).not.toContain(damaged.slice(6, 30))
    expect(JSON.stringify(parsed)).not.toContain(token.secret)
  }
  for (const wrong of [{ pin: 'ab' }, { secret: 'short' }, { servers: [] }, { servers: ['a b'] }])
    expect(parseEnrollmentToken(formatEnrollmentToken({ ...token, ...wrong })).ok).toBe(false)
})
