// Is there an order of operations, each between its call and its return, in which every answer is right?
//
// The algorithm is Wing and Gong's search with Lowe's memory of visited configurations ("Testing for linearizability",
// G. Lowe, 2017): walk the events in time order; at each call try to let the operation take effect now; at a return that
// comes before its operation took effect, go back. A set of (operations done, state) is never searched twice.

export interface Operation<Input, Output> {
  readonly client: number
  readonly input: Input
  /** undefined: the answer never came, so any answer would have been right. */
  readonly output: Output | undefined
  readonly calledAt: number
  /** Infinity where the outcome is unknown: the operation may take effect at any later time, or never. */
  readonly returnedAt: number
}

export interface Step<State> {
  readonly state: State
  /**
   * With this answer the operation changes nothing in any state. If it can take effect now, then wherever a later order
   * would have put it, now is as good: the search need not come back to it. Most of the speed is here.
   */
  readonly pure: boolean
}

/** A sequential specification: what one operation does to a state, and whether the answer fits. */
export interface Model<State, Input, Output> {
  readonly initial: State
  /** The next state, or undefined where `output` (if known) cannot be the answer in this state. */
  step(state: State, input: Input, output: Output | undefined): Step<State> | undefined
  /** Equal text for equal states. */
  describe(state: State): string
}

export type Verdict<Input, Output> =
  | { readonly linearizable: true; readonly configurations: number }
  | {
      readonly linearizable: false
      readonly configurations: number
      /** The search was given up: wrong histories can take for ever, right ones rarely take long. */
      readonly isUndecided: boolean
      /** The longest prefix that could be put in order, and the operation whose return could not be passed. */
      readonly ordered: number
      readonly stuckAt: Operation<Input, Output>
    }

interface Entry {
  readonly id: number
  readonly isCall: boolean
  previous: Entry | undefined
  next: Entry | undefined
  /** On a call: its return. */
  match: Entry | undefined
}

/**
 * Operations of one key, in any order. Time and memory grow with the operations that overlap, not with all; the search is
 * given up after `configurationsMax`.
 */
export function check<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  configurationsMax = Number.POSITIVE_INFINITY,
): Verdict<Input, Output> {
  const head = eventList(operations)
  const done = new Uint32Array((operations.length + 31) >> 5)
  const visited = new Set<string>()
  const stack: { readonly entry: Entry; readonly state: State; readonly pure: boolean }[] = []
  let state = model.initial
  let entry = head.next
  let deepest = 0
  let stuckAt = operations[0]
  while (entry !== undefined) {
    const operation = operations[entry.id]
    if (operation === undefined) throw new Error('an event without its operation')
    if (entry.isCall) {
      const step = model.step(state, operation.input, operation.output)
      if (step !== undefined && visitedFirst(visited, done, entry.id, model.describe(step.state))) {
        stack.push({ entry, state, pure: step.pure })
        done[entry.id >> 5] = (done[entry.id >> 5] ?? 0) | (1 << (entry.id & 31))
        state = step.state
        lift(entry)
        entry = head.next
      } else entry = entry.next
      continue
    }
    if (operation.returnedAt === Number.POSITIVE_INFINITY)
      return { linearizable: true, configurations: visited.size }
    if (stack.length >= deepest) {
      deepest = stack.length
      stuckAt = operation
    }
    let last = stack.pop()
    for (; last !== undefined; last = stack.pop()) {
      const { id } = last.entry
      done[id >> 5] = (done[id >> 5] ?? 0) & ~(1 << (id & 31))
      unlift(last.entry)
      if (!last.pure) break
    }
    const isUndecided = last !== undefined && visited.size > configurationsMax
    if (last === undefined || isUndecided)
      return {
        linearizable: false,
        configurations: visited.size,
        isUndecided,
        ordered: deepest,
        stuckAt: stuckAt ?? operation,
      }
    state = last.state
    entry = last.entry.next
  }
  return { linearizable: true, configurations: visited.size }
}

/** Calls before returns at equal times: operations that touch in time count as overlapping. */
function eventList<Input, Output>(operations: readonly Operation<Input, Output>[]): Entry {
  const events: { readonly at: number; readonly entry: Entry }[] = []
  operations.forEach((operation, id) => {
    const back: Entry = { id, isCall: false, previous: undefined, next: undefined, match: undefined }
    const call: Entry = { id, isCall: true, previous: undefined, next: undefined, match: back }
    events.push({ at: operation.calledAt, entry: call }, { at: operation.returnedAt, entry: back })
  })
  events.sort(
    (a, b) => (a.at === b.at ? 0 : a.at < b.at ? -1 : 1) || Number(b.entry.isCall) - Number(a.entry.isCall),
  )
  const head: Entry = { id: -1, isCall: false, previous: undefined, next: undefined, match: undefined }
  let last = head
  for (const { entry } of events) {
    last.next = entry
    entry.previous = last
    last = entry
  }
  return head
}

function visitedFirst(visited: Set<string>, done: Uint32Array, id: number, state: string): boolean {
  const word = id >> 5
  const before = done[word] ?? 0
  done[word] = before | (1 << (id & 31))
  const key = `${compact(done)}|${state}`
  done[word] = before
  if (visited.has(key)) return false
  visited.add(key)
  return true
}

/** Full words at the front are counted, not written: long histories have few operations in flight. */
function compact(done: Uint32Array): string {
  let full = 0
  while (full < done.length && done[full] === 0xffffffff) full++
  let end = done.length
  while (end > full && done[end - 1] === 0) end--
  return `${full}:${done.subarray(full, end).join(',')}`
}

function lift(entry: Entry): void {
  unlink(entry)
  if (entry.match !== undefined) unlink(entry.match)
}

function unlift(entry: Entry): void {
  if (entry.match !== undefined) relink(entry.match)
  relink(entry)
}

function unlink(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry.next
  if (entry.next !== undefined) entry.next.previous = entry.previous
}

function relink(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry
  if (entry.next !== undefined) entry.next.previous = entry
}
