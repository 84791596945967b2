/**
 * A watch: listeners that hear once that a part of a tree was replaced.
 * It knows nothing of trees and says nothing about what changed; the listener reads again and decides. See tree.ts.
 */
export type Listener = () => void

export class Watch {
  readonly #listeners = new Set<Listener>()
  #beside: Set<Listener> | undefined

  get size(): number {
    return this.#listeners.size + (this.#beside?.size ?? 0)
  }

  /**
   * Returns how to stop listening; that is idempotent and harmless after the watch has fired. `isBeside`: what is listened for
   * would come beside the part, and not below it.
   */
  add(listener: Listener, isBeside = false): () => void {
    if (isBeside) this.#beside ??= new Set()
    const listeners = (isBeside ? this.#beside : undefined) ?? this.#listeners
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** Takes out those who listen for what comes beside; undefined where nobody does. */
  takeBeside(): Watch | undefined {
    if (this.#beside === undefined) return undefined
    const taken = new Watch()
    taken.#beside = this.#beside
    this.#beside = undefined
    return taken
  }

  /** Calls every listener once and forgets them. */
  fire(): void {
    const listeners = [...this.#listeners, ...(this.#beside ?? [])]
    this.#listeners.clear()
    this.#beside?.clear()
    for (const listener of listeners) listener()
  }
}
