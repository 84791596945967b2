/**
 * JSON numbers of 64 bits, which a double would round: written digit by digit, and read as the text that stood there
 * (ECMAScript proposal "JSON.parse source text access", in this engine since Node 21; TypeScript does not know it yet).
 */

/** Stands in an object for the number; only `JSON.stringify` can use it. */
export type ExactNumber = object

interface SourceAccess {
  rawJSON(text: string): ExactNumber
  parse(
    text: string,
    revive: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown
}

const exact = JSON as unknown as SourceAccess

/** `digits` must be a number in JSON's spelling. */
export const exactNumber = (digits: string): ExactNumber => exact.rawJSON(digits)

/** As `JSON.parse`, with every number under the key `name` as the text that stands there. */
export function parseKeepingDigits(text: string, name: string): unknown {
  return exact.parse(text, (key, value, { source }) =>
    key === name && typeof value === 'number' ? (source ?? String(value)) : value,
  )
}
