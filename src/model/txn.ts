/**
 * Transactions: operations on keys, nodes, services and checks that are done all or none, as one log entry. Verbs are
 * Consul's (reference/consul.md 1.8). What each does is apply/txn.ts, those that only look are store/txn-read.ts.
 */
import type { Check } from './check.ts'
import type { KvEntry } from './kv.ts'
import type { Node } from './node.ts'
import type { RowIndexes, Service } from './service.ts'

export const kvReadVerbs = [
  'get',
  'get-or-empty',
  'get-tree',
  'check-index',
  'check-session',
  'check-not-exists',
] as const
export const kvWriteVerbs = ['set', 'cas', 'lock', 'unlock', 'delete', 'delete-cas', 'delete-tree'] as const
export const catalogVerbs = ['get', 'set', 'cas', 'delete', 'delete-cas'] as const

export type KvVerb = (typeof kvReadVerbs)[number] | (typeof kvWriteVerbs)[number]
export type CatalogVerb = (typeof catalogVerbs)[number]

export interface KvOperation {
  readonly kind: 'kv'
  readonly verb: KvVerb
  readonly key: string
  /** Base64. */
  readonly value: string
  readonly flags: string
  /** For `cas`, `delete-cas` and `check-index`. */
  readonly index: number
  /** For `lock`, `unlock` and `check-session`. */
  readonly session: string
}

/** `index` is for `cas` and `delete-cas`: where the row must have been changed last, 0 for a row that is not there. */
export type CatalogOperation =
  | { readonly kind: 'node'; readonly verb: CatalogVerb; readonly node: Node; readonly index: number }
  | {
      readonly kind: 'service'
      readonly verb: CatalogVerb
      readonly node: string
      readonly service: Service
      readonly index: number
    }
  | { readonly kind: 'check'; readonly verb: CatalogVerb; readonly check: Check; readonly index: number }

export type TxnOperation = KvOperation | CatalogOperation

/** What one operation shows; deletions show nothing, `get-tree` any number. Of writes the value is left out. */
export type TxnResult =
  | { readonly kind: 'kv'; readonly entry: KvEntry & RowIndexes }
  | { readonly kind: 'node'; readonly node: Node & RowIndexes }
  | { readonly kind: 'service'; readonly service: Service & RowIndexes }
  | { readonly kind: 'check'; readonly check: Check & RowIndexes }

/** Why nothing was done: the operation by its place, from 0. */
export interface TxnError {
  readonly opIndex: number
  readonly what: string
}

export function isReadOperation({ kind, verb }: TxnOperation): boolean {
  return kind === 'kv' ? (kvReadVerbs as readonly string[]).includes(verb) : verb === 'get'
}
