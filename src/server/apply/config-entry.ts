/** Applies writes of whole config entries, with their conditions. What an entry implies is in store/write-intentions.ts. */
import type { AppliedValue } from '../../model/command.ts'
import { failed, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Transaction } from '../store/transaction.ts'
import { intentionsEntry, putIntentionsEntry, removeIntentionsEntry } from '../store/write-intentions.ts'
import { type CommandOf, done, unchanged } from './outcome.ts'

export function applyEntryUpsert(
  tx: Transaction,
  command: CommandOf<'config-entry.upsert'>,
  atMs: number,
): Result<AppliedValue> {
  const { entry, casIndex } = command
  if (!holds(tx, entry.name, casIndex)) return unchanged
  const names = new Set(entry.sources.map((source) => source.name))
  if (names.size === 0) return failed('invalid-config', `the entry for "${entry.name}" has no source`)
  if (names.size !== entry.sources.length)
    return failed('invalid-config', `the entry for "${entry.name}" names a source twice`)
  if (names.size > limits.sourcesPerDestination) return tooManySources(entry.name)
  putIntentionsEntry(tx, entry, atMs)
  return done
}

export function applyEntryDelete(
  tx: Transaction,
  command: CommandOf<'config-entry.delete'>,
): Result<AppliedValue> {
  if (!holds(tx, command.name, command.casIndex)) return unchanged
  return removeIntentionsEntry(tx, command.name) ? done : unchanged
}

export function tooManySources(destination: string): Result<never> {
  return failed(
    'too-large',
    `"${destination}" would have more than ${limits.sourcesPerDestination} sources; use "*" for many of them`,
  )
}

/** 0 asks that there is no such entry, another index that the entry was not written since. */
function holds(tx: Transaction, name: string, casIndex: number | undefined): boolean {
  return casIndex === undefined || casIndex === (intentionsEntry(tx, name)?.modifyIndex ?? 0)
}
