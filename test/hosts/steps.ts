/**
 * Runs named steps one after the other and prints a line with the time of each (TAP). The first failure ends the run:
 * what comes later builds on it. Knows nothing of hosts.
 */
import { performance } from 'node:perf_hooks'

export type Step = <Value>(name: string, work: () => Promise<Value>) => Promise<Value>

export class Steps {
  #done = 0
  readonly #startMs = performance.now()

  /** Does `work`, prints how it went, and hands its value or its failure on. */
  readonly step: Step = async (name, work) => {
    const startMs = performance.now()
    const number = ++this.#done
    try {
      const value = await work()
      console.log(`ok ${number} - ${name} # ${seconds(startMs)}`)
      return value
    } catch (error) {
      console.log(`not ok ${number} - ${name} # ${seconds(startMs)}`)
      throw error
    }
  }

  /** Prints the plan line that ends a TAP stream, with the time of the whole. */
  finish(): void {
    console.log(`1..${this.#done} # ${seconds(this.#startMs)}`)
  }
}

const seconds = (startMs: number): string => `${((performance.now() - startMs) / 1000).toFixed(1)} s`

/** Repeats `attempt` until it returns without throwing; after the deadline throws what it threw last. */
export async function eventually<Value>(attempt: () => Promise<Value>, deadlineMs = 30_000): Promise<Value> {
  const startMs = performance.now()
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() - startMs > deadlineMs) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
