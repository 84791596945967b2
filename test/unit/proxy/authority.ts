// A small certificate authority for tests of the data plane: one trust domain, leaves for anybody, also bad ones.
import { randomBytes } from 'node:crypto'
import { formatSpiffeId, type Identity } from '../../../src/model/identity.ts'
import type { LeafResource, RootsResource } from '../../../src/model/proxy-config.ts'
import { createLeaf, createRootCertificate, type Issuer } from '../../../src/wire/x509/certificate.ts'
import { readCertificateFacts } from '../../../src/wire/x509/certificate-facts.ts'
import { taggedSerial, tagSaltBytes } from '../../../src/wire/x509/host-tag.ts'
import { generateKey, privateKeyPem, publicKeyInfo } from '../../../src/wire/x509/keys.ts'
import { encodeCertificatePem } from '../../../src/wire/x509/pem.ts'

const hourMs = 3_600_000

export interface IssuedLeaf {
  readonly uri: string
  readonly certificatePem: string
  readonly privateKeyPem: string
  readonly notAfterMs: number
}

export class TestAuthority {
  readonly trustDomain: string
  readonly rootPem: string
  private readonly issuer: Issuer

  constructor(trustDomain = '11111111-2222-3333-4444-555555555555.consul') {
    this.trustDomain = trustDomain
    const key = generateKey()
    const nowMs = Date.now()
    const root = createRootCertificate({
      commonName: `test root of ${trustDomain}`,
      trustDomain,
      key,
      serial: randomBytes(16),
      notBeforeMs: nowMs - 24 * hourMs,
      notAfterMs: nowMs + 24 * hourMs,
    })
    this.rootPem = encodeCertificatePem(root.der)
    const facts = readCertificateFacts(root.der)
    if (facts?.subjectKeyId === undefined) throw new Error('the test root cannot be read')
    this.issuer = { subject: facts.subject, keyId: facts.subjectKeyId, key, notAfterMs: root.notAfterMs }
  }

  /** A certificate for any identity of this trust domain, valid from an hour ago for `lifeMs` from now. */
  issue(identity: Omit<Identity, 'trustDomain'>, lifeMs = hourMs): IssuedLeaf {
    return this.issueUri(formatSpiffeId({ ...identity, trustDomain: this.trustDomain } as Identity), lifeMs)
  }

  /** The same for any URI, also one that this authority has no right to. */
  issueUri(uri: string, lifeMs = hourMs, serial: Uint8Array = randomBytes(16)): IssuedLeaf {
    const key = generateKey()
    const leaf = createLeaf(this.issuer, {
      names: { uri, dnsNames: [], ipAddresses: [] },
      publicKey: publicKeyInfo(key),
      serial,
      notBeforeMs: Date.now() - hourMs,
      notAfterMs: Date.now() + lifeMs,
    })
    return {
      uri,
      certificatePem: encodeCertificatePem(leaf.der),
      privateKeyPem: privateKeyPem(key),
      notAfterMs: leaf.notAfterMs,
    }
  }

  service(service: string, lifeMs = hourMs): IssuedLeaf {
    return this.issue(
      { kind: 'service', datacenter: 'dc1', service } as Omit<Identity, 'trustDomain'>,
      lifeMs,
    )
  }

  host(node: string): IssuedLeaf {
    return this.issue({ kind: 'host', datacenter: 'dc1', node } as Omit<Identity, 'trustDomain'>)
  }

  leafResource(service: string, lifeMs = hourMs): LeafResource {
    return { kind: 'leaf', name: service, ...this.service(service, lifeMs) }
  }

  /** The leaf of a service as servers sign it for a host. */
  leafOfHost(service: string, hostTag: string): LeafResource {
    const identity = { kind: 'service', datacenter: 'dc1', service, trustDomain: this.trustDomain } as const
    const serial = taggedSerial(hostTag, randomBytes(tagSaltBytes))
    return { kind: 'leaf', name: service, ...this.issueUri(formatSpiffeId(identity), hourMs, serial) }
  }

  rootsResource(): RootsResource {
    return { kind: 'roots', name: this.trustDomain, pems: [this.rootPem] }
  }
}
