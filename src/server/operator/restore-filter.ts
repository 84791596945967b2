/**
 * Whether a snapshot may be restored into this cluster, found out while it comes in: whose it is, whether this version
 * knows what is in it, and whether the authority's keys in it can be unsealed here. Where the operator gave the key of
 * another cluster, they are sealed anew by this one's, so that no key ever enters the log.
 */
import type { CaRoot, GossipKeyring } from '../../model/authority.ts'
import { type Failure, failed } from '../../model/errors.ts'
import { maxFeatureLevel } from '../../model/feature.ts'
import type { Random } from '../../platform/ports.ts'
import type { ArchiveOrigin } from '../../wire/snapshot-archive.ts'
import { resealGossipKey } from '../ca/gossip-keys.ts'
import { sealKey, unsealKey } from '../ca/sealing.ts'

export interface RestoreFilterPorts {
  readonly clusterId: string
  readonly clusterKey: Uint8Array
  /** Feature level at which the cluster stands. */
  readonly featureLevel: number
  /** Servers of this cluster. */
  readonly servers: number
  readonly random: Random
}

const rootsStart = '["roots",'
const gossipKeysStart = '["gossipKeys",'

export class RestoreFilter {
  readonly #ports: RestoreFilterPorts
  /** What seals the keys in the snapshot. */
  readonly #snapshotKey: Uint8Array
  /** Why the snapshot is refused, once that is known. */
  refusal: Failure | undefined

  /** `givenKey` is empty where the operator gave none. */
  constructor(ports: RestoreFilterPorts, givenKey: Uint8Array) {
    this.#ports = ports
    this.#snapshotKey = givenKey.length === 0 ? ports.clusterKey : givenKey
  }

  origin(origin: ArchiveOrigin): Failure | undefined {
    const { clusterId, servers, featureLevel } = this.#ports
    if (origin.featureLevel > Math.min(featureLevel, maxFeatureLevel))
      return failed(
        'feature-level',
        `the snapshot is of feature level ${origin.featureLevel}, this cluster stands at ${featureLevel}`,
      ).failure
    if (origin.clusterId !== clusterId && servers > 1)
      // Its roots would take the place of those that the servers' certificates are signed by.
      return failed(
        'snapshot-foreign',
        `the snapshot is of cluster ${origin.clusterId}, this is ${clusterId} with ${servers} servers; it can be restored into a new cluster of one server, to which the others are added then`,
      ).failure
    return undefined
  }

  /** The lines as they go into the log. */
  lines(lines: string): string {
    let sealed = lines
    if (sealed.includes(rootsStart)) sealed = sealed.replace(/^\["roots",.*$/gm, (line) => this.#root(line))
    if (sealed.includes(gossipKeysStart))
      sealed = sealed.replace(/^\["gossipKeys",.*$/gm, (line) => this.#gossipKeys(line))
    return sealed
  }

  #root(line: string): string {
    const { clusterKey, random } = this.#ports
    const [, root] = JSON.parse(line) as readonly ['roots', CaRoot]
    const key = unsealKey(root.sealedKey, root.id, this.#snapshotKey)
    if (!key.ok) {
      this.refusal = failed(
        'snapshot-foreign',
        `the authority’s key "${root.name}" in the snapshot is sealed by another cluster key than the one given; it stands in cluster.key of the server that the snapshot is from`,
      ).failure
      return line
    }
    if (this.#snapshotKey === clusterKey) return line
    const sealedKey = sealKey(key.value, root.id, clusterKey, random)
    return JSON.stringify(['roots', { ...root, sealedKey }])
  }

  #gossipKeys(line: string): string {
    const { clusterKey: to, random } = this.#ports
    const from = this.#snapshotKey
    if (from === to) return line
    const [, keyring] = JSON.parse(line) as readonly ['gossipKeys', GossipKeyring]
    const keys = keyring.keys.map((key) => resealGossipKey(key, { from, to }, random) ?? key)
    return JSON.stringify(['gossipKeys', { ...keyring, keys }])
  }
}
