/**
 * The keys of the gossip pool as hosts get them, unsealed from the state, and new ones as the state keeps them. Which keys
 * there are when is leader/gossip-keys.ts; who is given them, hosts.ts and sessions/ decide: enrolled hosts only.
 */
import type { GossipKey, GossipKeyring } from '../../model/authority.ts'
import type { Log, Random } from '../../platform/ports.ts'
import type { Row } from '../store/row.ts'
import { sealSecret, unsealSecret } from './sealing.ts'

export interface GossipKeysOptions {
  readonly clusterKey: Uint8Array
  readonly keyring: () => Row<GossipKeyring> | undefined
  readonly random: Random
  readonly log: Log
}

/** AES-256, the longest that memberlist takes. */
const keyBytes = 32
const idBytes = 8
/** What is authenticated with a sealed key, so that it cannot take the place of another secret. */
const labelOf = (id: string): string => `gossip ${id}`

export class GossipKeys {
  readonly #options: GossipKeysOptions
  /** Unsealed at most once per change. */
  #known: { readonly row: Row<GossipKeyring>; readonly keys: readonly string[] } | undefined

  constructor(options: GossipKeysOptions) {
    this.#options = options
  }

  /** Base64, the one in use first; empty where there are none yet, or this server cannot unseal them. */
  keys(): readonly string[] {
    const row = this.#options.keyring()
    if (row === undefined) return []
    if (this.#known?.row !== row) this.#known = { row, keys: this.#unseal(row) }
    return this.#known.keys
  }

  /** A new key, sealed for the state. */
  make(): GossipKey {
    const { clusterKey, random } = this.#options
    const id = Buffer.from(random.bytes(idBytes)).toString('hex')
    return { id, sealedKey: sealSecret(random.bytes(keyBytes), labelOf(id), clusterKey, random) }
  }

  #unseal({ keys }: GossipKeyring): readonly string[] {
    const { clusterKey, log } = this.#options
    const unsealed = keys.map(({ id, sealedKey }) => unsealSecret(sealedKey, labelOf(id), clusterKey))
    const found: string[] = []
    for (const key of unsealed) {
      if (key.ok) found.push(Buffer.from(key.value).toString('base64'))
      else log.error('a gossip key cannot be unsealed', { ...key.failure })
    }
    // A part of the keys would split the pool.
    return found.length === keys.length ? found : []
  }
}

/** Seals a key for another cluster, whose state it is restored into; undefined where `from` is not what sealed it. */
export function resealGossipKey(
  { id, sealedKey }: GossipKey,
  keys: { readonly from: Uint8Array; readonly to: Uint8Array },
  random: Random,
): GossipKey | undefined {
  const secret = unsealSecret(sealedKey, labelOf(id), keys.from)
  return secret.ok ? { id, sealedKey: sealSecret(secret.value, labelOf(id), keys.to, random) } : undefined
}
