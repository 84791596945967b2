// Fields and rows for the tests of filters: every kind of field, values that are there and values that are left out.
import { compileFilter } from '../../../src/model/filter/compile.ts'
import {
  type Fields,
  flag,
  mapOf,
  number,
  objectOf,
  objectsOf,
  text,
  texts,
} from '../../../src/model/filter/fields.ts'

export const fields: Fields = {
  Name: text,
  Port: number,
  Native: flag,
  Tags: texts,
  Meta: mapOf(text),
  Node: objectOf({ Name: text, Meta: mapOf(text) }),
  Checks: objectsOf({ Status: text, Tags: texts }),
  Addresses: mapOf(objectOf({ Address: text, Port: number })),
}

export interface Row {
  readonly Name?: string
  readonly Port?: number
  readonly Native?: boolean
  readonly Tags?: readonly string[]
  readonly Meta?: Readonly<Record<string, string>>
  readonly Node?: { readonly Name?: string; readonly Meta?: Readonly<Record<string, string>> }
  readonly Checks?: readonly { readonly Status?: string; readonly Tags?: readonly string[] }[]
  readonly Addresses?: Readonly<Record<string, { readonly Address?: string; readonly Port?: number }>>
}

export const web: Row = {
  Name: 'web',
  Port: 8080,
  Native: true,
  Tags: ['v1', 'primary'],
  Meta: { env: 'prod', 'a.b': 'dotted', 'c/d': 'slash', empty: '' },
  Node: { Name: 'host-1', Meta: { rack: 'r1' } },
  Checks: [{ Status: 'passing', Tags: ['x'] }, { Status: 'critical' }],
  Addresses: { lan: { Address: '10.0.0.1', Port: 1 } },
}

/** Whether `row` passes; throws what a user would read. */
export function passes(expression: string, row: unknown): boolean {
  const filter = compileFilter(expression, fields)
  if (!filter.ok) throw new Error(filter.failure.message)
  return filter.value(row)
}

export function mistakeIn(expression: string): string {
  const filter = compileFilter(expression, fields)
  return filter.ok ? 'no mistake' : filter.failure.message
}
