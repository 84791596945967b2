/**
 * What happened in a run: always as one running hash, by which two runs of a seed are compared, and where it is asked
 * for also as the last lines of text. Recording must change nothing: lines are made by callbacks that only read.
 */
const linesKept = 200

export class Trace {
  #hash = 0x811c9dc5
  #events = 0
  readonly #lines: string[] | undefined
  readonly #nowMs: () => number

  constructor(nowMs: () => number, isRecording: boolean) {
    this.#nowMs = nowMs
    this.#lines = isRecording ? [] : undefined
  }

  get events(): number {
    return this.#events
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0')
  }

  /** The last lines, oldest first; empty where nothing was recorded. */
  lines(): readonly string[] {
    return this.#lines?.slice(-linesKept) ?? []
  }

  /** One event; `a` and `b` go into the hash with the time and the kind. */
  event(kind: number, a: number, b: number, line: () => string): void {
    this.#events += 1
    const nowMs = this.#nowMs()
    this.#mix(kind)
    this.#mix((nowMs * 4_096) | 0)
    this.#mix(a)
    this.#mix(b)
    if (this.#lines === undefined) return
    this.#lines.push(`${nowMs.toFixed(3).padStart(12)} ${line()}`)
    if (this.#lines.length > 10 * linesKept) this.#lines.splice(0, this.#lines.length - linesKept)
  }

  /** A text that belongs to the run, such as a state hash. */
  text(text: string): void {
    for (let at = 0; at < text.length; at += 1) this.#mix(text.charCodeAt(at))
  }

  #mix(value: number): void {
    const mixed = Math.imul(this.#hash ^ value, 0x9e37_79b1)
    this.#hash = mixed ^ (mixed >>> 15)
  }
}

/** Kinds of events, for the hash. */
export const kinds = {
  message: 1,
  applied: 2,
  standing: 3,
  fault: 4,
  called: 5,
  answered: 6,
  frame: 7,
  server: 8,
  agent: 9,
  commit: 10,
  persist: 11,
} as const
