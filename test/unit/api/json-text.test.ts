// JSON that is written in slices is the JSON that would be written in one go.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonText } from '../../../src/agent/api/json-text.ts'
import { systemClock } from '../../../src/platform/clock.ts'

const long = (value: unknown): unknown[] => Array.from({ length: 300 }, (_, i) => (i % 7 === 3 ? value : i))
const keyed = (value: unknown): Record<string, unknown> =>
  Object.fromEntries(long(value).map((item, i) => [`k"${i}\n`, item]))

test.each([false, true])('lists, objects and short values alike, pretty: %s', async (pretty) => {
  const nested = { a: [1, { b: null, gone: undefined }], text: 'x\n  "é\u2028', empty: {}, none: [] }
  for (const value of [
    nested,
    [],
    {},
    null,
    'text',
    5,
    long(nested),
    keyed(nested),
    long(undefined),
    keyed(undefined),
  ]) {
    const whole = JSON.stringify(value, null, pretty ? 4 : undefined) + (pretty ? '\n' : '')
    expect(await jsonText(systemClock, value, { pretty })).toBe(whole)
  }
})

test('whatever JSON can hold', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.boolean(), async (value, pretty) => {
      const whole = JSON.stringify(keyed(value), null, pretty ? 4 : undefined) + (pretty ? '\n' : '')
      expect(await jsonText(systemClock, keyed(value), { pretty })).toBe(whole)
    }),
    { numRuns: 100 },
  )
})
