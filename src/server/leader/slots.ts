/**
 * Things that stand in numbered slots, each in one: moved, taken away and collected at a cost that is that of the things
 * concerned. The numbers only grow. What they mean, for example seconds, the owner knows.
 */
export class Slots<Item> {
  readonly #slotOf = new Map<Item, number>()
  readonly #items = new Map<number, Set<Item>>()
  /** Every slot before it is empty. */
  #first = 0

  get size(): number {
    return this.#slotOf.size
  }

  has(item: Item): boolean {
    return this.#slotOf.has(item)
  }

  /** Puts `item` there, and takes it away from where it was. */
  put(item: Item, slot: number): void {
    this.remove(item)
    this.#slotOf.set(item, slot)
    const there = this.#items.get(slot)
    if (there !== undefined) there.add(item)
    else this.#items.set(slot, new Set([item]))
    if (this.#slotOf.size === 1 || slot < this.#first) this.#first = slot
  }

  remove(item: Item): void {
    const slot = this.#slotOf.get(item)
    if (slot === undefined) return
    this.#slotOf.delete(item)
    const there = this.#items.get(slot)
    there?.delete(item)
    if (there?.size === 0) this.#items.delete(slot)
  }

  /** Everything in slots up to `last`, in their order; it is gone from here then. */
  takeUpTo(last: number): readonly Item[] {
    const taken: Item[] = []
    if (this.#slotOf.size === 0) return taken
    for (; this.#first <= last; this.#first++) {
      for (const item of this.#items.get(this.#first) ?? []) {
        this.#slotOf.delete(item)
        taken.push(item)
      }
      this.#items.delete(this.#first)
      if (this.#slotOf.size === 0) break
    }
    return taken
  }

  clear(): void {
    this.#slotOf.clear()
    this.#items.clear()
  }
}
