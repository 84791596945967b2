/**
 * Whether a member may be known at all: in an allowed network, speaking a version that we speak, of our datacenter, and
 * with an id of its own. Two hosts with one id (a cloned machine) would overwrite each other in the catalog.
 */
import type { Alive, MemberStatus } from '../model/gossip-message.ts'
import { limits } from '../model/limits.ts'
import type { Log, Metrics } from '../platform/ports.ts'
import { tagsOf } from './member-view.ts'
import type { IsAllowed } from './networks.ts'

/** memberlist's protocol that we speak; members tell the lowest and highest they understand. */
export const spokenVersion = 5

export interface AdmissionOptions {
  readonly pool: string
  readonly node: string
  readonly tags: () => ReadonlyMap<string, string>
  readonly isAllowed: IsAllowed
  readonly isOneDatacenter: boolean
  readonly statusOf: (node: string) => MemberStatus | undefined
  readonly log: Log
  readonly metrics: Metrics
}

export class Admission {
  readonly #options: AdmissionOptions
  /** Names by id, of members that were let in. */
  readonly #names = new Map<string, string>()
  readonly #logged = new Set<string>()

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  admits(claim: Alive): boolean {
    const reason = this.#refusal(claim)
    if (reason === '') return true
    const { pool, log, metrics } = this.#options
    metrics.count('mesh_gossip_members_refused_total', { pool })
    const subject = `${claim.node} ${reason}`
    if (this.#logged.has(subject)) return false
    if (this.#logged.size >= limits.gossipSourcesLogged) this.#logged.clear()
    this.#logged.add(subject)
    const { node, address, port } = claim
    log.error('a member is not let into the pool', { pool, node, address, port, reason })
    return false
  }

  /** It was let in, or described itself anew. */
  joined(record: Alive): void {
    const id = idOf(record)
    if (id !== '') this.#names.set(id, record.node)
  }

  reaped(record: Alive): void {
    const id = idOf(record)
    if (this.#names.get(id) === record.node) this.#names.delete(id)
  }

  /** '' if it may come in. */
  #refusal(claim: Alive): string {
    const { isAllowed, isOneDatacenter, tags } = this.#options
    if (claim.port === 0) return 'it names port 0, where nobody can be reached'
    if (!isAllowed(claim.address)) return 'its address is in none of the allowed networks'
    const [lowest, highest] = claim.versions
    if (highest > 0 && (spokenVersion < lowest || spokenVersion > highest))
      return `it speaks gossip versions ${lowest} to ${highest}, this host ${spokenVersion}`
    const [theirs, ours] = [tagsOf(claim).get('dc'), tags().get('dc')]
    if (isOneDatacenter && theirs !== undefined && ours !== undefined && theirs !== ours)
      return `it is of datacenter ${theirs}, this pool of ${ours}`
    return this.#idConflict(claim)
  }

  #idConflict(claim: Alive): string {
    const { node, tags, statusOf } = this.#options
    const id = idOf(claim)
    if (id === '' || claim.node === node) return ''
    const holder = id === tags().get('id') ? node : this.#names.get(id)
    if (holder === undefined || holder === claim.node) return ''
    const status = statusOf(holder)
    if (status !== 'alive' && status !== 'suspect') return ''
    return `its node id is that of ${holder}, which is alive; a cloned host needs a new id`
  }
}

const idOf = (record: Alive): string => tagsOf(record).get('id') ?? ''
