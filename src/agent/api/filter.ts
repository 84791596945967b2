/**
 * `?filter=` on the rows of an answer. It is applied to the JSON that the client sees, whose names it uses; the index and
 * the waiting of a blocking read are those of the unfiltered answer, as in Consul.
 */
import { compileFilter, type RowFilter } from '../../model/filter/compile.ts'
import type { Fields } from '../../model/filter/fields.ts'
import type { Api, Call } from './contract.ts'
import { acceptPlain } from './refusal.ts'
import { inTurns } from './turns.ts'

/** Refuses an expression that does not fit the fields. To be called before the read, which would be for nothing. */
export function filterOf({ query }: Pick<Call, 'query'>, fields: Fields): RowFilter {
  return acceptPlain(compileFilter(query.get('filter') ?? '', fields))
}

/** JSON of the rows that pass. */
export function shownRows<Row, Json>(
  api: Pick<Api, 'clock'>,
  rows: readonly Row[],
  toJson: (row: Row) => Json,
  passes: RowFilter,
): Promise<Json[]> {
  return inTurns(api.clock, rows, (row) => {
    const json = toJson(row)
    return passes(json) ? json : undefined
  })
}

/** The same for an object of rows by id. */
export async function shownById<Row, Json>(
  api: Pick<Api, 'clock'>,
  rows: readonly (readonly [id: string, row: Row])[],
  toJson: (row: Row) => Json,
  passes: RowFilter,
): Promise<Readonly<Record<string, Json>>> {
  const shown = await inTurns(api.clock, rows, ([id, row]) => {
    const json = toJson(row)
    return passes(json) ? ([id, json] as const) : undefined
  })
  return Object.fromEntries(shown)
}
