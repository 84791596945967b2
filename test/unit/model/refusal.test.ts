import { expect, test } from 'vitest'
import { refusalCatalogue, refusalCodes, refusalFromWire } from '../../../src/model/refusal.ts'

test('each refusal code has a wire number of its own, and comes back from it', () => {
  const numbers = refusalCodes.map((code) => refusalCatalogue[code].wire)
  expect(new Set(numbers).size).toBe(numbers.length)
  for (const code of refusalCodes) expect(refusalFromWire(refusalCatalogue[code].wire)).toBe(code)
})

test('an unknown number never reads as permission', () => {
  expect(refusalFromWire(0)).toBe('protocol-error')
  expect(refusalFromWire(65_535)).toBe('protocol-error')
})
