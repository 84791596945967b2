import { randomBytes } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { createLeaf } from '../../../src/wire/x509/certificate.ts'
import { readCertificateFacts } from '../../../src/wire/x509/certificate-facts.ts'
import { generateKey, publicKeyInfo } from '../../../src/wire/x509/keys.ts'
import { encodeCertificatePem } from '../../../src/wire/x509/pem.ts'
import { createCertificateRequest } from '../../../src/wire/x509/request.ts'
import { hourMs, makeLeaf, makeRoot } from './authority.ts'
import { openSsl } from './openssl.ts'
import { withPeculiar } from './peculiar.ts'

const ssl = openSsl()
afterAll(() => ssl.remove())

const uri = 'spiffe://td.consul/ns/default/dc/dc1/svc/web'
/** openssl verify uses the real clock. */
const realNow = Date.now()
const root = makeRoot('td.consul', 1_000 * hourMs, realNow)
const validity = { notBeforeMs: realNow - 60_000, notAfterMs: realNow + 72 * hourMs }

function leafWith(dnsNames: readonly string[], ipAddresses: readonly string[]): string {
  const names = { uri, dnsNames, ipAddresses }
  const publicKey = publicKeyInfo(generateKey())
  return encodeCertificatePem(
    createLeaf(root.issuer, { names, publicKey, serial: randomBytes(16), ...validity }).der,
  )
}

test('openssl accepts a leaf under its root by the strict rules of RFC 5280', () => {
  const ca = ssl.file('root.pem', root.pem)
  const leaf = ssl.file('leaf.pem', makeLeaf(root.issuer, uri, validity).pem)
  for (const purpose of ['sslserver', 'sslclient'])
    expect(ssl.run('verify', '-x509_strict', '-purpose', purpose, '-CAfile', ca, leaf)).toContain(': OK')
})

test('openssl refuses the same leaf under another root', () => {
  const other = ssl.file('other.pem', makeRoot('td.consul', 1_000 * hourMs, realNow).pem)
  const leaf = ssl.file('leaf2.pem', makeLeaf(root.issuer, uri, validity).pem)
  expect(ssl.run('verify', '-CAfile', other, leaf)).toContain('failed:')
})

test('a service leaf has the profile that Consul gives its leaves', () => {
  const path = ssl.file('profile.pem', makeLeaf(root.issuer, uri, validity).pem)
  const text = ssl.run('x509', '-in', path, '-noout', '-text')
  expect(text).toMatch(/Subject: *\n/)
  expect(text).toContain('Signature Algorithm: ecdsa-with-SHA256')
  expect(text).toContain('NIST CURVE: P-256')
  expect(text).toMatch(
    /Subject Alternative Name: critical\s+URI:spiffe:\/\/td\.consul\/ns\/default\/dc\/dc1\/svc\/web\n/,
  )
  expect(text).toMatch(
    /Key Usage: critical\s+Digital Signature, Key Encipherment, Data Encipherment, Key Agreement\n/,
  )
  expect(text).toMatch(/TLS Web Client Authentication, TLS Web Server Authentication/)
  expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/)
})

test('a server certificate carries its DNS name and addresses of both families', () => {
  const path = ssl.file(
    'server.pem',
    leafWith(['server.dc1.mesh'], ['10.1.2.3', '2001:db8::7', '::ffff:1.2.3.4']),
  )
  const text = ssl.run('x509', '-in', path, '-noout', '-ext', 'subjectAltName')
  expect(text).toContain(`URI:${uri}`)
  expect(text).toContain('DNS:server.dc1.mesh')
  expect(text).toContain('IP Address:10.1.2.3')
  expect(text).toContain('IP Address:2001:DB8:0:0:0:0:0:7')
  expect(text).toContain('IP Address:0:0:0:0:0:FFFF:102:304')
})

test('a root says that it may sign certificates and nothing else', () => {
  const path = ssl.file('root-profile.pem', root.pem)
  const text = ssl.run('x509', '-in', path, '-noout', '-text')
  expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE/)
  expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign\n/)
  expect(text).toContain('URI:spiffe://td.consul')
})

test('a leaf never outlives the root that signed it', () => {
  const short = makeRoot('td.consul', 2 * hourMs)
  const facts = readCertificateFacts(makeLeaf(short.issuer, uri).der)
  expect(facts?.notAfterMs).toBe(short.issuer.notAfterMs)
})

test('dates after 2049 are written in the form that RFC 5280 demands', () => {
  const year2049 = Date.UTC(2049, 5, 1)
  const old = makeRoot('td.consul', 400 * 24 * hourMs, year2049)
  const path = ssl.file('2050.pem', old.pem)
  expect(ssl.run('x509', '-in', path, '-noout', '-enddate')).toContain('2050 GMT')
  expect(ssl.run('asn1parse', '-in', path)).toMatch(/UTCTIME[\s\S]*GENERALIZEDTIME/)
  expect(readCertificateFacts(old.der)?.notAfterMs).toBe(old.issuer.notAfterMs)
})

test('serial numbers are positive, 16 bytes and not repeated', () => {
  const serials = Array.from(
    { length: 50 },
    () => readCertificateFacts(makeLeaf(root.issuer, uri).der)?.serial,
  )
  for (const serial of serials) {
    expect(serial?.length).toBe(16)
    expect(serial?.[0]).toBeLessThan(0x80)
  }
  expect(new Set(serials.map((serial) => Buffer.from(serial ?? []).toString('hex'))).size).toBe(50)
})

test('openssl verifies the signature of a request and finds no names in it', () => {
  const path = ssl.file('request.der', createCertificateRequest(generateKey()))
  const text = ssl.run('req', '-inform', 'der', '-in', path, '-verify', '-noout', '-text')
  expect(text).not.toContain('failed')
  expect(text).toMatch(/Subject: *\n/)
  expect(text).toContain('NIST CURVE: P-256')
})

test('a second X.509 library reads the same names and verifies the same signatures', async () => {
  await withPeculiar(async (x509) => {
    const ours = makeLeaf(root.issuer, uri, validity)
    const leaf = new x509.X509Certificate(ours.der)
    const ca = new x509.X509Certificate(root.der)
    expect(leaf.subject).toBe('')
    expect(leaf.issuer).toBe(ca.subject)
    expect(await leaf.verify({ publicKey: ca, date: new Date(realNow) })).toBe(true)
    expect(await ca.verify({ publicKey: leaf, signatureOnly: true })).toBe(false)
    expect(leaf.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON()).toEqual([
      { type: 'url', value: uri },
    ])
    const request = new x509.Pkcs10CertificateRequest(createCertificateRequest(ours.key))
    expect(await request.verify()).toBe(true)
  })
})
