/**
 * One condition as a function of a row. A key that a map lacks equals nothing, holds nothing, matches nothing and is
 * empty; a field that a row leaves out has the empty value of its kind. Rules: Consul's filtering documentation.
 */
import { unreachable } from '../errors.ts'
import { type Match, type Operator, printSelector } from './expression.ts'
import { type Field, type Fields, resolve, type Step } from './fields.ts'
import { FilterMistake, shown } from './mistake.ts'
import { compilePattern } from './pattern.ts'

export type Test = (value: unknown) => boolean

/** Throws `FilterMistake` where the selector, the operator or the value does not fit the fields. */
export function compileMatch(match: Match, fields: Fields): Test {
  const { steps, field } = resolve(match.selector, fields)
  const absent = holdsForAbsent(match.operator)
  return steps.reduceRight((test, step) => behind(step, test, absent), testOf(match, field))
}

function behind(step: Step, test: Test, absent: boolean): Test {
  const { kind } = step
  switch (kind) {
    case 'field': {
      const { name } = step
      return (value) => test(isObject(value) ? value[name] : undefined)
    }
    case 'key': {
      const { name } = step
      return (value) => (isObject(value) && Object.hasOwn(value, name) ? test(value[name]) : absent)
    }
    case 'any':
      return (value) => Array.isArray(value) && value.some(test)
    default:
      return unreachable(kind)
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

function holdsForAbsent(operator: Operator): boolean {
  switch (operator) {
    case '!=':
    case 'not in':
    case 'not matches':
    case 'is empty':
      return true
    case '==':
    case 'in':
    case 'matches':
    case 'is not empty':
      return false
  }
}

function testOf(match: Match, field: Field): Test {
  const { operator } = match
  switch (operator) {
    case '!=':
      return negated(testOf({ ...match, operator: '==' }, field))
    case 'not in':
      return negated(testOf({ ...match, operator: 'in' }, field))
    case 'not matches':
      return negated(testOf({ ...match, operator: 'matches' }, field))
    case 'is not empty':
      return negated(testOf({ ...match, operator: 'is empty' }, field))
    case '==':
      return equality(match, field)
    case 'in':
      return containment(match, field)
    case 'matches':
      return pattern(match, field)
    case 'is empty':
      return emptiness(match, field)
  }
}

const negated =
  (test: Test): Test =>
  (value) =>
    !test(value)

function equality(match: Match, field: Field): Test {
  const { value } = match
  switch (field.kind) {
    case 'text':
      return (found) => (found ?? '') === value
    case 'number': {
      const wanted = numberOf(match)
      return (found) => (found ?? 0) === wanted
    }
    case 'flag': {
      const wanted = flagOf(match)
      return (found) => (found ?? false) === wanted
    }
    default:
      throw noSuchOperator(match, field)
  }
}

function containment(match: Match, field: Field): Test {
  const { value } = match
  switch (field.kind) {
    case 'text':
      return (found) => (typeof found === 'string' ? found : '').includes(value)
    case 'texts':
      return (found) => Array.isArray(found) && found.includes(value)
    case 'map':
      return (found) => isObject(found) && Object.hasOwn(found, value)
    default:
      throw noSuchOperator(match, field)
  }
}

function pattern(match: Match, field: Field): Test {
  if (field.kind !== 'text') throw noSuchOperator(match, field)
  const compiled = compilePattern(match.value)
  if (!compiled.ok)
    throw new FilterMistake(
      match.valueAt,
      `the regular expression ${shown(match.value)} cannot be used: ${compiled.failure.message}`,
    )
  const matches = compiled.value
  return (found) => matches(typeof found === 'string' ? found : '')
}

function emptiness(match: Match, field: Field): Test {
  switch (field.kind) {
    case 'text':
      return (found) => (found ?? '') === ''
    case 'texts':
    case 'objects':
      return (found) => !Array.isArray(found) || found.length === 0
    case 'map':
      return (found) => !isObject(found) || Object.keys(found).length === 0
    default:
      throw noSuchOperator(match, field)
  }
}

const operatorsOf: Readonly<Record<Field['kind'], string>> = {
  text: 'a text takes ==, !=, in, not in, matches, not matches, is empty, is not empty',
  number: 'a number takes == and !=',
  flag: 'true or false takes == and !=',
  texts: 'a list takes in, not in, is empty, is not empty',
  map: 'a map takes in, not in (for its keys), is empty, is not empty',
  object: 'it has parts: name one of them',
  objects: 'a list of objects takes is empty, is not empty; name a part of it to look into each',
}

function noSuchOperator({ selector, operator }: Match, { kind }: Field): FilterMistake {
  const name = shown(printSelector(selector.path))
  return new FilterMistake(
    selector.at,
    `Invalid match operator "${operator}" for selector ${name}: ${operatorsOf[kind]}`,
  )
}

function numberOf({ value, valueAt, selector }: Match): number {
  const wanted = /^(-?\d+|0[xX][0-9a-fA-F]+)$/.test(value) ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(wanted))
    throw new FilterMistake(
      valueAt,
      `${shown(value)} is no whole number, which ${printSelector(selector.path)} is`,
    )
  return wanted
}

/** Spellings of Go's `strconv.ParseBool`. */
function flagOf({ value, valueAt, selector }: Match): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false
  throw new FilterMistake(
    valueAt,
    `${shown(value)} is neither true nor false, which ${printSelector(selector.path)} is`,
  )
}
