/**
 * What the rows of one endpoint hold, as far as a filter may name it, and where a selector leads. The shapes of the
 * endpoints themselves stand with their JSON (wire/http-json/filter-fields.ts).
 */
import type { Selector } from './expression.ts'
import { printSelector } from './expression.ts'
import { FilterMistake, shown } from './mistake.ts'

export type Field =
  | { readonly kind: 'text' | 'number' | 'flag' }
  /** A list of texts. */
  | { readonly kind: 'texts' }
  /** Any text may be a key. */
  | { readonly kind: 'map'; readonly of: Field }
  | { readonly kind: 'object'; readonly fields: Fields }
  /** A list of objects: a condition holds where it holds for any of them. */
  | { readonly kind: 'objects'; readonly fields: Fields }

export type Fields = Readonly<Record<string, Field>>

export const text: Field = { kind: 'text' }
export const number: Field = { kind: 'number' }
export const flag: Field = { kind: 'flag' }
export const texts: Field = { kind: 'texts' }
export const mapOf = (of: Field): Field => ({ kind: 'map', of })
export const objectOf = (fields: Fields): Field => ({ kind: 'object', fields })
export const objectsOf = (fields: Fields): Field => ({ kind: 'objects', fields })

/** One step from a value towards the selected one. */
export type Step =
  | { readonly kind: 'field' | 'key'; readonly name: string }
  /** Any item of the list. */
  | { readonly kind: 'any' }

export interface Target {
  readonly steps: readonly Step[]
  readonly field: Field
}

/** Throws `FilterMistake` with Consul's sentence where a name is no field. */
export function resolve(selector: Selector, fields: Fields): Target {
  const steps: Step[] = []
  let field: Field = { kind: 'object', fields }
  for (const [i, name] of selector.path.entries()) {
    if (field.kind === 'map') {
      steps.push({ kind: 'key', name })
      field = field.of
      continue
    }
    const known: Fields = field.kind === 'object' || field.kind === 'objects' ? field.fields : {}
    const next: Field | undefined = Object.hasOwn(known, name) ? known[name] : undefined
    if (next === undefined) throw notValid(selector, i, known)
    if (field.kind === 'objects') steps.push({ kind: 'any' })
    steps.push({ kind: 'field', name })
    field = next
  }
  return { steps, field }
}

function notValid({ path, at }: Selector, wrong: number, known: Fields): FilterMistake {
  const written = printSelector(path.slice(0, wrong + 1))
  const names = Object.keys(known)
  const name = path[wrong] ?? ''
  const near = names.find((candidate) => folded(candidate) === folded(name))
  const parent = wrong === 0 ? '' : ` of ${printSelector(path.slice(0, wrong))}`
  const remedy =
    near !== undefined
      ? `names are compared exactly: write ${near}`
      : names.length === 0
        ? `${printSelector(path.slice(0, wrong))} has no parts`
        : `the fields${parent} are ${names.join(', ')}`
  return new FilterMistake(at, `Selector ${shown(written)} is not valid: ${remedy}`)
}

const folded = (name: string): string => name.replaceAll('_', '').toLowerCase()
