import { generateKeyPairSync, sign } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { derBitString, derObjectId, derSequence } from '../../../src/wire/x509/der.ts'
import { readDerConstructed } from '../../../src/wire/x509/der-reader.ts'
import { generateKey, publicKeyInfo } from '../../../src/wire/x509/keys.ts'
import { createCertificateRequest, readCertificateRequest } from '../../../src/wire/x509/request.ts'
import { openSsl } from './openssl.ts'

const ssl = openSsl()
afterAll(() => ssl.remove())

const code = (der: Uint8Array): string => {
  const read = readCertificateRequest(der)
  return read.ok ? 'ok' : read.failure.code
}

test('a request gives the key that signed it', () => {
  const key = generateKey()
  const read = readCertificateRequest(createCertificateRequest(key))
  expect(read.ok && Buffer.from(read.value).equals(Buffer.from(publicKeyInfo(key)))).toBe(true)
})

test('requests that openssl made are read, whatever names they ask for', () => {
  const key = ssl.file('a.key', generateKey().export({ type: 'pkcs8', format: 'pem' }))
  const names = ['-subj', '/CN=web', '-addext', 'subjectAltName=URI:spiffe://a/b']
  ssl.run('req', '-new', '-key', key, ...names, '-outform', 'der', '-out', 'a.csr')
  const der = Buffer.from(ssl.run('base64', '-in', 'a.csr'), 'base64')
  expect(der.length).toBeGreaterThan(200)
  expect(code(der)).toBe('ok')
})

test('a request for a key that did not sign it is refused', () => {
  const [info, algorithm] = readDerConstructed(createCertificateRequest(generateKey()), 0x30) ?? []
  if (info === undefined || algorithm === undefined) throw new Error('the request has no parts')
  const forged = derBitString(sign('sha256', info.whole, generateKey()))
  expect(code(derSequence(info.whole, algorithm.whole, forged))).toBe('bad-request')
})

test('other curves and other algorithms are refused', () => {
  for (const curve of ['P-384', 'secp256k1']) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: curve })
    expect(code(createCertificateRequest(privateKey))).toBe('bad-request')
  }
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  expect(code(createCertificateRequest(rsa))).toBe('bad-request')
  const key = generateKey()
  const [info] = readDerConstructed(createCertificateRequest(key), 0x30) ?? []
  const sha384 = derSequence(derObjectId('1.2.840.10045.4.3.3'))
  const signature = derBitString(sign('sha384', info?.whole ?? new Uint8Array(), key))
  expect(code(derSequence(info?.whole ?? new Uint8Array(), sha384, signature))).toBe('bad-request')
})

test('a point that is not on the curve is refused', () => {
  const der = createCertificateRequest(generateKey())
  const spki = Buffer.from(der).indexOf(Buffer.from('034200', 'hex')) + 3
  const changed = Uint8Array.from(der)
  changed.fill(7, spki + 1, spki + 65)
  expect(code(changed)).toBe('bad-request')
})

test('too many bytes are refused before they are read', () => {
  expect(code(new Uint8Array(8 * 1024 + 1))).toBe('too-large')
})

test('bytes after the request are refused', () => {
  const der = createCertificateRequest(generateKey())
  expect(code(Buffer.concat([der, Uint8Array.of(0)]))).toBe('bad-request')
})
