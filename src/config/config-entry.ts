/**
 * Config entries and intentions as text: `service-intentions` in Consul's form (HCL, JSON, CamelCase, snake_case) and the
 * short form `intention { }`. Both are cluster state; where they may stand is decided by who calls.
 */
import {
  type ConfigEntryKind,
  configEntryKinds,
  type IntentionSource,
  type ServiceIntentionsEntry,
} from '../model/config-entry.ts'
import { byPrecedence, type IntentionAction, precedenceOf } from '../model/intention.ts'
import { limits } from '../model/limits.ts'
import type { ObjectValue, Place, Words } from '../wire/hcl/tree.ts'
import { intentionNameRule, metaField } from './names.ts'
import { placeSeenFrom, quoted, type Reader, type Reading, reportKind, type Slot } from './reading.ts'
import { consulOnly, renamed, tenancy } from './refusals.ts'
import { freeText, oneOf, text } from './scalars.ts'
import {
  blocks,
  canonical,
  type Field,
  objectOf,
  one,
  type Refusals,
  schema,
  type Written,
  written,
} from './schema.ts'

/** Keys that a server writes and that come back when an entry is read, changed and written again. */
const ignored: Field<true> = one((): true => true)

export const intentionAction = one(oneOf<IntentionAction>({ allow: 'allow', deny: 'deny' }))
export const intentionDescription = one(freeText(limits.descriptionChars))

export const intentionRefusals: Refusals = {
  permissions: {
    what: '',
    why: 'an intention of mesh-agent allows or denies whole connections, not single requests',
    remedy: 'remove it and write `action = "allow"` or `action = "deny"`',
  },
  ...consulOnly(['jwt', 'peer', 'source_peer', 'sameness_group', 'source_sameness_group']),
  ...consulOnly(
    ['source_ns', 'destination_ns', 'source_partition', 'destination_partition'],
    'remove it; a mesh has one namespace',
  ),
  ...tenancy,
}

const sourceSchema = schema(
  'a source',
  {
    name: one(text(intentionNameRule)),
    action: intentionAction,
    description: intentionDescription,
    type: one(oneOf({ consul: 'consul' })),
    precedence: ignored,
    legacy_id: ignored,
    legacy_meta: ignored,
    legacy_create_time: ignored,
    legacy_update_time: ignored,
  },
  { refusals: { ...intentionRefusals, ...renamed(['source', 'source_name', 'service'], 'name') } },
)

const entrySchema = schema(
  'a service-intentions entry',
  {
    kind: ignored,
    name: one(text(intentionNameRule)),
    meta: metaField,
    sources: blocks(written(sourceSchema)),
    create_index: ignored,
    modify_index: ignored,
    hash: ignored,
  },
  { refusals: { ...intentionRefusals, ...renamed(['destination', 'destination_name'], 'name') } },
)

/** Kinds of Consul that users may bring along. */
const consulKinds: readonly string[] = [
  'proxy-defaults',
  'service-defaults',
  'service-router',
  'service-splitter',
  'service-resolver',
  'mesh',
  'ingress-gateway',
  'terminating-gateway',
  'api-gateway',
  'http-route',
  'tcp-route',
  'inline-certificate',
  'file-system-certificate',
  'jwt-provider',
  'exported-services',
]

/** An entry with its place. */
export interface EntryDraft {
  readonly entry: ServiceIntentionsEntry
  readonly at: Place
}

export const readEntry: Reader<EntryDraft> = (slot, reading) => {
  const object = objectOf(slot, reading, '{ kind = "service-intentions" }')
  if (object === undefined || readKind(object, slot, reading) === undefined) return undefined
  const entry = written(entrySchema)(slot, reading)
  return entry && buildEntry(entry, reading)
}

/** First of all: the keys of another kind would all be reported as unknown. */
function readKind(object: ObjectValue, slot: Slot, reading: Reading): ConfigEntryKind | undefined {
  const member = object.members.find(({ key }) => canonical(key) === 'kind')
  const example = `\`${reading.assignment('kind', '"service-intentions"')}\``
  if (member === undefined) {
    reading.report(
      slot.at,
      {
        what: 'the config entry has no kind',
        why: 'its kind says what it is about',
        remedy: `add ${example}`,
      },
      'Payload does not contain a kind/Kind key at the top level',
    )
    return undefined
  }
  const { value } = member
  if (value.kind !== 'string')
    return reportKind(
      { name: member.key, item: 0, at: value.at, value },
      reading,
      'text',
      '"service-intentions"',
    )
  const kind = configEntryKinds.find((known) => known === value.text)
  if (kind !== undefined) return kind
  reading.report(
    value.at,
    {
      what: consulKinds.includes(value.text)
        ? `config entries of the kind ${quoted(value.text)} are not supported`
        : `${quoted(value.text)} is not a kind of config entry`,
      why: `mesh-agent has ${configEntryKinds.join(', ')}`,
      remedy: `write ${example}, or remove the entry`,
    },
    `invalid config entry kind: ${value.text.slice(0, 100)}`,
  )
  return undefined
}

function buildEntry(
  { keys, at, isWhole }: Written<typeof entrySchema.shape>,
  reading: Reading,
): EntryDraft | undefined {
  if (keys.name === undefined && isWhole)
    reading.report(
      at,
      {
        what: 'the entry has no name',
        why: 'its name is the service that is called',
        remedy: `add \`${reading.assignment('name', '"db"')}\``,
      },
      'Name is required',
    )
  if (isWhole && (keys.sources === undefined || (keys.sources.value?.length === 0 && !reading.failed)))
    reading.report(
      keys.sources?.at ?? at,
      {
        what: 'the entry has no sources',
        why: 'it says which services may call, or may not',
        remedy:
          'add `sources = [{ name = "web", action = "allow" }]`, or delete the entry with `mesh intention delete`',
      },
      'At least one source is required.',
    )
  const name = keys.name?.value
  if (name === undefined) return undefined
  const sources = buildSources(keys.sources?.value ?? [], name, reading)
  return { entry: { kind: 'service-intentions', name, meta: keys.meta?.value ?? {}, sources }, at }
}

function buildSources(
  all: readonly Written<typeof sourceSchema.shape>[],
  destination: string,
  reading: Reading,
): readonly IntentionSource[] {
  const surplus = all[limits.sourcesPerDestination]
  if (surplus !== undefined)
    reading.report(surplus.at, {
      what: `the entry has ${all.length} sources`,
      why: `at most ${limits.sourcesPerDestination} are allowed`,
      remedy: 'write "*" for many of them',
    })
  const placeByName = new Map<string, Place>()
  const sources: IntentionSource[] = []
  for (const { keys, at, isWhole } of all) {
    if (keys.name === undefined && isWhole) reading.report(at, missingKey('source', 'name', reading))
    if (keys.action === undefined && isWhole) reading.report(at, missingKey('source', 'action', reading))
    const name = keys.name?.value
    const wanted = keys.action?.value
    if (name === undefined || wanted === undefined) continue
    const first = placeByName.get(name)
    if (first === undefined) placeByName.set(name, at)
    else
      reading.report(keys.name?.at ?? at, {
        what: `the source "${name}" is given twice`,
        why: `the first stands ${placeSeenFrom(at, first)}, and a pair of services has one intention`,
        remedy: 'remove one of them',
      })
    sources.push({
      name,
      action: wanted,
      description: keys.description?.value ?? '',
      precedence: precedenceOf(name, destination),
    })
  }
  const rule = (source: IntentionSource) => ({
    sourceName: source.name,
    destinationName: destination,
    action: source.action,
  })
  return sources.sort((a, b) => byPrecedence(rule(a), rule(b)))
}

const missing = {
  name: ['it names the service that calls', '"web"'],
  source_name: ['it names the service that calls', '"web"'],
  destination_name: ['it names the service that is called', '"db"'],
  action: ['an intention allows or denies', '"allow"'],
} as const

/** Words for a key that an intention cannot do without. */
export function missingKey(thing: string, name: keyof typeof missing, reading: Reading): Words {
  const [why, example] = missing[name]
  return {
    what: `the ${thing} has no \`${name}\``,
    why,
    remedy: `add \`${reading.assignment(name, example)}\``,
  }
}
