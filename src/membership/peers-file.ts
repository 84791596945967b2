/**
 * Known peers on disk, so that a host finds its pool again after a reboot, even when every configured address is gone:
 * `serf/<pool>.peers`. Written now and then, not with every change; a lost write costs nothing but a few newer peers.
 */
import { isIP } from 'node:net'
import type { GossipEndpoint } from '../model/gossip-message.ts'
import { limits } from '../model/limits.ts'
import type { LamportTime } from '../model/serf-message.ts'
import type { Clock, Log, StateFiles, Timer } from '../platform/ports.ts'

export interface KnownPeer extends GossipEndpoint {
  readonly node: string
}

/** What outlives a restart. */
export interface PoolMemory {
  /** This host said goodbye when it stopped. */
  readonly hasLeft: boolean
  readonly time: LamportTime
  readonly eventTime: LamportTime
  readonly queryTime: LamportTime
  readonly peers: readonly KnownPeer[]
}

const nothing: PoolMemory = { hasLeft: false, time: 0, eventTime: 0, queryTime: 0, peers: [] }

export interface PeersFileOptions {
  readonly pool: string
  readonly files: StateFiles
  readonly clock: Clock
  readonly log: Log
  /** As of now; asked when it is written. */
  readonly memory: () => PoolMemory
}

export class PeersFile {
  readonly #options: PeersFileOptions
  readonly #path: string
  #timer: Timer | undefined
  #isWritten = false
  #isComplained = false

  constructor(options: PeersFileOptions) {
    this.#options = options
    this.#path = `serf/${options.pool}.peers`
  }

  /** What the last run knew; nothing where there is no file or it cannot be read. */
  read(): PoolMemory {
    const bytes = this.#options.files.read(this.#path)
    if (bytes === undefined) return nothing
    const memory = readMemory(bytes)
    if (memory === undefined) {
      const { log, pool } = this.#options
      log.warn('the file of known peers is damaged and left out; configured addresses are used', { pool })
    }
    return memory ?? nothing
  }

  /** Something changed that the next start should know. */
  touch(): void {
    const pauseMs = this.#isWritten ? limits.gossipPeersWriteMs : limits.gossipPeersFirstWriteMs
    this.#timer ??= this.#options.clock.after(pauseMs, () => {
      this.#timer = undefined
      this.write()
    })
  }

  write(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#isWritten = true
    const { files, log, pool, memory } = this.#options
    const text = JSON.stringify({ version: 1, ...memory() })
    const error = files.write(this.#path, Buffer.from(text), { durable: false })
    if (error !== undefined && !this.#isComplained)
      log.warn('known peers cannot be stored; after a reboot only configured addresses are tried', {
        pool,
        reason: error.message,
      })
    this.#isComplained = error !== undefined
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}

function readMemory(bytes: Uint8Array): PoolMemory | undefined {
  let read: Partial<Record<keyof PoolMemory, unknown>>
  try {
    read = JSON.parse(Buffer.from(bytes).toString()) as typeof read
  } catch {
    return undefined
  }
  if (typeof read !== 'object' || read === null || !Array.isArray(read.peers)) return undefined
  const time = (value: unknown): number => (Number.isSafeInteger(value) ? Math.max(0, Number(value)) : 0)
  return {
    hasLeft: read.hasLeft === true,
    time: time(read.time),
    eventTime: time(read.eventTime),
    queryTime: time(read.queryTime),
    peers: read.peers.filter(isPeer).slice(0, limits.gossipPeersKept),
  }
}

function isPeer(value: unknown): value is KnownPeer {
  const peer = value as Partial<KnownPeer> | null
  if (typeof peer?.node !== 'string' || typeof peer.address !== 'string') return false
  const port = Number.isInteger(peer.port) ? Number(peer.port) : 0
  return isIP(peer.address) !== 0 && port > 0 && port <= 65_535
}
