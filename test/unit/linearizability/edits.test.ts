// The proof that the checker bites: every answer that is wrong by the order of calls and returns is rejected.
import { expect, test } from 'vitest'
import { type EditKind, edit, editKinds } from '../../linearizability/edits.ts'
import { checkKey } from '../../linearizability/history.ts'
import type { KeyOperation } from '../../linearizability/register.ts'
import { SeededRandom } from '../../simulation/random.ts'

/** What clients of a true register see, with writes of unknown outcome among them. */
function record(seed: number): readonly KeyOperation[] {
  const random = new SeededRandom(seed)
  const operations: KeyOperation[] = []
  const busyUntil = [0, 0, 0, 0, 0]
  let held: string | null = null
  for (let at = 10; at < 1_500; at += 5) {
    const client = Math.floor(random.fraction() * busyUntil.length)
    if ((busyUntil[client] ?? 0) >= at) continue
    const [calledAt, returnedAt] = [at - random.fraction() * 4, at + random.fraction() * 4]
    busyUntil[client] = returnedAt
    const value = `v${at}`
    const one = random.fraction()
    if (one < 0.4)
      operations.push({
        client,
        input: { kind: 'read' },
        output: { kind: 'value', value: held },
        calledAt,
        returnedAt,
      })
    else if (one < 0.6) {
      held = value
      operations.push({
        client,
        input: { kind: 'write', value },
        output: { kind: 'done' },
        calledAt,
        returnedAt,
      })
    } else if (one < 0.7) {
      if (random.fraction() < 0.5) held = value
      const unknown = { output: undefined, returnedAt: Number.POSITIVE_INFINITY }
      operations.push({ client, input: { kind: 'write', value }, calledAt, ...unknown })
    } else {
      const expected: string | null = random.fraction() < 0.7 ? held : 'never'
      const swapped: boolean = expected === held
      if (swapped) held = value
      const input = { kind: 'cas', expected, value } as const
      operations.push({ client, input, output: { kind: 'swapped', swapped }, calledAt, returnedAt })
    }
  }
  return operations
}

test.each(editKinds)(
  '20 histories with one answer made %s are rejected, and accepted as they were',
  (kind: EditKind) => {
    for (let seed = 1; seed <= 20; seed++) {
      const history = record(seed)
      expect(checkKey(history).linearizable).toBe(true)
      const edited = edit(history, kind, seed * 7)
      expect(edited, 'the history has a place for it').toBeDefined()
      expect(checkKey(edited ?? []).linearizable, `seed ${seed}`).toBe(false)
    }
  },
)
