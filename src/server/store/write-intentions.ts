/**
 * Writes to `service-intentions` entries and the intention rows that follow from them, in one transaction: the entry
 * is what is stored, a row is one of its sources as lists and decisions see it. An entry goes with its last source.
 */
import { createHash } from 'node:crypto'
import type { IntentionSource, ServiceIntentionsEntry } from '../../model/config-entry.ts'
import { uuidFromBytes } from '../../model/ids.ts'
import { byPrecedence, type Intention, precedenceOf } from '../../model/intention.ts'
import { entryRow } from './indexes.ts'
import { key2 } from './keys.ts'
import { type Row, sameRow, stamped } from './row.ts'
import { indexIntention, intentionKey, unindexIntention } from './tables.ts'
import type { Transaction } from './transaction.ts'

export type SourceContent = Omit<IntentionSource, 'precedence'>
type Identity = Pick<Intention, 'id' | 'meta'>

export function intentionsEntry(tx: Transaction, name: string): Row<ServiceIntentionsEntry> | undefined {
  return tx.edits.entries.get(key2('service-intentions', name))
}

/** Replaces the whole entry; every row of it takes the entry's meta. Returns whether anything changed. */
export function putIntentionsEntry(
  tx: Transaction,
  entry: Omit<ServiceIntentionsEntry, 'sources'> & { readonly sources: readonly SourceContent[] },
  atMs: number,
): boolean {
  const before = intentionsEntry(tx, entry.name)
  const content = withPrecedence(entry)
  if (before !== undefined && sameRow(before, content)) return false
  storeEntry(tx, content, before)
  const kept = new Set(content.sources.map((source) => source.name))
  for (const source of before?.sources ?? [])
    if (!kept.has(source.name)) removeRow(tx, source.name, entry.name)
  for (const source of content.sources) putRow(tx, entry.name, source, { atMs, meta: entry.meta })
  rowsChanged(tx, entry.name, true)
  return true
}

/** Sets one source and keeps the others. Returns the row's id. */
export function putIntention(
  tx: Transaction,
  destination: string,
  source: SourceContent,
  row: Identity & { readonly atMs: number },
): string {
  const before = intentionsEntry(tx, destination)
  const others = (before?.sources ?? []).filter((other) => other.name !== source.name)
  const content = withPrecedence({
    kind: 'service-intentions',
    name: destination,
    meta: before?.meta ?? {},
    sources: [...others, source],
  })
  if (before === undefined || !sameRow(before, content)) storeEntry(tx, content, before)
  const written = putRow(tx, destination, source, row)
  // A row has a meta of its own, which is not part of the entry.
  if (written.modifyIndex === tx.index) rowsChanged(tx, destination, true)
  return written.id
}

/** Returns false where there was no such source. */
export function removeIntention(tx: Transaction, sourceName: string, destination: string): boolean {
  const before = intentionsEntry(tx, destination)
  if (before === undefined || !before.sources.some((source) => source.name === sourceName)) return false
  const sources = before.sources.filter((source) => source.name !== sourceName)
  if (sources.length === 0) return removeIntentionsEntry(tx, destination)
  removeRow(tx, sourceName, destination)
  storeEntry(tx, { kind: before.kind, name: before.name, meta: before.meta, sources }, before)
  rowsChanged(tx, destination, true)
  return true
}

/** Returns false where there was no such entry. */
export function removeIntentionsEntry(tx: Transaction, destination: string): boolean {
  const before = intentionsEntry(tx, destination)
  if (before === undefined) return false
  for (const source of before.sources) removeRow(tx, source.name, destination)
  tx.edits.entries.delete(key2(before.kind, destination))
  tx.touchTable('entries')
  tx.extinguish(entryRow(before.kind, destination))
  rowsChanged(tx, destination, false)
  return true
}

function storeEntry(
  tx: Transaction,
  content: ServiceIntentionsEntry,
  before: Row<ServiceIntentionsEntry> | undefined,
): void {
  tx.edits.entries.set(key2(content.kind, content.name), stamped(tx.index, content, before))
  tx.touchTable('entries')
  tx.touch(entryRow(content.kind, content.name))
}

function rowsChanged(tx: Transaction, destination: string, exist: boolean): void {
  tx.touchTable('intentions')
  tx.destinationChanged(destination, exist)
}

/** Sources in the order in which they are consulted. */
function withPrecedence(
  entry: Omit<ServiceIntentionsEntry, 'sources'> & { readonly sources: readonly SourceContent[] },
): ServiceIntentionsEntry {
  const rule = (source: SourceContent) => ({
    sourceName: source.name,
    destinationName: entry.name,
    action: source.action,
  })
  const sources = entry.sources
    .map(({ name, action, description }) => ({
      name,
      action,
      description,
      precedence: precedenceOf(name, entry.name),
    }))
    .sort((a, b) => byPrecedence(rule(a), rule(b)))
  return { kind: entry.kind, name: entry.name, meta: entry.meta, sources }
}

function putRow(
  tx: Transaction,
  destination: string,
  source: SourceContent,
  given: Partial<Identity> & { readonly atMs: number },
): Row<Intention> {
  const before = tx.edits.intentions.get(intentionKey(source.name, destination))
  const content: Intention = {
    id: before?.id ?? given.id ?? derivedId(tx.index, source.name, destination),
    sourceName: source.name,
    destinationName: destination,
    action: source.action,
    description: source.description,
    meta: given.meta ?? {},
    precedence: precedenceOf(source.name, destination),
    createdAtMs: before?.createdAtMs ?? given.atMs,
    updatedAtMs: before?.updatedAtMs ?? given.atMs,
  }
  if (before !== undefined && sameRow(before, content)) return before
  const row = stamped(tx.index, { ...content, updatedAtMs: given.atMs }, before)
  indexIntention(tx.edits, row)
  return row
}

function removeRow(tx: Transaction, sourceName: string, destination: string): void {
  const before = tx.edits.intentions.get(intentionKey(sourceName, destination))
  if (before !== undefined) unindexIntention(tx.edits, before)
}

/** Rows of a written entry have no id of their own; every server must make the same one, so it cannot be random. */
function derivedId(index: number, sourceName: string, destination: string): string {
  const hash = createHash('sha256').update(`${index}\u0000${sourceName}\u0000${destination}`)
  return uuidFromBytes(hash.digest())
}
