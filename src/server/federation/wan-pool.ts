/**
 * This server in the pool of the servers of all datacenters: opened once there is another datacenter or somebody to join, met
 * again whenever a datacenter is heard of no more. What it hears finds servers faster and is trusted for nothing: whoever it
 * names must still show a certificate (decision 0008).
 */
import { joinHostPort } from '../../config/address.ts'
import type { GossipSettings } from '../../config/gossip-settings.ts'
import type { WanSettings } from '../../config/wan-settings.ts'
import type { PoolEvent, PoolMember, PoolSurroundings } from '../../membership/contract.ts'
import { keyFromText } from '../../membership/key-store.ts'
import { Pool } from '../../membership/pool.ts'
import { wanTiming } from '../../membership/timing.ts'
import { limits } from '../../model/limits.ts'
import type { Timer } from '../../platform/ports.ts'

export interface WanPoolOptions extends PoolSurroundings {
  readonly node: string
  readonly datacenter: string
  readonly wan: WanSettings
  /** The key and what it is for are those of the pool of hosts, as in Consul. */
  readonly gossip: Pick<GossipSettings, 'key' | 'verifiesIncoming' | 'encryptsOutgoing'>
  readonly tags: ReadonlyMap<string, string>
  /** Where the state says that servers gossip, those of our own datacenter among them, `host:port`. */
  readonly known: () => readonly string[]
  /** There is another datacenter in the state. */
  readonly isFederated: () => boolean
  /** A server of that datacenter came or went. */
  readonly onServers: (datacenter: string) => void
}

export class WanPool {
  readonly #options: WanPoolOptions
  #pool: Pool | undefined
  #isOpening = false
  #isClosed = false
  #timer: Timer | undefined

  constructor(options: WanPoolOptions) {
    this.#options = options
  }

  /** Something that decides whether and whom to join may have changed. */
  look(): void {
    const { wan, isFederated } = this.#options
    const isWanted = wan.port >= 0 && (wan.joinAddresses.length > 0 || isFederated())
    if (this.#isClosed || !isWanted) return
    if (this.#pool === undefined) this.#open()
    else this.#meet(this.#pool)
  }

  /** Everybody that is known, ourselves included; nobody where there is no pool. */
  members(): readonly PoolMember[] {
    return this.#pool?.members() ?? []
  }

  /** RPC addresses of the servers of a datacenter, by what gossip says of them. */
  servers(datacenter: string): { readonly alive: readonly string[]; readonly failed: readonly string[] } {
    const alive: string[] = []
    const failed: string[] = []
    for (const member of this.members()) {
      const address = member.tags.get('dc') === datacenter ? addressOf(member) : undefined
      if (address === undefined) continue
      if (member.presence === 'alive') alive.push(address)
      else if (member.presence === 'failed') failed.push(address)
    }
    return { alive, failed }
  }

  /** Expected round trip to the nearest server of a datacenter; undefined where none is known well enough. */
  roundTripMs(datacenter: string): number | undefined {
    const self = this.#name()
    const times = this.members().flatMap(({ node, tags, presence }) => {
      const isThere = tags.get('dc') === datacenter && presence === 'alive'
      return isThere ? [this.#pool?.roundTripMs(self, node) ?? Number.POSITIVE_INFINITY] : []
    })
    const nearest = Math.min(...times)
    return Number.isFinite(nearest) ? nearest : undefined
  }

  /** Says goodbye, so that the others do not take it for a failure. */
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

  /** As Consul names members of this pool. */
  #name(): string {
    return `${this.#options.node}.${this.#options.datacenter}`
  }

  #open(): void {
    if (this.#isOpening) return
    const { wan, gossip, log } = this.#options
    const key = gossip.key === '' ? undefined : keyFromText(gossip.key)
    if (key?.ok === false) {
      log.error('this server does not gossip with other datacenters', { reason: key.failure.message })
      this.#isClosed = true
      return
    }
    this.#isOpening = true
    const how = {
      ...this.#options,
      ...gossip,
      pool: 'wan' as const,
      node: this.#name(),
      bind: { address: wan.bindAddress, port: wan.port },
      advertise: { address: wan.advertiseAddress, port: 0 },
      timing: { ...wanTiming, swim: { ...wanTiming.swim, failedKeptMs: wan.reconnectTimeoutMs } },
      label: '',
      keys: key === undefined ? [] : [key.value],
      allowedNetworks: wan.allowedNetworks,
      isOneDatacenter: false,
      rejoinsAfterLeave: true,
    }
    Pool.open(how, (opened) => {
      this.#isOpening = false
      if (opened.ok) this.#use(opened.value)
      else {
        log.error('this server does not gossip with other datacenters', { reason: opened.failure.message })
        this.#later(limits.gossipOpenRetryMs)
      }
    })
  }

  #use(pool: Pool): void {
    if (this.#isClosed) {
      pool.close()
      return
    }
    this.#pool = pool
    const { address, port } = pool.endpoint
    this.#options.log.info('gossip with other datacenters begins', {
      address,
      port,
      encrypted: pool.isEncrypted,
    })
    pool.onEvent((event) => this.#hear(event))
    this.#meet(pool)
  }

  /** Joins those that should be there and are not, and again after a while. */
  #meet(pool: Pool): void {
    const { wan, known, datacenter, random } = this.#options
    const living = pool.members().filter(({ presence }) => presence === 'alive')
    const met = new Set(living.map(({ address, port }) => joinHostPort(address, port)))
    const isAmongOthers = living.some(({ tags }) => tags.get('dc') !== datacenter)
    const missing = [...known(), ...(isAmongOthers ? [] : wan.joinAddresses)].filter(
      (address) => !met.has(address),
    )
    const some = missing.slice(0, limits.gossipJoinsInFlight)
    if (some.length > 0)
      pool.join(some, ({ joined, failures: reasons }) => {
        const { log } = this.#options
        if (joined > 0) log.info('met servers of other datacenters', { joined })
        else log.debug('no server of another datacenter was met', { reasons: reasons.slice(0, 8) })
      })
    this.#later(wan.retryIntervalMs * (0.75 + random.fraction() / 2))
  }

  #later(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(delayMs, () => this.look())
  }

  #hear(event: PoolEvent): void {
    switch (event.type) {
      case 'member-joined':
      case 'member-updated':
      case 'member-failed':
      case 'member-left':
      case 'member-reaped': {
        const datacenter = event.member.tags.get('dc')
        if (datacenter !== undefined && datacenter !== this.#options.datacenter)
          this.#options.onServers(datacenter)
        return
      }
      case 'name-lost': {
        const { address, port } = event.holder
        this.#options.log.error('this server does not gossip with other datacenters', {
          reason: `another server, at ${address}:${port}, has its name`,
        })
        this.stop()
        return
      }
      case 'user-event':
      case 'query':
        return
    }
  }
}

/** Undefined for a member that is no server. */
function addressOf({ address, tags }: PoolMember): string | undefined {
  const port = Number(tags.get('port'))
  const isServer = tags.get('role') === 'consul' && Number.isInteger(port) && port > 0 && port < 65_536
  return isServer ? joinHostPort(address, port) : undefined
}
