/**
 * One connected proxy: which state it was sent, which it has in force, what it refused. At most one state is under way;
 * while it is, newer ones wait and the latest is sent next. Knows frames as messages, and no other proxy.
 */
import type net from 'node:net'
import { unreachable } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import { encodeLinkFrame, LinkDecoder } from '../../wire/link/frame.ts'
import {
  type FromAgent,
  type FromProxy,
  kindsSince,
  linkProtocol,
  type PairStats,
  partsSince,
  type ResourceName,
  readFromProxy,
} from '../../wire/link/message.ts'
import type { ProxyStatus } from '../contract.ts'
import { partOf } from './part.ts'
import { difference, inOrder, type Snapshot } from './snapshot.ts'

export interface ProxyStats {
  /** Random per worker process. */
  readonly worker: string
  readonly open: number
  readonly expired: number
  readonly pairs: readonly PairStats[]
}

export interface ProxySessionEvents {
  /** The proxy said who it is; from here it counts as connected. */
  onConnected(): void
  /** What it has in force or refused is another thing now. */
  onChanged(): void
  onStats(stats: ProxyStats): void
  onClosed(): void
}

type Hello = Extract<FromProxy, { kind: 'hello' }>

export class ProxySession {
  /** In force; undefined: nothing of this agent yet. */
  inForce: Snapshot | undefined
  private readonly socket: net.Socket
  private readonly log: Log
  private readonly events: ProxySessionEvents
  private readonly helloTimer: Timer
  private hello: Hello | undefined
  /** Version of the link that both sides speak. */
  private protocol: number = linkProtocol.min
  private wanted: Snapshot | undefined
  private underWay: Snapshot | undefined
  /** What a difference is computed from; undefined: everything is sent. */
  private base: Snapshot | undefined
  private refusedVersion = 0
  private refused = ''
  /** Streams by instance that is taken out of use, as told since that is in force. */
  private readonly draining = new Map<string, number>()

  constructor(socket: net.Socket, clock: Clock, log: Log, events: ProxySessionEvents) {
    this.socket = socket
    this.log = log
    this.events = events
    const decoder = new LinkDecoder()
    this.helloTimer = clock.after(limits.linkHelloTimeoutMs, () => this.hangUp('no hello in time'))
    socket.on('data', (chunk: Buffer) => {
      const messages = decoder.push(chunk)
      if (!messages.ok) return this.hangUp(messages.failure.message)
      for (const message of messages.value) if (!socket.destroyed) this.onMessage(message)
    })
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      this.helloTimer.cancel()
      events.onClosed()
    })
  }

  get isConnected(): boolean {
    return this.hello !== undefined && !this.socket.destroyed
  }

  status(): ProxyStatus {
    return {
      pid: this.hello?.pid ?? 0,
      version: this.hello?.version ?? '',
      acknowledged: this.inForce?.version ?? 0,
      refused: this.refused,
    }
  }

  /** Whether it must have in force what is decided under that name of `Snapshot.policies`. */
  concerns(name: string): boolean {
    return this.wanted?.policies.has(name) ?? false
  }

  /** Whether streams of that inbound listener may run through it. */
  serves(inbound: string): boolean {
    const part = this.hello?.part
    if (part === undefined) return true
    return part.kind === 'service' && this.wanted?.resources.has(`inbound/${inbound}`) === true
  }

  /**
   * Streams that are open on an instance that is taken out of use. Undefined until the proxy told so of the state that it
   * shall have now: what it told of an earlier drain, undone since, says nothing of this one.
   */
  openWhileDraining(inbound: string): number | undefined {
    return this.inForce === this.wanted ? this.draining.get(inbound) : undefined
  }

  /** The state that this proxy shall have, or its part of it; sent now or after the one under way. */
  offer(snapshot: Snapshot): void {
    this.wanted = partOf(snapshot, this.hello?.part)
    this.sendNext()
  }

  close(): void {
    this.socket.destroy()
  }

  private sendNext(): void {
    const { wanted, base } = this
    if (!this.isConnected || wanted === undefined || this.underWay !== undefined) return
    if (wanted === base || wanted.version === this.refusedVersion) return
    this.underWay = wanted
    const { version } = wanted
    if (base === undefined) {
      const resources = this.understood(inOrder(wanted.resources.values()))
      this.send({ kind: 'full', version, resources })
      return
    }
    const { upserts, removes } = difference(base, wanted)
    const change = { upserts: this.understood(upserts), removes: this.understood(removes) }
    this.send({ kind: 'delta', version, base: base.version, ...change })
  }

  /** An older proxy would refuse everything for the sake of one thing that it does not know. */
  private understood<Named extends ResourceName>(resources: readonly Named[]): readonly Named[] {
    return resources.filter(({ kind }) => this.protocol >= (kindsSince[kind] ?? 1))
  }

  private onMessage(raw: unknown): void {
    const message = readFromProxy(raw)
    if (!message.ok) {
      this.hangUp(message.failure.message)
      return
    }
    if ((this.hello === undefined) !== (message.value.kind === 'hello')) {
      this.hangUp('the first message, and no other, is a hello')
      return
    }
    this.dispatch(message.value)
  }

  private dispatch(message: FromProxy): void {
    switch (message.kind) {
      case 'hello':
        this.onHello(message)
        return
      case 'ack':
        this.onAck(message.version, message.problems)
        return
      case 'nack':
        this.onNack(message.version, message.reason)
        return
      case 'resync':
        this.base = undefined
        this.underWay = undefined
        this.sendNext()
        return
      case 'stats': {
        const { open, expired, pairs, draining } = message
        for (const { name, open: streams } of draining)
          if (isDraining(this.inForce, name)) this.draining.set(name, streams)
        this.events.onStats({ worker: this.hello?.worker ?? '', open, expired, pairs })
        return
      }
      default:
        unreachable(message)
        return
    }
  }

  private onHello(hello: Hello): void {
    const protocol = Math.min(hello.maxProtocol, linkProtocol.max)
    const needed = hello.part === undefined ? linkProtocol.min : partsSince
    if (protocol < Math.max(hello.minProtocol, needed)) {
      const reason = `this agent speaks link ${linkProtocol.min} to ${linkProtocol.max}`
      this.log.error('a proxy of another version is turned away', { pid: hello.pid, version: hello.version })
      this.send({ kind: 'goaway', reason })
      this.socket.end()
      return
    }
    this.helloTimer.cancel()
    this.hello = hello
    this.protocol = protocol
    this.send({ kind: 'welcome', protocol })
    this.log.info('proxy connected', { pid: hello.pid, version: hello.version })
    this.events.onConnected()
    this.sendNext()
  }

  private onAck(version: number, problems: readonly string[]): void {
    if (version === this.underWay?.version) {
      for (const name of [...this.draining.keys()])
        if (!isDraining(this.underWay, name)) this.draining.delete(name)
      this.inForce = this.underWay
      this.base = this.underWay
      this.underWay = undefined
    } else if (version !== this.inForce?.version) {
      this.hangUp(`acknowledged ${version}, which was not sent`)
      return
    }
    this.refused = problems.join('; ')
    if (problems.length > 0) this.log.warn('a proxy could not open all listeners', { problems })
    this.events.onChanged()
    this.sendNext()
  }

  private onNack(version: number, reason: string): void {
    if (version !== this.underWay?.version) {
      this.hangUp(`refused ${version}, which was not sent`)
      return
    }
    this.underWay = undefined
    this.refusedVersion = version
    this.refused = reason === '' ? 'refused without a reason' : reason
    this.log.error('a proxy refused its configuration and keeps the last one', { version, reason })
    this.events.onChanged()
    this.sendNext()
  }

  private send(message: FromAgent): void {
    const frame = encodeLinkFrame(message)
    if (frame.ok) this.socket.write(frame.value)
    else this.hangUp(frame.failure.message)
  }

  private hangUp(reason: string): void {
    this.log.warn('the link to a proxy is closed', { pid: this.hello?.pid ?? 0, reason })
    this.socket.destroy()
  }
}

function isDraining(snapshot: Snapshot | undefined, inbound: string): boolean {
  const resource = snapshot?.resources.get(`inbound/${inbound}`)
  return resource?.kind === 'inbound' && resource.drain !== undefined
}
