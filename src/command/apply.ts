/**
 * `mesh apply -f FILE`: brings intentions and config entries to what files say, one line per change. Compares first and
 * writes only differences, each on condition that nobody changed the thing in between.
 */
import { type ConfigChange, parseConfigChanges } from '../config/changes.ts'
import type { ServiceIntentionsEntry } from '../model/config-entry.ts'
import type { ConfigEntryJson, IntentionJson } from '../wire/http-json/intention.ts'
import type { Client } from './client.ts'
import { readSources, showMistakes } from './configuration.ts'
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'
import { pairQuery } from './intention.ts'

export interface ApplyOptions {
  readonly file: readonly string[]
  readonly dryRun?: true
}

type Effect = 'created' | 'changed' | 'unchanged'

interface Step {
  readonly what: string
  readonly effect: Effect
  /** Writes the difference; called unless nothing differs or this is a rehearsal. */
  write(): Promise<void>
}

const rehearsed: Readonly<Record<Effect, string>> = {
  created: 'would create',
  changed: 'would change',
  unchanged: 'unchanged',
}

export async function apply(context: Context, options: ApplyOptions): Promise<void> {
  const changes = readChanges(context, options.file)
  const { terminal } = context
  const done: { what: string; effect: Effect }[] = []
  for (const change of changes) {
    const step = await plan(context.client(), change)
    if (options.dryRun === undefined && step.effect !== 'unchanged') await step.write()
    done.push({ what: step.what, effect: step.effect })
    if (terminal.form === 'table') {
      const word = options.dryRun === undefined ? step.effect : rehearsed[step.effect]
      terminal.line(`${word.padEnd(options.dryRun === undefined ? 10 : 13)} ${step.what}`)
    }
  }
  if (terminal.form === 'json') terminal.line(JSON.stringify(done, null, 2))
}

/** All files are read before anything is written: a mistake in the last one must not leave half a change. */
function readChanges(context: Context, paths: readonly string[]): readonly ConfigChange[] {
  const changes: ConfigChange[] = []
  const mistakes = readSources(paths).flatMap((file) => {
    const parsed = parseConfigChanges(file)
    if (parsed.ok) changes.push(...parsed.value)
    return parsed.ok ? [] : parsed.errors
  })
  if (mistakes.length > 0) throw showMistakes(context.terminal, mistakes)
  return changes
}

function plan(client: Client, change: ConfigChange): Promise<Step> {
  return change.type === 'intention' ? planIntention(client, change) : planEntry(client, change.entry)
}

async function planIntention(
  client: Client,
  change: ConfigChange & { readonly type: 'intention' },
): Promise<Step> {
  const { sourceName: source, destinationName: destination, action, description, meta } = change
  const path = `/v1/connect/intentions/exact?${pairQuery({ source, destination })}`
  const before = (await client.find(path))?.json<IntentionJson>()
  const same = before?.Action === action && before.Description === description && sameMap(before.Meta, meta)
  return {
    what: `intention ${source} => ${destination} (${action})`,
    effect: before === undefined ? 'created' : same ? 'unchanged' : 'changed',
    async write() {
      await client.ask('PUT', path, { Action: action, Description: description, Meta: meta })
    },
  }
}

async function planEntry(client: Client, entry: ServiceIntentionsEntry): Promise<Step> {
  const path = `/v1/config/${entry.kind}/${encodeURIComponent(entry.name)}`
  const before = (await client.find(path))?.json<ConfigEntryJson>()
  const wanted = entry.sources.map(({ name, action, description }) => ({
    Name: name,
    Action: action,
    Description: description,
  }))
  const there = (before?.Sources ?? []).map((source) => ({
    Name: source.Name,
    Action: source.Action,
    Description: source.Description ?? '',
  }))
  const same = JSON.stringify(wanted) === JSON.stringify(there) && sameMap(before?.Meta ?? {}, entry.meta)
  const what = `${entry.kind} ${entry.name}`
  return {
    what,
    effect: before === undefined ? 'created' : same ? 'unchanged' : 'changed',
    async write() {
      const body = { Kind: entry.kind, Name: entry.name, Meta: entry.meta, Sources: wanted }
      const reply = await client.ask('PUT', `/v1/config?cas=${before?.ModifyIndex ?? 0}`, body)
      if (reply.text.trim() !== 'true')
        throw new CommandFailure(
          `${what} was changed by somebody else meanwhile; nothing was written for it`,
          {
            next: 'run the same command again',
          },
        )
    },
  }
}

function sameMap(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}
