/**
 * Messages that promise something wait here until the disk has it. The order among them is kept.
 */
import type { Outgoing } from '../../raft/effects.ts'

export class Outbox {
  readonly #send: (outgoing: Outgoing) => void
  #held: { readonly ticket: number; readonly outgoing: Outgoing }[] = []

  constructor(send: (outgoing: Outgoing) => void) {
    this.#send = send
  }

  /** Sends when everything up to `ticket` is durable; `synced` says what is already. */
  hold(messages: readonly Outgoing[], ticket: number, synced: number): void {
    for (const outgoing of messages)
      if (ticket <= synced) this.#send(outgoing)
      else if (!this.#isHeld(ticket, outgoing)) this.#held.push({ ticket, outgoing })
  }

  /**
   * Whether the newest promise says the same already. A leader asks again with each heartbeat, and a full disk may keep
   * its question waiting for days.
   */
  #isHeld(ticket: number, { to, message }: Outgoing): boolean {
    const newest = this.#held[this.#held.length - 1]
    if (newest?.ticket !== ticket || newest.outgoing.to !== to) return false
    const held = newest.outgoing.message
    return (
      held.type === 'append-accepted' &&
      message.type === 'append-accepted' &&
      held.term === message.term &&
      held.match >= message.match
    )
  }

  release(synced: number): void {
    const open = this.#held.findIndex((held) => held.ticket > synced)
    const ready = this.#held.splice(0, open === -1 ? this.#held.length : open)
    for (const { outgoing } of ready) this.#send(outgoing)
  }
}
