// Answers that a correct store cannot have given, made from ones that it gave: proof that the checker sees them. Each kind is
// wrong by the order of calls and returns alone, so whether it is wrong is not asked of the checker.
import type { KeyOperation } from './register.ts'

export type EditKind = 'stale' | 'early' | 'vanished' | 'denied'

export const editKinds: readonly EditKind[] = ['stale', 'early', 'vanished', 'denied']

/** The history of one key with one answer of this kind, or undefined where it has no place for it. `pick` chooses. */
export function edit(
  operations: readonly KeyOperation[],
  kind: EditKind,
  pick: number,
): readonly KeyOperation[] | undefined {
  const places = operations.flatMap((operation, at) => {
    const output = editors[kind](operation, operations)
    return output === undefined ? [] : [{ at, output }]
  })
  const place = places[pick % Math.max(1, places.length)]
  if (place === undefined) return undefined
  return operations.map((operation, at) =>
    at === place.at ? { ...operation, output: place.output } : operation,
  )
}

type Editor = (operation: KeyOperation, all: readonly KeyOperation[]) => KeyOperation['output']

const editors: { readonly [Kind in EditKind]: Editor } = {
  /** A read that was told an overwritten value, after the write that replaced it had been acknowledged. */
  stale: (read, all) => {
    const held = valueRead(read)
    if (held === undefined) return undefined
    const newer = all.find((each) => valueWritten(each) === held && each.returnedAt < read.calledAt)
    if (newer === undefined) return undefined
    const older = all.find((each) => valueWritten(each) !== undefined && each.returnedAt < newer.calledAt)
    return older === undefined ? undefined : { kind: 'value', value: valueWritten(older) ?? null }
  },
  /** A read that was told a value whose write had not begun. */
  early: (read, all) => {
    if (valueRead(read) === undefined) return undefined
    const later = all.find((each) => valueWritten(each) !== undefined && each.calledAt > read.returnedAt)
    return later === undefined ? undefined : { kind: 'value', value: valueWritten(later) ?? null }
  },
  /** A read that found nothing, though a value had been acknowledged and nobody had deleted anything. */
  vanished: (read, all) => {
    if (valueRead(read) === undefined) return undefined
    const isWritten = all.some((each) => valueWritten(each) !== undefined && each.returnedAt < read.calledAt)
    const isDeleted = all.some(({ input, calledAt }) => input.kind === 'delete' && calledAt < read.returnedAt)
    return isWritten && !isDeleted ? { kind: 'value', value: null } : undefined
  },
  /** A swap that was told it did not happen, though its value was read. */
  denied: (swap, all) => {
    if (swap.input.kind !== 'cas' || swap.output?.kind !== 'swapped' || !swap.output.swapped) return undefined
    const { value } = swap.input
    return all.some((each) => valueRead(each) === value) ? { kind: 'swapped', swapped: false } : undefined
  },
}

const valueRead = ({ output }: KeyOperation): string | undefined =>
  output?.kind === 'value' ? (output.value ?? undefined) : undefined

/** The value that an operation surely wrote. */
function valueWritten({ input, output }: KeyOperation): string | undefined {
  if (input.kind === 'write' && output !== undefined) return input.value
  if (input.kind === 'cas' && output?.kind === 'swapped' && output.swapped) return input.value
  return undefined
}
