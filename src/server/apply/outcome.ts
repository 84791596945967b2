/** The outcomes that commands of several families share. */
import type { AppliedValue, Command, CommandType } from '../../model/command.ts'
import { ok, type Result } from '../../model/errors.ts'

export type CommandOf<Type extends CommandType> = Extract<Command, { readonly type: Type }>

export const done: Result<AppliedValue> = ok({ kind: 'done' })
/** A condition did not hold, or there was nothing to delete: not an error, and nothing was written. */
export const unchanged: Result<AppliedValue> = ok({ kind: 'unchanged' })
