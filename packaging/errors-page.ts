/**
 * The page of all codes for people who read documentation instead of typing `mesh explain CODE`: docs/errors.md, made by
 * packaging/generate-errors.ts from the catalogues and nothing else.
 */
import { type DnsRefusalEntry, dnsRefusalCatalogue } from '../src/model/dns-refusal.ts'
import { type CatalogueEntry, errorCatalogue } from '../src/model/errors.ts'
import { type FindingEntry, findingCatalogue } from '../src/model/finding.ts'
import { type RefusalEntry, refusalCatalogue } from '../src/model/refusal.ts'

export function errorsPage(): string {
  return `${[
    '# Codes of errors and refusals',
    '',
    'Made from `src/model/errors.ts`, `refusal.ts`, `dns-refusal.ts` and `finding.ts` by `node packaging/generate-errors.ts`; do not edit.',
    '',
    'A code never changes its meaning. It stands in the text of an API answer and in its header `X-Mesh-Reason`, in the',
    'field `code` of a log line, in the label `code` of a metric, and in the lines of `mesh doctor`. `mesh explain CODE` shows the same words as this page.',
    '',
    '## Of requests',
    '',
    'What the HTTP API, the command line and the programs themselves refuse or fail at.',
    '',
    ...sections(errorCatalogue, (entry: CatalogueEntry) => `HTTP status ${entry.status}.`),
    '## Of connections',
    '',
    'Why a proxy refused or ended a connection between two services.',
    '',
    ...sections(refusalCatalogue, (entry: RefusalEntry) =>
      entry.tryNext ? 'Another instance is tried.' : 'No other instance is tried: all would refuse.',
    ),
    '## Of DNS queries',
    '',
    'Why the agent answered a DNS query with an error. A name that is not there is an answer, and has no code.',
    '',
    ...sections(dnsRefusalCatalogue, (entry: DnsRefusalEntry) => `The client sees ${entry.status}.`),
    '## Of a host',
    '',
    'What `mesh doctor` finds. A warning stands where something works, and will not for ever or not as intended.',
    '',
    ...sections(findingCatalogue, (entry: FindingEntry) =>
      entry.severity === 'wrong' ? 'Exit status 1.' : 'A warning.',
    ),
  ]
    .join('\n')
    .trimEnd()}\n`
}

function sections<Entry extends { readonly what: string; readonly remedy: string }>(
  catalogue: Readonly<Record<string, Entry>>,
  more: (entry: Entry) => string,
): readonly string[] {
  return Object.entries(catalogue)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([code, entry]) => [
      `### ${code}`,
      '',
      `${entry.what} ${more(entry)}`,
      '',
      `What to do: ${entry.remedy}`,
      '',
    ])
}
