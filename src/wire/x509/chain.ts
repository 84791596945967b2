/**
 * Decides whether a presented certificate chain proves an identity. Trust is a map from trust domain to roots, and
 * the chain must end in a root of the URI's own domain: an authority can speak for its own domain only (SPIFFE
 * X509-SVID, section 5). Used by servers, agents and proxies alike, so that they cannot disagree; knows no intentions
 * and no registrations.
 */
import { type KeyObject, X509Certificate } from 'node:crypto'
import type { TrustPlane } from '../../model/authority.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { type Identity, parseSpiffeId } from '../../model/identity.ts'
import { limits } from '../../model/limits.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import {
  type CertificateFacts,
  mayBePeer,
  maySignCertificates,
  readCertificateFacts,
} from './certificate-facts.ts'
import { hostTagIn } from './host-tag.ts'
import { decodeCertificatePems } from './pem.ts'

interface Link {
  readonly certificate: X509Certificate
  readonly facts: CertificateFacts
}

interface TrustedRoot extends Link {
  readonly publicKey: KeyObject
  /** SHA-256 of the certificate, as text. */
  readonly fingerprint: string
}

/** Roots by trust domain, parsed once. Immutable: a change of roots makes a new one. */
export interface Trust {
  readonly domains: ReadonlyMap<string, readonly TrustedRoot[]>
  /** Tags of hosts that were shut out (host-tag.ts): no leaf of theirs proves anything. Absent: none. */
  readonly evicted?: ReadonlySet<string>
}

/** What is known of a peer whose chain ends in a root of its own domain. */
export interface ProvenPeer {
  readonly identity: Identity
  /** The URI as certified. */
  readonly uri: string
  /** SubjectPublicKeyInfo DER of the leaf. */
  readonly publicKey: Uint8Array
  /** When the first certificate of the path ends, and when the last one begins. */
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** The root that the path ends in: SHA-256 of its certificate, as text. */
  readonly root: string
  /** Of the host that the leaf was signed for; undefined where it says nothing of a host. */
  readonly hostTag: string | undefined
}

export type ChainOutcome =
  | ({ readonly kind: 'ok' } & ProvenPeer)
  /** Proven but for the time: what the renewal of a host certificate may accept. */
  | ({ readonly kind: 'expired' } & ProvenPeer)
  | ({ readonly kind: 'not-yet-valid' } & ProvenPeer)
  | { readonly kind: 'no-certificate' }
  /** Unreadable, not fit to be a peer, or not exactly one URI of a known SPIFFE form. */
  | { readonly kind: 'no-spiffe-uri' }
  /** A certificate of the other plane, by its own words: refused before its chain is looked at. */
  | { readonly kind: 'wrong-plane'; readonly uri: string }
  | { readonly kind: 'untrusted'; readonly uri: string }
  /** Signed by the authority, for a host that was shut out since. */
  | { readonly kind: 'evicted'; readonly uri: string }

export interface ChainQuestion {
  /** DER, leaf first; roots may be among them and prove nothing. */
  readonly chain: readonly Uint8Array[]
  readonly trust: Trust
  /** The plane that is served here. */
  readonly plane: TrustPlane
  readonly nowMs: number
}

/** Each entry may hold several certificates, and several entries may name one domain. `evicted`: tags of hosts. */
export function createTrust(
  entries: Iterable<{ readonly trustDomain: string; readonly pem: string }>,
  evicted: readonly string[] = [],
): Result<Trust> {
  const domains = new Map<string, readonly TrustedRoot[]>()
  for (const { trustDomain, pem } of entries) {
    const ders = decodeCertificatePems(pem)
    const roots = ders.map(readTrustedRoot)
    const readable = roots.filter((root) => root !== undefined)
    if (ders.length === 0 || readable.length < ders.length)
      return failed(
        'invalid-config',
        `a root of trust domain "${trustDomain}" is not an authority's certificate`,
      )
    domains.set(trustDomain, [...(domains.get(trustDomain) ?? []), ...readable])
  }
  return ok({ domains, evicted: new Set(evicted) })
}

function readTrustedRoot(der: Uint8Array): TrustedRoot | undefined {
  const link = readLink(der)
  if (link === undefined || !maySign(link)) return undefined
  const publicKey = publicKeyOf(link)
  if (publicKey === undefined) return undefined
  return { ...link, publicKey, fingerprint: link.certificate.fingerprint256 }
}

/** By our reading and by OpenSSL's: an authority is one only where both agree. */
const maySign = (link: Link): boolean => maySignCertificates(link.facts) && link.certificate.ca

function readLink(der: Uint8Array): Link | undefined {
  const facts = readCertificateFacts(der)
  if (facts === undefined) return undefined
  try {
    return { facts, certificate: new X509Certificate(der) }
  } catch {
    return undefined
  }
}

/** OpenSSL parses a certificate without looking at its key, and throws when asked for one that is none. */
function publicKeyOf(link: Link): KeyObject | undefined {
  try {
    return link.certificate.publicKey
  } catch {
    return undefined
  }
}

/** Costs one signature check per link of the path; callers keep the outcome as long as the connection lives. */
export function verifyChain(question: ChainQuestion): ChainOutcome {
  const { chain, trust, plane, nowMs } = question
  const [leafDer, ...othersDer] = chain
  if (leafDer === undefined) return { kind: 'no-certificate' }
  const leaf = readLink(leafDer)
  const uri = leaf?.facts.uris.length === 1 ? leaf.facts.uris[0] : undefined
  if (leaf === undefined || uri === undefined || !mayBePeer(leaf.facts)) return { kind: 'no-spiffe-uri' }
  const identity = parseSpiffeId(uri)
  if (identity === undefined) return { kind: 'no-spiffe-uri' }
  if ((identity.kind === 'service') !== (plane === 'service')) return { kind: 'wrong-plane', uri }
  if (chain.length > limits.certificateChainLength) return { kind: 'untrusted', uri }
  const found = findPath(leaf, othersDer, trust.domains.get(identity.trustDomain) ?? [])
  if (found === undefined) return { kind: 'untrusted', uri }
  const hostTag = hostTagIn(leaf.facts)
  if (isEvicted(trust, hostTag)) return { kind: 'evicted', uri }
  const path = [...found.path, found.root]
  const notBeforeMs = Math.max(...path.map((link) => link.facts.notBeforeMs))
  const notAfterMs = Math.min(...path.map((link) => link.facts.notAfterMs))
  const proven = {
    identity,
    uri,
    publicKey: leaf.facts.publicKey,
    notBeforeMs,
    notAfterMs,
    root: found.root.fingerprint,
    hostTag,
  }
  if (nowMs > notAfterMs) return { kind: 'expired', ...proven }
  if (nowMs < notBeforeMs) return { kind: 'not-yet-valid', ...proven }
  return { kind: 'ok', ...proven }
}

/** Whether a root that ended a path once is still one of its trust domain. Costs no signature check. */
export function trustsRoot(trust: Trust, trustDomain: string, root: string): boolean {
  return (trust.domains.get(trustDomain) ?? []).some(({ fingerprint }) => fingerprint === root)
}

/** Whether the host with this tag was shut out. */
export function isEvicted({ evicted }: Trust, hostTag: string | undefined): boolean {
  return hostTag !== undefined && evicted?.has(hostTag) === true
}

/**
 * Leaf and intermediates, and their root, each signed by the next; roots are tried first, so that cross-signed ones end early.
 */
function findPath(
  leaf: Link,
  othersDer: readonly Uint8Array[],
  roots: readonly TrustedRoot[],
): { readonly path: readonly Link[]; readonly root: TrustedRoot } | undefined {
  if (roots.length === 0) return undefined
  const path: Link[] = [leaf]
  let others: readonly Link[] | undefined
  let last = leaf
  for (let below = 0; below < limits.certificateChainLength; below += 1) {
    const root = roots.find((each) => issues(each, each.publicKey, last, below))
    if (root !== undefined) return { path, root }
    others ??= othersDer.map(readLink).filter((link) => link !== undefined)
    const next = others.find((each) => !path.includes(each) && issues(each, publicKeyOf(each), last, below))
    if (next === undefined) return undefined
    path.push(next)
    last = next
  }
  return undefined
}

/** `below`: intermediates between the issuer and the leaf, which the path length bounds (RFC 5280 section 4.2.1.9). */
function issues(issuer: Link, issuerKey: KeyObject | undefined, subject: Link, below: number): boolean {
  const { pathLength } = issuer.facts
  if (issuerKey === undefined || !maySign(issuer)) return false
  if (pathLength !== undefined && below > pathLength) return false
  return subject.certificate.checkIssued(issuer.certificate) && subject.certificate.verify(issuerKey)
}

/** The reason that a proxy gives for a chain it does not accept. */
export function refusalOf(outcome: Exclude<ChainOutcome, { readonly kind: 'ok' }>): RefusalCode {
  switch (outcome.kind) {
    case 'no-certificate':
      return 'no-certificate'
    case 'no-spiffe-uri':
    case 'untrusted':
      return 'untrusted-certificate'
    case 'wrong-plane':
      return 'wrong-plane'
    case 'evicted':
      return 'host-evicted'
    case 'expired':
    case 'not-yet-valid':
      return 'expired-certificate'
  }
}
