/**
 * This host in the gossip pool of its datacenter: opened when the pool's key is known, joined, left, closed. Whoever wants
 * to hear of members says so here once, whether the pool is open already or not.
 */
import type { GossipSettings } from '../../config/gossip-settings.ts'
import type { Settings } from '../../config/settings.ts'
import type { PoolEvent, PoolSurroundings } from '../../membership/contract.ts'
import { keyFromText } from '../../membership/key-store.ts'
import { Pool, type PoolListener } from '../../membership/pool.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Timer } from '../../platform/ports.ts'
import type { Membership } from '../contract.ts'
import { hostTags, type MemberTags } from './tags.ts'
import { poolTiming } from './timing.ts'

export interface LanMembershipOptions extends PoolSurroundings {
  readonly settings: Settings
  readonly nodeId: string
  readonly version: string
}

const off = 'gossip is switched off on this host (ports { serf_lan = -1 })'
const waiting = 'this host gossips once it is enrolled, because the key of gossip comes with that'

export class LanMembership implements Membership {
  readonly #options: LanMembershipOptions
  readonly #listeners: PoolListener[] = []
  #pool: Pool | undefined
  /** Why there is no pool. */
  #absence: string
  #isOpening = false
  #isClosed = false
  #roleTags: MemberTags = new Map()
  /** What the servers gave last; empty: nothing. */
  #enrolledKeys: readonly Uint8Array[] = []
  #timer: Timer | undefined

  constructor(options: LanMembershipOptions) {
    this.#options = options
    this.#absence = options.settings.gossip.port < 0 ? off : waiting
  }

  pool(): Result<Pool> {
    return this.#pool === undefined ? failed('needs-gossip', this.#absence) : ok(this.#pool)
  }

  onEvent(listener: PoolListener): void {
    this.#listeners.push(listener)
  }

  setRoleTags(tags: MemberTags): Result<true> {
    this.#roleTags = tags
    return this.#pool?.setTags(this.#tags()) ?? ok(true)
  }

  /** Hosts that take part now, as far as this one knows. */
  get size(): number {
    return this.#pool?.livingCount ?? 1
  }

  /** The key is written in the configuration: nothing has to be waited for. */
  get isConfigured(): boolean {
    return this.#options.settings.gossip.key !== ''
  }

  /**
   * Opens the pool and joins it, now or when its port is free. `enrolledKeys` are what came with enrollment, base64, first in
   * use: they go before a stored keyring, which goes before a key in the configuration. Where the configuration has a key,
   * the keyring is its operators' business, and what the servers say of keys is not asked for. Once is enough.
   */
  open(enrolledKeys: readonly string[]): void {
    const { gossip } = this.#options.settings
    if (gossip.port < 0 || this.#isOpening || this.#isClosed) return
    this.#isOpening = true
    const configured = gossip.key === '' ? ok(undefined) : keyFromText(gossip.key)
    if (!configured.ok) {
      this.#fail(configured.failure.message)
      return
    }
    if (configured.value === undefined && this.#enrolledKeys.length === 0) this.#learnKeys(enrolledKeys)
    this.#tryToOpen(configured.value === undefined ? this.#enrolledKeys : [configured.value])
  }

  /** The servers changed the keys of the pool: base64, first in use. */
  useKeys(keys: readonly string[]): void {
    if (this.isConfigured) return
    this.#learnKeys(keys)
    if (this.#pool !== undefined) this.#giveKeys(this.#pool)
  }

  /** Says goodbye, so that the others do not take it for a failure. At once where there is no pool. */
  leave(done: () => void): void {
    if (this.#pool === undefined) done()
    else this.#pool.leave(done)
  }

  stop(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#pool?.close()
    this.#pool = undefined
  }

  #learnKeys(texts: readonly string[]): void {
    const keys = texts.map(keyFromText)
    const good = keys.flatMap((key) => (key.ok ? [key.value] : []))
    if (good.length === keys.length) this.#enrolledKeys = good
    else this.#options.log.error('the servers gave a gossip key that is none')
  }

  #giveKeys(pool: Pool): void {
    if (this.#enrolledKeys.length === 0) return
    const used = pool.useKeys(this.#enrolledKeys)
    if (!used.ok) this.#options.log.error('the gossip keys cannot be used', { ...used.failure })
  }

  #tryToOpen(keys: readonly Uint8Array[]): void {
    const { settings, clock } = this.#options
    const { gossip, nodeName } = settings
    const how = {
      ...this.#options,
      ...addresses(gossip),
      pool: 'lan' as const,
      node: nodeName,
      tags: this.#tags(),
      timing: poolTiming(gossip),
      label: '',
      keys,
      verifiesIncoming: gossip.verifiesIncoming,
      encryptsOutgoing: gossip.encryptsOutgoing,
      allowedNetworks: gossip.allowedNetworks,
      isOneDatacenter: true,
      rejoinsAfterLeave: gossip.rejoinsAfterLeave,
    }
    Pool.open(how, (opened) => {
      if (opened.ok) this.#use(opened.value)
      else {
        this.#fail(opened.failure.message)
        if (!this.#isClosed) this.#timer = clock.after(limits.gossipOpenRetryMs, () => this.#tryToOpen(keys))
      }
    })
  }

  #use(pool: Pool): void {
    if (this.#isClosed) {
      pool.close()
      return
    }
    this.#pool = pool
    this.#giveKeys(pool)
    const { settings, log } = this.#options
    const { joinAddresses: addresses, retryIntervalMs: intervalMs, retryAttempts: attempts } = settings.gossip
    const { address, port } = pool.endpoint
    log.info('gossip with the other hosts begins', { address, port, encrypted: pool.isEncrypted })
    // What was asked for while the sockets were being opened.
    pool.setTags(this.#tags())
    pool.onEvent((event) => this.#hear(event))
    pool.keepJoining({ addresses, intervalMs, attempts, done: () => undefined })
  }

  #hear(event: PoolEvent): void {
    for (const listener of this.#listeners) listener(event)
    if (event.type !== 'name-lost') return
    const { address, port } = event.holder
    this.#fail(`another host, at ${address}:${port}, has this node name, and most hosts know that one`)
    this.#pool?.close()
    this.#pool = undefined
  }

  #fail(reason: string): void {
    if (reason !== this.#absence) this.#options.log.error('this host does not gossip', { reason })
    this.#absence = reason
  }

  #tags(): MemberTags {
    const { settings, nodeId, version } = this.#options
    return new Map([...hostTags({ settings, nodeId, version }), ...this.#roleTags])
  }
}

function addresses({ bindAddress, advertiseAddress, port }: GossipSettings): {
  readonly bind: { readonly address: string; readonly port: number }
  readonly advertise: { readonly address: string; readonly port: number }
} {
  return { bind: { address: bindAddress, port }, advertise: { address: advertiseAddress, port: 0 } }
}
