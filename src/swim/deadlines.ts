/**
 * Deadlines ordered by time: a binary heap whose items know their place, so that one of thousands is moved or removed
 * without a search. Knows nothing of what is due.
 */

export interface Deadline {
  /** Changed only while the item is out of the heap, or followed by `move`. */
  dueMs: number
  /** Kept by the heap; -1 outside. */
  heapAt: number
}

export class Deadlines<Item extends Deadline> {
  readonly #heap: Item[] = []

  get size(): number {
    return this.#heap.length
  }

  /** Infinity where there is none. */
  get nextMs(): number {
    return this.#heap[0]?.dueMs ?? Number.POSITIVE_INFINITY
  }

  add(item: Item): void {
    item.heapAt = this.#heap.length
    this.#heap.push(item)
    this.#rise(item)
  }

  /** After `dueMs` of an item inside was changed. */
  move(item: Item): void {
    this.#rise(item)
    this.#sink(item)
  }

  /** Taking out what is not in does nothing. */
  remove(item: Item): void {
    const at = item.heapAt
    if (at < 0) return
    const last = this.#heap.pop()
    item.heapAt = -1
    if (last === undefined || last === item) return
    last.heapAt = at
    this.#heap[at] = last
    this.move(last)
  }

  /** Takes out the earliest if it is due. */
  takeDue(nowMs: number): Item | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.dueMs > nowMs) return undefined
    this.remove(first)
    return first
  }

  #rise(item: Item): void {
    const heap = this.#heap
    let at = item.heapAt
    while (at > 0) {
      const parentAt = (at - 1) >>> 1
      const parent = heap[parentAt]
      if (parent === undefined || parent.dueMs <= item.dueMs) break
      heap[at] = parent
      parent.heapAt = at
      at = parentAt
    }
    heap[at] = item
    item.heapAt = at
  }

  #sink(item: Item): void {
    const heap = this.#heap
    let at = item.heapAt
    for (;;) {
      const left = heap[at * 2 + 1]
      if (left === undefined) break
      const right = heap[at * 2 + 2]
      const child = right !== undefined && right.dueMs < left.dueMs ? right : left
      if (child.dueMs >= item.dueMs) break
      const childAt = child.heapAt
      heap[at] = child
      child.heapAt = at
      at = childAt
    }
    heap[at] = item
    item.heapAt = at
  }
}
