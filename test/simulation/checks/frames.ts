/**
 * Order of what one control stream brings: each index of a subject once and rising, snapshots begun and ended, nothing of
 * a subject that was never asked for. Looks at the wire, before the agent's own code sees a frame.
 */
import { subjectKey } from '../../../src/model/topic.ts'
import type { AgentFrame, ServerFrame } from '../../../src/rpc/contract.ts'
import type { Reached } from '../reached.ts'
import { hold } from '../violation.ts'

interface Seen {
  index: number
  inSnapshot: boolean
  /** Subscribed once; after a second time frames of both subscriptions may be under way. */
  isSure: boolean
  isFirst: boolean
}

export class FrameChecker {
  readonly #who: string
  readonly #reached: Reached
  readonly #seen = new Map<string, Seen>()

  constructor(who: string, reached: Reached) {
    this.#who = who
    this.#reached = reached
  }

  sent(frame: AgentFrame): void {
    if (frame.kind !== 'subscribe') return
    const key = subjectKey(frame.subject)
    const isSure = !this.#seen.has(key)
    if (!isSure && frame.cursor === 0) this.#reached.hit('view started over')
    this.#seen.set(key, { index: frame.cursor, inSnapshot: false, isSure, isFirst: true })
  }

  received(frame: ServerFrame): void {
    if (frame.kind === 'goaway') this.#reached.hit('agent sent away')
    if (!('subject' in frame)) return
    const key = subjectKey(frame.subject)
    const seen = this.#seen.get(key)
    hold(seen !== undefined, 'event-order', () => `${this.#who} was sent ${key}, which it did not ask for`)
    if (seen.isFirst)
      if (frame.kind === 'snapshot-begin') this.#reached.hit('view snapshot')
      else if (seen.index > 0) this.#reached.hit('view resumed')
    seen.isFirst = false
    if (seen.isSure) this.#check(key, seen, frame)
  }

  #check(key: string, seen: Seen, frame: Extract<ServerFrame, { readonly subject: unknown }>): void {
    const told = (): string => `${this.#who}: ${frame.kind} of ${key} after index ${seen.index}`
    switch (frame.kind) {
      case 'snapshot-begin':
        hold(!seen.inSnapshot, 'event-order', told)
        seen.inSnapshot = true
        break
      case 'snapshot-end':
        hold(seen.inSnapshot, 'event-order', told)
        seen.inSnapshot = false
        seen.index = frame.index
        break
      case 'event':
        if (seen.inSnapshot) break
        hold(frame.index > seen.index, 'event-order', () => `${told()} is one of index ${frame.index}`)
        seen.index = frame.index
    }
  }
}
