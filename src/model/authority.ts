/**
 * The certificate authority's data: roots of the two trust planes, enrollments and enrolled hosts.
 * Signing and keys are elsewhere; here are only rows and rules without secrets in clear.
 */
export type TrustPlane = 'host' | 'service'

export interface CaRoot {
  /** Lower-case hex SHA-256 of the certificate's DER, colon separated. */
  readonly id: string
  readonly plane: TrustPlane
  readonly name: string
  readonly trustDomain: string
  readonly certificatePem: string
  readonly serialNumber: string
  /** Subject key id, hex with colons. */
  readonly signingKeyId: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly active: boolean
  /** When another root took its place: what it signed is valid for a while longer. Absent before. */
  readonly retiredAtMs?: number
  readonly privateKeyType: 'ec'
  readonly privateKeyBits: 256
  /** Private key sealed by the cluster key, base64: useless without a file that never enters the log. */
  readonly sealedKey: string
}

/** A root as everyone may see it. */
export type PublicCaRoot = Omit<CaRoot, 'sealedKey'>

/** Whom a token lets in; `datacenter`: another cluster, with which this one is federated then. */
export type EnrollmentRole = 'host' | 'server' | 'datacenter'

/** A single-use permission to join. The token's secret is known only to who holds the token. */
export interface Enrollment {
  /** Hex SHA-256 of the token's secret. */
  readonly tokenHash: string
  /** Node name that may use it; empty: any. */
  readonly node: string
  readonly services: readonly string[]
  readonly expiresAtMs: number
  readonly createdAtMs: number
  readonly createdBy: string
  /** Absent: a host. */
  readonly role?: EnrollmentRole
  /** Empty until used, then the node that used it. */
  readonly usedBy: string
  /** Of a server's token: the key that used it, base64 of the SubjectPublicKeyInfo DER. Of a datacenter's: its cluster id. */
  readonly usedByKey?: string
}

/** A host whose public key is registered: the key, not the certificate, is its identity. */
export interface Host {
  readonly node: string
  readonly nodeId: string
  /** Base64 of the SubjectPublicKeyInfo DER. */
  readonly publicKey: string
  readonly services: readonly string[]
  readonly enrolledAtMs: number
  readonly evicted: boolean
}

/** A key of a host that was shut out: leaves that were signed for it are refused for as long as any of them may live. */
export interface Eviction {
  /** Of the key; stands in the serial number of its leaves (wire/x509/host-tag.ts). */
  readonly hostTag: string
  readonly node: string
  readonly evictedAtMs: number
}

/** A key of the gossip pool of this datacenter. */
export interface GossipKey {
  /** Says which key it is, and nothing about it. */
  readonly id: string
  /** Sealed by the cluster key, base64. */
  readonly sealedKey: string
}

/**
 * The keys that enrolled hosts gossip with, the one in use first. A rotation adds the new one behind it, then puts it in
 * front, then leaves it alone, so that at each moment every member can read every other.
 */
export interface GossipKeyring {
  readonly keys: readonly GossipKey[]
  readonly stage: 'steady' | 'installing' | 'using'
  /** Log index of the newest eviction that the newest key was made after; a later one asks for another key. */
  readonly coversIndex: number
}

/** An operator credential; only the hash of its secret is cluster state. */
export interface Operator {
  readonly tokenHash: string
  readonly name: string
  readonly createdAtMs: number
}
