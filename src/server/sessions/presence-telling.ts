/**
 * Tells one other server which agents are connected here and what they acknowledged: all of it when a stream begins, then
 * each change. What is told is always the present state, so that changes in quick succession are told once.
 */
import { limits } from '../../model/limits.ts'
import type { Clock, Random, Timer } from '../../platform/ports.ts'
import type { FrameStream } from '../../rpc/contract.ts'
import type { EnforcedThere, PresenceFrame } from '../../rpc/server-contract.ts'
import type { SessionHub } from './hub.ts'
import { here } from './whereabouts.ts'

export interface TellingPorts {
  readonly hub: Pick<SessionHub, 'whereabouts' | 'enforcement'>
  readonly open: () => FrameStream<PresenceFrame, never>
  /** Index of the newest state here, and when the rules of a destination last changed in it. */
  readonly applied: () => number
  readonly rulesIndex: (destination: string) => number
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>
  readonly random: Pick<Random, 'fraction'>
}

type Row = Pick<EnforcedThere, 'node' | 'destination'>

/** Changes wait this long for others, so that one frame carries them. */
const flushMs = 10
const firstPauseMs = 200
const pauseFactor = 1.6
const jitter = 0.2
/** A stream that lived this long was good: the next attempt after it is quick again. */
const goodAfterMs = 5_000

export class PresenceTelling {
  readonly #ports: TellingPorts
  #stream: FrameStream<PresenceFrame, never> | undefined
  #openedAtMs = 0
  #failures = 0
  #timer: Timer | undefined
  #flush: Timer | undefined
  /** Agents that were here when the stream began and have not been told; undefined once all were. */
  #initial: string[] | undefined
  readonly #nodes = new Set<string>()
  readonly #rows = new Map<string, Row>()
  #isStopped: boolean = false

  constructor(ports: TellingPorts) {
    this.#ports = ports
    this.#open()
  }

  /** The agent of `node` came or left. */
  agentChanged(node: string): void {
    if (this.#stream === undefined) return
    this.#nodes.add(node)
    this.#flushSoon()
  }

  /** What the agent of `node` acknowledged for `destination` changed. */
  rowChanged(node: string, destination: string): void {
    if (this.#stream === undefined) return
    this.#rows.set(`${node}\u0000${destination}`, { node, destination })
    this.#flushSoon()
  }

  /** A sign of life, where nothing else was to be told. */
  beat(): void {
    if (this.#flush === undefined && this.#stream?.queuedBytes() === 0) this.#stream.send(this.#frame())
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#flush?.cancel()
    this.#stream?.end()
    this.#stream = undefined
  }

  #open(): void {
    const { hub, open, clock } = this.#ports
    const stream = open()
    this.#stream = stream
    this.#openedAtMs = clock.monotonicMs()
    this.#nodes.clear()
    this.#rows.clear()
    this.#initial = [...hub.whereabouts.nodesAt(here)]
    stream.listen({
      onFrame: () => undefined,
      onDrain: () => this.#flushSoon(),
      onClose: () => this.#closed(stream),
    })
    this.#flushSoon()
  }

  #closed(stream: FrameStream<PresenceFrame, never>): void {
    if (this.#stream !== stream || this.#isStopped) return
    const { clock, random } = this.#ports
    this.#stream = undefined
    this.#flush?.cancel()
    this.#flush = undefined
    if (clock.monotonicMs() - this.#openedAtMs >= goodAfterMs) this.#failures = 0
    const pauseMs = Math.min(firstPauseMs * pauseFactor ** this.#failures, limits.presencePauseMaxMs)
    this.#failures += 1
    this.#timer = clock.after(pauseMs * (1 + jitter * random.fraction()), () => this.#open())
  }

  #flushSoon(): void {
    const isEmpty = this.#initial === undefined && this.#nodes.size === 0 && this.#rows.size === 0
    if (isEmpty || this.#flush !== undefined) return
    this.#flush = this.#ports.clock.after(flushMs, () => {
      this.#flush = undefined
      const stream = this.#stream
      // What a slow server has not read is not put on top: what there is to tell may change meanwhile.
      if (stream === undefined || stream.queuedBytes() >= limits.presenceQueueBytes) return
      stream.send(this.#frame())
      this.#flushSoon()
    })
  }

  /** The next piece of what is to be told. */
  #frame(): PresenceFrame {
    const { hub, applied } = this.#ports
    const present: string[] = []
    const gone: string[] = []
    const enforced: EnforcedThere[] = []
    const hasRoom = (): boolean =>
      present.length + gone.length + enforced.length < limits.presenceRowsPerFrame
    const tellRow = ({ node, destination }: Row): void => {
      const indexes = hub.enforcement.own.get(node, destination)?.indexes ?? []
      enforced.push({ node, destination, indexes, rulesIndex: this.#ports.rulesIndex(destination) })
    }
    for (const node of this.#nodes) {
      if (!hasRoom()) break
      this.#nodes.delete(node)
      if (hub.whereabouts.nodesAt(here).has(node)) present.push(node)
      else gone.push(node)
    }
    while (this.#initial !== undefined && hasRoom()) {
      const node = this.#initial.pop()
      if (node === undefined) this.#initial = undefined
      else if (hub.whereabouts.nodesAt(here).has(node)) {
        present.push(node)
        for (const destination of hub.enforcement.own.destinationsOf(node)) tellRow({ node, destination })
      }
    }
    for (const [key, row] of this.#rows) {
      if (!hasRoom()) break
      this.#rows.delete(key)
      tellRow(row)
    }
    return { applied: applied(), gone, present, enforced, isComplete: this.#initial === undefined }
  }
}
