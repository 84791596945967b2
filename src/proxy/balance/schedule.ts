/**
 * In which order instances take turns. With equal weights a plain round; with different ones earliest deadline first,
 * where each turn moves an instance's next deadline by 1/weight, so that a heavy one comes often and spread out.
 * Knows numbers only; which instances may be used is balancer.ts.
 */
export interface Schedule {
  /** Index of the instance whose turn it is. */
  next(): number
}

/** `weights` are positive. `start` shifts the first turn, so that restarted proxies do not all begin with the first. */
export function createSchedule(weights: readonly number[], start: number): Schedule {
  const [first] = weights
  return weights.every((weight) => weight === first)
    ? rounds(weights.length, start)
    : earliestDeadline(weights, start)
}

function rounds(count: number, start: number): Schedule {
  let turn = start % count
  return {
    next() {
      const now = turn
      turn = turn + 1 === count ? 0 : turn + 1
      return now
    },
  }
}

/** A binary heap of indexes by deadline: a turn costs the logarithm of the number of instances. */
function earliestDeadline(weights: readonly number[], start: number): Schedule {
  const deadlines = Float64Array.from(weights, (weight) => 1 / weight)
  const heap = Uint32Array.from(weights.keys())
  const deadlineAt = (place: number): number => deadlines[heap[place] ?? 0] ?? 0
  const sink = (from: number): void => {
    for (let place = from; ; ) {
      const left = 2 * place + 1
      if (left >= heap.length) return
      const right = left + 1
      const child = right < heap.length && deadlineAt(right) < deadlineAt(left) ? right : left
      if (deadlineAt(child) >= deadlineAt(place)) return
      const above = heap[place] ?? 0
      heap[place] = heap[child] ?? 0
      heap[child] = above
      place = child
    }
  }
  const next = (): number => {
    const first = heap[0] ?? 0
    deadlines[first] = (deadlines[first] ?? 0) + 1 / (weights[first] ?? 1)
    sink(0)
    return first
  }
  for (let place = heap.length >> 1; place >= 0; place -= 1) sink(place)
  for (let skipped = start % heap.length; skipped > 0; skipped -= 1) next()
  return { next }
}
