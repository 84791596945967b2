/** What every row of the state has beside its content: the log indexes at which it was made and last changed. */
import { sameValue } from '../../model/equality.ts'
import type { RowIndexes } from '../../model/service.ts'

export type Row<Content> = Content & RowIndexes

const indexNames: ReadonlySet<string> = new Set(['createIndex', 'modifyIndex'])

/**
 * Whether a stored row says the same as new content. Such a write must move no index, or anti-entropy would wake every
 * watcher once a minute.
 */
export function sameRow(row: object, content: object): boolean {
  return sameValue(row, content, indexNames)
}

/** The content written at `index`; the creation index stays that of the row it replaces. */
export function stamped<Content extends object>(
  index: number,
  content: Content,
  before: Row<object> | undefined,
): Row<Content> {
  return { ...content, createIndex: before?.createIndex ?? index, modifyIndex: index }
}

export function withoutIndexes<Content extends object>(
  row: Row<Content>,
): Omit<Row<Content>, keyof RowIndexes> {
  const { createIndex: _created, modifyIndex: _modified, ...content } = row
  return content
}
