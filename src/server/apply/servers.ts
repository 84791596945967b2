/** Applies what servers say about themselves, the rules by which the leader looks after them, and the feature level. */
import type { AppliedValue } from '../../model/command.ts'
import { failed, MeshError, type Result } from '../../model/errors.ts'
import { baseFeatureLevel, maxFeatureLevel } from '../../model/feature.ts'
import { withoutIndexes } from '../store/row.ts'
import type { Transaction } from '../store/transaction.ts'
import { putSettings } from '../store/write-authority.ts'
import { autopilotConfig, putAutopilot, putServer } from '../store/write-servers.ts'
import { type CommandOf, done, unchanged } from './outcome.ts'

export function applyAnnounce(tx: Transaction, command: CommandOf<'server.announce'>): Result<AppliedValue> {
  return putServer(tx, command.server) ? done : unchanged
}

export function applyAutopilot(tx: Transaction, command: CommandOf<'autopilot.set'>): Result<AppliedValue> {
  const before = autopilotConfig(tx)?.modifyIndex ?? 0
  if (command.casIndex !== undefined && command.casIndex !== before) return unchanged
  return putAutopilot(tx, command.config) ? done : unchanged
}

export function applyFeatureRaise(
  tx: Transaction,
  command: CommandOf<'feature.raise'>,
): Result<AppliedValue> {
  refuseNewerLevel(command.level)
  const settings = tx.settings()
  if (settings === undefined) return failed('conflict', 'the cluster does not exist yet: run `mesh init`')
  if (command.level <= (settings.featureLevel ?? baseFeatureLevel)) return unchanged
  putSettings(tx, { ...withoutIndexes(settings), featureLevel: command.level })
  return done
}

/** Throws where the cluster agreed on more than this program knows: what it writes from here on may be unreadable. */
export function refuseNewerLevel(level: number): void {
  if (level > maxFeatureLevel)
    throw new MeshError(
      'format-too-new',
      `the cluster stands at feature level ${level}, this program knows levels up to ${maxFeatureLevel}`,
    )
}
