/** A transaction that only looks: all its reads at one log index. One that writes is a command, apply/txn.ts. */
import type { Queries } from '../../model/query.ts'
import { isReadOperation } from '../../model/txn.ts'
import { readOperation, refused, runOperations } from '../store/txn-read.ts'
import type { View } from '../store/view.ts'
import type { Plan } from './plan.ts'

type Answer = Queries['txn.read']['answer']

export function planTxn(view: View, { operations }: Queries['txn.read']['args']): Plan<Answer> {
  return {
    index: view.index,
    touched: [],
    exists: true,
    read: () =>
      runOperations(operations, (operation) =>
        isReadOperation(operation)
          ? readOperation(view.tables, operation)
          : refused(`"${operation.verb}" writes: the transaction is no read`),
      ),
  }
}
