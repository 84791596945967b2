/**
 * An outbound listener for datagrams: every client address has a flow of its own, which is one stream to an instance of the
 * target while it is used. The flow itself is outbound-flow.ts; here is which flows there are and how long they live.
 */
import dgram from 'node:dgram'
import { limits } from '../../model/limits.ts'
import type { Timer } from '../../platform/ports.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import type { ListenerContext } from './context.ts'
import { type HeldBytes, OutboundFlow } from './outbound-flow.ts'

/** The part of Node's UDP wrap that its public socket does not show. */
interface ReceivingHandle {
  recvStop?(): number
}

/** A flow moves to the end of the order at most so often, so that a busy one costs nothing for each datagram. */
const orderEveryMs = 1_000

export class OutboundDatagrams {
  readonly server: dgram.Socket
  private readonly context: ListenerContext
  private readonly name: () => string
  /** By the client's address and port; the longest silent first. */
  private readonly flows = new Map<string, OutboundFlow>()
  private readonly held: HeldBytes = { bytes: 0 }
  private handle: ReceivingHandle = {}
  private sweepTimer: Timer | undefined
  private leaving: boolean = false
  private closed: boolean = false

  /** `name` gives the outbound resource that the address belongs to now. */
  constructor(context: ListenerContext, name: () => string) {
    this.context = context
    this.name = name
    const outbound = context.tables().outbounds.get(name())
    this.server = dgram.createSocket(outbound?.bindAddress.includes(':') === true ? 'udp6' : 'udp4')
    this.server.on('message', (payload: Buffer, from) => this.onMessage(payload, from))
  }

  /** From here datagrams are ours; what came before waits in the kernel. */
  receiveFrom(handle: object): void {
    this.handle = handle
    // Node's types know only numbers and options; a handle is what its cluster module gives.
    this.server.bind(handle as dgram.BindOptions)
  }

  count(): number {
    return this.flows.size
  }

  /** Takes no datagram more: they are the next worker's. Answers that are under way still go out. */
  leave(): void {
    this.leaving = true
    this.handle.recvStop?.()
    this.sweepTimer?.cancel()
    this.sweepTimer = undefined
    // They carry nothing, and nobody would wait for them.
    for (const flow of this.flows.values()) if (flow.isPaused) flow.cut('closed')
    this.sweep()
  }

  cut(code: EndCode): void {
    for (const flow of [...this.flows.values()]) flow.cut(code)
  }

  private onMessage(payload: Buffer, from: dgram.RemoteInfo): void {
    // Nobody can be answered at port 0, which a forged packet may claim: Node throws when it sends there.
    if (this.leaving || from.port === 0) return
    const key = `${from.port} ${from.address}`
    const nowMs = this.context.clock.monotonicMs()
    this.flowOf(key, from, nowMs).take(payload, nowMs)
  }

  private flowOf(key: string, from: dgram.RemoteInfo, nowMs: number): OutboundFlow {
    const known = this.flows.get(key)
    if (known !== undefined) {
      if (nowMs - known.usedMs < orderEveryMs) return known
      this.flows.delete(key)
      this.flows.set(key, known)
      return known
    }
    const [longestSilent] = this.flows.values()
    if (this.flows.size >= limits.datagramFlows) longestSilent?.cut('closed')
    const client = { address: from.address, port: from.port, socket: this.server, held: this.held }
    const flow = new OutboundFlow(this.context, this.name(), client, () => this.onGone(key, flow))
    this.flows.set(key, flow)
    this.sweepLater()
    flow.start()
    return flow
  }

  private onGone(key: string, flow: OutboundFlow): void {
    if (this.flows.get(key) === flow) this.flows.delete(key)
    if (this.flows.size > 0) return
    this.sweepTimer?.cancel()
    this.sweepTimer = undefined
    if (this.leaving) this.close()
  }

  private get idleMs(): number {
    return this.leaving ? limits.datagramLeavingIdleMs : limits.datagramIdleMs
  }

  /** One timer for all flows, set for the one that is silent longest. */
  private sweepLater(): void {
    const [longestSilent] = this.flows.values()
    if (longestSilent === undefined || this.sweepTimer !== undefined) return
    const leftMs = longestSilent.usedMs + this.idleMs - this.context.clock.monotonicMs()
    // Not each on its own where many end one after the other.
    const waitMs = Math.max(leftMs, Math.min(orderEveryMs, this.idleMs / 4))
    this.sweepTimer = this.context.clock.after(waitMs, () => {
      this.sweepTimer = undefined
      this.sweep()
    })
  }

  private sweep(): void {
    const oldMs = this.context.clock.monotonicMs() - this.idleMs
    for (const flow of this.flows.values()) {
      if (flow.usedMs > oldMs) break
      flow.cut('closed')
    }
    if (this.leaving && this.flows.size === 0) this.close()
    else this.sweepLater()
  }

  private close(): void {
    if (this.closed) return
    this.closed = true
    this.server.close()
  }
}
