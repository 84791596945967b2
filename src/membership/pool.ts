/**
 * One gossip pool of this host: what its users call. Sockets, core, keyring and Serf's layer are joined in rooms.ts;
 * everything calls back, and nothing here has a clock, a random source or a socket of its own.
 */
import { failed, ok, type Result } from '../model/errors.ts'
import type { GossipEndpoint } from '../model/gossip-message.ts'
import { limits } from '../model/limits.ts'
import type { NetworkCoordinate } from '../model/serf-message.ts'
import type { Timer } from '../platform/ports.ts'
import type { JoinReport, KeyReport, PoolEvent, PoolMember, PoolOptions } from './contract.ts'
import { Goodbye } from './goodbye.ts'
import { join } from './join.ts'
import { encodedTags } from './own-record.ts'
import { type KnownPeer, PeersFile, type PoolMemory } from './peers-file.ts'
import { RetryJoin } from './retry-join.ts'
import { openRooms, type PoolRooms } from './rooms.ts'
import { livingMembers } from './serf/below.ts'
import { askAboutKeys, type KeyQuestion } from './serf/key-queries.ts'
import type { Question } from './serf/open-queries.ts'

export type PoolListener = (event: PoolEvent) => void

export interface RetryOptions {
  readonly addresses: readonly string[]
  readonly intervalMs: number
  /** 0: for ever. */
  readonly attempts: number
  /** False: it gave up. */
  readonly done: (isJoined: boolean) => void
}

export class Pool {
  readonly #options: PoolOptions
  readonly #rooms: PoolRooms
  readonly #peers: PeersFile
  readonly #goodbye: Goodbye
  readonly #listeners = new Set<PoolListener>()
  /** What the last run knew; its peers are where we may find the pool again. */
  readonly #memory: PoolMemory
  #hasLeft = false
  #retry: RetryJoin | undefined
  #whenAlone: (() => void) | undefined
  #tidying: Timer | undefined

  private constructor(options: PoolOptions, rooms: PoolRooms, peers: PeersFile) {
    const { clock, timing } = options
    this.#options = options
    this.#rooms = rooms
    this.#peers = peers
    this.#memory = peers.read()
    rooms.layer.remember(this.#memory)
    this.#goodbye = new Goodbye({
      timing,
      clock,
      livingMembers: () => livingMembers(rooms.swim),
      tellIntent: () => rooms.layer.tellLeave(),
      step: (input) => rooms.driver.step(input),
    })
    rooms.driver.start()
    this.#tidy()
  }

  /** Binds the sockets; the pool then answers others, and is alone until it joins or somebody finds it. */
  static open(options: PoolOptions, done: (opened: Result<Pool>) => void): void {
    const waiting: { pool?: Pool } = {}
    const peers = new PeersFile({ ...options, memory: () => waiting.pool?.memory() ?? nothingKnown })
    const tell = (event: PoolEvent): void => waiting.pool?.tell(event)
    const leaveTold = (): void => waiting.pool?.goodbyeTold()
    openRooms(options, { tell, leaveTold }, (rooms) => {
      if (!rooms.ok) return done(rooms)
      waiting.pool = new Pool(options, rooms.value, peers)
      done(ok(waiting.pool))
    })
  }

  /** Where others reach this member. */
  get endpoint(): GossipEndpoint {
    const { address, port } = this.#rooms.swim.self.record
    return { address, port }
  }

  get healthScore(): number {
    return this.#rooms.swim.healthScore
  }

  /** Members that take part now, ourselves included. */
  get livingCount(): number {
    return livingMembers(this.#rooms.swim)
  }

  get isEncrypted(): boolean {
    return this.#rooms.keys.keyring.keys.length > 0
  }

  /** Packets and streams that were thrown away, by reason. */
  get drops(): Pick<PoolRooms['drops'], 'count'> {
    return this.#rooms.drops
  }

  /** Everybody that is known, ourselves included. */
  members(): readonly PoolMember[] {
    return Array.from(this.#rooms.swim.members(), (member) => this.#rooms.layer.view(member))
  }

  member(node: string): PoolMember | undefined {
    const member = this.#rooms.swim.member(node)
    return member === undefined ? undefined : this.#rooms.layer.view(member)
  }

  onEvent(listener: PoolListener): { close(): void } {
    this.#listeners.add(listener)
    return { close: () => void this.#listeners.delete(listener) }
  }

  join(addresses: readonly string[], done: (report: JoinReport) => void): void {
    const { names, bind } = this.#options
    const { exchanges, layer } = this.#rooms
    const options = {
      names,
      defaultPort: bind.port === 0 ? this.endpoint.port : bind.port,
      self: this.endpoint,
      exchange: (to: GossipEndpoint, then: (reason: string) => void) => exchanges.ask(to, 'own', then),
    }
    join(addresses, options, (report) => {
      if (report.joined > 0) layer.tellJoin()
      done(report)
    })
  }

  /**
   * Joins, again and again until it worked: with the given addresses, and those of the last run. Whenever this member is
   * alone later on, it begins again: members that left are met by nobody else.
   */
  keepJoining(options: RetryOptions): void {
    const { addresses, intervalMs, attempts, done } = options
    this.#retry?.stop()
    this.#whenAlone = () => this.keepJoining({ ...options, done: () => undefined })
    this.#retry = new RetryJoin({
      ...this.#options,
      addresses: () => [...addresses, ...this.#someRemembered()],
      join: (tried, then) => this.join(tried, then),
      isJoined: () => livingMembers(this.#rooms.swim) > 1,
      ...{ intervalMs, attempts, done },
    })
    this.#retry.start()
  }

  /** Says goodbye; `done` when others know. Answers until it is closed. */
  leave(done: () => void): void {
    this.#retry?.stop()
    this.#hasLeft = true
    this.#goodbye.say(() => {
      this.#peers.write()
      done()
    })
  }

  forceLeave(node: string, prune: boolean): Result<true> {
    return this.#rooms.layer.forceLeave(node, prune)
  }

  /** Fails where the tags are too long together. */
  setTags(tags: ReadonlyMap<string, string>): Result<true> {
    const meta = encodedTags(tags)
    if (!meta.ok) return meta
    this.#rooms.driver.step({ type: 'update', meta: meta.value })
    return ok(true)
  }

  fireEvent(name: string, payload: Uint8Array, coalesces: boolean): Result<true> {
    return this.#rooms.layer.fireEvent(name, payload, coalesces)
  }

  ask(question: Question): Result<{ end(): void }> {
    return this.#rooms.layer.queries.ask(question)
  }

  /** Puts these keys in the place of this member's keyring, the first one in use; kept over restarts. */
  useKeys(keys: readonly Uint8Array[]): Result<true> {
    return this.#rooms.keys.replace(keys)
  }

  /** An operation on the keyrings of all members. */
  askAboutKeys(question: KeyQuestion, done: (report: Result<KeyReport>) => void): void {
    if (!this.isEncrypted) {
      done(failed('bad-request', 'gossip is not encrypted; there is no keyring'))
      return
    }
    askAboutKeys(this.#rooms.below, this.#rooms.layer.queries, question, done)
  }

  coordinate(node: string): NetworkCoordinate | undefined {
    return this.#rooms.layer.coordinates.of(node)
  }

  /** Expected round trip between two members; undefined where one of them is not known well enough yet. */
  roundTripMs(a: string, b: string): number | undefined {
    return this.#rooms.layer.coordinates.roundTripMs(a, b)
  }

  /** At once and without a goodbye. Idempotent. */
  close(): void {
    this.#retry?.stop()
    this.#tidying?.cancel()
    this.#rooms.layer.queries.close()
    this.#peers.write()
    this.#peers.close()
    this.#rooms.close()
    this.#listeners.clear()
  }

  /** For the rooms below: something to be known outside. */
  tell(event: PoolEvent): void {
    if (event.type.startsWith('member-')) this.#peers.touch()
    for (const listener of this.#listeners) listener(event)
  }

  /** For the rooms below: our leave was told often enough. */
  goodbyeTold(): void {
    this.#goodbye.told()
  }

  /** What the next start should know. While we are alone, what the last one knew stays. */
  memory(): PoolMemory {
    const { swim, layer } = this.#rooms
    const peers: KnownPeer[] = []
    for (const { name, status, record } of swim.members()) {
      if (peers.length >= limits.gossipPeersKept) break
      if (status === 'alive' && name !== swim.self.name)
        peers.push({ node: name, address: record.address, port: record.port })
    }
    const isAlone = peers.length === 0
    return { ...layer.times(), hasLeft: this.#hasLeft, peers: isAlone ? this.#memory.peers : peers }
  }

  #someRemembered(): readonly string[] {
    const { peers, hasLeft } = this.#memory
    if (hasLeft && !this.#options.rejoinsAfterLeave) return []
    const { random } = this.#options
    const left = [...peers]
    const some: string[] = []
    while (some.length < limits.gossipJoinsInFlight && left.length > 0) {
      const [peer] = left.splice(Math.floor(random.fraction() * left.length), 1)
      if (peer !== undefined)
        some.push(
          peer.address.includes(':') ? `[${peer.address}]:${peer.port}` : `${peer.address}:${peer.port}`,
        )
    }
    return some
  }

  #tidy(): void {
    const { clock, timing } = this.#options
    this.#tidying = clock.after(timing.swim.reapIntervalMs, () => {
      this.#rooms.layer.tidy()
      this.#rooms.gauge()
      const isAlone = livingMembers(this.#rooms.swim) === 1
      if (isAlone && this.#retry?.hasJoined === true && !this.#hasLeft) this.#whenAlone?.()
      this.#tidy()
    })
  }
}

const nothingKnown: PoolMemory = { hasLeft: false, time: 0, eventTime: 0, queryTime: 0, peers: [] }
