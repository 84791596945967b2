/**
 * Brings this host together with the others that the servers know, so that an enrolled host needs no `retry_join`. Looks
 * again now and then: pools that grew apart, each of them content, find each other only from outside.
 */
import { joinHostPort } from '../../config/address.ts'
import type { Pool } from '../../membership/pool.ts'
import { limits } from '../../model/limits.ts'
import type { Neighbour } from '../../model/query.ts'
import type { Clock, Log, Random, Timer } from '../../platform/ports.ts'
import type { ServerClient } from '../../rpc/contract.ts'
import type { Membership } from '../contract.ts'

export interface MeetingOptions {
  readonly node: string
  /** Port of the other hosts; 0: as this one's. */
  readonly port: number
  readonly membership: Pick<Membership, 'pool'>
  readonly read: ServerClient['read']
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

const firstPauseMs = 500
const longestPauseMs = 30_000

export class Meeting {
  readonly #options: MeetingOptions
  #timer: Timer | undefined
  #reading: { cancel(): void } | undefined
  #pauseMs = firstPauseMs
  #isStopped = false

  constructor(options: MeetingOptions) {
    this.#options = options
  }

  /** To be called once, when this host may ask the servers. */
  start(): void {
    this.#again()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#reading?.cancel()
  }

  #look(): void {
    const { node, read } = this.#options
    const options = { consistency: 'stale', minIndex: 0, waitMs: 0 } as const
    this.#reading = read({ name: 'mesh.neighbours', args: { node }, options, token: '' }, (result) => {
      this.#reading = undefined
      if (this.#isStopped) return
      const pool = this.#options.membership.pool()
      if (result.ok && pool.ok) this.#meet(pool.value, result.value.answer)
      else this.#again()
    })
  }

  #meet(pool: Pool, neighbours: readonly Neighbour[]): void {
    const { log, port } = this.#options
    const missing = neighbours.filter(({ node }) => pool.member(node)?.presence !== 'alive')
    if (missing.length === 0) {
      this.#again()
      return
    }
    const at = missing.map(({ address }) => joinHostPort(address, port === 0 ? pool.endpoint.port : port))
    pool.join(at, ({ joined, failures }) => {
      if (this.#isStopped) return
      if (joined > 0) log.debug('met hosts that the servers know', { met: joined, tried: at })
      else log.debug('hosts that the servers know do not answer', { failures })
      this.#again()
    })
  }

  /** Alone it looks often, and ever less so. */
  #again(): void {
    const { clock, random, membership } = this.#options
    const pool = membership.pool()
    const isAlone = !pool.ok || pool.value.livingCount < 2
    const pauseMs = isAlone ? this.#pauseMs : limits.neighbourLookMs
    this.#pauseMs = isAlone ? Math.min(longestPauseMs, this.#pauseMs * 2) : firstPauseMs
    this.#timer = clock.after(Math.round(pauseMs * (0.75 + random.fraction() / 2)), () => this.#look())
  }
}
