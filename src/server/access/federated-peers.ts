/**
 * Servers of other datacenters by the certificates that they show: the chain must end in a host-plane root of the datacenter
 * that the certificate names. Hosts of other datacenters are nobody here.
 */
import type { Datacenter } from '../../model/datacenter.ts'
import { assert } from '../../model/errors.ts'
import { hostTrustDomain } from '../../model/identity.ts'
import type { Clock } from '../../platform/ports.ts'
import type { Peer } from '../../rpc/contract.ts'
import { createTrust, type Trust, verifyChain } from '../../wire/x509/chain.ts'
import type { StateView } from '../store/state.ts'

export interface FederatedPeersOptions {
  readonly view: () => StateView
  readonly clock: Pick<Clock, 'wallMs'>
}

interface Known {
  readonly trust: Trust
  readonly datacenter: string | undefined
  readonly notAfterMs: number
}

export class FederatedPeers {
  readonly #options: FederatedPeersOptions
  #rows: readonly Datacenter[] = []
  #trust: Trust = { domains: new Map() }
  /** A chain is verified once per connection and set of roots. */
  readonly #known = new WeakMap<Peer, Known>()

  constructor(options: FederatedPeersOptions) {
    this.#options = options
  }

  /** Name of the datacenter whose server the peer is; undefined for everybody else. */
  datacenterOf(peer: Peer): string | undefined {
    const trust = this.#currentTrust()
    const nowMs = this.#options.clock.wallMs()
    const known = this.#known.get(peer)
    const sound = known?.trust === trust ? known : this.#judge(peer, trust, nowMs)
    this.#known.set(peer, sound)
    return nowMs <= sound.notAfterMs ? sound.datacenter : undefined
  }

  #judge(peer: Peer, trust: Trust, nowMs: number): Known {
    const outcome = verifyChain({ chain: peer.certificates, trust, plane: 'host', nowMs })
    const nobody = { trust, datacenter: undefined, notAfterMs: Number.POSITIVE_INFINITY }
    if (outcome.kind !== 'ok' || outcome.identity.kind !== 'server') return nobody
    const { trustDomain, datacenter } = outcome.identity
    const row = this.#rows.find(({ name }) => name === datacenter)
    if (row === undefined || hostTrustDomain(row.clusterId) !== trustDomain) return nobody
    return { trust, datacenter, notAfterMs: outcome.notAfterMs }
  }

  #currentTrust(): Trust {
    const rows = this.#options.view().datacenters()
    // Rows that did not change are the same objects.
    if (rows.length === this.#rows.length && rows.every((row, at) => row === this.#rows[at]))
      return this.#trust
    const made = createTrust(
      rows.flatMap(({ hostRoots }) =>
        hostRoots.map(({ trustDomain, certificatePem: pem }) => ({ trustDomain, pem })),
      ),
    )
    assert(made.ok, 'roots of datacenters in the state are certificates of authorities')
    this.#rows = rows
    this.#trust = made.value
    return this.#trust
  }
}
