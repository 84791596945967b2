/** The order of answers: clients take the first one, so every instance must come first equally often. */
import type { Random } from '../../platform/ports.ts'
import type { DnsAnswer } from '../../wire/dns/record.ts'

/** Fisher and Yates: every order is as likely as any other. */
export function shuffled(
  answers: readonly DnsAnswer[],
  random: Pick<Random, 'fraction'>,
): readonly DnsAnswer[] {
  // What follows an alias follows from it.
  if (answers.length < 2 || answers[0]?.record.type === 'CNAME') return answers
  const order = [...answers]
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random.fraction() * (at + 1))
    const moved = order[at]
    const taken = order[other]
    if (moved === undefined || taken === undefined) continue
    order[at] = taken
    order[other] = moved
  }
  return order
}
