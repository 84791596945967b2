/** Applies writes of single intentions: one source of one destination, the others stay. */
import type { AppliedValue } from '../../model/command.ts'
import { ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Transaction } from '../store/transaction.ts'
import { intentionsEntry, putIntention, removeIntention } from '../store/write-intentions.ts'
import { tooManySources } from './config-entry.ts'
import { type CommandOf, done, unchanged } from './outcome.ts'

export function applyIntentionUpsert(
  tx: Transaction,
  command: CommandOf<'intention.upsert'>,
  atMs: number,
): Result<AppliedValue> {
  const { id, sourceName, destinationName, action, description, meta } = command
  const sources = intentionsEntry(tx, destinationName)?.sources ?? []
  const isNew = !sources.some((source) => source.name === sourceName)
  if (isNew && sources.length >= limits.sourcesPerDestination) return tooManySources(destinationName)
  const source = { name: sourceName, action, description }
  return ok({ kind: 'intention', id: putIntention(tx, destinationName, source, { id, meta, atMs }) })
}

export function applyIntentionDelete(
  tx: Transaction,
  command: CommandOf<'intention.delete'>,
): Result<AppliedValue> {
  return removeIntention(tx, command.sourceName, command.destinationName) ? done : unchanged
}
