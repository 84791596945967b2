/**
 * `mesh intention create` and `match`, as scripts for Consul call them. `allow`, `deny` and `delete` are the shorter forms;
 * all of them wait until proxies enforce what was written (intention.ts).
 */
import { parseConfigChanges } from '../config/changes.ts'
import type { IntentionAction } from '../model/intention.ts'
import type { IntentionJson } from '../wire/http-json/intention.ts'
import { readSources, showMistakes } from './configuration.ts'
import type { Context } from './declare.ts'
import { CommandFailure, UsageFailure } from './failure.ts'
import { type Pair, pairQuery, setIntention, type WaitOption } from './intention.ts'

export interface CreateOptions extends WaitOption {
  readonly allow?: true
  readonly deny?: true
  readonly file?: true
  readonly replace?: true
  readonly description?: string
}

type Wanted = Pair & { readonly action: IntentionAction; readonly description: string }

/** True when every proxy enforces what was written. */
export async function createIntentions(
  context: Context,
  names: readonly string[],
  options: CreateOptions,
): Promise<boolean> {
  const wanted = options.file === true ? ofFiles(context, names) : [ofNames(names, options)]
  // All are looked at before any is written: one that is there already must not leave half of them done.
  if (options.replace === undefined) for (const pair of wanted) await refuseExisting(context, pair)
  let isEnforced = true
  for (const { source, destination, action, description } of wanted) {
    const given = { wait: options.wait, ...(description === '' ? {} : { description }) }
    isEnforced = (await setIntention(context, { source, destination, action }, given)) && isEnforced
  }
  return isEnforced
}

function ofNames(names: readonly string[], options: CreateOptions): Wanted {
  const [source, destination] = names
  if (source === undefined || destination === undefined || names.length > 2)
    throw new UsageFailure('name one source and one destination', 'mesh intention create -allow web db')
  if (options.allow === true && options.deny === true)
    throw new UsageFailure('-allow and -deny exclude each other')
  const action = options.deny === true ? 'deny' : 'allow'
  return { source, destination, action, description: options.description ?? '' }
}

function ofFiles(context: Context, paths: readonly string[]): readonly Wanted[] {
  return readSources(paths).flatMap((file) => {
    const parsed = parseConfigChanges(file)
    if (!parsed.ok) throw showMistakes(context.terminal, parsed.errors)
    return parsed.value.map((change) => {
      if (change.type !== 'intention')
        throw new CommandFailure(`${file.path} holds a config entry`, {
          next: `mesh config write ${file.path}`,
        })
      const { sourceName: source, destinationName: destination, action, description } = change
      return { source, destination, action, description }
    })
  })
}

async function refuseExisting({ client }: Context, pair: Wanted): Promise<void> {
  const found = await client().find(`/v1/connect/intentions/exact?${pairQuery(pair)}`)
  if (found === undefined) return
  const { Action } = found.json<IntentionJson>()
  throw new CommandFailure(
    `there is an intention ${pair.source} => ${pair.destination} (${Action}) already; nothing was written`,
    { next: 'the same with -replace' },
  )
}

export interface MatchOptions {
  readonly source?: true
  readonly destination?: true
}

export async function matchIntentions(
  { client, terminal }: Context,
  name: string,
  options: MatchOptions,
): Promise<void> {
  if (options.source === true && options.destination === true)
    throw new UsageFailure('-source and -destination exclude each other')
  const by = options.source === true ? 'source' : 'destination'
  const path = `/v1/connect/intentions/match?by=${by}&name=${encodeURIComponent(name)}`
  const rows = (await client().ask('GET', path)).json<Readonly<Record<string, readonly IntentionJson[]>>>()
  const found = rows[name] ?? []
  terminal.show(found, () => {
    if (found.length === 0) return terminal.note(`No intention has ${name} as its ${by}.`)
    for (const row of found) terminal.line(`${row.SourceName} => ${row.DestinationName} (${row.Action})`)
  })
}
