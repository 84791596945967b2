/**
 * The signing half of the authority: unseals the active root's key and signs leaves for hosts, servers and services.
 * Any server can do it, no log entry is written for it. Whether somebody may have a certificate was decided before:
 * hosts.ts and leaf-signing.ts.
 */
import type { CaRoot, TrustPlane } from '../../model/authority.ts'
import { assert, failed, ok, type Result } from '../../model/errors.ts'
import { formatSpiffeId, hostTrustDomain, serviceTrustDomain } from '../../model/identity.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Random } from '../../platform/ports.ts'
import {
  beginningOf,
  createLeaf,
  type IssuedCertificate,
  type Issuer,
  keyIdentifier,
  type LeafRequest,
} from '../../wire/x509/certificate.ts'
import { readCertificateFacts } from '../../wire/x509/certificate-facts.ts'
import { taggedSerial, tagSaltBytes } from '../../wire/x509/host-tag.ts'
import { publicKeyInfo } from '../../wire/x509/keys.ts'
import { decodeCertificatePems, encodeCertificatePem } from '../../wire/x509/pem.ts'
import type { StateView } from '../store/state.ts'
import { unsealKey } from './sealing.ts'

export interface AuthorityOptions {
  readonly clusterKey: Uint8Array
  readonly view: () => StateView
  readonly clock: Clock
  readonly random: Random
  readonly leafTtlMs: number
  /** Of hosts and servers; by default the usual one. */
  readonly hostTtlMs?: number
}

/** A signed certificate with what follows it in a chain. */
export interface SignedChain extends IssuedCertificate {
  /** Leaf first; a server's chain ends with its root, which a new host compares with its pin. */
  readonly chainPem: string
}

export interface ServerNames {
  readonly node: string
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
}

interface OpenIssuer {
  readonly rootId: string
  readonly rootPem: string
  readonly issuer: Issuer
}

export class Authority {
  readonly #options: AuthorityOptions
  /** Unsealed keys of active roots; another active root replaces them. */
  readonly #issuers = new Map<TrustPlane, OpenIssuer>()

  constructor(options: AuthorityOptions) {
    this.#options = options
  }

  /** `publicKey` is SubjectPublicKeyInfo DER from a verified request or from the registration. */
  signHost(node: string, publicKey: Uint8Array): Result<SignedChain> {
    const settings = this.#options.view().settings()
    if (settings === undefined) return noCluster
    const { clusterId, datacenter } = settings
    const uri = formatSpiffeId({ kind: 'host', trustDomain: hostTrustDomain(clusterId), datacenter, node })
    const names = { uri, dnsNames: [], ipAddresses: [] }
    return this.#sign('host', { names, publicKey, serial: this.#serial() }, this.#hostTtlMs)
  }

  /** For the RPC listener of this server. */
  signServer(names: ServerNames, publicKey: Uint8Array): Result<SignedChain> {
    const settings = this.#options.view().settings()
    if (settings === undefined) return noCluster
    const { clusterId, datacenter } = settings
    const trustDomain = hostTrustDomain(clusterId)
    const uri = formatSpiffeId({ kind: 'server', trustDomain, datacenter, node: names.node })
    const dnsNames = [`server.${datacenter}.mesh`, ...names.dnsNames]
    const alternative = { uri, dnsNames, ipAddresses: names.ipAddresses }
    const leaf = { names: alternative, publicKey, serial: this.#serial() }
    const signed = this.#sign('host', leaf, this.#hostTtlMs)
    if (!signed.ok) return signed
    const rootPem = this.#issuers.get('host')?.rootPem ?? ''
    return ok({ ...signed.value, chainPem: signed.value.chainPem + rootPem })
  }

  get #hostTtlMs(): number {
    return this.#options.hostTtlMs ?? limits.hostCertificateTtlMs
  }

  /** `hostTag` marks the leaf as one of that host (wire/x509/host-tag.ts). */
  signService(service: string, publicKey: Uint8Array, hostTag: string): Result<SignedChain> {
    const settings = this.#options.view().settings()
    if (settings === undefined) return noCluster
    const { clusterId, datacenter } = settings
    const trustDomain = serviceTrustDomain(clusterId)
    const uri = formatSpiffeId({ kind: 'service', trustDomain, datacenter, service })
    const names = { uri, dnsNames: [], ipAddresses: [] }
    const { leafTtlMs, random } = this.#options
    const serial = taggedSerial(hostTag, random.bytes(tagSaltBytes))
    return this.#sign('service', { names, publicKey, serial }, leafTtlMs)
  }

  #serial(): Uint8Array {
    return this.#options.random.bytes(16)
  }

  #sign(
    plane: TrustPlane,
    leaf: Pick<LeafRequest, 'names' | 'publicKey' | 'serial'>,
    ttlMs: number,
  ): Result<SignedChain> {
    const nowMs = this.#options.clock.wallMs()
    const open = this.#issuer(plane)
    if (!open.ok) return open
    const { issuer } = open.value
    if (issuer.notAfterMs <= nowMs)
      return failed('internal', `the active root of the ${plane} plane has expired; rotate it`)
    const signed = createLeaf(issuer, {
      ...leaf,
      notBeforeMs: beginningOf(nowMs, ttlMs),
      notAfterMs: nowMs + ttlMs,
    })
    return ok({ ...signed, chainPem: encodeCertificatePem(signed.der) })
  }

  #issuer(plane: TrustPlane): Result<OpenIssuer> {
    const root = this.#options
      .view()
      .roots(plane)
      .find((each) => each.active)
    if (root === undefined) return noCluster
    const open = this.#issuers.get(plane)
    if (open?.rootId === root.id) return ok(open)
    const opened = openIssuer(root, this.#options.clusterKey)
    if (opened.ok) this.#issuers.set(plane, opened.value)
    return opened
  }
}

const noCluster = failed('no-leader', 'this server is not part of a cluster yet')

function openIssuer(root: CaRoot, clusterKey: Uint8Array): Result<OpenIssuer> {
  const key = unsealKey(root.sealedKey, root.id, clusterKey)
  if (!key.ok) return key
  const [der] = decodeCertificatePems(root.certificatePem)
  const facts = der === undefined ? undefined : readCertificateFacts(der)
  assert(facts !== undefined, 'a root in the state is a certificate')
  const keyId = keyIdentifier(publicKeyInfo(key.value))
  const issuer = { subject: facts.subject, keyId, key: key.value, notAfterMs: root.notAfterMs }
  return ok({ rootId: root.id, rootPem: root.certificatePem, issuer })
}
