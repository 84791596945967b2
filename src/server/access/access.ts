/**
 * Finds out who calls: from the certificates of the connection and the token of the call to a principal. What a
 * principal may do is model/access.ts. A host is its registered key, not its certificate: an evicted or replaced host
 * is refused with a certificate that is still valid, and renews with one that is not. A server is the key that the log's
 * configuration records for it.
 */
import { createHash } from 'node:crypto'
import { anonymous, type Principal } from '../../model/access.ts'
import type { Host } from '../../model/authority.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { TokenBucket } from '../../model/token-bucket.ts'
import type { Clock, Log, Metrics } from '../../platform/ports.ts'
import type { Peer } from '../../rpc/contract.ts'
import { type ChainOutcome, type Trust, verifyChain } from '../../wire/x509/chain.ts'
import type { StateView } from '../store/state.ts'
import { FederatedPeers } from './federated-peers.ts'
import { PlaneTrust } from './plane-trust.ts'

export interface AccessOptions {
  readonly view: () => StateView
  /** Whether the peer shows the key of a server that is in the cluster now. */
  readonly isServer: (peer: Peer) => boolean
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

export interface Access {
  /**
   * Who calls. A token outranks the connection; without one the certificate counts. Fails for a caller that proves
   * nothing: only enrollment is open to everybody, and it asks nobody.
   */
  identify(peer: Peer, token: string): Result<Principal>
  /** The host of this connection by its registered key, also when its certificate has expired: for renewal only. */
  registeredHost(peer: Peer): Result<Host>
  /** The datacenter whose server the peer is, where that is another one; undefined for everybody else. */
  federatedOf(peer: Peer): string | undefined
  /**
   * Whether the certificates prove a server or a host of this cluster that may do more than enroll. A host that this server
   * does not know yet is one as well: another server enrolled it a moment ago, and each call asks again.
   */
  isMember(peer: Peer): boolean
  /** For one call: passes results on and sees to it that each refusal is logged and counted. */
  refusals(call: string, peer: Peer): <R extends Result<unknown>>(result: R) => R
}

/** A flood of refusals must not fill the disk: so many are logged per second; all are counted. */
const refusalsLoggedPerSecond = 10

type Proven = Extract<ChainOutcome, { readonly kind: 'ok' | 'expired' | 'not-yet-valid' }>

export function createAccess(options: AccessOptions): Access {
  const chains = new ChainCache(options)
  const federated = new FederatedPeers(options)
  const bucket = new TokenBucket(refusalsLoggedPerSecond, refusalsLoggedPerSecond * 5)
  return {
    identify: (peer, token) => {
      if (token !== '') return operatorOf(token, options.view())
      // The socket's permissions let its caller read; changing the cluster takes a token also here.
      if (peer.address === 'local') return ok(anonymous)
      const outcome = chains.outcome(peer)
      // Of its own it may do what anybody may; what it says for others, it says beside (federation/federation.ts).
      if (outcome.kind === 'untrusted' && federated.datacenterOf(peer) !== undefined) return ok(anonymous)
      if (outcome.kind !== 'ok') return refusedChain(outcome)
      // A server is its recorded key. One that was removed keeps its certificate for a while; it may look, and ask who is left.
      if (outcome.identity.kind === 'server' && !options.isServer(peer)) return ok(anonymous)
      return principalOf(outcome, options.view())
    },
    registeredHost: (peer) => {
      const outcome = chains.outcome(peer)
      if (outcome.kind !== 'ok' && outcome.kind !== 'expired') return refusedChain(outcome)
      return hostOf(outcome, options.view())
    },
    federatedOf: (peer) => federated.datacenterOf(peer),
    isMember: (peer) => {
      const outcome = chains.outcome(peer)
      if (outcome.kind === 'untrusted') return federated.datacenterOf(peer) !== undefined
      if (outcome.kind !== 'ok') return false
      const { identity } = outcome
      if (identity.kind !== 'host') return identity.kind === 'server'
      return options.view().host(identity.node) === undefined || hostOf(outcome, options.view()).ok
    },
    refusals: (call, peer) => (result) => {
      if (!result.ok)
        tellRefusal(options, bucket, { call, peer, code: result.failure.code, why: result.failure.message })
      return result
    },
  }
}

/** What the state keeps of an operator token: hex SHA-256 of its text. */
export const operatorTokenHash = (token: string): string => createHash('sha256').update(token).digest('hex')

function operatorOf(token: string, view: StateView): Result<Principal> {
  // Found by hash: the time that the search takes depends on the hash, which says nothing about the token.
  const operator = view.operator(operatorTokenHash(token))
  if (operator === undefined) return failed('bad-token', 'the token is not an operator token of this cluster')
  return ok({ kind: 'operator', name: operator.name })
}

function principalOf(outcome: Proven, view: StateView): Result<Principal> {
  const { identity } = outcome
  if (identity.kind === 'server') return ok({ kind: 'server', node: identity.node })
  const host = hostOf(outcome, view)
  if (!host.ok) return host
  const { node, nodeId, services } = host.value
  return ok({ kind: 'host', node, nodeId, services })
}

function hostOf(outcome: Proven, view: StateView): Result<Host> {
  const { identity, publicKey } = outcome
  if (identity.kind !== 'host')
    return failed('not-enrolled', 'the caller’s certificate is not one of an enrolled host')
  const host = view.host(identity.node)
  if (host === undefined)
    return failed('not-enrolled', `host "${identity.node}" is not enrolled in this cluster`)
  if (host.publicKey !== Buffer.from(publicKey).toString('base64'))
    return failed('not-enrolled', `host "${identity.node}" is enrolled with another key`)
  if (host.evicted) return failed('host-evicted', `host "${identity.node}" was evicted from the mesh`)
  return ok(host)
}

function refusedChain(outcome: Exclude<ChainOutcome, { readonly kind: 'ok' }>): Result<never> {
  switch (outcome.kind) {
    case 'no-certificate':
      return failed(
        'not-enrolled',
        'this call needs the certificate of an enrolled host, or an operator token',
      )
    case 'no-spiffe-uri':
      return failed('wrong-cluster', 'the caller’s certificate names no host of a mesh')
    case 'wrong-plane':
      return failed('not-enrolled', `this call needs a host’s certificate, not the one of ${outcome.uri}`)
    case 'untrusted':
      return failed('wrong-cluster', `the certificate of ${outcome.uri} is not from this cluster’s authority`)
    case 'evicted':
      return failed('host-evicted', `the certificate of ${outcome.uri} is one of an evicted host`)
    case 'expired':
      return failed('not-enrolled', `the certificate of ${outcome.uri} has expired; it may only be renewed`)
    case 'not-yet-valid':
      return failed('not-enrolled', `the certificate of ${outcome.uri} is not valid yet; compare the clocks`)
  }
}

/** Signatures of a chain are checked once per connection and set of roots; time is looked at again on every call. */
class ChainCache {
  readonly #options: AccessOptions
  readonly #trust = new PlaneTrust('host')
  readonly #outcomes = new WeakMap<Peer, { readonly trust: Trust; readonly outcome: ChainOutcome }>()

  constructor(options: AccessOptions) {
    this.#options = options
  }

  outcome(peer: Peer): ChainOutcome {
    const trust = this.#trust.of(this.#options.view())
    const nowMs = this.#options.clock.wallMs()
    const known = this.#outcomes.get(peer)
    if (known?.trust === trust) return atTime(known.outcome, nowMs)
    const outcome = verifyChain({ chain: peer.certificates, trust, plane: 'host', nowMs })
    this.#outcomes.set(peer, { trust, outcome })
    return outcome
  }
}

function atTime(outcome: ChainOutcome, nowMs: number): ChainOutcome {
  if (outcome.kind !== 'ok' && outcome.kind !== 'expired' && outcome.kind !== 'not-yet-valid') return outcome
  if (nowMs > outcome.notAfterMs) return { ...outcome, kind: 'expired' }
  return { ...outcome, kind: nowMs < outcome.notBeforeMs ? 'not-yet-valid' : 'ok' }
}

function tellRefusal(
  options: AccessOptions,
  bucket: TokenBucket,
  refusal: { readonly call: string; readonly peer: Peer; readonly code: string; readonly why: string },
): void {
  const { call, peer, code, why } = refusal
  options.metrics.count('mesh_rpc_refused_total', { call, code })
  if (bucket.take(options.clock.monotonicMs()) === 0)
    options.log.warn('a call was refused', { call, code, reason: why, address: peer.address })
}
