/**
 * A state that is restored from a snapshot, while it is put together beside the live one: pieces of text become rows of
 * tables that nobody reads yet. Immutable like a view, so that it stands in snapshots and every server has the same.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import { restoredRow } from './indexes.ts'
import { settingsKey } from './keys.ts'
import type { Staged } from './staged.ts'
import { StateLines } from './state-lines.ts'
import { loadRow } from './table-rows.ts'
import { commitTables, editTables, emptyTables, type TableRow, type Tables } from './tables.ts'
import type { View } from './view.ts'

export function beginStaging(id: string, atMs: number): Staged {
  return { id, pieces: 0, stage: 'header', rows: 0, carry: '', atMs, tables: emptyTables() }
}

/** Takes the next piece, cut anywhere. `index` is its place in the log. */
export function stagePiece(staged: Staged, text: string, at: StagedAt): Result<Staged> {
  const whole = staged.carry + text
  const end = whole.lastIndexOf('\n') + 1
  const edits = editTables(staged.tables)
  const lines = new StateLines(staged, (row) => {
    // What another restore had under way when the snapshot was taken has no end any more.
    if (row[0] === 'staged' || row[0] === 'staged-row') return true
    return loadRow(edits, reindexed(row, at.index))
  })
  const fault = lines.take(whole.slice(0, end))
  if (fault !== undefined) return failed(fault.code, `the snapshot cannot be restored: ${fault.what}`)
  return ok({
    id: staged.id,
    pieces: staged.pieces + 1,
    stage: lines.stage,
    rows: lines.rows,
    carry: whole.slice(end),
    atMs: at.atMs,
    tables: commitTables(edits, []),
  })
}

export interface StagedAt {
  readonly index: number
  readonly atMs: number
}

/**
 * The tables that take the place of the view's at log index `index`. What describes this cluster's servers stays; the
 * feature level never falls, because newer commands may be in the log already.
 */
export function restoredTables(view: View, staged: Staged, index: number): Tables {
  const edits = editTables(staged.tables)
  const settings = edits.settings.get(settingsKey)
  const level = Math.max(settings?.featureLevel ?? 1, view.settings()?.featureLevel ?? 1)
  if (settings !== undefined)
    edits.settings.set(settingsKey, { ...settings, featureLevel: level, modifyIndex: index })
  edits.indexes.set(restoredRow, { row: restoredRow, index })
  return { ...commitTables(edits, []), servers: view.tables.servers }
}

/**
 * Indexes of rows come from another time or another cluster: none may lie ahead of the log here, and no row may have two
 * contents under one index, or a conditional write could hit what its writer has never seen.
 */
function reindexed(row: TableRow, index: number): TableRow {
  switch (row[0]) {
    case 'services': {
      const { node, service } = row[1]
      return ['services', { node, service: { ...service, ...indexes(service, index) } }]
    }
    case 'tombstones':
      return ['tombstones', { ...row[1], index: Math.min(row[1].index, index) }]
    case 'lockDelays':
      return row
    case 'indexes':
      return ['indexes', { ...row[1], index: Math.min(row[1].index, index) }]
    default:
      return [row[0], { ...row[1], ...indexes(row[1], index) }] as TableRow
  }
}

const indexes = (
  { createIndex }: { readonly createIndex: number },
  index: number,
): { readonly createIndex: number; readonly modifyIndex: number } => ({
  createIndex: Math.min(createIndex, index),
  modifyIndex: index,
})
