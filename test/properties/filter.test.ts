// Filters against a second evaluator that was written otherwise, the laws of logic, and printing and reading back.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileFilter } from '../../src/model/filter/compile.ts'
import {
  type Expression,
  type Match,
  type Operator,
  printExpression,
} from '../../src/model/filter/expression.ts'
import { parseExpression } from '../../src/model/filter/parser.ts'
import { compilePattern } from '../../src/model/filter/pattern.ts'
import { fields, type Row } from '../unit/filter/rows.ts'

const word = fc.constantFrom('a', 'b', 'ab', 'web', '', 'x y', 'a.b', 'é"\\\n', '1', '/a', 'not')
const key = fc.constantFrom('env', 'a.b', 'c/d', 'x y', '0', 'constructor', '~')
const meta = fc.dictionary(key, word, { maxKeys: 3 })

const rows: fc.Arbitrary<Row> = fc.record(
  {
    Name: word,
    Port: fc.constantFrom(0, 1, 80),
    Native: fc.boolean(),
    Tags: fc.array(word, { maxLength: 3 }),
    Meta: meta,
    Node: fc.record({ Name: word, Meta: meta }, { requiredKeys: [] }),
    Checks: fc.array(
      fc.record({ Status: word, Tags: fc.array(word, { maxLength: 2 }) }, { requiredKeys: [] }),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: [] },
)

const textOperators = ['==', '!=', 'in', 'not in', 'is empty', 'is not empty'] as const
const listOperators = ['in', 'not in', 'is empty', 'is not empty'] as const
const equality = ['==', '!='] as const

const condition = (
  path: fc.Arbitrary<readonly string[]>,
  operators: readonly Operator[],
  value: fc.Arbitrary<string>,
): fc.Arbitrary<Match> =>
  fc.tuple(path, fc.constantFrom(...operators), value).map(([names, operator, found]) => ({
    kind: 'match',
    selector: { path: names, at: 0 },
    operator,
    value: operator.endsWith('empty') ? '' : found,
    valueAt: 0,
  }))

const textPath = fc.oneof(
  fc.constantFrom(['Name'], ['Node', 'Name'], ['Checks', 'Status']),
  key.map((name) => ['Meta', name]),
  key.map((name) => ['Node', 'Meta', name]),
)
const match = fc.oneof(
  condition(textPath, textOperators, word),
  condition(fc.constant(['Port']), equality, fc.constantFrom('0', '1', '80')),
  condition(fc.constant(['Native']), equality, fc.constantFrom('true', 'F', '1')),
  condition(fc.constantFrom(['Tags'], ['Checks', 'Tags']), listOperators, word),
  condition(fc.constantFrom(['Meta'], ['Node', 'Meta']), listOperators, key),
  condition(fc.constant(['Checks']), ['is empty', 'is not empty'], word),
)

const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    match,
    fc.record({ kind: fc.constant('not' as const), operand: tie('expression') }),
    fc.record({
      kind: fc.constantFrom('all' as const, 'any' as const),
      operands: fc.array(tie('expression'), { minLength: 2, maxLength: 3 }),
    }),
  ),
}))

function holds(expression_: Expression, row: Row): boolean {
  const filter = compileFilter(printExpression(expression_), fields)
  if (!filter.ok) throw new Error(filter.failure.message)
  return filter.value(row)
}

/** The meaning read off the documentation: every way to the selected values first, then the operator on each of them. */
function naive(node: Expression, row: unknown): boolean {
  if (node.kind === 'not') return !naive(node.operand, row)
  if (node.kind !== 'match') {
    const truths = node.operands.map((operand) => naive(operand, row))
    return node.kind === 'all' ? !truths.includes(false) : truths.includes(true)
  }
  return reached(row, node.selector.path, 'Row').some((found) => judge(node, found))
}

interface Found {
  readonly value: unknown
  readonly missingKey: boolean
}

/** Walks by the names of the fields, which the test's rows have only once each. */
function reached(value: unknown, path: readonly string[], parent: string): readonly Found[] {
  const [name, ...rest] = path
  if (name === undefined) return [{ value, missingKey: false }]
  if (parent === 'Checks')
    return ((value ?? []) as readonly unknown[]).flatMap((item) => reached(item, path, 'Check'))
  const holder = new Map(Object.entries((value ?? {}) as object))
  if (parent === 'Meta' && !holder.has(name)) return [{ value: undefined, missingKey: true }]
  return reached(holder.get(name), rest, name)
}

function judge({ operator, value, selector }: Match, { value: found, missingKey }: Found): boolean {
  const positive = operator.replace('not ', '').replace('!=', '==')
  const isNegated = positive !== operator
  if (missingKey) return positive === 'is empty' ? !isNegated : isNegated
  const last = selector.path.at(-1) ?? ''
  const parent = selector.path.at(-2)
  const size = (): number =>
    Array.isArray(found) || typeof found === 'string' ? found.length : Object.keys(found ?? {}).length
  const isTruth = (): boolean => {
    if (positive === 'is empty') return size() === 0
    if (positive === 'in') {
      if (last === 'Tags' && parent !== 'Meta') return new Set((found ?? []) as string[]).has(value)
      if (last === 'Meta') return Object.keys(found ?? {}).indexOf(value) >= 0
      return String(found ?? '').split(value).length > 1 || value === ''
    }
    if (last === 'Port') return Number(value) === ((found as number | undefined) ?? 0)
    if (last === 'Native') return ['true', '1'].includes(value) === ((found as boolean | undefined) ?? false)
    return value === (found ?? '')
  }
  return isTruth() !== isNegated
}

const runs = { numRuns: 2_000 }

test('an expression means what the second evaluator says', () => {
  fc.assert(
    fc.property(expression, rows, (tree, row) => {
      expect(holds(tree, row)).toBe(naive(tree, row))
    }),
    runs,
  )
})

test('De Morgan: not (a and b) is (not a) or (not b), and the other way round', () => {
  fc.assert(
    fc.property(expression, expression, rows, (a, b, row) => {
      const not = (operand: Expression): Expression => ({ kind: 'not', operand })
      for (const [outer, inner] of [
        ['all', 'any'],
        ['any', 'all'],
      ] as const)
        expect(holds(not({ kind: outer, operands: [a, b] }), row)).toBe(
          holds({ kind: inner, operands: [not(a), not(b)] }, row),
        )
    }),
    runs,
  )
})

test('what is printed reads back as the same tree', () => {
  fc.assert(
    fc.property(expression, (tree) => {
      const text = printExpression(tree)
      expect(printExpression(parseExpression(text))).toBe(text)
      expect(withoutPlaces(parseExpression(text))).toEqual(withoutPlaces(tree))
    }),
    runs,
  )
})

function withoutPlaces(node: Expression): unknown {
  return JSON.parse(JSON.stringify(node, (name, value) => (name === 'at' || name === 'valueAt' ? 0 : value)))
}

const atom = fc.constantFrom(
  'a',
  'b',
  '.',
  '[ab]',
  '[^a]',
  '\\w',
  '(?:a|b)',
  '(?:ab)',
  '$',
  '^',
  '\\b',
  'a|',
  '\n',
)
const regular = fc
  .array(fc.tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,2}', '{0,2}', '*?')), {
    maxLength: 6,
  })
  .map((pieces) =>
    pieces.map(([piece, count]) => (/^[^^$|\n\\]+$|^\\w$/.test(piece) ? piece + count : piece)).join(''),
  )
const sample = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\n', ' '), maxLength: 10 })

test('regular expressions find what the engine of JavaScript finds where both know the syntax', () => {
  fc.assert(
    // Several texts for one pattern: what was learned from one is used for the next.
    fc.property(regular, fc.array(sample, { minLength: 1, maxLength: 4 }), (pattern, samples) => {
      const compiled = compilePattern(pattern)
      if (!compiled.ok) throw new Error(`${pattern}: ${compiled.failure.message}`)
      // Without flags, `.` of JavaScript leaves out more line ends than RE2's, none of which is in the samples.
      const engine = new RegExp(pattern, 'u')
      for (const text of samples) expect(compiled.value(text), text).toBe(engine.test(text))
    }),
    { numRuns: 3_000 },
  )
})
