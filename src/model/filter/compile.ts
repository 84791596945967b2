/**
 * A filter from its text and the fields of an endpoint: read once per request, then a function of each row. Who applies
 * it to many rows does so in slices (agent/api/filter.ts, server/queries/catalog.ts).
 */
import { failed, ok, type Result } from '../errors.ts'
import type { Expression } from './expression.ts'
import type { Fields } from './fields.ts'
import { compileMatch, type Test } from './match.ts'
import { FilterMistake } from './mistake.ts'
import { parseExpression } from './parser.ts'

/** True where the row passes. */
export type RowFilter = (row: unknown) => boolean

/** An empty text is no filter and passes everything. Failures carry the code `invalid-filter`. */
export function compileFilter(text: string, fields: Fields): Result<RowFilter> {
  if (text.trim() === '') return ok(() => true)
  try {
    return ok(compileExpression(parseExpression(text), fields))
  } catch (error) {
    if (error instanceof FilterMistake) return failed('invalid-filter', sentence(error))
    throw error
  }
}

/** Positions count from 1, as editors do. The beginning is Consul's; clients' tests look for it. */
const sentence = ({ at, message }: FilterMistake): string =>
  `Failed to create boolean expression evaluator: at character ${at + 1}: ${message}`

function compileExpression(expression: Expression, fields: Fields): Test {
  switch (expression.kind) {
    case 'all': {
      const tests = expression.operands.map((operand) => compileExpression(operand, fields))
      return (row) => tests.every((test) => test(row))
    }
    case 'any': {
      const tests = expression.operands.map((operand) => compileExpression(operand, fields))
      return (row) => tests.some((test) => test(row))
    }
    case 'not': {
      const test = compileExpression(expression.operand, fields)
      return (row) => !test(row)
    }
    case 'match':
      return compileMatch(expression, fields)
  }
}
