/**
 * Long work of one answer (making JSON of many rows, filtering them, writing them as text) in slices, so that an answer of
 * 200,000 rows does not hold up everybody else: after a few milliseconds the event loop gets its turn.
 */
import type { Clock } from '../../platform/ports.ts'

/** Of one slice; much shorter than anybody notices, much longer than a turn of the loop costs. */
const sliceMs = 5
/** Items between two looks at the clock; a single one may cost as much as a whole regular expression over its text. */
const itemsPerLook = 16

/** What `each` makes of every item, in order; `undefined` leaves the item out. */
export async function inTurns<Item, Made>(
  clock: Pick<Clock, 'monotonicMs' | 'after'>,
  items: readonly Item[],
  each: (item: Item) => Made | undefined,
): Promise<Made[]> {
  const made: Made[] = []
  let until = clock.monotonicMs() + sliceMs
  for (let i = 0; i < items.length; i++) {
    const result = each(items[i] as Item)
    if (result !== undefined) made.push(result)
    if (i % itemsPerLook !== itemsPerLook - 1 || clock.monotonicMs() < until) continue
    await new Promise<void>((resolve) => clock.after(0, resolve))
    until = clock.monotonicMs() + sliceMs
  }
  return made
}
