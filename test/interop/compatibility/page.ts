// The page from the verdicts: one table for each section, a row for each endpoint, its parts inside it.
import type { Row, Verdict } from './row.ts'

export interface Judged {
  readonly row: Row
  readonly verdict: Verdict
}

const head = `# What is the same as in Consul

Made by \`test/interop/compatibility.test.ts\` from the answers of a real agent and server: each line was asked, and the answer
held against what Consul 1.14 documents or was seen to answer. Do not edit it; change a row in \`test/interop/compatibility/\` and run
\`npx vitest run --project unit --update=all test/interop/compatibility.test.ts\`.

- **same**: the answer is Consul's.
- **differs**: another answer, with how and why.
- **absent**: refused, with a status that says so. Nothing that is absent answers as if it were there.

Paths are below \`/v1\`.
`

export function page(judged: readonly Judged[]): string {
  const sections = [...new Set(judged.map(({ row }) => row.section))]
  const parts = sections.map((section) =>
    sectionText(
      section,
      judged.filter(({ row }) => row.section === section),
    ),
  )
  return `${head}\n${tally(judged)}\n\n${parts.join('\n')}`
}

function tally(judged: readonly Judged[]): string {
  const number = (kind: Verdict['kind']): number =>
    judged.filter(({ verdict }) => verdict.kind === kind).length
  return `${judged.length} lines: ${number('same')} same, ${number('differs')} differ, ${number('absent')} absent.`
}

function sectionText(section: string, judged: readonly Judged[]): string {
  const endpoints = [...new Set(judged.map(({ row }) => row.endpoint))]
  const lines = endpoints.flatMap((endpoint) =>
    endpointLines(
      endpoint,
      judged.filter(({ row }) => row.endpoint === endpoint),
    ),
  )
  return [`## ${section}`, '', '| Endpoint | What of it | |', '|---|---|---|', ...lines, ''].join('\n')
}

/** What is the same goes on one line, what is not on one each. */
function endpointLines(endpoint: string, judged: readonly Judged[]): readonly string[] {
  const same = judged.filter(({ verdict }) => verdict.kind === 'same').map(({ row }) => row.part)
  const parts = same.filter((part) => part !== '')
  const bare = same.includes('') ? 'the endpoint' : ''
  const sameText = [bare, ...parts].filter((part) => part !== '').join('; ')
  const name = `\`${endpoint}\``
  const others = judged.flatMap(({ row, verdict }) =>
    verdict.kind === 'differs' || verdict.kind === 'absent'
      ? [`| ${name} | ${row.part || 'the endpoint'} | **${verdict.kind}**: ${verdict.how} |`]
      : [],
  )
  return [...(sameText === '' ? [] : [`| ${name} | ${sameText} | same |`]), ...others]
}
