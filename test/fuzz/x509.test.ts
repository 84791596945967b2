// Hostile certificates, requests and RPC messages: 20,000 mutations of good ones from a fixed seed. Nothing may
// throw, nothing forged may be believed, and what our reader accepts it must read as OpenSSL does.
import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Result } from '../../src/model/errors.ts'
import {
  enrollRequestCodec,
  hostCertificateCodec,
  leafCertificateCodec,
  readAnswerCodec,
  readRequestCodec,
  renewHostRequestCodec,
  signLeafRequestCodec,
  writeAnswerCodec,
  writeRequestCodec,
} from '../../src/rpc/call-codec.ts'
import { parseEnrollmentToken } from '../../src/rpc/enrollment-token.ts'
import {
  decodeAgentFrame,
  decodeServerFrame,
  encodeAgentFrame,
  encodeServerFrame,
} from '../../src/rpc/frame-codec.ts'
import { readCertificateFacts } from '../../src/wire/x509/certificate-facts.ts'
import { createTrust, verifyChain } from '../../src/wire/x509/chain.ts'
import { generateKey, publicKeyInfo } from '../../src/wire/x509/keys.ts'
import { encodeCertificatePem } from '../../src/wire/x509/pem.ts'
import { createCertificateRequest, readCertificateRequest } from '../../src/wire/x509/request.ts'
import { SeededRandom } from '../simulation/random.ts'
import { serviceNamed, sidecarOf } from '../unit/ca/fake-state.ts'
import { makeLeaf, makeRoot, nowMs } from '../unit/x509/authority.ts'

const seed = 20_261_121
const rounds = 4_000

/** One to three small changes of the kinds that break readers: bits, lengths, cuts, repeats, foreign bytes. */
function mutate(original: Uint8Array, random: SeededRandom): Uint8Array {
  let bytes = Uint8Array.from(original)
  const pick = (limit: number): number => Math.floor(random.fraction() * limit)
  for (let left = 1 + pick(3); left > 0; left -= 1) {
    const at = pick(bytes.length)
    switch (pick(6)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8))
        break
      case 1:
        bytes[at] = [0x00, 0x7f, 0x80, 0x81, 0x84, 0xff][pick(6)] ?? 0
        break
      case 2:
        bytes = bytes.slice(0, at)
        break
      case 3:
        bytes = Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(at + 1 + pick(8))])
        break
      case 4:
        bytes = Uint8Array.from([...bytes.slice(0, at), pick(256), ...bytes.slice(at)])
        break
      default: {
        const from = pick(bytes.length)
        bytes = Uint8Array.from([
          ...bytes.slice(0, at),
          ...bytes.slice(from, from + pick(40)),
          ...bytes.slice(at),
        ])
      }
    }
  }
  return bytes
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

test('mutated certificates prove nothing, and what we read of them is what OpenSSL reads', () => {
  const random = new SeededRandom(seed)
  const root = makeRoot('one.consul')
  const leaf = makeLeaf(root.issuer, 'spiffe://one.consul/ns/default/dc/dc1/svc/web')
  const trust = createTrust([root])
  const other = makeRoot('one.consul')
  const trustInOther = createTrust([other])
  if (!trust.ok || !trustInOther.ok) throw new Error('roots are roots')
  let read = 0
  for (let round = 0; round < rounds; round += 1) {
    const der = mutate(round % 2 === 0 ? leaf.der : root.der, random)
    if (isSame(der, leaf.der) || isSame(der, root.der)) continue
    const outcome = verifyChain({ chain: [der, root.der], trust: trust.value, plane: 'service', nowMs })
    // Bits after the signed part may change without effect on what is proven; identities may not.
    if (outcome.kind === 'ok') expect(outcome.uri).toBe('spiffe://one.consul/ns/default/dc/dc1/svc/web')
    const stray = [leaf.der, der, ...(round % 3 === 0 ? [other.der] : [])]
    expect(verifyChain({ chain: stray, trust: trustInOther.value, plane: 'service', nowMs }).kind).not.toBe(
      'ok',
    )
    const facts = readCertificateFacts(der)
    if (facts === undefined) continue
    const reading = openSslReading(der)
    if (reading === undefined) continue
    read += 1
    expect(facts.notBeforeMs, `round ${round}`).toBe(reading.validFromDate.getTime())
    expect(facts.notAfterMs, `round ${round}`).toBe(reading.validToDate.getTime())
    if (!reading.subjectAltName?.includes('"') && facts.uris.length > 0)
      expect(reading.subjectAltName, `round ${round}`).toContain(
        facts.uris.map((uri) => `URI:${uri}`).join(', '),
      )
    const asRoot = createTrust([{ trustDomain: 'one.consul', pem: encodeCertificatePem(der) }])
    if (asRoot.ok) expect(reading.ca, `round ${round}`).toBe(true)
  }
  expect(read).toBeGreaterThan(rounds / 20)
})

function openSslReading(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der)
  } catch {
    return undefined
  }
}

test('mutated requests are refused unless they still prove the same key', () => {
  const random = new SeededRandom(seed + 1)
  const key = generateKey()
  const original = createCertificateRequest(key)
  for (let round = 0; round < rounds; round += 1) {
    const result = readCertificateRequest(mutate(original, random))
    if (result.ok) expect(isSame(result.value, publicKeyInfo(key))).toBe(true)
  }
})

test('random bytes are neither certificate nor request', () => {
  const random = new SeededRandom(seed + 2)
  for (let round = 0; round < rounds; round += 1) {
    const bytes = Uint8Array.from({ length: Math.floor(random.fraction() * 200) }, () => random.next() & 0xff)
    if (bytes.length > 0) bytes[0] = 0x30
    expect(readCertificateFacts(bytes)).toBeUndefined()
    expect(readCertificateRequest(bytes).ok).toBe(false)
  }
})

const csr = createCertificateRequest(generateKey())
const meta = { index: 3, knownLeader: true, lastContactMs: 0, effective: 'leader' } as const
const options = { consistency: 'default', minIndex: 0, waitMs: 0 } as const
const subject = { topic: 'intentions', key: 'backend' } as const
const rules = [{ sourceName: 'web', destinationName: 'backend', action: 'allow' }] as const
const services = [serviceNamed('web'), sidecarOf('web')]

const messages: readonly (readonly [Uint8Array, (bytes: Uint8Array) => Result<unknown>])[] = [
  [
    enrollRequestCodec.encode({ secret: 's'.repeat(43), node: 'h1', nodeId: 'n', csr }),
    enrollRequestCodec.decode,
  ],
  [renewHostRequestCodec.encode({ csr }), renewHostRequestCodec.decode],
  [signLeafRequestCodec.encode({ service: 'web', csr }), signLeafRequestCodec.decode],
  [
    writeRequestCodec.encode({
      token: 't',
      command: { type: 'catalog.register', node: 'h1', services, checks: [] },
    }),
    writeRequestCodec.decode,
  ],
  [
    readRequestCodec.encode({ name: 'catalog.node', args: { node: 'h1' }, options, token: '' }),
    readRequestCodec.decode,
  ],
  [readAnswerCodec.encode({ meta, answer: ['a'] }), readAnswerCodec.decode],
  [
    writeAnswerCodec.encode({ ok: true, index: 4, value: { kind: 'intention', id: 'i' } }),
    writeAnswerCodec.decode,
  ],
  [
    leafCertificateCodec.encode({ certificatePem: 'p', serialNumber: 's', notBeforeMs: 1, notAfterMs: 2 }),
    leafCertificateCodec.decode,
  ],
  [
    hostCertificateCodec.encode({
      certificatePem: 'p',
      clusterId: 'c',
      datacenter: 'd',
      hostRoots: [],
      serviceRoots: [],
      services: ['web'],
    }),
    hostCertificateCodec.decode,
  ],
  [encodeAgentFrame({ kind: 'subscribe', subject, cursor: 7 }), decodeAgentFrame],
  [
    encodeAgentFrame({ kind: 'hello', node: 'h1', nodeId: 'i', version: '1', minVersion: 1, maxVersion: 1 }),
    decodeAgentFrame,
  ],
  [
    encodeServerFrame({
      kind: 'event',
      subject,
      index: 5,
      bodies: [{ topic: 'intentions', defaultAction: 'deny', rules }],
    }),
    decodeServerFrame,
  ],
]

test('mutated messages are decoded or refused, never thrown', () => {
  const random = new SeededRandom(seed + 3)
  let refused = 0
  for (let round = 0; round < rounds * 2; round += 1) {
    const [bytes, decode] = messages[round % messages.length] ?? [new Uint8Array(), decodeAgentFrame]
    const result = decode(mutate(bytes, random))
    if (!result.ok) refused += 1
    // What was let through can be written again: no value is left that a later step would choke on.
    else expect(() => JSON.stringify(result.value).isWellFormed()).not.toThrow()
  }
  expect(refused).toBeGreaterThan(rounds / 2)
})

test('groups nested without end, and lengths that lie, do no harm', () => {
  const nested = new Uint8Array(1_000_000).fill(0x0b)
  const lying = Uint8Array.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])
  for (const [, decode] of messages)
    for (const bytes of [nested, lying]) expect(decode(bytes)).toHaveProperty('ok')
  expect(decodeAgentFrame(nested).ok).toBe(false)
  expect(decodeAgentFrame(lying).ok).toBe(false)
})

test('mutated enrollment tokens are refused or still whole', () => {
  const random = new SeededRandom(seed + 4)
  const body = { servers: ['a:1'], pin: 'x', secret: 's', node: '', datacenter: 'dc1' }
  const text = `mesh1.${Buffer.from(JSON.stringify(body)).toString('base64url')}`
  for (let round = 0; round < rounds / 4; round += 1)
    expect(parseEnrollmentToken(Buffer.from(mutate(Buffer.from(text), random)).toString('latin1')).ok).toBe(
      false,
    )
})
