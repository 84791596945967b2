/**
 * The operations of a transaction that only look (Consul's verbs get*, check-*): the same on a state that is read and on
 * one that a transaction is changing. Texts of what does not hold are Consul's, because clients show and match them.
 */
import type { Check } from '../../model/check.ts'
import type { KvEntry } from '../../model/kv.ts'
import { limits } from '../../model/limits.ts'
import type { Node } from '../../model/node.ts'
import type { CatalogOperation, KvOperation, TxnError, TxnOperation, TxnResult } from '../../model/txn.ts'
import { key1, key2 } from './keys.ts'
import type { Row } from './row.ts'
import type { Placed } from './tables.ts'

interface Lookup<Value> {
  get(key: string): Value | undefined
  scan(prefix: string): Iterable<Value>
}

/** What both the tables of a view and those of a transaction are. */
export interface Readable {
  readonly kv: Lookup<Row<KvEntry>>
  readonly nodes: Lookup<Row<Node>>
  readonly services: Lookup<Placed>
  readonly checks: Lookup<Row<Check>>
}

export type OperationOutcome =
  | { readonly ok: true; readonly results: Iterable<TxnResult> }
  | { readonly ok: false; readonly what: string }

export const shown = (...results: readonly TxnResult[]): OperationOutcome => ({ ok: true, results })
export const refused = (what: string): OperationOutcome => ({ ok: false, what })

/** Of an entry that was written or compared: whoever did so knows the value. */
export const withoutValue = (entry: Row<KvEntry>): TxnResult => ({
  kind: 'kv',
  entry: { ...entry, value: '' },
})

export interface TxnOutcome {
  readonly results: readonly TxnResult[]
  readonly errors: readonly TxnError[]
}

/** Runs each operation, a row at a time; where one cannot be done there are errors and no results. */
export function* runOperations(
  operations: readonly TxnOperation[],
  run: (operation: TxnOperation) => OperationOutcome,
): Generator<undefined, TxnOutcome> {
  const results: TxnResult[] = []
  const errors: TxnError[] = []
  let chars = 0
  for (const [opIndex, operation] of operations.entries()) {
    const outcome = run(operation)
    if (!outcome.ok) errors.push({ opIndex, what: outcome.what })
    else
      for (const result of outcome.results) {
        chars += sizeOf(result)
        if (chars > limits.txnAnswerChars) return { results: [], errors: [{ opIndex, what: tooLong }] }
        results.push(result)
        yield
      }
  }
  return errors.length === 0 ? { results, errors } : { results: [], errors }
}

const tooLong = `the answer would be longer than ${limits.txnAnswerChars} characters: read less at once`

/** Values are what makes answers long; other rows have bounds of their own. */
const sizeOf = (result: TxnResult): number =>
  result.kind === 'kv' ? result.entry.value.length + result.entry.key.length : 0

/** The operation must be one that only looks. */
export function readOperation(tables: Readable, operation: TxnOperation): OperationOutcome {
  return operation.kind === 'kv' ? readKv(tables, operation) : readRow(tables, operation)
}

function readKv(tables: Readable, operation: KvOperation): OperationOutcome {
  const { verb, key, index, session } = operation
  if (verb === 'get-tree') return { ok: true, results: treeBelow(tables, key) }
  const entry = tables.kv.get(key1(key))
  if (verb === 'check-not-exists') return entry === undefined ? shown() : refused(`key "${key}" exists`)
  if (verb === 'get-or-empty') return shown({ kind: 'kv', entry: entry ?? emptyEntry(key) })
  if (verb === 'get')
    return entry === undefined ? refused(`key "${key}" doesn't exist`) : shown({ kind: 'kv', entry })
  if (verb === 'check-index') {
    if (entry === undefined) return refused(`failed to check index, key "${key}" doesn't exist`)
    if (entry.modifyIndex === index) return shown(withoutValue(entry))
    return refused(
      `failed index check for key "${key}", current modify index ${entry.modifyIndex} != ${index}`,
    )
  }
  if (entry === undefined) return refused(`failed to check session, key "${key}" doesn't exist`)
  const held = entry.session ?? ''
  if (held === session) return shown(withoutValue(entry))
  return refused(`failed session check for key "${key}", current session "${held}" != "${session}"`)
}

function* treeBelow(tables: Readable, prefix: string): Generator<TxnResult> {
  for (const entry of tables.kv.scan(prefix)) yield { kind: 'kv', entry }
}

const emptyEntry = (key: string): Row<KvEntry> => ({
  key,
  value: '',
  flags: '0',
  createIndex: 0,
  modifyIndex: 0,
})

function readRow(tables: Readable, operation: CatalogOperation): OperationOutcome {
  const row = rowOf(tables, operation)
  return row === undefined ? refused(`${nameOf(operation)} doesn't exist`) : shown(row)
}

/** The row that an operation is about, as it is now. */
export function rowOf(tables: Readable, operation: CatalogOperation): TxnResult | undefined {
  switch (operation.kind) {
    case 'node': {
      const node = tables.nodes.get(key1(operation.node.name))
      return node && { kind: 'node', node }
    }
    case 'service': {
      const placed = tables.services.get(key2(operation.node, operation.service.id))
      return placed && { kind: 'service', service: placed.service }
    }
    case 'check': {
      const check = tables.checks.get(key2(operation.check.node, operation.check.checkId))
      return check && { kind: 'check', check }
    }
  }
}

export function nameOf(operation: CatalogOperation): string {
  switch (operation.kind) {
    case 'node':
      return `node "${operation.node.name}"`
    case 'service':
      return `service "${operation.service.id}" on node "${operation.node}"`
    case 'check':
      return `check "${operation.check.checkId}" on node "${operation.check.node}"`
  }
}

export function modifyIndexOf(row: TxnResult | undefined): number {
  switch (row?.kind) {
    case 'node':
      return row.node.modifyIndex
    case 'service':
      return row.service.modifyIndex
    case 'check':
      return row.check.modifyIndex
    case 'kv':
      return row.entry.modifyIndex
    case undefined:
      return 0
  }
}
