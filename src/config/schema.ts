/**
 * Objects with known keys: which keys there are, how each is read, what is said about every other key.
 * Keys are compared without case and underscores, so that `local_bind_port` and `LocalBindPort` are one key, as for
 * Consul's clients. The schemas themselves are in *-schema.ts.
 */
import type { Member, ObjectValue, Place, Value, Words } from '../wire/hcl/tree.ts'
import { shown } from '../wire/hcl/unexpected.ts'
import { placeSeenFrom, quoted, type Reader, type Reading, reportKind, type Slot } from './reading.ts'
import { nearest } from './suggest.ts'

/** How a key that stands in several files is joined: the later one wins, or both count. */
type Join = 'replace' | 'append' | 'merge' | Schema<Shape>

export interface Field<out Read> {
  readonly read: Reader<Read>
  readonly join: Join
  /** Repeated blocks and a single object are items of a list. */
  readonly isBlocks: boolean
  /** A program that sends 0 sends nothing. */
  readonly isZeroAbsent?: true
}

export type Shape = Readonly<Record<string, Field<unknown>>>

/** Words about a key that is known and refused; '' for `what` takes the usual words. */
export type Refusals = Readonly<Record<string, Words>>

export interface Schema<out S extends Shape> {
  /** With its article: "a service". */
  readonly thing: string
  readonly shape: S
  readonly namesByCanonical: ReadonlyMap<string, string>
  readonly refusals: ReadonlyMap<string, Words>
}

/** A key that was given. `value` is undefined where it could not be read; that has been reported. */
export interface Found<out Read> {
  readonly value: Read | undefined
  readonly at: Place
  readonly keyAt: Place
}

/** An object as it was written. */
export interface Written<S extends Shape> {
  readonly keys: Given<S>
  readonly at: Place
  /** False: a key in it is not read, and a missing one may be meant by that, so nothing is said about missing keys. */
  readonly isWhole: boolean
}

type ReadOf<F> = F extends Field<infer Read> ? Read : never

/** What an object holds: a property for each key that was given. */
export type Given<S extends Shape> = { readonly [Name in keyof S]?: Found<ReadOf<S[Name]>> }

export const canonical = (key: string): string => key.toLowerCase().replaceAll('_', '')

export function schema<S extends Shape>(
  thing: string,
  shape: S,
  options: {
    readonly aliases?: Readonly<Record<string, keyof S & string>>
    readonly refusals?: Refusals
  } = {},
): Schema<S> {
  const names = new Map(Object.keys(shape).map((name) => [canonical(name), name]))
  for (const [alias, name] of Object.entries(options.aliases ?? {})) names.set(canonical(alias), name)
  const refusals = new Map(
    Object.entries(options.refusals ?? {}).map(([key, words]) => [canonical(key), words]),
  )
  return { thing, shape, namesByCanonical: names, refusals }
}

/** A key with one value. */
export const one = <Read>(read: Reader<Read>): Field<Read> => ({ read, join: 'replace', isBlocks: false })

/** A list of plain values. */
export const list = <Read>(item: Reader<Read>, form: string, example: string): Field<readonly Read[]> => ({
  read: (slot, reading) => {
    const { value } = slot
    if (value.kind === 'list') return readItems(slot, value.items, item, reading)
    return reportKind(slot, reading, form, value.kind === 'string' ? `[${quoted(value.text)}]` : example)
  },
  join: 'append',
  isBlocks: false,
})

/** Objects: as a list, as repeated blocks, or a single one. */
export const blocks = <Read>(item: Reader<Read>): Field<readonly Read[]> => ({
  read: (slot, reading) =>
    readItems(slot, slot.value.kind === 'list' ? slot.value.items : [slot.value], item, reading),
  join: 'append',
  isBlocks: true,
})

/** An object whose keys are the user's own. */
export const map = <Read>(
  read: Reader<Readonly<Record<string, Read>>>,
): Field<Readonly<Record<string, Read>>> => ({
  read,
  join: 'merge',
  isBlocks: false,
})

/** An object with known keys of its own. */
export const nested = <S extends Shape>(inner: Schema<S>): Field<Given<S>> => ({
  read: (slot, reading) => readGiven(inner, slot, reading),
  join: inner,
  isBlocks: false,
})

function readItems<Read>(
  slot: Slot,
  items: readonly Value[],
  read: Reader<Read>,
  reading: Reading,
): readonly Read[] {
  const held: Read[] = []
  const isList = slot.value.kind === 'list'
  items.forEach((value, index) => {
    const item = read(
      { name: slot.name, item: isList ? index + 1 : 0, at: isList ? value.at : slot.at, value },
      reading,
    )
    if (item !== undefined) held.push(item)
  })
  return held
}

/** An object, also as a list of one, which is how JSON converted from HCL 1 writes a block. */
export function objectOf(slot: Slot, reading: Reading, example: string): ObjectValue | undefined {
  const { value } = slot
  const [only] = value.kind === 'list' && value.items.length === 1 ? value.items : [value]
  if (only?.kind === 'object') return only
  return reportKind(slot, reading, 'a block of its own keys', example)
}

/** Reads every key of an object; what cannot be read is reported and the rest is read on. */
export function readGiven<S extends Shape>(
  { thing, shape, namesByCanonical, refusals }: Schema<S>,
  slot: Slot,
  reading: Reading,
): Given<S> | undefined {
  const object = objectOf(slot, reading, '{ … }')
  if (object === undefined) return undefined
  const groups = new Map<string, Member[]>()
  for (const member of object.members) {
    const name = namesByCanonical.get(canonical(member.key))
    if (asksForNothing(member.value, name === undefined ? undefined : shape[name], reading)) continue
    const group = name === undefined ? undefined : groups.get(name)
    if (name === undefined) reportUnknown(member, { thing, namesByCanonical, refusals }, reading)
    else if (group === undefined) groups.set(name, [member])
    else group.push(member)
  }
  const given: [string, Found<unknown>][] = []
  for (const [name, members] of groups) {
    const field = shape[name]
    const found = field && readField(field, members, reading)
    if (found !== undefined) given.push([name, found])
  }
  return Object.fromEntries(given) as Given<S>
}

/** A reader of whole objects, for rules between their keys. */
export const written =
  <S extends Shape>(inner: Schema<S>): Reader<Written<S>> =>
  (slot, reading) => {
    const before = reading.strays
    const keys = readGiven(inner, slot, reading)
    return keys && { keys, at: slot.at, isWhole: reading.strays === before }
  }

function asksForNothing(value: Value, field: Field<unknown> | undefined, reading: Reading): boolean {
  if (value.kind === 'null') return field !== undefined
  if (!reading.fromProgram) return false
  if (value.kind === 'string') return value.text === '' && field !== undefined
  return value.kind === 'number' && value.number === 0 && field?.isZeroAbsent === true
}

function readField(
  field: Field<unknown>,
  members: readonly Member[],
  reading: Reading,
): Found<unknown> | undefined {
  for (const { labels, key, keyAt } of members) {
    const [label] = labels
    if (label === undefined) continue
    reading.report(label.at, {
      what: `the block \`${shown(key)}\` has the label "${shown(label.text)}"`,
      why: 'blocks have no labels here',
      remedy: `write \`${shown(key)} {\` and the name as a key inside, such as \`name = "${shown(label.text)}"\``,
    })
    return { value: undefined, at: keyAt, keyAt }
  }
  const [first, second] = members
  if (first === undefined) return undefined
  const { keyAt, key } = first
  if (second !== undefined && !field.isBlocks) {
    reading.report(second.keyAt, {
      what: `\`${shown(second.key)}\` is given twice`,
      why: `the first stands ${placeSeenFrom(second.keyAt, keyAt)}`,
      remedy: second.value.kind === 'object' ? 'join the two into one' : 'remove one of them',
    })
    return { value: undefined, at: keyAt, keyAt }
  }
  if (second !== undefined) return { value: readRepeated(field, members, reading), at: keyAt, keyAt }
  const { value } = first
  const at = value.kind === 'object' ? keyAt : value.at
  return { value: field.read({ name: key, item: 0, at, value }, reading), at, keyAt }
}

function readRepeated(
  field: Field<unknown>,
  members: readonly Member[],
  reading: Reading,
): readonly unknown[] {
  return members.flatMap(({ key, keyAt, value }) => {
    const items = field.read({ name: key, item: 0, at: keyAt, value }, reading)
    return Array.isArray(items) ? (items as readonly unknown[]) : []
  })
}

function reportUnknown(
  member: Member,
  { thing, namesByCanonical, refusals }: Pick<Schema<Shape>, 'thing' | 'namesByCanonical' | 'refusals'>,
  reading: Reading,
): void {
  const key = canonical(member.key)
  const refusal = refusals.get(key)
  if (refusal !== undefined) {
    if (reading.fromProgram && isEmpty(member.value)) return
    reading.reportStray(member.keyAt, {
      ...refusal,
      what: refusal.what || `\`${shown(member.key)}\` is not supported`,
    })
    return
  }
  if (reading.full) return
  const near = nearest(key, namesByCanonical.keys())
  const meant = near === undefined ? undefined : namesByCanonical.get(near)
  const names = [...new Set(namesByCanonical.values())]
  reading.reportStray(
    member.keyAt,
    {
      what: `\`${shown(member.key)}\` is not a key of ${thing}`,
      why: 'unknown keys are refused, so that a misspelt one is not ignored in silence',
      remedy:
        meant === undefined
          ? `remove it; the keys of ${thing} are ${names.join(', ')}`
          : `did you mean \`${meant}\`? Otherwise remove it`,
    },
    reading.purpose === 'config-entry'
      ? `invalid config key "${shown(member.key)}"`
      : `Request decode failed: json: unknown field "${shown(member.key)}"`,
  )
}

/** A value that asks for nothing, whatever its key means; `default` is the namespace and partition that everyone has. */
function isEmpty(value: Value): boolean {
  switch (value.kind) {
    case 'null':
      return true
    case 'string':
      return value.text === '' || value.text === 'default'
    case 'number':
      return value.number === 0
    case 'boolean':
      return !value.boolean
    case 'list':
      return value.items.length === 0
    case 'object':
      return value.members.every((member) => isEmpty(member.value))
  }
}

/** What several files say together, the last one's word counting where only one can. */
export function joinGiven<S extends Shape>(inner: Schema<S>, parts: readonly Given<S>[]): Given<S> {
  const byName = new Map<string, Found<unknown>[]>()
  for (const part of parts)
    for (const [name, found] of Object.entries(part as Readonly<Record<string, Found<unknown>>>)) {
      const known = byName.get(name)
      if (known === undefined) byName.set(name, [found])
      else known.push(found)
    }
  const joined: [string, Found<unknown>][] = []
  for (const [name, founds] of byName) {
    const last = founds.at(-1)
    const field = inner.shape[name]
    if (last !== undefined && field !== undefined)
      joined.push([name, founds.length === 1 ? last : { ...last, value: joinValues(field.join, founds) }])
  }
  return Object.fromEntries(joined) as Given<S>
}

function joinValues(join: Join, founds: readonly Found<unknown>[]): unknown {
  const values = founds.map((found) => found.value).filter((value) => value !== undefined)
  if (join === 'replace') return values.at(-1)
  if (join === 'append') return values.flat()
  if (join === 'merge') return Object.assign({}, ...values)
  return joinGiven(join, values as readonly Given<Shape>[])
}
