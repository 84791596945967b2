/** `mesh explain CODE`: what a code in an answer, a log line or a metric means, and what to do about it. */
import { dnsRefusalCatalogue } from '../model/dns-refusal.ts'
import { errorCatalogue } from '../model/errors.ts'
import { findingCatalogue } from '../model/finding.ts'
import { refusalCatalogue } from '../model/refusal.ts'
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'
import { nearest } from './nearest.ts'

interface Explanation {
  readonly code: string
  /** Where the code is met. */
  readonly from: 'request' | 'connection' | 'DNS query' | 'host'
  readonly what: string
  readonly remedy: string
}

const explanations: readonly Explanation[] = [
  ...entries(errorCatalogue, 'request'),
  ...entries(refusalCatalogue, 'connection'),
  ...entries(dnsRefusalCatalogue, 'DNS query'),
  ...entries(findingCatalogue, 'host'),
].sort((a, b) => (a.code < b.code ? -1 : a.code > b.code ? 1 : 0))

function entries(
  catalogue: Readonly<Record<string, { readonly what: string; readonly remedy: string }>>,
  from: Explanation['from'],
): readonly Explanation[] {
  return Object.entries(catalogue).map(([code, { what, remedy }]) => ({ code, from, what, remedy }))
}

export function explain({ terminal }: Context, code: string | undefined): void {
  if (code === undefined) {
    terminal.show(explanations, () =>
      terminal.table(
        ['code', 'of a', 'means'],
        explanations.map((row) => [row.code, row.from, row.what]),
      ),
    )
    return
  }
  const found = explanations.filter((row) => row.code === code.toLowerCase())
  if (found.length === 0) throw unknown(code)
  terminal.show(found, () => {
    for (const row of found) {
      terminal.line(`${row.code} (of a ${row.from})`)
      terminal.line(`  ${row.what}`)
      terminal.line(`  ${row.remedy}`)
    }
  })
}

function unknown(code: string): CommandFailure {
  const guess = nearest(
    code,
    explanations.map((row) => row.code),
  )
  return new CommandFailure(`there is no code "${code}"`, {
    next: guess === undefined ? 'mesh explain' : `mesh explain ${guess}`,
  })
}
