/**
 * A body that comes in pieces for as long as the client stays: what is pushed waits in a bounded queue, and what does not
 * fit is counted and left out, so that a slow client costs a bounded amount of memory and holds nobody up.
 */

export interface PieceStream extends AsyncIterable<Uint8Array> {
  push(piece: string): void
  /** Ends the body once what waits is taken. */
  end(): void
}

export interface PieceOptions {
  /** Pieces that may wait. */
  readonly waiting: number
  /** What stands in the place of `count` pieces that were left out. */
  readonly gap: (count: number) => string
  /** The client went away or the body ended; called once. */
  readonly onClose: () => void
}

export function createPieceStream({ waiting, gap, onClose }: PieceOptions): PieceStream {
  const queue: string[] = []
  let left = 0
  let isEnded = false
  let isClosed = false
  let wake: (() => void) | undefined

  const close = (): IteratorResult<Uint8Array> => {
    if (!isClosed) {
      isClosed = true
      isEnded = true
      queue.length = 0
      wake?.()
      onClose()
    }
    return { done: true, value: undefined }
  }
  const take = (): string | undefined => {
    if (queue.length === 0 && left > 0) {
      const missing = gap(left)
      left = 0
      return missing
    }
    return queue.shift()
  }
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      for (;;) {
        const piece = take()
        if (piece !== undefined) return { done: false, value: Buffer.from(piece) }
        if (isEnded) return close()
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        wake = undefined
      }
    },
    // Not a generator: its `return` would wait for the next piece before it stops.
    return: async () => close(),
  }
  return {
    push(piece) {
      if (isEnded) return
      if (queue.length >= waiting || left > 0) left += 1
      else queue.push(piece)
      wake?.()
    },
    end() {
      isEnded = true
      wake?.()
    },
    [Symbol.asyncIterator]: () => iterator,
  }
}
