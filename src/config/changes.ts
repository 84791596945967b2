/**
 * What `mesh apply -f FILE` and `PUT /v1/config` change: one config entry, or intentions in the short form
 * `intention { source_name destination_name action }`. Each change maps to one command of model/command.ts.
 */
import type { ConfigEntry } from '../model/config-entry.ts'
import { failed, ok, type Result } from '../model/errors.ts'
import type { IntentionAction } from '../model/intention.ts'
import { dialectOf, parseText } from '../wire/hcl/parse.ts'
import type { ObjectValue, Place } from '../wire/hcl/tree.ts'
import { bodyTree } from './body.ts'
import {
  intentionAction,
  intentionDescription,
  intentionRefusals,
  missingKey,
  readEntry,
} from './config-entry.ts'
import { intentionNameRule, metaField } from './names.ts'
import { placeSeenFrom, type Reader, Reading, type Slot } from './reading.ts'
import { belongs, renamed } from './refusals.ts'
import { oneOf, text } from './scalars.ts'
import { blocks, canonical, one, readGiven, schema, written } from './schema.ts'
import type { Loaded, SourceFile } from './settings.ts'

export type ConfigChange =
  | { readonly type: 'config-entry'; readonly entry: ConfigEntry }
  /** One source of one destination; the destination's other sources stay. */
  | {
      readonly type: 'intention'
      readonly sourceName: string
      readonly destinationName: string
      readonly action: IntentionAction
      readonly description: string
      readonly meta: Readonly<Record<string, string>>
    }

const intentionSchema = schema(
  'an intention',
  {
    source_name: one(text(intentionNameRule)),
    destination_name: one(text(intentionNameRule)),
    action: intentionAction,
    description: intentionDescription,
    source_type: one(oneOf({ consul: 'consul' })),
    meta: metaField,
  },
  {
    refusals: {
      ...intentionRefusals,
      ...renamed(['source'], 'source_name'),
      ...renamed(['destination'], 'destination_name'),
    },
  },
)

interface IntentionDraft {
  readonly change: ConfigChange & { readonly type: 'intention' }
  readonly at: Place
}

const readIntention: Reader<IntentionDraft> = (slot, reading) => {
  const intention = written(intentionSchema)(slot, reading)
  if (intention === undefined) return undefined
  const { keys, isWhole } = intention
  for (const name of ['source_name', 'destination_name', 'action'] as const)
    if (keys[name] === undefined && isWhole) reading.report(slot.at, missingKey('intention', name, reading))
  const sourceName = keys.source_name?.value
  const destinationName = keys.destination_name?.value
  const action = keys.action?.value
  if (sourceName === undefined || destinationName === undefined || action === undefined) return undefined
  const change = {
    type: 'intention',
    sourceName,
    destinationName,
    action,
    description: keys.description?.value ?? '',
    meta: keys.meta?.value ?? {},
  } as const
  return { change, at: slot.at }
}

const changesSchema = schema(
  'a file for `mesh apply`',
  { intention: blocks(readIntention), intentions: blocks(readIntention) },
  {
    refusals: belongs(
      ['service', 'services', 'check', 'checks'],
      'a file of the host that runs the service, such as /etc/mesh-agent/web.hcl',
    ),
  },
)

/** Reads a file of changes; `path` decides between HCL and JSON as everywhere. */
export function parseConfigChanges(file: SourceFile): Loaded<readonly ConfigChange[]> {
  const dialect = dialectOf(file.path, file.text)
  const parsed = parseText(file.path, file.text, dialect)
  if (!parsed.ok) return { ok: false, errors: parsed.problems }
  const reading = new Reading('file', dialect)
  const changes = readChanges(parsed.value, reading)
  return reading.failed ? { ok: false, errors: reading.problems() } : { ok: true, value: changes }
}

function readChanges(file: ObjectValue, reading: Reading): readonly ConfigChange[] {
  const slot: Slot = { name: 'file', item: 0, at: file.at, value: file }
  const isEntry = file.members.some(({ key }) => /^(kind|sources)$/.test(canonical(key)))
  if (isEntry) {
    const draft = readEntry(slot, reading)
    return draft === undefined ? [] : [{ type: 'config-entry', entry: draft.entry }]
  }
  const keys = readGiven(changesSchema, slot, reading) ?? {}
  const drafts = [...(keys.intention?.value ?? []), ...(keys.intentions?.value ?? [])]
  if (drafts.length === 0 && !reading.failed)
    reading.report(file.at, {
      what: 'the file changes nothing',
      why: 'it holds neither an `intention` block nor a config entry with its `kind`',
      remedy: 'add `intention { source_name = "web" destination_name = "db" action = "allow" }`',
    })
  reportRepeated(drafts, reading)
  return drafts.map((draft) => draft.change)
}

function reportRepeated(drafts: readonly IntentionDraft[], reading: Reading): void {
  const placeByPair = new Map<string, Place>()
  for (const { change, at } of drafts) {
    const pair = `${change.sourceName} => ${change.destinationName}`
    const first = placeByPair.get(pair)
    if (first === undefined) placeByPair.set(pair, at)
    else
      reading.report(at, {
        what: `the intention ${pair} is given twice`,
        why: `the first stands ${placeSeenFrom(at, first)}, and a pair of services has one intention`,
        remedy: 'remove one of them',
      })
  }
}

/**
 * Reads the body of `PUT /v1/config`, as text or as parsed JSON. Failures carry Consul's texts where its clients know
 * them: `invalid config key "x"`, `invalid config entry kind: x`.
 */
export function parseConfigEntry(body: unknown): Result<ConfigEntry> {
  const tree = bodyTree(body)
  if (!tree.ok) return tree
  const reading = new Reading('config-entry', 'json')
  const draft = readEntry({ name: 'body', item: 0, at: tree.value.at, value: tree.value }, reading)
  if (draft !== undefined && !reading.failed) return ok(draft.entry)
  const { text: message, expected } = reading.firstMessage()
  return failed(expected ? 'bad-request' : 'invalid-config', message)
}
