/** One change of `mesh apply`: how the thing differs from what a file says, and how it is written. Knows no files. */
import type { ConfigChange } from '../config/changes.ts'
import type { ServiceIntentionsEntry } from '../model/config-entry.ts'
import type { ConfigEntryJson, IntentionJson } from '../wire/http-json/intention.ts'
import type { Client } from './client.ts'
import { CommandFailure } from './failure.ts'
import { pairQuery } from './intention.ts'

export type Effect = 'created' | 'changed' | 'deleted' | 'unchanged'

export interface Difference {
  readonly field: string
  readonly before: string
  readonly after: string
}

export interface Step {
  readonly what: string
  readonly effect: Effect
  /** Of a thing that is there and changes. */
  readonly differences: readonly Difference[]
  /** Writes the difference; called unless nothing differs or this is a rehearsal. */
  write(): Promise<void>
}

/** Key of `Meta` that says by which `mesh apply -owner` a thing was written. */
export const ownerKey = 'mesh-apply-owner'

type Meta = Readonly<Record<string, string>>

export function planChange(client: Client, change: ConfigChange, owner: string): Promise<Step> {
  return change.type === 'intention'
    ? planIntention(client, change, owner)
    : planEntry(client, change.entry, owner)
}

async function planIntention(
  client: Client,
  change: ConfigChange & { readonly type: 'intention' },
  owner: string,
): Promise<Step> {
  const { sourceName: source, destinationName: destination, action, description } = change
  const meta = { ...change.meta, [ownerKey]: owner }
  const path = `/v1/connect/intentions/exact?${pairQuery({ source, destination })}`
  const before = (await client.find(path))?.json<IntentionJson>()
  const differences =
    before === undefined
      ? []
      : [
          ...textDifference('action', before.Action, action),
          ...textDifference('description', before.Description, description),
          ...metaDifferences(before.Meta, meta),
        ]
  return {
    what: `intention ${source} => ${destination} (${action})`,
    effect: effectOf(before !== undefined, differences),
    differences,
    async write() {
      await client.ask('PUT', path, { Action: action, Description: description, Meta: meta })
    },
  }
}

async function planEntry(client: Client, entry: ServiceIntentionsEntry, owner: string): Promise<Step> {
  const path = `/v1/config/${entry.kind}/${encodeURIComponent(entry.name)}`
  const before = (await client.find(path))?.json<ConfigEntryJson>()
  const meta = { ...entry.meta, [ownerKey]: owner }
  const wanted = entry.sources.map(({ name, action, description }) => ({
    Name: name,
    Action: action,
    Description: description,
  }))
  const what = `${entry.kind} ${entry.name}`
  const differences =
    before === undefined
      ? []
      : [...sourceDifferences(before.Sources, wanted), ...metaDifferences(before.Meta ?? {}, meta)]
  return {
    what,
    effect: effectOf(before !== undefined, differences),
    differences,
    async write() {
      const body = { Kind: entry.kind, Name: entry.name, Meta: meta, Sources: wanted }
      const reply = await client.ask('PUT', `/v1/config?cas=${before?.ModifyIndex ?? 0}`, body)
      if (reply.text.trim() !== 'true') throw changedMeanwhile(what)
    },
  }
}

export function changedMeanwhile(what: string): CommandFailure {
  return new CommandFailure(`${what} was changed by somebody else meanwhile; nothing was written for it`, {
    next: 'run the same command again',
  })
}

const effectOf = (isThere: boolean, differences: readonly Difference[]): Effect =>
  isThere ? (differences.length === 0 ? 'unchanged' : 'changed') : 'created'

const shown = (text: string | undefined): string => (text === undefined || text === '' ? 'none' : text)

function textDifference(field: string, before?: string, after?: string): readonly Difference[] {
  return before === after ? [] : [{ field, before: shown(before), after: shown(after) }]
}

function metaDifferences(before: Meta, after: Meta): readonly Difference[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return keys.flatMap((key) => textDifference(`meta ${key}`, before[key], after[key]))
}

interface Source {
  readonly Name: string
  readonly Action: string
  readonly Description?: string
}

function sourceDifferences(before: readonly Source[], after: readonly Source[]): readonly Difference[] {
  const names = [...new Set([...before, ...after].map(({ Name }) => Name))]
  const of = (list: readonly Source[], name: string): Source | undefined =>
    list.find(({ Name }) => Name === name)
  const found = names.flatMap((name) => [
    ...textDifference(`source ${name}`, of(before, name)?.Action, of(after, name)?.Action),
    ...textDifference(
      `source ${name} description`,
      of(before, name)?.Description ?? '',
      of(after, name)?.Description ?? '',
    ),
  ])
  const orderOf = (list: readonly Source[]): string => list.map(({ Name }) => Name).join(', ')
  // Rules are tried in the order of precedence and not of the list, but the entry is kept as it was written.
  return found.length > 0 ? found : textDifference('order', orderOf(before), orderOf(after))
}
