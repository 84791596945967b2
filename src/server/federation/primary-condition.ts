/**
 * A conditional write of a config entry that belongs to the primary datacenter: the caller has seen the copy here, whose index
 * says nothing there. Where the copy is unchanged and equal to the original, the condition becomes one on the original.
 */

import { sameValue } from '../../model/equality.ts'
import { ok, type Result } from '../../model/errors.ts'
import type { Queries } from '../../model/query.ts'
import type { Reply } from '../../rpc/contract.ts'
import { withoutIndexes } from '../store/row.ts'
import type { View } from '../store/view.ts'
import type { FarRead } from './contract.ts'
import type { EntryCommand } from './copy-wait.ts'

type Original = Queries['config.get']['answer']

export interface ConditionPorts {
  readonly view: View
  readonly read: FarRead
  readonly primary: string
}

/** Replies with the command for the primary, or undefined where the condition does not hold. */
export function conditionAtPrimary(
  { view, read, primary }: ConditionPorts,
  command: EntryCommand,
  reply: Reply<EntryCommand | undefined>,
): void {
  if (!('casIndex' in command) || command.casIndex === undefined) {
    reply(ok(command))
    return
  }
  const { kind, name } = command.type === 'config-entry.upsert' ? command.entry : command
  const copy = view.configEntry(kind, name)
  if ((copy?.modifyIndex ?? 0) !== command.casIndex) {
    reply(ok(undefined))
    return
  }
  const options = { consistency: 'default', minIndex: 0, waitMs: 0 } as const
  const request = { name: 'config.get', args: { kind, name }, options, token: '' } as const
  read(primary, request, (result) => reply(translated(command, copy ?? null, result)))
}

function translated(
  command: EntryCommand,
  copy: Original,
  result: Result<{ readonly answer: Original }>,
): Result<EntryCommand | undefined> {
  if (!result.ok) return result
  const original = result.value.answer
  const isEqual =
    original === null || copy === null
      ? original === copy
      : sameValue(withoutIndexes(original), withoutIndexes(copy))
  return ok(isEqual ? { ...command, casIndex: original?.modifyIndex ?? 0 } : undefined)
}
