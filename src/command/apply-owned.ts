/**
 * What `mesh apply` wrote earlier and its files no longer have: told by the mark in `Meta`, so that intentions which somebody
 * wrote by hand, or from other files with another `-owner`, are never removed.
 */
import type { ConfigChange } from '../config/changes.ts'
import { configEntryKinds } from '../model/config-entry.ts'
import type { ConfigEntryJson, IntentionJson } from '../wire/http-json/intention.ts'
import { changedMeanwhile, ownerKey, type Step } from './apply-step.ts'
import type { Client } from './client.ts'
import { pairQuery } from './intention.ts'

export const ownerRule = /^[A-Za-z0-9_-]{1,64}$/

/** Steps that delete what belongs to `owner` and is not among `changes`. */
export async function ownedElsewhere(
  client: Client,
  changes: readonly ConfigChange[],
  owner: string,
): Promise<readonly Step[]> {
  const entries = await ownedEntries(client, owner)
  const wantedEntries = new Set(
    changes.flatMap((change) =>
      change.type === 'intention' ? [] : [entryKey(change.entry.kind, change.entry.name)],
    ),
  )
  const wantedPairs = new Set(
    changes.flatMap((change) =>
      change.type === 'intention' ? [pairKey(change.sourceName, change.destinationName)] : [],
    ),
  )
  const goingEntries = entries.filter(({ Kind, Name }) => !wantedEntries.has(entryKey(Kind, Name)))
  // The sources of an entry carry its mark and go with it, or stay with it.
  const ofEntries = new Set([
    ...entries.map(({ Name }) => Name),
    ...[...wantedEntries].map((key) => key.replace(/^.*\n/, '')),
  ])
  const rows = (await client.ask('GET', '/v1/connect/intentions')).json<readonly IntentionJson[]>()
  const goingRows = rows.filter(
    (row) =>
      row.Meta[ownerKey] === owner &&
      !ofEntries.has(row.DestinationName) &&
      !wantedPairs.has(pairKey(row.SourceName, row.DestinationName)),
  )
  return [
    ...goingRows.map((row) => deleteIntention(client, row)),
    ...goingEntries.map((entry) => deleteEntry(client, entry)),
  ]
}

const pairKey = (source: string, destination: string): string => `${source}\n${destination}`
const entryKey = (kind: string, name: string): string => `${kind}\n${name}`

async function ownedEntries(client: Client, owner: string): Promise<readonly ConfigEntryJson[]> {
  const owned: ConfigEntryJson[] = []
  for (const kind of configEntryKinds) {
    const all = (await client.ask('GET', `/v1/config/${kind}`)).json<readonly ConfigEntryJson[]>()
    owned.push(...all.filter((entry) => entry.Meta?.[ownerKey] === owner))
  }
  return owned
}

function deleteIntention(client: Client, row: IntentionJson): Step {
  const { SourceName: source, DestinationName: destination, Action } = row
  return {
    what: `intention ${source} => ${destination} (${Action})`,
    effect: 'deleted',
    differences: [],
    async write() {
      await client.ask('DELETE', `/v1/connect/intentions/exact?${pairQuery({ source, destination })}`)
    },
  }
}

function deleteEntry(client: Client, { Kind, Name, ModifyIndex }: ConfigEntryJson): Step {
  const what = `${Kind} ${Name}`
  return {
    what,
    effect: 'deleted',
    differences: [],
    async write() {
      const reply = await client.ask(
        'DELETE',
        `/v1/config/${Kind}/${encodeURIComponent(Name)}?cas=${ModifyIndex}`,
      )
      if (reply.text.trim() === 'false') throw changedMeanwhile(what)
    },
  }
}
