/**
 * Applies a restore: another state is put together beside the live one (store/staging.ts) and takes its place at the end.
 * Writes that are applied meanwhile change the live state and are gone with it.
 */
import type { AppliedValue, Command } from '../../model/command.ts'
import { failed, type Result } from '../../model/errors.ts'
import { beginStaging, restoredTables, type StagedAt, stagePiece } from '../store/staging.ts'
import type { Store } from '../store/store.ts'
import { type CommandOf, done, unchanged } from './outcome.ts'

export type RestoreCommand = CommandOf<`restore.${'begin' | 'piece' | 'commit' | 'abort'}`>

export const isRestore = (command: Command): command is RestoreCommand => command.type.startsWith('restore.')

/** Leaves the store at `at.index` whatever comes out. */
export function applyRestore(store: Store, command: RestoreCommand, at: StagedAt): Result<AppliedValue> {
  const { staged } = store.view()
  if (command.type === 'restore.begin') {
    store.stage(at.index, beginStaging(command.id, at.atMs))
    return done
  }
  if (staged?.id !== command.id) {
    store.advance(at.index)
    return command.type === 'restore.abort' ? unchanged : gone
  }
  switch (command.type) {
    case 'restore.abort':
      store.stage(at.index, undefined)
      return done
    case 'restore.piece':
      return applyPiece(store, command, at)
    case 'restore.commit':
      return applyCommit(store, command, at)
  }
}

const gone = failed('conflict', 'another restore began meanwhile, or this one was given up')

function applyPiece(store: Store, command: CommandOf<'restore.piece'>, at: StagedAt): Result<AppliedValue> {
  const { staged } = store.view()
  if (staged === undefined || command.sequence !== staged.pieces) {
    store.advance(at.index)
    return failed('conflict', `piece ${command.sequence} of the snapshot came out of turn`)
  }
  const next = stagePiece(staged, command.text, at)
  store.stage(at.index, next.ok ? next.value : undefined)
  return next.ok ? done : next
}

function applyCommit(store: Store, command: CommandOf<'restore.commit'>, at: StagedAt): Result<AppliedValue> {
  const view = store.view()
  const { staged } = view
  const isWhole = staged?.pieces === command.pieces && staged.stage === 'complete' && staged.carry === ''
  if (staged === undefined || !isWhole || staged.tables.settings.size === 0) {
    store.stage(at.index, undefined)
    return failed('bad-request', 'the snapshot is not whole, or not that of a cluster')
  }
  store.replace(at.index, restoredTables(view, staged, at.index))
  return done
}
