// The smallest shell around the membership core: one UDP socket, one TCP listener, one timer. Enough of Serf's layer to
// be a good member of a real `serf` pool: state in exchanges, answers to queries.
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { connect, createServer, type Server, type Socket as Stream } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Alive, GossipEndpoint, PushPull, StreamMessage } from '../../src/model/gossip-message.ts'
import { noBytes } from '../../src/model/gossip-message.ts'
import { type Query, type SerfMessage, serfQueries } from '../../src/model/serf-message.ts'
import type { SwimEvent } from '../../src/swim/effects.ts'
import { LocalView } from '../../src/swim/local-view.ts'
import type { SwimParameters } from '../../src/swim/parameters.ts'
import { Swim } from '../../src/swim/swim.ts'
import type { Keyring } from '../../src/wire/gossip/keyring.ts'
import { PacketCodec } from '../../src/wire/gossip/packet.ts'
import type { GossipSecurity } from '../../src/wire/gossip/security.ts'
import { encodeKeyResponse } from '../../src/wire/gossip/serf-answer.ts'
import { decodeSerf, encodeSerf } from '../../src/wire/gossip/serf-message.ts'
import { decodeSerfState, encodeSerfState } from '../../src/wire/gossip/serf-state.ts'
import { encodeTags } from '../../src/wire/gossip/serf-tags.ts'
import { encodeStream, StreamReader } from '../../src/wire/gossip/stream.ts'

export interface GossipAgentOptions {
  readonly node: string
  readonly address: string
  readonly port: number
  readonly parameters: SwimParameters
  readonly keyring: Keyring
  readonly label?: string
}

export class GossipAgent {
  readonly swim: Swim
  readonly events: SwimEvent[] = []
  readonly heard: SerfMessage[] = []
  /** What could not be read. */
  readonly faults: string[] = []
  readonly #told = new Set<string>()
  readonly #security: GossipSecurity
  readonly #codec: PacketCodec
  readonly #options: GossipAgentOptions
  readonly #datagrams: Socket
  readonly #streams: Server
  #timer: NodeJS.Timeout | undefined

  constructor(options: GossipAgentOptions) {
    const { node, address, port, keyring, label = '' } = options
    this.#options = options
    this.#security = { label, keyring, verifiesIncoming: true, encryptsOutgoing: true, randomBytes }
    this.#codec = new PacketCodec(this.#security)
    const meta = encodeTags(new Map([['role', 'mesh']])) ?? noBytes
    const versions = [1, 5, 2, 2, 5, 4] as const
    const self: Alive = { type: 'alive', incarnation: 1, node, address, port, meta, versions }
    const parameters = {
      ...options.parameters,
      packetBytes: options.parameters.packetBytes - this.#codec.overheadBytes,
    }
    const effects = {
      send: (to: GossipEndpoint, messages: Parameters<PacketCodec['encode']>[0]) =>
        this.#datagrams.send(this.#codec.encode(messages), to.port, to.address),
      pingByStream: (to: GossipEndpoint, ping: StreamMessage, timeoutMs: number) =>
        this.#ask(to, ping, timeoutMs, (answer) => {
          if (answer.type === 'ack') this.#step({ type: 'stream-ack', sequence: answer.sequence })
        }),
      exchange: (to: GossipEndpoint, _node: string, isJoin: boolean) => this.exchange(to, isJoin),
      notify: (event: SwimEvent) => this.#notify(event),
    }
    this.#datagrams = createSocket('udp4')
    this.#streams = createServer((stream) => this.#accept(stream))
    const options_ = { parameters, self, random: Math.random, admits: () => true }
    this.swim = new Swim(new LocalView(options_, effects, performance.now()))
  }

  async start(): Promise<void> {
    const { address, port } = this.#options
    this.#datagrams.on('message', (packet, from) => {
      const { messages, fault } = this.#codec.decode(packet)
      if (fault !== '') this.faults.push(fault)
      this.#step({ type: 'packet', from, messages })
    })
    await new Promise<void>((resolve) => this.#datagrams.bind(port, address, resolve))
    await new Promise<void>((resolve) => this.#streams.listen(port, address, resolve))
    this.#step({ type: 'tick' })
  }

  exchange(to: GossipEndpoint, isJoin: boolean): void {
    this.#ask(to, this.#state(isJoin), 5_000, (answer) => {
      if (answer.type === 'push-pull') this.#hearState(answer)
      else this.faults.push(`unexpected ${answer.type}`)
    })
  }

  step(input: Parameters<Swim['step']>[1]): void {
    this.#step(input)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#datagrams.close()
    this.#streams.close()
  }

  #step(input: Parameters<Swim['step']>[1]): void {
    this.swim.step(performance.now(), input)
    clearTimeout(this.#timer)
    const waitMs = Math.max(0, this.swim.nextDeadlineMs - performance.now())
    this.#timer = setTimeout(() => this.#step({ type: 'tick' }), waitMs)
  }

  #state(isJoin: boolean): PushPull {
    const members = this.swim.states()
    const statusTimes = new Map(members.map((member) => [member.record.node, 1]))
    const userState = encodeSerfState({
      time: 1,
      statusTimes,
      left: [],
      eventTime: 1,
      events: [],
      queryTime: 1,
    })
    return { type: 'push-pull', isJoin, members, userState }
  }

  #hearState(state: PushPull): void {
    const serf = decodeSerfState(state.userState)
    if (typeof serf === 'string') this.faults.push(serf)
    this.#step({ type: 'push-pull', state })
  }

  #ask(to: GossipEndpoint, message: StreamMessage, timeoutMs: number, take: (answer: StreamMessage) => void) {
    const stream = connect({ port: to.port, host: to.address, timeout: timeoutMs })
    stream.on('connect', () => stream.write(encodeStream(message, this.#security)))
    this.#read(stream, (answer) => {
      stream.destroy()
      take(answer)
    })
  }

  #accept(stream: Stream): void {
    this.#read(stream, (request) => {
      if (request.type === 'push-pull') {
        this.#hearState(request)
        stream.end(encodeStream(this.#state(request.isJoin), this.#security))
      } else if (request.type === 'ping') {
        const { sequence } = request
        stream.end(encodeStream({ type: 'ack', sequence, payload: noBytes }, this.#security))
      }
    })
  }

  #read(stream: Stream, take: (message: StreamMessage) => void): void {
    const reader = new StreamReader(this.#security)
    stream.on('error', () => stream.destroy())
    stream.on('timeout', () => stream.destroy())
    stream.on('data', (piece: Buffer) => {
      const progress = reader.push(piece)
      if (progress.kind === 'message') take(progress.message)
      else if (progress.kind === 'fault') {
        this.faults.push(progress.fault)
        stream.destroy()
      }
    })
  }

  #notify(event: SwimEvent): void {
    this.events.push(event)
    if (event.type !== 'user') return
    const message = decodeSerf(event.payload)
    if (typeof message === 'string') this.faults.push(message)
    else if (message.type === 'query-response') this.heard.push(message)
    else {
      const { payload } = event
      if (this.#told.has(Buffer.from(payload).toString('latin1'))) return
      this.#told.add(Buffer.from(payload).toString('latin1'))
      this.heard.push(message)
      // The core must not be stepped from within its own call.
      queueMicrotask(() => {
        this.#step({ type: 'broadcast', payload, urgency: 'event' })
        if (message.type === 'query') this.#answer(message)
      })
    }
  }

  #answer(query: Query): void {
    const { keys } = this.#security.keyring
    const base64 = keys.map((key) => Buffer.from(key).toString('base64'))
    const payload =
      query.name === serfQueries.listKeys
        ? encodeKeyResponse({ isDone: true, message: '', keys: base64, primaryKey: base64[0] ?? '' })
        : Buffer.from('0.42')
    const { time, id, source } = query
    const common = { type: 'query-response', time, id, from: this.#options.node } as const
    if (query.wantsAck) this.#send(source, { ...common, isAck: true, payload: noBytes })
    this.#send(source, { ...common, isAck: false, payload })
  }

  #send(to: GossipEndpoint, message: SerfMessage): void {
    const packet = this.#codec.encode([{ type: 'user', payload: encodeSerf(message) }])
    this.#datagrams.send(packet, to.port, to.address)
  }
}
