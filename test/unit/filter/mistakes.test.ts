// What is said about a filter that cannot be used: where, what is wrong, what to write. Golden: read it as a user would.
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { mistakeIn } from './rows.ts'

const wrong = [
  'Nmae == web',
  'name == web',
  'Meta.env.deeper == x',
  'Node.Address == x',
  'Name.x == y',
  'Checks["Status"].x == y',
  'Tags == v1',
  'Port in 80',
  '80 in Port',
  'Port is empty',
  'Tags matches "v.*"',
  'Node == host-1',
  'Node == "host"',
  'Checks == passing',
  'Port == web',
  'Port == 99999999999999999999',
  'Native == yes',
  'Name = web',
  'Name',
  'Name ==',
  'Name == web Port == 80',
  'Name == web and',
  'Name == web && Port == 80',
  'Name == web AND Port == 80',
  '!Name == web',
  'Port > 80',
  'Name ~ "w.*"',
  'Name is web',
  'Name not web',
  "Name == 'web'",
  'Name == web-1',
  'Name == 10.0.0.1',
  'Name == "web',
  'Name == `web',
  'Name matches "\\d+"',
  '(Name == web',
  'Name == web)',
  '(Name == web or Port == 80) Native == true',
  'Meta[env] == prod',
  'Meta["env" == prod',
  'Meta. env == prod',
  'Meta .env == prod',
  '"Name" == web',
  '"" == web',
  'in Tags',
  '"v1" in',
  '"v1" in "Tags"',
  'Name matches "a("',
  'Name matches "(?=a)"',
  'Name matches "a{2000}"',
  'Name matches `(a)\\1`',
  'Name matches "[z-a]"',
  'Name matches "a**"',
  'Name matches "*a"',
  'Name matches "[[:alhpa:]]"',
  'Name matches `\\p{Klingon}`',
]

test('each mistake is told with its place and a remedy', async () => {
  const lines = wrong.map((text) => {
    const message = mistakeIn(text)
    const at = Number(/at character (\d+):/.exec(message)?.[1] ?? 0)
    expect(at, text).toBeGreaterThan(0)
    expect(at, text).toBeLessThanOrEqual(text.length + 1)
    return `${text}\n${' '.repeat(at - 1)}^ ${message.replace(/^Failed to create boolean expression evaluator: /, '')}\n`
  })
  await expect(lines.join('\n')).toMatchFileSnapshot('golden/mistakes.txt')
})

test('an unknown field is told with the sentence that clients of Consul look for', () => {
  expect(mistakeIn('Nmae == web')).toMatch(
    /^Failed to create boolean expression evaluator: .*Selector "Nmae" is not valid/,
  )
})

test('length, depth and number of conditions are bounded, and what is within the bounds is read', () => {
  const deep = (n: number) => `${'('.repeat(n)}Port == 1${')'.repeat(n)}`
  expect(mistakeIn(deep(limits.filterDepth))).toBe('no mistake')
  expect(mistakeIn(deep(limits.filterDepth + 1))).toContain(`more than ${limits.filterDepth} deep`)
  expect(mistakeIn(`${'not '.repeat(limits.filterDepth + 1)} Port == 1`)).toContain('deep')
  const chain = (n: number) => Array(n).fill('Port == 1').join(' and ')
  expect(mistakeIn(chain(limits.filterConditions))).toBe('no mistake')
  expect(mistakeIn(chain(limits.filterConditions + 1))).toContain(
    `more than ${limits.filterConditions} conditions`,
  )
  const long = `Name == "${'x'.repeat(limits.filterChars)}"`
  expect(mistakeIn(long)).toContain(`the limit is ${limits.filterChars}`)
  expect(mistakeIn(deep(4_000))).toContain('deep')
})
