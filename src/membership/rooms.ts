/** Joins the parts of one pool: each is made once, in the order in which they need each other. */
import { failed, ok, type Result } from '../model/errors.ts'
import type { Alive, GossipEndpoint } from '../model/gossip-message.ts'
import type { PoolSocket } from '../platform/ports.ts'
import type { SwimEvent } from '../swim/effects.ts'
import type { SwimInput } from '../swim/input.ts'
import { LocalView } from '../swim/local-view.ts'
import { Swim } from '../swim/swim.ts'
import { PacketCodec } from '../wire/gossip/packet.ts'
import type { GossipSecurity } from '../wire/gossip/security.ts'
import { decodeSerf } from '../wire/gossip/serf-message.ts'
import { Admission } from './admission.ts'
import { Chronicle } from './chronicle.ts'
import type { PoolEvent, PoolOptions } from './contract.ts'
import { CoreDriver } from './core-driver.ts'
import { Drops } from './drops.ts'
import { Exchanges } from './exchanges.ts'
import { KeyStore } from './key-store.ts'
import { tagsOf } from './member-view.ts'
import { allowedNetworks, type IsAllowed } from './networks.ts'
import { ownRecord } from './own-record.ts'
import { Packets } from './packets.ts'
import type { Below } from './serf/below.ts'
import { SerfLayer } from './serf/layer.ts'
import { Streams } from './streams.ts'

export interface PoolRooms {
  readonly swim: Swim
  readonly driver: CoreDriver
  readonly layer: SerfLayer
  readonly exchanges: Exchanges
  readonly keys: KeyStore
  readonly drops: Drops
  readonly below: Below
  gauge(): void
  close(): void
}

export interface Upwards {
  readonly tell: (event: PoolEvent) => void
  /** Our own leave was told often enough. */
  readonly leaveTold: () => void
}

export function openRooms(
  options: PoolOptions,
  upwards: Upwards,
  done: (rooms: Result<PoolRooms>) => void,
): void {
  const { files, pool, keys: configured, sockets, bind } = options
  const isAllowed = allowedNetworks(options.allowedNetworks)
  if (!isAllowed.ok) {
    done(isAllowed)
    return
  }
  const keys = KeyStore.open(files, pool, configured)
  if (!keys.ok) {
    done(keys)
    return
  }
  let rooms: Rooms | undefined
  const listener = {
    onPacket: (packet: Uint8Array, from: GossipEndpoint) => rooms?.hearPacket(packet, from),
    onStream: (stream: Parameters<Streams['accept']>[0]) => rooms?.streams.accept(stream),
  }
  sockets.open(bind, listener, (socket, error) => {
    if (socket === undefined) return done(failed('invalid-config', error))
    const record = ownRecord(options, socket.port)
    if (!record.ok) {
      socket.close()
      return done(record)
    }
    const parts = { socket, record: record.value, keys: keys.value, isAllowed: isAllowed.value }
    rooms = new Rooms(options, upwards, parts)
    done(ok(rooms))
  })
}

interface Parts {
  readonly socket: PoolSocket
  readonly record: Alive
  readonly keys: KeyStore
  readonly isAllowed: IsAllowed
}

class Rooms implements PoolRooms {
  readonly swim: Swim
  readonly driver: CoreDriver
  readonly layer: SerfLayer
  readonly streams: Streams
  readonly exchanges: Exchanges
  readonly keys: KeyStore
  readonly drops: Drops
  readonly below: Below
  readonly #packets: Packets
  readonly #socket: PoolSocket
  readonly #chronicle: Chronicle
  readonly #admission: Admission
  readonly #upwards: Upwards

  constructor(options: PoolOptions, upwards: Upwards, { socket, record, keys, isAllowed }: Parts) {
    const { timing, clock, random } = options
    const security = securityOf(options, keys)
    const codec = new PacketCodec(security)
    this.#upwards = upwards
    this.#socket = socket
    this.keys = keys
    this.drops = new Drops(options)
    this.#chronicle = new Chronicle(options)
    this.#packets = new Packets({ ...options, codec, drops: this.drops, isAllowed })
    this.#packets.use(socket)
    this.#admission = new Admission({
      ...options,
      isAllowed,
      tags: () => tagsOf(this.swim.self.record),
      statusOf: (node) => this.swim.member(node)?.status,
    })
    const packetBytes = timing.swim.packetBytes - codec.mostOverheadBytes
    const swimOptions = {
      parameters: { ...timing.swim, packetBytes },
      self: record,
      random: () => random.fraction(),
      admits: (claim: Alive) => this.#admission.admits(claim),
    }
    this.swim = new Swim(new LocalView(swimOptions, this.#effects(), clock.monotonicMs()))
    this.driver = new CoreDriver(this.swim, clock)
    this.below = this.#below(options)
    const { address, port, node } = record
    this.layer = new SerfLayer(this.below, { address, port, node }, keys)
    const serve = (...heard: Parameters<Exchanges['serve']>): ReturnType<Exchanges['serve']> =>
      this.exchanges.serve(...heard)
    const { streamTimeoutMs: timeoutMs } = timing
    this.streams = new Streams({ security, drops: this.drops, isAllowed, clock, timeoutMs, serve })
    this.streams.use(socket)
    this.exchanges = new Exchanges({
      ...this,
      streams: this.streams,
      timeoutMs,
      step: (input) => this.driver.step(input),
      hearUser: (payload, from) => this.#hearUser(payload, from),
    })
    this.driver.step({ type: 'ack-payload', payload: this.layer.coordinates.payload() })
  }

  hearPacket(packet: Uint8Array, from: GossipEndpoint): void {
    const messages = this.#packets.read(packet, from)
    if (messages.length > 0) this.driver.step({ type: 'packet', from, messages })
  }

  gauge(): void {
    this.#chronicle.gauge(this.swim)
  }

  close(): void {
    this.driver.close()
    this.#socket.close()
  }

  #effects(): ConstructorParameters<typeof LocalView>[1] {
    return {
      send: (to, messages) => this.#packets.send(to, messages),
      pingByStream: (to, ping, timeoutMs) => this.exchanges.ping(to, ping, timeoutMs),
      exchange: (to, _node, isJoin) => this.exchanges.ask(to, isJoin ? 'meeting' : 'calm', ignore),
      notify: (event) => this.#notify(event),
    }
  }

  #below(options: PoolOptions): Below {
    return {
      ...options,
      swim: this.swim,
      step: (input: SwimInput) => this.driver.step(input),
      send: (to, payload) => this.#packets.send(to, [{ type: 'user', payload }]),
      tell: this.#upwards.tell,
    }
  }

  #notify(event: SwimEvent): void {
    if (event.type === 'user') {
      this.#hearUser(event.payload, event.from)
      return
    }
    this.#chronicle.note(event, this.swim)
    if (event.type === 'joined' || event.type === 'updated') this.#admission.joined(event.member.record)
    if (event.type === 'reaped') this.#admission.reaped(event.member.record)
    this.layer.hearGossip(event)
    if (event.type === 'leave-told') this.#upwards.leaveTold()
  }

  #hearUser(payload: Uint8Array, from: GossipEndpoint): void {
    const message = decodeSerf(payload)
    if (typeof message === 'string') this.drops.fault(message, from)
    else this.layer.hear(message, payload)
  }
}

function securityOf(options: PoolOptions, keys: KeyStore): GossipSecurity {
  const { label, verifiesIncoming, encryptsOutgoing, random } = options
  return {
    label,
    keyring: keys.keyring,
    verifiesIncoming,
    encryptsOutgoing,
    randomBytes: (length) => random.bytes(length),
  }
}

/** A failed exchange is tried again with another member; probing finds out who is gone. */
const ignore = (): void => undefined
