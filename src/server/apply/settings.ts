/** Applies `genesis`, the first entry of a cluster, and `settings.set`. The rows are written in store/write-authority.ts. */
import type { AppliedValue } from '../../model/command.ts'
import { failed, type Result } from '../../model/errors.ts'
import { withoutIndexes } from '../store/row.ts'
import type { Transaction } from '../store/transaction.ts'
import { putOperator, putRoot, putSettings } from '../store/write-authority.ts'
import { type CommandOf, done } from './outcome.ts'
import { refuseNewerLevel } from './servers.ts'

export function applyGenesis(
  tx: Transaction,
  command: CommandOf<'genesis'>,
  atMs: number,
): Result<AppliedValue> {
  const settings = tx.settings()
  if (settings !== undefined)
    return failed('conflict', `the cluster exists already, with id ${settings.clusterId}`)
  refuseNewerLevel(command.settings.featureLevel ?? 0)
  putSettings(tx, command.settings)
  for (const root of command.roots) putRoot(tx, root)
  putOperator(tx, { ...command.operator, createdAtMs: atMs })
  return done
}

export function applySettings(tx: Transaction, command: CommandOf<'settings.set'>): Result<AppliedValue> {
  const settings = tx.settings()
  if (settings === undefined) return failed('conflict', 'the cluster does not exist yet: run `mesh init`')
  putSettings(tx, {
    ...withoutIndexes(settings),
    defaultIntentionAction: command.settings.defaultIntentionAction,
  })
  return done
}
