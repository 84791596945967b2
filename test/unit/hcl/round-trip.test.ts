// Any tree of values, printed in any mixture of HCL's styles, is read back as it was; JSON as JSON.parse reads it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plain } from './read.ts'

type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain }

const key = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((text) => text !== '__proto__')
const text = fc.string({ unit: 'binary', maxLength: 20 }).map((value) => value.toWellFormed())
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => Math.abs(value) < 1e15),
)

const { value } = fc.letrec<{ value: Plain; object: { readonly [key: string]: Plain } }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
}))
const file = fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true })

/** `style` decides, turn by turn, among the ways in which HCL allows to write a thing. */
function print(members: Readonly<Record<string, Plain>>, style: () => number): string {
  return Object.entries(members)
    .map(([name, held]) => printMember(name, held, style))
    .join(style() % 2 === 0 ? '\n' : ',\n')
}

function printMember(name: string, held: Plain, style: () => number): string {
  const quotedName = /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) && style() % 2 === 0 ? name : printText(name)
  const isObject = typeof held === 'object' && held !== null && !Array.isArray(held)
  if (isObject && style() % 2 === 0)
    return `${quotedName} {\n${print(held as Readonly<Record<string, Plain>>, style)}\n}`
  return `${quotedName} ${style() % 2 === 0 ? '=' : '= # comment\n'} ${printValue(held, style)}`
}

function printValue(held: Plain, style: () => number): string {
  if (typeof held === 'string') return printText(held)
  if (Array.isArray(held)) {
    const items = held.map((item: Plain) => printValue(item, style)).join(style() % 2 === 0 ? ', ' : ',\n')
    return `[${items}${held.length > 0 && style() % 2 === 0 ? ',' : ''}]`
  }
  if (typeof held === 'object' && held !== null)
    return `{ ${Object.entries(held)
      .map(
        ([name, inner]) =>
          `${printText(name)} ${style() % 2 === 0 ? ':' : '='} ${printValue(inner as Plain, style)}`,
      )
      .join(style() % 2 === 0 ? ', ' : '\n')} }`
  return String(Object.is(held, -0) ? '-0' : held)
}

const printText = (held: string): string => JSON.stringify(held).replace(/([$%])\{/g, '$1$1{')

test('what is printed as HCL is read back the same', () => {
  fc.assert(
    fc.property(file, fc.array(fc.nat(), { minLength: 1, maxLength: 20 }), (members, choices) => {
      let turn = 0
      const printed = print(members, () => choices[turn++ % choices.length] ?? 0)
      expect(plain(printed)).toEqual(members)
    }),
    { numRuns: 1_000 },
  )
})

test('JSON is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(file, fc.nat({ max: 4 }), (members, indent) => {
      const printed = JSON.stringify(members, null, indent)
      expect(plain(printed, 'a.json')).toEqual(JSON.parse(printed))
    }),
    { numRuns: 1_000 },
  )
})

test('what JSON.parse refuses is refused', () => {
  fc.assert(
    fc.property(
      file,
      fc.nat(),
      fc.constantFrom('', ',', '}', ']', '"', '{', 'x', '\u0001'),
      (members, at, put) => {
        const whole = JSON.stringify(members, null, 1)
        const place = at % (whole.length + 1)
        const broken = put === '' ? whole.slice(0, place) : whole.slice(0, place) + put + whole.slice(place)
        let isJson = true
        try {
          JSON.parse(broken)
        } catch {
          isJson = false
        }
        if (!isJson) expect(plain(broken, 'a.json')).toBeInstanceOf(Array)
      },
    ),
    { numRuns: 2_000 },
  )
})
