/**
 * JSON as text, in slices where the value is a long list or a large object: `JSON.stringify` of 200,000 rows would hold the
 * event loop for a second.
 */
import type { Clock } from '../../platform/ports.ts'
import { inTurns } from './turns.ts'

/** Smaller values are written in one go. */
const slicedFrom = 256
/** Consul's `?pretty`. */
const indent = '    '

/** `pretty`: indented by 4, with a newline at the end. */
export async function jsonText(
  clock: Pick<Clock, 'monotonicMs' | 'after'>,
  value: unknown,
  { pretty }: { readonly pretty: boolean },
): Promise<string> {
  const end = pretty ? '\n' : ''
  const isList = Array.isArray(value)
  const entries = isList ? value : typeof value === 'object' && value !== null ? Object.entries(value) : []
  if (entries.length < slicedFrom) return JSON.stringify(value, null, pretty ? indent : undefined) + end
  const written = await inTurns(clock, entries, (entry: unknown) =>
    isList ? itemText(entry, pretty) : memberText(entry as [string, unknown], pretty),
  )
  const [open, close] = isList ? '[]' : '{}'
  if (!pretty) return `${open}${written.join(',')}${close}`
  return `${open}\n${indent}${written.join(`,\n${indent}`)}\n${close}${end}`
}

/** Texts in JSON hold no line ends, so each one is a place to indent. */
function itemText(item: unknown, pretty: boolean): string {
  const text = JSON.stringify(item, null, pretty ? indent : undefined) ?? 'null'
  return pretty ? text.replaceAll('\n', `\n${indent}`) : text
}

/** A member without a value does not exist in JSON. */
function memberText([name, value]: readonly [string, unknown], pretty: boolean): string | undefined {
  if (value === undefined) return undefined
  return `${JSON.stringify(name)}:${pretty ? ' ' : ''}${itemText(value, pretty)}`
}
