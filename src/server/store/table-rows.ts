/**
 * Rows of the state as lines of text and back into tables: the order in which they are written, and where each belongs.
 * Further trees are made again while reading. What stands around the rows is snapshot.ts.
 */
import { placeAddress } from './address-holders.ts'
import { key1, key2, settingsKey } from './keys.ts'
import { placeDelay, placeKv } from './locks.ts'
import {
  type Edits,
  indexIntention,
  type PrimaryTable,
  placeCheck,
  placeInstance,
  type TableRow,
  type Tables,
} from './tables.ts'
import { placeTombstone } from './tombstones.ts'
import { placeSession } from './write-session.ts'

/** Fixed, so that pictures of equal states are equal bytes. Nodes come before what stands on them. */
const order: readonly PrimaryTable[] = [
  'settings',
  'nodes',
  'services',
  'checks',
  'entries',
  'intentions',
  'roots',
  'enrollments',
  'hosts',
  'evictions',
  'gossipKeys',
  'operators',
  'kv',
  'tombstones',
  'sessions',
  'lockDelays',
  'servers',
  'autopilot',
  'datacenters',
  'indexes',
]

/** All rows of all primary tables with their table's name. */
export function* tableRows(tables: Tables): Generator<TableRow> {
  for (const name of order) for (const row of tables[name].scan()) yield [name, row] as TableRow
}

/** False where the table is not known. */
export function loadRow(edits: Edits, tableRow: TableRow): boolean {
  const [table, row] = tableRow
  switch (table) {
    case 'settings':
      edits.settings.set(settingsKey, row)
      return true
    case 'nodes':
      edits.nodes.set(key1(row.name), row)
      placeAddress(edits.addresses, { node: row.name, serviceId: '', service: '' }, '', row.address)
      return true
    case 'services':
      placeInstance(edits, undefined, row)
      return true
    case 'checks':
      placeCheck(edits, undefined, row)
      return true
    case 'entries':
      edits.entries.set(key2(row.kind, row.name), row)
      return true
    case 'intentions':
      indexIntention(edits, row)
      return true
    case 'kv':
      placeKv(edits, undefined, row)
      return true
    case 'tombstones':
      placeTombstone(edits, row)
      return true
    case 'sessions':
      placeSession(edits, row)
      return true
    case 'lockDelays':
      placeDelay(edits, row)
      return true
    case 'servers':
      edits.servers.set(key1(row.id), row)
      return true
    case 'autopilot':
      edits.autopilot.set(settingsKey, row)
      return true
    case 'indexes':
      edits.indexes.set(row.row, row)
      return true
    default:
      return loadTrustRow(edits, tableRow)
  }
}

/** Whom the cluster knows and trusts. */
function loadTrustRow(edits: Edits, [table, row]: TableRow): boolean {
  switch (table) {
    case 'roots':
      edits.roots.set(key2(row.plane, row.id), row)
      return true
    case 'enrollments':
      edits.enrollments.set(key1(row.tokenHash), row)
      return true
    case 'hosts':
      edits.hosts.set(key1(row.node), row)
      return true
    case 'evictions':
      edits.evictions.set(key1(row.hostTag), row)
      return true
    case 'gossipKeys':
      edits.gossipKeys.set(settingsKey, row)
      return true
    case 'operators':
      edits.operators.set(key1(row.tokenHash), row)
      return true
    case 'datacenters':
      edits.datacenters.set(key1(row.name), row)
      return true
    default:
      return false
  }
}
