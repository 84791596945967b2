/**
 * Applies the steps of a rotation of the service plane's root: a new one that is trusted and signs nothing, then the change
 * of who signs, much later the end of trust in the old one. Who waits for what in between is the operator's command.
 */
import type { CaRoot } from '../../model/authority.ts'
import type { AppliedValue } from '../../model/command.ts'
import { failed, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import { key1 } from '../store/keys.ts'
import { type Row, withoutIndexes } from '../store/row.ts'
import type { Transaction } from '../store/transaction.ts'
import { putRoot, removeRoot } from '../store/write-authority.ts'
import { type CommandOf, done, unchanged } from './outcome.ts'

const plane = 'service'

export function applyRootAdd(tx: Transaction, { root }: CommandOf<'root.add'>): Result<AppliedValue> {
  if (root.plane !== plane || root.active)
    return failed('bad-request', 'only a root of the service plane that does not sign is added')
  const roots = rootsOf(tx)
  if (roots.some(({ id }) => id === root.id)) return unchanged
  // Two operators at once: the second one goes on with the first one's.
  if (roots.some(isWaiting)) return failed('conflict', 'there is a root already that does not sign yet')
  if (roots.length >= limits.rootsPerPlane)
    return failed('conflict', `${limits.rootsPerPlane} roots are trusted; remove old ones first`)
  putRoot(tx, root)
  return done
}

export function applyRootActivate(
  tx: Transaction,
  { id }: CommandOf<'root.activate'>,
  atMs: number,
): Result<AppliedValue> {
  const next = find(tx, id)
  if (next === undefined) return noRoot(id)
  if (next.active) return unchanged
  if (next.retiredAtMs !== undefined)
    return failed('conflict', 'a root that signed before does not sign again; rotate to a new one')
  for (const root of rootsOf(tx))
    if (root.active) putRoot(tx, { ...withoutIndexes(root), active: false, retiredAtMs: atMs })
  putRoot(tx, { ...withoutIndexes(next), active: true })
  return done
}

export function applyRootRemove(
  tx: Transaction,
  { id, retiredBeforeMs }: CommandOf<'root.remove'>,
): Result<AppliedValue> {
  const root = find(tx, id)
  if (root === undefined) return noRoot(id)
  if (root.active) return failed('conflict', 'this root signs; rotate to another one first')
  if (root.retiredAtMs !== undefined && root.retiredAtMs > retiredBeforeMs)
    return failed(
      'conflict',
      'certificates that this root signed may still be valid; with force they end now',
    )
  removeRoot(tx, root)
  return done
}

const isWaiting = ({ active, retiredAtMs }: CaRoot): boolean => !active && retiredAtMs === undefined

const rootsOf = (tx: Transaction): readonly Row<CaRoot>[] => [...tx.edits.roots.scan(key1(plane))]

const find = (tx: Transaction, id: string): Row<CaRoot> | undefined =>
  rootsOf(tx).find((root) => root.id === id)

const noRoot = (id: string): Result<AppliedValue> => failed('not-found', `there is no root ${id}`)
