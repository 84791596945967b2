/**
 * What other servers tell of their agents, put into this server's picture of the whole cluster. A server that falls silent
 * takes its acknowledgements with it at once, because nobody knows any more what its proxies do; its agents count as present
 * for a while, because they are on their way to another server.
 */
import { type Failure, failed } from '../../model/errors.ts'
import type { NodeId } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import type { FrameStream } from '../../rpc/contract.ts'
import type { PresenceFrame } from '../../rpc/server-contract.ts'
import type { SessionHub } from './hub.ts'

export interface HearingPorts {
  readonly hub: Pick<SessionHub, 'whereabouts' | 'enforcement'>
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>
  readonly log: Log
}

interface Heard {
  readonly stream: FrameStream<never, PresenceFrame>
  /** Agents told since the stream began, until all have been; then what was known before and not told again is dropped. */
  fresh: Set<string> | undefined
  atMs: number
  silence: Timer
}

export class PresenceHearing {
  readonly #ports: HearingPorts
  readonly #heard = new Map<NodeId, Heard>()
  /** Servers that were lost a moment ago. */
  readonly #grace = new Map<NodeId, Timer>()

  constructor(ports: HearingPorts) {
    this.#ports = ports
  }

  /** `from` is the server that the transport has authenticated; a new stream of it takes the place of an older one. */
  open(from: NodeId, stream: FrameStream<never, PresenceFrame>): void {
    const { clock, hub } = this.#ports
    const before = this.#heard.get(from)
    before?.silence.cancel()
    before?.stream.destroy(failed('conflict', 'another stream of this server took over').failure)
    const heard: Heard = {
      stream,
      fresh: new Set(),
      atMs: clock.monotonicMs(),
      silence: clock.after(limits.presenceSilenceMs, () => this.#checkSilence(from, heard)),
    }
    this.#heard.set(from, heard)
    // It will say itself whom it still has.
    this.#grace.get(from)?.cancel()
    this.#grace.delete(from)
    hub.enforcement.lost(from)
    stream.listen({
      onFrame: (frame) => {
        if (this.#heard.get(from) === heard) this.#take(from, heard, frame)
      },
      onDrain: () => undefined,
      onClose: (reason) => this.#lost(from, heard, reason),
    })
  }

  hears(server: NodeId): boolean {
    return this.#heard.get(server)?.fresh === undefined && this.#heard.has(server)
  }

  stop(): void {
    const { failure } = failed('no-server', 'this server is stopping')
    for (const [from, heard] of [...this.#heard]) {
      heard.stream.destroy(failure)
      this.#lost(from, heard, failure)
    }
    for (const timer of this.#grace.values()) timer.cancel()
    this.#grace.clear()
  }

  #take(from: NodeId, heard: Heard, frame: PresenceFrame): void {
    const { hub, clock } = this.#ports
    heard.atMs = clock.monotonicMs()
    for (const node of frame.gone) this.#leave(from, node)
    for (const node of frame.present) {
      heard.fresh?.add(node)
      hub.whereabouts.arrived(node, from)
      hub.enforcement.moved(node)
    }
    if (hub.whereabouts.nodesAt(from).size > limits.agentsToldPerServer) {
      this.#end(from, heard, failed('overloaded', 'the server tells of more agents than it can have').failure)
      return
    }
    for (const { node, destination, indexes, rulesIndex } of frame.enforced)
      if (indexes.length <= limits.proxiesPerAgent && hub.whereabouts.nodesAt(from).has(node))
        hub.enforcement.told(from, node, destination, {
          indexes,
          known: { rulesIndex, applied: frame.applied },
        })
    if (frame.isComplete && heard.fresh !== undefined) this.#complete(from, heard)
  }

  #complete(from: NodeId, heard: Heard): void {
    const fresh = heard.fresh
    heard.fresh = undefined
    for (const node of [...this.#ports.hub.whereabouts.nodesAt(from)])
      if (fresh?.has(node) !== true) this.#leave(from, node)
  }

  #leave(from: NodeId, node: string): void {
    const { whereabouts, enforcement } = this.#ports.hub
    whereabouts.left(node, from)
    enforcement.left(from, node)
    enforcement.moved(node)
  }

  #checkSilence(from: NodeId, heard: Heard): void {
    if (this.#heard.get(from) !== heard) return
    const { clock } = this.#ports
    const silentMs = clock.monotonicMs() - heard.atMs
    if (silentMs >= limits.presenceSilenceMs)
      this.#end(from, heard, failed('no-server', `silent for ${Math.round(silentMs)} ms`).failure)
    else
      heard.silence = clock.after(limits.presenceSilenceMs - silentMs, () => this.#checkSilence(from, heard))
  }

  #end(from: NodeId, heard: Heard, reason: Failure): void {
    heard.stream.destroy(reason)
    this.#lost(from, heard, reason)
  }

  #lost(from: NodeId, heard: Heard, reason: Failure | undefined): void {
    if (this.#heard.get(from) !== heard) return
    const { hub, clock, log } = this.#ports
    heard.silence.cancel()
    this.#heard.delete(from)
    hub.enforcement.lost(from)
    const agents = hub.whereabouts.nodesAt(from).size
    log.info('a server tells no more of its agents', { server: from, agents, ...reason })
    this.#grace.get(from)?.cancel()
    this.#grace.set(
      from,
      clock.after(limits.serverLossGraceMs, () => {
        this.#grace.delete(from)
        for (const node of [...hub.whereabouts.nodesAt(from)]) this.#leave(from, node)
      }),
    )
  }
}
