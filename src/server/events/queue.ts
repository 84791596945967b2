/** First in, first out, with both ends at constant cost: `Array.shift` would move every element. */
export class Queue<Item> {
  #items: Item[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: Item): void {
    this.#items.push(item)
  }

  shift(): Item | undefined {
    if (this.length === 0) return undefined
    const item = this.#items[this.#head]
    this.#head++
    if (this.#head > 32 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  at(position: number): Item | undefined {
    return this.#items[this.#head + position]
  }

  from(position: number): readonly Item[] {
    return this.#items.slice(this.#head + position)
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }
}
