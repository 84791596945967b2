/**
 * What a pool hears and throws away: counted by reason, and logged once per source and reason, because a host with a
 * wrong key sends every second and must neither be silent nor fill the disk.
 */
import type { GossipEndpoint } from '../model/gossip-message.ts'
import { limits } from '../model/limits.ts'
import { TokenBucket } from '../model/token-bucket.ts'
import type { Clock, Log, Metrics } from '../platform/ports.ts'
import { gossipFaults } from '../wire/gossip/fault.ts'

export type DropReason =
  | 'wrong-key'
  | 'clear-text'
  | 'encrypted'
  | 'foreign-label'
  | 'checksum'
  | 'oversize'
  | 'malformed'
  | 'foreign-network'
  | 'overload'

const byFault: Readonly<Record<string, DropReason>> = {
  [gossipFaults.unknownKey]: 'wrong-key',
  [gossipFaults.clearText]: 'clear-text',
  [gossipFaults.noKey]: 'encrypted',
  [gossipFaults.foreignLabel]: 'foreign-label',
  [gossipFaults.checksum]: 'checksum',
  [gossipFaults.tooLong]: 'oversize',
}

const remedies: Readonly<Record<DropReason, string>> = {
  'wrong-key': 'its gossip key is none of ours; compare the keyrings',
  'clear-text':
    'it does not encrypt gossip; give it the pool’s key, or set encrypt_verify_incoming = false for a while',
  encrypted: 'it encrypts gossip and this host has no key; set encrypt',
  'foreign-label': 'it belongs to a pool with another label',
  checksum: 'the packet was damaged on its way',
  oversize: 'it is larger than anything a member sends',
  malformed: 'it is no message of a gossip pool',
  'foreign-network': 'its address is in none of the allowed networks',
  overload: 'too many streams are open at once',
}

export interface DropsOptions {
  readonly pool: string
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

export class Drops {
  readonly #options: DropsOptions
  /** Oldest first; bounded. */
  readonly #logged = new Set<string>()
  readonly #pace = new TokenBucket(limits.gossipDropsLoggedPerSecond, limits.gossipDropsLoggedPerSecond)
  readonly #counts = new Map<DropReason, number>()

  constructor(options: DropsOptions) {
    this.#options = options
  }

  count(reason: DropReason): number {
    return this.#counts.get(reason) ?? 0
  }

  /** What a codec found wrong. `detail` is for the log, and of our own making. */
  fault(fault: string, from: GossipEndpoint): void {
    this.drop(byFault[fault] ?? 'malformed', from, fault)
  }

  drop(reason: DropReason, from: GossipEndpoint, detail = ''): void {
    const { pool, clock, log, metrics } = this.#options
    this.#counts.set(reason, this.count(reason) + 1)
    metrics.count('mesh_gossip_dropped_total', { pool, reason })
    const source = `${reason} ${from.address}`
    if (this.#logged.has(source) || this.#pace.take(clock.monotonicMs()) > 0) return
    this.#remember(source)
    log.warn('gossip from this source is dropped; further drops from it are only counted', {
      pool,
      source: from.address,
      port: from.port,
      reason,
      meaning: remedies[reason],
      ...(detail === '' ? {} : { detail }),
    })
  }

  #remember(source: string): void {
    this.#logged.add(source)
    if (this.#logged.size <= limits.gossipSourcesLogged) return
    for (const oldest of this.#logged) {
      this.#logged.delete(oldest)
      return
    }
  }
}
