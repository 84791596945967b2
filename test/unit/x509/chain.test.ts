import { randomBytes, sign } from 'node:crypto'
import { expect, test } from 'vitest'
import { type Issuer, keyIdentifier } from '../../../src/wire/x509/certificate.ts'
import { readCertificateFacts } from '../../../src/wire/x509/certificate-facts.ts'
import { createTrust, refusalOf, type Trust, verifyChain } from '../../../src/wire/x509/chain.ts'
import {
  contextTag,
  derBitString,
  derBoolean,
  derInteger,
  derNamedBits,
  derObjectId,
  derOctetString,
  derSequence,
  derTaggedText,
  derTime,
  derValue,
} from '../../../src/wire/x509/der.ts'
import { generateKey, publicKeyInfo } from '../../../src/wire/x509/keys.ts'
import { hourMs, makeLeaf, makeRoot, nowMs, type TestRoot } from './authority.ts'

const web = 'spiffe://one.consul/ns/default/dc/dc1/svc/web'
const one = makeRoot('one.consul')
const two = makeRoot('two.consul')

function trustOf(...roots: readonly TestRoot[]): Trust {
  const trust = createTrust(roots)
  if (!trust.ok) throw new Error(trust.failure.message)
  return trust.value
}

const judge = (chain: readonly Uint8Array[], trust: Trust, atMs = nowMs) =>
  verifyChain({ chain, trust, plane: 'service', nowMs: atMs })

test('a leaf that ends in a root of its own domain proves its identity and its key', () => {
  const leaf = makeLeaf(one.issuer, web)
  const outcome = judge([leaf.der], trustOf(one))
  expect(outcome).toMatchObject({
    kind: 'ok',
    uri: web,
    identity: { kind: 'service', trustDomain: 'one.consul', datacenter: 'dc1', service: 'web' },
  })
  expect(outcome.kind === 'ok' && Buffer.compare(outcome.publicKey, publicKeyInfo(leaf.key))).toBe(0)
})

test('a root speaks for its own domain only, even when both are trusted', () => {
  const stolen = makeLeaf(two.issuer, web)
  expect(judge([stolen.der], trustOf(one, two)).kind).toBe('untrusted')
  expect(judge([stolen.der, two.der], trustOf(one, two)).kind).toBe('untrusted')
})

test('a root sent along proves nothing', () => {
  const leaf = makeLeaf(two.issuer, 'spiffe://two.consul/ns/default/dc/dc1/svc/web')
  expect(judge([leaf.der, two.der], trustOf(one)).kind).toBe('untrusted')
})

test('another authority with the same name is not the same authority', () => {
  const twin = makeRoot('one.consul')
  expect(judge([makeLeaf(twin.issuer, web).der], trustOf(one)).kind).toBe('untrusted')
})

test('expiry and a clock that is behind are told apart, with the identity that was proven', () => {
  const leaf = makeLeaf(one.issuer, web)
  const trust = trustOf(one)
  expect(judge([leaf.der], trust, nowMs + 73 * hourMs)).toMatchObject({ kind: 'expired', uri: web })
  expect(judge([leaf.der], trust, nowMs - 2 * hourMs)).toMatchObject({ kind: 'not-yet-valid', uri: web })
  expect(judge([leaf.der], trust, nowMs + 72 * hourMs).kind).toBe('ok')
})

test('an expired leaf of another authority is untrusted, not expired', () => {
  const leaf = makeLeaf(makeRoot('one.consul').issuer, web)
  expect(judge([leaf.der], trustOf(one), nowMs + 73 * hourMs).kind).toBe('untrusted')
})

test('a certificate of the host plane is named as such on a service listener, and the other way round', () => {
  const hostRoot = makeRoot('host.one.consul')
  const host = makeLeaf(hostRoot.issuer, 'spiffe://host.one.consul/agent/client/dc/dc1/id/h1')
  const server = makeLeaf(hostRoot.issuer, 'spiffe://host.one.consul/agent/server/dc/dc1/id/s1')
  const trust = trustOf(one, hostRoot)
  for (const leaf of [host, server]) expect(judge([leaf.der], trust)).toMatchObject({ kind: 'wrong-plane' })
  const question = { trust, plane: 'host', nowMs } as const
  expect(verifyChain({ ...question, chain: [makeLeaf(one.issuer, web).der] }).kind).toBe('wrong-plane')
  expect(verifyChain({ ...question, chain: [host.der] })).toMatchObject({
    kind: 'ok',
    identity: { node: 'h1' },
  })
})

test('no chain, garbage, and a leaf without a SPIFFE name are refused', () => {
  const trust = trustOf(one)
  expect(judge([], trust).kind).toBe('no-certificate')
  expect(judge([randomBytes(300)], trust).kind).toBe('no-spiffe-uri')
  expect(judge([makeLeaf(one.issuer, 'https://one.consul/svc/web').der], trust).kind).toBe('no-spiffe-uri')
  expect(judge([makeLeaf(one.issuer, 'spiffe://one.consul/ns/other/dc/dc1/svc/web').der], trust).kind).toBe(
    'no-spiffe-uri',
  )
})

test('an authority’s own certificate is not a peer', () => {
  const root = makeRoot('one.consul/ns/default/dc/dc1/svc/web')
  expect(readCertificateFacts(root.der)?.uris).toEqual([web])
  expect(judge([root.der], trustOf({ ...root, trustDomain: 'one.consul' })).kind).toBe('no-spiffe-uri')
})

test('a flipped bit anywhere in the signed part makes a leaf worthless', () => {
  const leaf = makeLeaf(one.issuer, web)
  const trust = trustOf(one)
  for (let at = 4; at < leaf.der.length; at += 7) {
    const changed = Uint8Array.from(leaf.der)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(judge([changed], trust).kind).not.toBe('ok')
  }
})

test('every outcome but success has a reason code for the peer', () => {
  expect(refusalOf({ kind: 'wrong-plane', uri: web })).toBe('wrong-plane')
  expect(refusalOf({ kind: 'untrusted', uri: web })).toBe('untrusted-certificate')
  expect(refusalOf({ kind: 'no-certificate' })).toBe('no-certificate')
})

interface Custom {
  readonly issuer: Issuer
  readonly subject: Uint8Array
  readonly extensions: readonly Uint8Array[]
}

const extension = (id: string, critical: boolean, value: Uint8Array): Uint8Array =>
  derSequence(derObjectId(id), ...(critical ? [derBoolean(true)] : []), derOctetString(value))
const constraints = (pathLength?: number): Uint8Array =>
  extension(
    '2.5.29.19',
    true,
    derSequence(
      derBoolean(true),
      ...(pathLength === undefined ? [] : [derInteger(Uint8Array.of(pathLength))]),
    ),
  )
const usage = (...bits: readonly number[]): Uint8Array => extension('2.5.29.15', true, derNamedBits(bits))
const uriName = (uri: string): Uint8Array => derTaggedText(6, uri)
const names = (...items: readonly Uint8Array[]): Uint8Array =>
  extension('2.5.29.17', true, derSequence(...items))

/** A certificate with extensions that the product would never write. */
function custom(spec: Custom): { readonly der: Uint8Array; readonly issuer: Issuer } {
  const key = generateKey()
  const algorithm = derSequence(derObjectId('1.2.840.10045.4.3.2'))
  const tbs = derSequence(
    derValue(contextTag(0, 'constructed'), derInteger(Uint8Array.of(2))),
    derInteger(randomBytes(8)),
    algorithm,
    spec.issuer.subject,
    derSequence(derTime(nowMs - hourMs), derTime(nowMs + hourMs)),
    spec.subject,
    publicKeyInfo(key),
    derValue(contextTag(3, 'constructed'), derSequence(...spec.extensions)),
  )
  const der = derSequence(tbs, algorithm, derBitString(sign('sha256', tbs, spec.issuer.key)))
  const keyId = keyIdentifier(publicKeyInfo(key))
  return { der, issuer: { subject: spec.subject, keyId, key, notAfterMs: nowMs + hourMs } }
}

const subject = (name: string): Uint8Array =>
  derSequence(derValue(0x31, derSequence(derObjectId('2.5.4.3'), derValue(0x0c, Buffer.from(name)))))

test('intermediates count when they were sent along and may sign', () => {
  const extensions = [constraints(), usage(5)]
  const middle = custom({ issuer: one.issuer, subject: subject('middle'), extensions })
  const leaf = makeLeaf(middle.issuer, web, { notBeforeMs: nowMs - hourMs, notAfterMs: nowMs + hourMs })
  expect(judge([leaf.der, middle.der], trustOf(one)).kind).toBe('ok')
  expect(judge([leaf.der, two.der, middle.der, one.der], trustOf(one)).kind).toBe('ok')
  expect(judge([leaf.der], trustOf(one)).kind).toBe('untrusted')
})

test('a leaf cannot sign another leaf, and neither can an authority without the key usage for it', () => {
  const trust = trustOf(one)
  for (const extensions of [[usage(0)], [constraints(), usage(0)], [usage(5)]]) {
    const middle = custom({ issuer: one.issuer, subject: subject('middle'), extensions })
    const leaf = makeLeaf(middle.issuer, web, { notBeforeMs: nowMs, notAfterMs: nowMs + hourMs })
    expect(judge([leaf.der, middle.der], trust).kind).toBe('untrusted')
  }
})

test('the path length of an intermediate is honoured', () => {
  const upper = (length: number) =>
    custom({ issuer: one.issuer, subject: subject('upper'), extensions: [constraints(length), usage(5)] })
  for (const [length, kind] of [
    [0, 'untrusted'],
    [1, 'ok'],
  ] as const) {
    const first = upper(length)
    const second = custom({
      issuer: first.issuer,
      subject: subject('lower'),
      extensions: [constraints(), usage(5)],
    })
    const leaf = makeLeaf(second.issuer, web, { notBeforeMs: nowMs, notAfterMs: nowMs + hourMs })
    expect(judge([leaf.der, second.der, first.der], trustOf(one)).kind).toBe(kind)
  }
})

test('two SPIFFE names, a key usage without signatures, and an unknown critical extension are refused', () => {
  const spec = (extensions: readonly Uint8Array[]) =>
    judge([custom({ issuer: one.issuer, subject: derSequence(), extensions }).der], trustOf(one)).kind
  expect(spec([names(uriName(web))])).toBe('ok')
  expect(spec([names(uriName(web), uriName(`${web}2`))])).toBe('no-spiffe-uri')
  expect(spec([names(uriName(web)), usage(4)])).toBe('no-spiffe-uri')
  expect(spec([names(uriName(web)), extension('1.2.3.4.5', true, derSequence())])).toBe('no-spiffe-uri')
  expect(spec([names(uriName(web)), extension('1.2.3.4.5', false, derSequence())])).toBe('ok')
  expect(spec([names(uriName(web)), names(uriName(web))])).toBe('no-spiffe-uri')
  const serverOnly = extension('2.5.29.37', false, derSequence(derObjectId('1.3.6.1.5.5.7.3.1')))
  expect(spec([names(uriName(web)), serverOnly])).toBe('no-spiffe-uri')
})

test('a chain of more certificates than allowed is not followed', () => {
  const leaf = makeLeaf(one.issuer, web)
  expect(judge([leaf.der, ...new Array<Uint8Array>(6).fill(two.der)], trustOf(one)).kind).toBe('untrusted')
})

test('what is not an authority cannot become a root of trust', () => {
  const leaf = makeLeaf(one.issuer, web)
  expect(createTrust([{ trustDomain: 'one.consul', pem: leaf.pem }]).ok).toBe(false)
  expect(createTrust([{ trustDomain: 'one.consul', pem: 'nothing' }]).ok).toBe(false)
})
