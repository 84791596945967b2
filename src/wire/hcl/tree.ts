/**
 * What a configuration text becomes: values that remember where they stood. HCL 1, HCL 2, JSON files and JSON bodies of
 * the API all end here. Knows nothing of meaning: which keys exist and what they hold is told in config/.
 */
import { limits } from '../../model/limits.ts'

/** Where something stands. Lines and columns count from 1, columns in characters. */
export interface Place {
  readonly path: string
  readonly line: number
  readonly column: number
}

/** What went wrong, why that is wrong, and what to write instead; shown as `what, why; remedy`. */
export interface Words {
  readonly what: string
  readonly why: string
  readonly remedy: string
}

/** One mistake at one place. */
export interface Problem extends Place, Words {}

export type Value =
  | { readonly kind: 'string'; readonly text: string; readonly at: Place }
  | { readonly kind: 'number'; readonly number: number; readonly at: Place }
  | { readonly kind: 'boolean'; readonly boolean: boolean; readonly at: Place }
  | { readonly kind: 'null'; readonly at: Place }
  | ListValue
  | ObjectValue

export interface ListValue {
  readonly kind: 'list'
  readonly items: readonly Value[]
  readonly at: Place
}

/** Members in the order of the text. A key that stands for blocks may occur several times, any other once. */
export interface ObjectValue {
  readonly kind: 'object'
  readonly members: readonly Member[]
  readonly at: Place
}

export interface Member {
  readonly key: string
  readonly keyAt: Place
  /** `block`: written as `key { }`; `attribute`: written as `key = value`. */
  readonly form: 'attribute' | 'block'
  /** Names between a block's key and its brace. */
  readonly labels: readonly Label[]
  readonly value: Value
}

export interface Label {
  readonly text: string
  readonly at: Place
}

export type Parsed =
  | { readonly ok: true; readonly value: ObjectValue }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** A key that JavaScript objects treat specially; refused everywhere, so that no later code has to think of it. */
export const reservedKey = '__proto__'

/** The value without places, for settings that are kept as they were written. Repeated blocks become a list. */
export function plainValue(value: Value): unknown {
  switch (value.kind) {
    case 'string':
      return value.text
    case 'number':
      return value.number
    case 'boolean':
      return value.boolean
    case 'null':
      return null
    case 'list':
      return value.items.map(plainValue)
    case 'object':
      return plainObject(value)
  }
}

export function plainObject(value: ObjectValue): Readonly<Record<string, unknown>> {
  const entries = new Map<string, unknown[]>()
  for (const member of value.members) {
    const inner = member.labels.reduceRight<unknown>(
      (held, label) => ({ [label.text]: held }),
      plainValue(member.value),
    )
    const known = entries.get(member.key)
    if (known === undefined) entries.set(member.key, [inner])
    else known.push(inner)
  }
  return Object.fromEntries(Array.from(entries, ([key, held]) => [key, held.length === 1 ? held[0] : held]))
}

/**
 * A value that was parsed elsewhere (a JSON body) as a tree; it has no lines, so every place is line 0.
 * Undefined where it is nested too deeply or holds what JSON cannot.
 */
export function treeOf(value: unknown, path: string): Value | undefined {
  const at: Place = { path, line: 0, column: 0 }
  const convert = (item: unknown, depth: number): Value | undefined => {
    if (item === null) return { kind: 'null', at }
    if (typeof item === 'string') return { kind: 'string', text: item, at }
    if (typeof item === 'boolean') return { kind: 'boolean', boolean: item, at }
    if (typeof item === 'number')
      return Number.isFinite(item) ? { kind: 'number', number: item, at } : undefined
    if (typeof item !== 'object' || depth >= limits.hclDepth) return undefined
    if (Array.isArray(item)) {
      const items = item.map((inner: unknown) => convert(inner, depth + 1))
      return items.every((inner) => inner !== undefined) ? { kind: 'list', items, at } : undefined
    }
    const members: Member[] = []
    for (const [key, inner] of Object.entries(item)) {
      const held = key === reservedKey ? undefined : convert(inner, depth + 1)
      if (held === undefined) return undefined
      members.push({ key, keyAt: at, form: 'attribute', labels: [], value: held })
    }
    return { kind: 'object', members, at }
  }
  return convert(value, 0)
}
