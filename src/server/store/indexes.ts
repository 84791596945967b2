/**
 * Rows that remember when something last changed, so that an answer carries the highest index of what it touched and
 * a blocking query waits for exactly that.
 *
 * The rule for what disappears is Consul's: its row goes, and readers fall back to the index at which any of its kind
 * last disappeared, because a remembered row for every name that ever existed would grow without end.
 */
import type { CheckStatus } from '../../model/check.ts'
import type { ConfigEntryKind } from '../../model/config-entry.ts'
import { key1, key2, key3 } from './keys.ts'

export interface IndexRow {
  readonly row: string
  readonly index: number
}

/** Something that readers can ask the index of and wait for. */
export interface Touched {
  readonly row: string
  /** Read when `row` is not there. */
  readonly extinct: string
}

export type CountedTable =
  | 'settings'
  | 'nodes'
  | 'services'
  | 'checks'
  | 'entries'
  | 'intentions'
  | 'roots'
  | 'enrollments'
  | 'hosts'
  | 'gossipKeys'
  | 'operators'
  | 'servers'
  | 'autopilot'
  | 'datacenters'
  | 'sessions'

const extinct = (kind: string): string => key2('extinct', kind)

/** The newest deletion of keys whose tombstone was forgotten: what is absent now may have gone at it. */
export const kvForgottenRow: Touched = { row: key2('extinct', 'kv'), extinct: '' }
/** The last restore: nothing has an older index than that, so everybody who watched before it hears of it. */
export const restoredRow = key1('restored')
/** Every write to a table. */
export const tableRow = (table: CountedTable): Touched => ({ row: key2('table', table), extinct: '' })
/** The set of service names, each with the tags that occur on it. */
export const namesRow: Touched = { row: key1('names'), extinct: '' }
/** Instances under one service name: they, their hosts and the checks that count for them. */
export const serviceRow = (name: string): Touched => ({
  row: key2('service', name),
  extinct: extinct('service'),
})
/** The same for the mesh instances that stand for a service. */
export const meshRow = (name: string): Touched => ({ row: key2('mesh', name), extinct: extinct('mesh') })
/** One node with its services and checks. */
export const nodeRow = (name: string): Touched => ({ row: key2('node', name), extinct: extinct('node') })
/** Checks in one status; a check that leaves the status counts. */
export const statusRow = (status: CheckStatus): Touched => ({ row: key2('status', status), extinct: '' })
export const sessionRow = (id: string): Touched => ({ row: key2('session', id), extinct: extinct('session') })
/** Sessions of one node. */
export const nodeSessionsRow = (node: string): Touched => ({
  row: key2('node-sessions', node),
  extinct: extinct('node-sessions'),
})
export const entryRow = (kind: ConfigEntryKind, name: string): Touched => ({
  row: key3('entry', kind, name),
  extinct: extinct('entry'),
})
/** Intentions of exactly this destination (`*` is one of its own). */
export const destinationRow = (name: string): Touched => ({
  row: key2('destination', name),
  extinct: extinct('destination'),
})
