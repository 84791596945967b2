/** Roots, intermediates and leaves for tests, made with the product's own writer from explicit parts. */

import type { KeyObject } from 'node:crypto'
import { randomBytes } from 'node:crypto'
import {
  createLeaf,
  createRootCertificate,
  type Issuer,
  keyIdentifier,
} from '../../../src/wire/x509/certificate.ts'
import { readCertificateFacts } from '../../../src/wire/x509/certificate-facts.ts'
import { generateKey, publicKeyInfo } from '../../../src/wire/x509/keys.ts'
import { encodeCertificatePem } from '../../../src/wire/x509/pem.ts'

export const nowMs = Date.UTC(2026, 10, 21, 12)
export const hourMs = 3_600_000

export interface TestRoot {
  readonly trustDomain: string
  readonly der: Uint8Array
  readonly pem: string
  readonly issuer: Issuer
}

export function makeRoot(trustDomain: string, lifeMs = 1_000 * hourMs, fromMs = nowMs): TestRoot {
  const key = generateKey()
  const root = createRootCertificate({
    commonName: `root of ${trustDomain}`,
    trustDomain,
    key,
    serial: randomBytes(16),
    notBeforeMs: fromMs - hourMs,
    notAfterMs: fromMs + lifeMs,
  })
  const facts = readCertificateFacts(root.der)
  if (facts === undefined) throw new Error('the root cannot be read back')
  const keyId = keyIdentifier(publicKeyInfo(key))
  return {
    trustDomain,
    der: root.der,
    pem: encodeCertificatePem(root.der),
    issuer: { subject: facts.subject, keyId, key, notAfterMs: root.notAfterMs },
  }
}

export interface TestLeaf {
  readonly der: Uint8Array
  readonly pem: string
  readonly key: KeyObject
}

export function makeLeaf(
  issuer: Issuer,
  uri: string,
  validity: { readonly notBeforeMs: number; readonly notAfterMs: number } = {
    notBeforeMs: nowMs - 60_000,
    notAfterMs: nowMs + 72 * hourMs,
  },
): TestLeaf {
  const key = generateKey()
  const names = { uri, dnsNames: [], ipAddresses: [] }
  const publicKey = publicKeyInfo(key)
  const leaf = createLeaf(issuer, { names, publicKey, serial: randomBytes(16), ...validity })
  return { der: leaf.der, pem: encodeCertificatePem(leaf.der), key }
}
