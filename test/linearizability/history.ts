// What clients did and were told, kept key by key as the checker reads it, written to a file and read back.
import { readFileSync, writeFileSync } from 'node:fs'
import { check, type Verdict } from './checker.ts'
import type { KeyOperation, RegisterInput, RegisterOutput } from './register.ts'
import { isUnseen, observations, uniqueRegister } from './unique-register.ts'

/** When the client stopped waiting; differs from `returnedAt` where the outcome is unknown. */
export interface Recorded extends KeyOperation {
  readonly key: string
  readonly gaveUpAt: number
}

export class History {
  readonly operations: Recorded[] = []

  add(operation: Recorded): void {
    this.operations.push(operation)
  }

  byKey(): ReadonlyMap<string, readonly Recorded[]> {
    const keys = new Map<string, Recorded[]>()
    for (const operation of this.operations) {
      const same = keys.get(operation.key)
      if (same === undefined) keys.set(operation.key, [operation])
      else same.push(operation)
    }
    return keys
  }

  /** One operation per line; times in milliseconds, an open end is null. */
  save(path: string): void {
    writeFileSync(path, this.operations.map((operation) => `${JSON.stringify(operation)}\n`).join(''))
  }

  static load(path: string): History {
    const history = new History()
    for (const line of readFileSync(path, 'utf8').split('\n').filter(Boolean)) {
      const { output, returnedAt, ...rest } = JSON.parse(line) as Recorded & { returnedAt: number | null }
      history.add({ ...rest, output, returnedAt: returnedAt ?? Number.POSITIVE_INFINITY })
    }
    return history
  }
}

export type KeyVerdict = Verdict<RegisterInput, RegisterOutput>

/**
 * Decides one key. Reads without an answer say nothing. A write without an answer whose value nobody ever saw is first
 * taken as one that had no effect: if there is an order without it, that is an order with it too, because what has no
 * answer may have no effect. Without such an order the whole history is searched, so nothing is rejected for it.
 */
export function checkKey(operations: readonly KeyOperation[]): KeyVerdict {
  const telling = operations.filter((each) => each.output !== undefined || each.input.kind !== 'read')
  const observed = observations(telling)
  const likely = telling.filter(({ input, output }) => output !== undefined || !isUnseen(input, observed))
  const verdict = check(uniqueRegister(likely, observed), likely)
  if (verdict.linearizable || likely.length === telling.length) return verdict
  return check(uniqueRegister(telling, observed), telling)
}
