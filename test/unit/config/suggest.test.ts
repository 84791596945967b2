// "Did you mean": near words are found, far ones are not.
import { expect, test } from 'vitest'
import { nearest } from '../../../src/config/suggest.ts'

const words = ['name', 'port', 'tags', 'destination_name', 'local_bind_port', 'check', 'checks']

test.each([
  ['nmae', 'name'],
  ['prot', 'port'],
  ['tag', 'tags'],
  ['destnation_nmae', 'destination_name'],
  ['local_bindport', 'local_bind_port'],
  ['chek', 'check'],
  ['checkss', 'checks'],
])('%s is %s', (word, meant) => {
  expect(nearest(word, words)).toBe(meant)
})

test.each(['', 'replica', 'x', 'destination', 'a'.repeat(100)])('%j is none of them', (word) => {
  expect(nearest(word, words)).toBeUndefined()
})
