/**
 * Tells whether a presented certificate proves a server of this cluster. A server is its registered key, as the log's
 * configuration records it: whoever shows that key may have an expired certificate, because servers that were all off for a
 * year can renew only once they speak to each other again. Roots come from the state, before that from this server's files.
 */
import type { ClusterServer } from '../../model/cluster.ts'
import type { NodeId } from '../../model/ids.ts'
import type { Clock } from '../../platform/ports.ts'
import type { Peer } from '../../rpc/contract.ts'
import type { PeerVerdict } from '../../rpc/raft-transport.ts'
import { type ChainOutcome, createTrust, type Trust, verifyChain } from '../../wire/x509/chain.ts'
import { publicKeyPem, readPublicKeyInfo } from '../../wire/x509/keys.ts'
import { PlaneTrust } from '../access/plane-trust.ts'
import type { StateView } from '../store/state.ts'
import type { ServerFiles } from './server-files.ts'

export interface PeerServersOptions {
  readonly view: () => StateView
  /** What this server's files say; undefined where there are none. */
  readonly files: () => ServerFiles | undefined
  /** Servers of the log's newest configuration. */
  readonly servers: () => readonly ClusterServer[]
  readonly clock: Pick<Clock, 'wallMs'>
}

type Proven = Extract<ChainOutcome, { readonly kind: 'ok' | 'expired' | 'not-yet-valid' }>
type Server = { readonly ok: true; readonly outcome: Proven; readonly publicKey: string }
type Refusal = Extract<PeerVerdict, { readonly ok: false }>

export class PeerServers {
  readonly #options: PeerServersOptions
  readonly #stateTrust = new PlaneTrust('host')
  #filesTrust: { readonly files: ServerFiles; readonly trust: Trust } | undefined

  constructor(options: PeerServersOptions) {
    this.#options = options
  }

  /** `publicKey` is what the configuration records for the server that the peer says to be; undefined where it names none. */
  readonly judge = (chain: readonly Uint8Array[], publicKey: string | undefined): PeerVerdict => {
    const server = this.#proven(chain)
    if (!server.ok) return server
    if (publicKey !== undefined && publicKey !== server.publicKey)
      return refusal('wrong-key', 'its certificate is for another key than the one that is recorded for it')
    const { kind } = server.outcome
    if (publicKey === undefined && kind !== 'ok')
      return refusal(kind, 'its certificate is not valid now, and no key is recorded for it')
    return { ok: true, publicKey: server.publicKey }
  }

  /** A server of the configuration, or one with a valid certificate that this server does not know of yet. */
  isServer(peer: Peer): boolean {
    const server = this.#proven(peer.certificates)
    return server.ok && (server.outcome.kind === 'ok' || this.#withKey(server.publicKey) !== undefined)
  }

  /** Which server of the configuration the peer is, by its key. */
  idOf(peer: Peer): NodeId | undefined {
    const server = this.#proven(peer.certificates)
    return server.ok ? this.#withKey(server.publicKey)?.id : undefined
  }

  #withKey(publicKey: string): ClusterServer | undefined {
    return this.#options.servers().find((server) => server.publicKey === publicKey)
  }

  /** A chain that ends in the cluster's root and names a server, whatever the time is. */
  #proven(chain: readonly Uint8Array[]): Server | Refusal {
    const { clock, view } = this.#options
    const outcome = verifyChain({ chain, trust: this.#trust(), plane: 'host', nowMs: clock.wallMs() })
    if (outcome.kind !== 'ok' && outcome.kind !== 'expired' && outcome.kind !== 'not-yet-valid')
      return refusal(outcome.kind, words[outcome.kind])
    const { identity } = outcome
    if (identity.kind !== 'server') return refusal('not-a-server', 'its certificate is not a server’s')
    const datacenter = view().settings()?.datacenter ?? this.#options.files()?.datacenter
    if (datacenter !== undefined && identity.datacenter !== datacenter)
      return refusal('other-datacenter', `it is a server of datacenter "${identity.datacenter}"`)
    return { ok: true, outcome, publicKey: pemOf(outcome.publicKey) }
  }

  #trust(): Trust {
    const view = this.#options.view()
    if (view.settings() !== undefined) return this.#stateTrust.of(view)
    const files = this.#options.files()
    if (files === undefined) return { domains: new Map() }
    if (this.#filesTrust?.files === files) return this.#filesTrust.trust
    const made = createTrust(
      files.hostRoots.map(({ trustDomain, certificatePem: pem }) => ({ trustDomain, pem })),
    )
    const trust = made.ok ? made.value : { domains: new Map() }
    this.#filesTrust = { files, trust }
    return trust
  }
}

const refusal = (reason: string, message: string): Refusal => ({ ok: false, reason, message })

const words = {
  'no-certificate': 'it showed no certificate',
  'no-spiffe-uri': 'its certificate names no server of a mesh',
  'wrong-plane': 'it showed a service’s certificate',
  untrusted: 'its certificate is not from this cluster’s authority',
  evicted: 'its certificate is one of an evicted host',
} as const

/** As the configuration records keys. */
const pemOf = (info: Uint8Array): string => {
  const key = readPublicKeyInfo(info)
  return key === undefined ? '' : publicKeyPem(key)
}
