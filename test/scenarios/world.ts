// The servers of a story and the network between them: nothing moves unless a command says so.
import { type LogIndex, type NodeId, nodeId, type Term } from '../../src/model/ids.ts'
import type { RaftMessage, RaftMessageType } from '../../src/model/raft-message.ts'
import { type Applied, Server } from './server.ts'
import { messageText } from './words.ts'

export interface Envelope {
  readonly from: NodeId
  readonly to: NodeId
  readonly message: RaftMessage
}

/** One direction between two servers; without ends it means all. */
export interface Link {
  readonly from: string
  readonly to: string
}

/** Longer spans of time are cut into ticks of this length. */
const sliceMs = 100
/** Server 1 waits this long for a leader, each further one a little longer: who campaigns first is never a surprise. */
const firstTimeoutMs = 1_000
const timeoutStepMs = 100

const onLink = ({ from, to }: Link, envelope: Envelope): boolean =>
  envelope.from === from && envelope.to === to

export class World {
  readonly servers = new Map<string, Server>()
  showsHeartbeats: boolean = false
  /** Every kind of message that was sent, for the test that the stories leave none out. */
  readonly kindsSent = new Set<RaftMessageType>()
  #wire: Envelope[] = []
  #late: Envelope[] = []
  /** Messages for which one of these says yes are lost; or late, below. */
  #losses: ((envelope: Envelope) => boolean)[] = []
  #slowLinks: Link[] = []
  #lines: string[] = []
  readonly #leaders = new Map<Term, string>()
  readonly #applied = new Map<LogIndex, string>()

  add(id: string): Server {
    if (this.servers.has(id)) throw new Error(`there is a server ${id} already`)
    const timeoutMs = firstTimeoutMs + timeoutStepMs * this.servers.size
    const server = new Server(nodeId(id), timeoutMs, {
      send: (from, to, message) => this.#send({ from, to, message }),
      say: (line) => this.say(line),
      onApplied: (of, applied) => this.#noteApplied(of, applied),
    })
    this.servers.set(id, server)
    return server
  }

  server(id: string | undefined): Server {
    const server = this.servers.get(id ?? '')
    if (server === undefined) throw new Error(`there is no server ${id}`)
    return server
  }

  say(line: string): void {
    this.#lines.push(line)
  }

  /** What was said since the last call. */
  takeLines(): readonly string[] {
    return this.#lines.splice(0)
  }

  /** Runs `quietly` without a word. */
  silently(quietly: () => void): void {
    const kept = this.#lines.length
    quietly()
    this.#lines.length = kept
  }

  lose(loss: (envelope: Envelope) => boolean): void {
    this.#losses.push(loss)
  }

  slow(link: Link): void {
    this.#slowLinks.push(link)
  }

  heal(): void {
    this.#losses = []
    this.#slowLinks = []
  }

  /** Late messages of a slow link arrive with the next delivery. */
  release(link: Link): void {
    this.#wire.push(...this.#late.filter((envelope) => onLink(link, envelope)))
    this.#late = this.#late.filter((envelope) => !onLink(link, envelope))
  }

  /** What is under way on the link is lost. */
  discard(link: Link): void {
    for (const { message } of this.#wire.filter((envelope) => onLink(link, envelope)))
      this.say(`${link.from}->${link.to} ${messageText(message)} LOST`)
    this.#wire = this.#wire.filter((envelope) => !onLink(link, envelope))
  }

  /** Delivers what is under way now; answers wait for the next time. True if there was anything. */
  deliver(link?: Link): boolean {
    const isMeant = (envelope: Envelope): boolean => link === undefined || onLink(link, envelope)
    const batch = this.#wire.filter(isMeant)
    this.#wire = this.#wire.filter((envelope) => !isMeant(envelope))
    for (const { from, to, message } of batch) this.servers.get(to)?.step({ type: 'message', from, message })
    return batch.length > 0
  }

  /** Delivers until nothing is under way; no time passes. */
  settle(): void {
    for (let waves = 0; this.deliver(); waves += 1)
      if (waves > 1_000) throw new Error('the servers never come to rest: a message storm')
  }

  /** Time passes for `ids`; after each slice `then` runs. Lines are marked with the time at which they came. */
  pass(durationMs: number, ids: readonly string[], then: () => void): void {
    for (let passedMs = 0; passedMs < durationMs; ) {
      const elapsedMs = Math.min(sliceMs, durationMs - passedMs)
      passedMs += elapsedMs
      const said = this.#lines.length
      for (const id of ids) this.server(id).tick(elapsedMs)
      then()
      if (this.#lines.length > said) this.#lines.splice(said, 0, `after ${passedMs} ms`)
    }
  }

  /** Ends every command: one leader per term at most. */
  check(): void {
    for (const { id, raft } of this.servers.values()) {
      if (raft.role !== 'leader') continue
      const known = this.#leaders.get(raft.term) ?? id
      if (known !== id) throw new Error(`term ${raft.term} has two leaders, ${known} and ${id}`)
      this.#leaders.set(raft.term, id)
    }
  }

  #noteApplied(id: NodeId, { index, text }: Applied): void {
    const known = this.#applied.get(index) ?? text
    if (known !== text) throw new Error(`server ${id} applies "${text}" at ${index}, another one "${known}"`)
    this.#applied.set(index, text)
  }

  #send(envelope: Envelope): void {
    const { from, to, message } = envelope
    this.kindsSent.add(message.type)
    const isLost = this.#losses.some((loses) => loses(envelope))
    const isLate = !isLost && this.#slowLinks.some((link) => onLink(link, envelope))
    const isHeartbeat = message.type === 'heartbeat' || message.type === 'heartbeat-response'
    if (!isHeartbeat || this.showsHeartbeats)
      this.say(`${from}->${to} ${messageText(message)}${isLost ? ' LOST' : ''}${isLate ? ' LATE' : ''}`)
    if (isLost) return
    if (isLate) this.#late.push(envelope)
    else this.#wire.push(envelope)
  }
}
