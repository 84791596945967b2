/**
 * The catalogue of everything that can be refused or fail where a user can see it.
 * A code is stable: it stands in API bodies, logs, metrics and `mesh explain CODE`. An expected failure is returned as
 * a `Failure`; a broken invariant is an `assert` and ends the process.
 */
export interface CatalogueEntry {
  /** HTTP status the API answers with. */
  readonly status: number
  /** What happened, for `mesh explain`. */
  readonly what: string
  /** What an operator does about it. */
  readonly remedy: string
}

export const errorCatalogue = {
  'bad-request': {
    status: 400,
    what: 'The request could not be understood.',
    remedy: 'Correct the part that the message names.',
  },
  'invalid-filter': {
    status: 400,
    what: 'The expression in `?filter=` cannot be read, or names a field that the rows of this endpoint do not have.',
    remedy: 'Correct the place that the message names; docs/api.md shows the language and the fields.',
  },
  'no-prepared-queries': {
    status: 501,
    what: 'Prepared queries do not exist in this version.',
    remedy: 'Ask /v1/health/service/NAME with tag, passing, near and filter, or the DNS name of the service.',
  },
  'invalid-service': {
    status: 400,
    what: 'A service definition breaks a rule.',
    remedy:
      'Correct the field that the message names; `mesh validate FILE` checks a file without loading it.',
  },
  'invalid-config': {
    status: 400,
    what: 'A configuration file or config entry breaks a rule.',
    remedy: 'Correct the place that the message names (file:line:column) and reload.',
  },
  'not-found': {
    status: 404,
    what: 'The named thing does not exist.',
    remedy: 'List what there is first, for example with `mesh services` or `mesh catalog nodes`.',
  },
  'no-token': {
    status: 403,
    what: 'This call changes state or hands out a key, and came without a token.',
    remedy:
      'Send one in X-Consul-Token: an operator token for the whole mesh; for this host alone its local token, or use the agent’s unix socket.',
  },
  'bad-token': {
    status: 403,
    what: 'The token is not known, or is not allowed to do this.',
    remedy: 'Use an operator token for cluster-wide changes, the local token for this host’s services.',
  },
  'not-enrolled': {
    status: 403,
    what: 'The caller’s host certificate is missing, expired or unknown to this cluster.',
    remedy: 'Make a token with `mesh token create` and run `mesh enroll` on that host.',
  },
  'service-not-allowed': {
    status: 403,
    what: 'The host’s enrollment does not allow it to be this service.',
    remedy: 'Enroll the host with a token that names the service: `mesh token create -service NAME`.',
  },
  'service-not-registered': {
    status: 403,
    what: 'A leaf was asked for a service that is not registered on that host.',
    remedy: 'Register the service on the host first, then ask for its certificate.',
  },
  'token-unknown': {
    status: 403,
    what: 'The enrollment token was never issued by this cluster.',
    remedy: 'Make a new one with `mesh token create`.',
  },
  'token-used': {
    status: 403,
    what: 'The enrollment token was used already; each is good for one host.',
    remedy: 'Make a new one with `mesh token create`. If this host did not use it, evict the one that did.',
  },
  'token-expired': {
    status: 403,
    what: 'The enrollment token is past its expiry.',
    remedy: 'Make a new one with `mesh token create`, with a longer -ttl if needed.',
  },
  'node-name-taken': {
    status: 409,
    what: 'Another host is enrolled under this node name with another key.',
    remedy: 'Choose another node_name, or evict the old host first.',
  },
  'host-evicted': {
    status: 403,
    what: 'The host was evicted from the mesh.',
    remedy: 'Enroll it again with a new token if it should come back.',
  },
  'method-not-allowed': {
    status: 405,
    what: 'The path exists, but not with this HTTP method.',
    remedy: 'Use one of the methods in the Allow header.',
  },
  'unknown-datacenter': {
    status: 500,
    what: 'The request names a datacenter that this one is not federated with.',
    remedy: 'Leave `dc` away or use one that `GET /v1/catalog/datacenters` lists.',
  },
  'datacenter-unreachable': {
    status: 500,
    what: 'No server of the other datacenter answers.',
    remedy: 'Look at the link to it and at its servers; `mesh federation list` says what is known of them.',
  },
  'too-many-connections': {
    status: 429,
    what: 'One client address holds as many connections to the API as it may.',
    remedy: 'Close some, share them (keep-alive), or raise limits { http_max_conns_per_client }.',
  },
  'rate-limited': {
    status: 429,
    what: 'A server got more requests in a second than its configuration allows.',
    remedy: 'Wait and try again, send less, or raise limits { request_limits } on the servers.',
  },
  conflict: {
    status: 409,
    what: 'The thing changed since the caller read it.',
    remedy: 'Read it again and repeat the change.',
  },
  'unknown-session': {
    status: 500,
    what: 'The session does not exist, or not any more: it expired, was destroyed, or one of its checks failed.',
    remedy: 'Make a new one, for example with `mesh session create`, and take the lock with it.',
  },
  'invalid-session': {
    status: 500,
    what: 'A session cannot be made: its node or a check is missing or critical, or a setting is out of range.',
    remedy: 'Correct what the message names; `mesh session create -help` tells the settings.',
  },
  'no-leader': {
    status: 500,
    what: 'No server can accept writes now.',
    remedy: 'Check that a majority of the servers runs and reaches each other.',
  },
  'no-server': {
    status: 500,
    what: 'The agent reaches no server.',
    remedy: 'Check the server addresses in the configuration and the network between.',
  },
  'write-outcome-unknown': {
    status: 500,
    what: 'The server was lost before it said whether the write was done.',
    remedy: 'Read the thing back before repeating the write.',
  },
  overloaded: {
    status: 503,
    what: 'A bounded queue is full, so the request was refused at once.',
    remedy: 'Try again after a moment; if it persists, see the metric that the message names.',
  },
  'disk-full': {
    status: 503,
    what: 'The server cannot make writes durable because its disk is full; reads go on.',
    remedy: 'Free space under the data directory; writes are accepted again by themselves.',
  },
  'disk-failed': {
    status: 500,
    what: 'The disk refused to write or to sync, so nothing more can be promised and the server stops.',
    remedy: 'Check the disk and the kernel log, then start the server again or replace it.',
  },
  'too-large': {
    status: 413,
    what: 'The request is larger than its limit.',
    remedy: 'Send less; the message names the limit.',
  },
  'wrong-cluster': {
    status: 403,
    what: 'The peer belongs to another cluster, or its certificate is not from this cluster’s authority.',
    remedy: 'Compare `mesh ca` on both sides; enroll the host again if the cluster was rebuilt.',
  },
  'version-mismatch': {
    status: 400,
    what: 'The peer speaks no protocol version in common.',
    remedy: 'Upgrade the older side; neighbours one version apart always understand each other.',
  },
  'log-damaged': {
    status: 500,
    what: 'The server’s log is damaged before its last commit, so acknowledged writes would be lost by going on.',
    remedy: 'Let this server rejoin empty beside healthy ones, or restore a snapshot.',
  },
  'snapshot-damaged': {
    status: 400,
    what: 'The snapshot file is no snapshot of mesh-agent, is cut off, or was changed since it was written.',
    remedy: 'Check the file with `mesh snapshot inspect FILE`; take another one.',
  },
  'snapshot-foreign': {
    status: 409,
    what: 'The snapshot is of another cluster, or its authority’s keys are sealed by another cluster key.',
    remedy:
      'Restore it into a new cluster of one server, and give that cluster’s key with -cluster-key-file; see docs/operations.md, Snapshots.',
  },
  'quorum-at-risk': {
    status: 409,
    what: 'The change would leave the cluster without a majority of servers that are there.',
    remedy: 'Start the servers that are missing first, or remove those; see `mesh operator raft list-peers`.',
  },
  'feature-level': {
    status: 409,
    what: 'The cluster stands at a feature level that does not have this yet, because some server is older.',
    remedy: 'Upgrade the servers that `mesh operator autopilot state` shows with an older version.',
  },
  'format-too-new': {
    status: 500,
    what: 'The data directory was written by a newer version.',
    remedy: 'Install that version or a newer one.',
  },
  'needs-gossip': {
    status: 503,
    what: 'Events, members and keys of gossip are known only to a host that gossips, and this one does not, or not yet.',
    remedy:
      'Enroll the host, set `ports { serf_lan }` and free its port; the agent’s log says what is in the way.',
  },
  'join-failed': {
    status: 500,
    what: 'None of the addresses belongs to a host that takes part in the gossip of this mesh.',
    remedy: 'Check address and port, that TCP and UDP pass, and that both hosts have the same gossip key.',
  },
  'keys-incomplete': {
    status: 500,
    what: 'Not every member of the gossip pool did what was asked of its keyring.',
    remedy: 'Look at `mesh keyring -list`, mend the members that are named, and do the same step again.',
  },
  'unsupported-feature': {
    status: 400,
    what: 'The request names something that this version does not have.',
    remedy: 'See docs/compatibility.md for what is there.',
  },
  internal: {
    status: 500,
    what: 'Something failed that should not.',
    remedy: 'The log of the program that answered tells more; please report it.',
  },
} as const satisfies Readonly<Record<string, CatalogueEntry>>

export type ErrorCode = keyof typeof errorCatalogue

export interface Failure {
  readonly code: ErrorCode
  /** For people: what exactly, and what to write instead. Holds no secret. */
  readonly message: string
}

export type Result<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: Failure }

export const ok = <Value>(value: Value): Result<Value> => ({ ok: true, value })

export const failed = (
  code: ErrorCode,
  message: string,
): { readonly ok: false; readonly failure: Failure } => ({
  ok: false,
  failure: { code, message },
})

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCatalogue, text)
}

/** A `Failure` on its way through code that throws (handlers of libraries). */
export class MeshError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.name = 'MeshError'
    this.code = code
  }

  get failure(): Failure {
    return { code: this.code, message: this.message }
  }
}

/** The value, or a thrown `MeshError`. */
export function unwrap<Value>(result: Result<Value>): Value {
  if (result.ok) return result.value
  throw new MeshError(result.failure.code, result.failure.message)
}

/** A broken invariant. Stays on in production: going on with wrong state is worse than stopping. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new AssertionError(what)
}

export class AssertionError extends Error {
  constructor(what: string) {
    super(`broken invariant: ${what}`)
    this.name = 'AssertionError'
  }
}

/** For the `default` of a switch that names every case. */
export function unreachable(value: never): never {
  throw new AssertionError(`unexpected ${JSON.stringify(value)}`)
}
