/**
 * Tells the server which policy index the proxies of this host enforce, per destination: what changed, and everything
 * anew on each new stream, because the server forgets a host when its stream ends.
 */
import type { AgentFrame } from '../../rpc/contract.ts'

export type EnforcedFrame = Extract<AgentFrame, { readonly kind: 'enforced' }>

export class EnforcementReport {
  #present: ReadonlyMap<string, readonly number[]> = new Map()
  readonly #told = new Map<string, readonly number[]>()
  #send: ((frame: EnforcedFrame) => void) | undefined

  /** A stream that takes frames, or undefined when it is gone. */
  attach(send: ((frame: EnforcedFrame) => void) | undefined): void {
    this.#told.clear()
    this.#send = send
    this.#tell()
  }

  /** Index per connected proxy, by destination: the whole present state. */
  update(byDestination: ReadonlyMap<string, readonly number[]>): void {
    this.#present = byDestination
    this.#tell()
  }

  #tell(): void {
    if (this.#send === undefined) return
    for (const destination of [...this.#told.keys()])
      if (!this.#present.has(destination)) {
        this.#told.delete(destination)
        this.#send({ kind: 'enforced', destination, indexes: [] })
      }
    for (const [destination, indexes] of this.#present) {
      if (sameNumbers(this.#told.get(destination), indexes)) continue
      this.#told.set(destination, indexes)
      this.#send({ kind: 'enforced', destination, indexes })
    }
  }
}

function sameNumbers(a: readonly number[] | undefined, b: readonly number[]): boolean {
  return a !== undefined && a.length === b.length && a.every((value, at) => value === b[at])
}
