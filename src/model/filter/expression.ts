/**
 * Filter expressions as a tree, and back to text. The language is that of Consul's `?filter=` (hashicorp/go-bexpr).
 * Reading text: parser.ts. What a selector may name and what an expression says about a row: fields.ts, match.ts.
 */

/** `contains` is `in` with its sides exchanged, so the tree has only `in`. */
export type Operator = '==' | '!=' | 'in' | 'not in' | 'is empty' | 'is not empty' | 'matches' | 'not matches'

export interface Selector {
  readonly path: readonly string[]
  /** Offset in the text. */
  readonly at: number
}

export interface Match {
  readonly kind: 'match'
  readonly selector: Selector
  readonly operator: Operator
  /** Unquoted; '' for `is empty` and `is not empty`. */
  readonly value: string
  readonly valueAt: number
}

/** Chains of `and` and of `or` are lists, so that a long one does not become a deep tree. */
export type Expression =
  | { readonly kind: 'all' | 'any'; readonly operands: readonly Expression[] }
  | { readonly kind: 'not'; readonly operand: Expression }
  | Match

/** The expression as text that reads back as the same tree. */
export function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'all':
      return expression.operands.map(printOperand).join(' and ')
    case 'any':
      return expression.operands.map(printOperand).join(' or ')
    case 'not':
      return `not ${printOperand(expression.operand)}`
    case 'match':
      return printMatch(expression)
  }
}

const printOperand = (operand: Expression): string =>
  operand.kind === 'match' ? printMatch(operand) : `(${printExpression(operand)})`

function printMatch({ selector, operator, value }: Match): string {
  const name = printSelector(selector.path)
  switch (operator) {
    case 'is empty':
    case 'is not empty':
      return `${name} ${operator}`
    case 'in':
    case 'not in':
      return `${printText(value)} ${operator} ${name}`
    default:
      return `${name} ${operator} ${printText(value)}`
  }
}

const identifier = /^[A-Za-z][A-Za-z0-9_/]*$/

/** Dotted where the names allow it, `["..."]` for the others, a JSON pointer where the first name is no identifier. */
export function printSelector(path: readonly string[]): string {
  const [first = '', ...rest] = path
  if (!identifier.test(first)) return printText(path.map((name) => `/${escapePointer(name)}`).join(''))
  return first + rest.map((name) => (identifier.test(name) ? `.${name}` : `[${printText(name)}]`)).join('')
}

/** RFC 6901, section 3. */
const escapePointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

const printText = (value: string): string => JSON.stringify(value)
