import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sameValue } from '../../../src/model/equality.ts'

test('what JSON shows alike is equal, whatever the order of keys, and anything else is not', () => {
  const property = fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
    const reordered = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reordered)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, item]) => [key, reordered(item)]),
      )
    }
    expect(sameValue(a, reordered(JSON.parse(JSON.stringify(a))))).toBe(true)
    const canonical = (value: unknown): string =>
      JSON.stringify(value, (_key, item: unknown) =>
        typeof item === 'object' && item !== null && !Array.isArray(item)
          ? Object.fromEntries(Object.entries(item).sort(([x], [y]) => (x < y ? -1 : 1)))
          : item,
      )
    expect(sameValue(a, b)).toBe(canonical(a) === canonical(b))
  })
  fc.assert(property, {
    numRuns: 300,
    examples: [
      [{ constructor: 1 }, {}],
      [[0], { 0: 0 }],
      [{ a: null }, {}],
    ],
  })
})

test('a missing key equals an undefined one, on both sides', () => {
  expect(sameValue({ a: 1, b: undefined }, { a: 1 })).toBe(true)
  expect(sameValue({ a: 1 }, { a: 1, b: undefined })).toBe(true)
  expect(sameValue({ a: 1 }, { a: 1, b: 0 })).toBe(false)
})

test('a prototype makes no difference, and is never looked into', () => {
  const bare = Object.assign(Object.create(null), { a: 1 })
  expect(sameValue(bare, { a: 1 })).toBe(true)
  expect(sameValue({}, { constructor: 'x' })).toBe(false)
  expect(sameValue({ toString: 'x' }, {})).toBe(false)
})

test('keys that are to be ignored are so at the top only', () => {
  const ignored = new Set(['index'])
  expect(sameValue({ index: 1, a: { index: 1 } }, { index: 2, a: { index: 1 } }, ignored)).toBe(true)
  expect(sameValue({ index: 1, a: { index: 1 } }, { a: { index: 2 } }, ignored)).toBe(false)
})
