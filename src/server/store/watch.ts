/**
 * A watch: listeners that hear once that a part of a tree was replaced.
 * It knows nothing of trees and says nothing about what changed; the listener reads again and decides. See tree.ts.
 */
export type Listener = () => void

export class Watch {
  readonly #listeners = new Set<Listener>()

  get size(): number {
    return this.#listeners.size
  }

  /** Returns how to stop listening; that is idempotent and harmless after the watch has fired. */
  add(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls every listener once and forgets them. */
  fire(): void {
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener()
  }
}
