/**
 * Tells the server of this host what the gossip pool knows, and wears the tags by which others find that server. The server
 * has no gossip of its own in the datacenter's pool; what it makes of this is server/leader/gossip-view.ts. One call at a
 * time: what changes meanwhile goes into the next one, each host once.
 */
import type { PoolEvent, PoolMember } from '../../membership/contract.ts'
import type { Pool } from '../../membership/pool.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Random, Timer } from '../../platform/ports.ts'
import type { MemberClaim, MembershipFrame, MembershipHeard } from '../../rpc/membership-feed.ts'
import type { OperatorClient } from '../../rpc/operator.ts'
import type { Membership } from '../contract.ts'

export interface ServerFeedOptions {
  readonly membership: Membership
  /** To the server of this host and no other. */
  readonly server: Pick<OperatorClient, 'operate'>
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>
  readonly random: Pick<Random, 'bytes' | 'fraction'>
  readonly log: Log
}

export class ServerFeed {
  readonly #options: ServerFeedOptions
  readonly #changed = new Set<string>()
  readonly #reaped = new Set<string>()
  /** '': the next frame begins a new one. */
  #epoch = ''
  #position = 0
  #isCalling: boolean = false
  #isStopped: boolean = false
  #failures = 0
  #heardAtMs: number
  #timer: Timer | undefined
  #tags = ''

  constructor(options: ServerFeedOptions) {
    this.#options = options
    this.#heardAtMs = options.clock.monotonicMs()
    options.membership.onEvent((event) => this.#hear(event))
  }

  /** To be called once, when this host is enrolled: the server believes its own host alone. */
  start(): void {
    this.#tell()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  #hear(event: PoolEvent): void {
    switch (event.type) {
      case 'member-joined':
      case 'member-updated':
      case 'member-failed':
      case 'member-left':
        this.#reaped.delete(event.member.node)
        this.#changed.add(event.member.node)
        break
      case 'member-reaped':
        this.#changed.delete(event.member.node)
        this.#reaped.add(event.member.node)
        break
      case 'user-event':
      case 'query':
      case 'name-lost':
        return
    }
    // Whoever begins tells everything anyway, after its pause.
    if (this.#epoch !== '') this.#soon(0)
  }

  #begin(pool: Pool): void {
    const { random } = this.#options
    this.#epoch = Buffer.from(random.bytes(16)).toString('hex')
    this.#position = 0
    this.#changed.clear()
    this.#reaped.clear()
    for (const { node } of pool.members()) this.#changed.add(node)
  }

  #soon(delayMs: number): void {
    if (this.#isCalling || this.#isStopped) return
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(delayMs, () => this.#tell())
  }

  #tell(): void {
    const pool = this.#options.membership.pool()
    // Without a pool nothing is claimed; the server keeps what it was told last.
    if (!pool.ok) {
      this.#epoch = ''
      this.#soon(limits.memberFeedBeatMs)
      return
    }
    if (this.#epoch === '') this.#begin(pool.value)
    this.#isCalling = true
    const args = this.#frame(pool.value)
    const request = { name: 'membership.feed', args, token: '', data: new Uint8Array(0) } as const
    this.#options.server.operate(request, (result) => {
      this.#isCalling = false
      if (this.#isStopped) return
      if (result.ok) this.#heard(result.value.answer)
      else this.#failed(result.failure.message)
    })
  }

  #frame(pool: Pool): MembershipFrame {
    const reaped = take(this.#reaped)
    const members = take(this.#changed).flatMap((node) => {
      const member = pool.member(node)
      return member === undefined ? [] : [claimOf(member)]
    })
    const isComplete = this.#changed.size === 0
    return { epoch: this.#epoch, position: this.#position, members, reaped, isComplete }
  }

  #heard({ isContinued, tags }: MembershipHeard): void {
    this.#failures = 0
    this.#heardAtMs = this.#options.clock.monotonicMs()
    this.#position += 1
    this.#wear(tags)
    if (!isContinued) this.#epoch = ''
    const hasMore = this.#changed.size > 0 || this.#reaped.size > 0
    this.#soon(hasMore ? 0 : limits.memberFeedBeatMs)
  }

  /** What of the frame arrived is not known, so the next one begins anew; the pause grows while nobody answers. */
  #failed(reason: string): void {
    const { clock, log, random } = this.#options
    if (this.#failures === 0) log.warn('the server of this host is not told of the gossip pool', { reason })
    this.#failures += 1
    this.#epoch = ''
    if (clock.monotonicMs() - this.#heardAtMs > limits.memberServerAwayMs) this.#wear(withoutServer)
    const pauseMs = Math.min(limits.memberFeedPauseMs * 2 ** this.#failures, limits.memberFeedSilenceMs)
    this.#soon(pauseMs * (0.75 + random.fraction() / 2))
  }

  #wear(tags: MembershipHeard['tags']): void {
    const { membership, log } = this.#options
    const text = JSON.stringify(tags)
    if (text === this.#tags) return
    this.#tags = text
    const worn = membership.setRoleTags(new Map(Object.entries(tags)))
    if (!worn.ok) log.error('the pool does not take the tags of this host’s server', { ...worn.failure })
  }
}

/** Nobody is to look for a server that has been away for so long; it is found again as soon as it answers. */
const withoutServer = { role: 'node' }

/** As many as one frame holds; they are gone from the set then. */
function take(names: Set<string>): readonly string[] {
  const taken: string[] = []
  for (const name of names) {
    if (taken.length >= limits.memberFeedRows) break
    taken.push(name)
  }
  for (const name of taken) names.delete(name)
  return taken
}

/** One that says goodbye is there until it is gone. */
function claimOf({ node, tags, address, presence }: PoolMember): MemberClaim {
  const nodeId = tags.get('id') ?? ''
  return { node, nodeId, address, presence: presence === 'leaving' ? 'alive' : presence }
}
