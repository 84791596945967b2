/**
 * Reads typed fields out of parsed JSON; what is missing or of another type throws `Misshapen`, which names the field
 * and never its value (it may be a key). Unknown fields are passed over: newer peers may send them.
 */
export class Misshapen extends Error {}

export type Fields = Readonly<Record<string, unknown>>

export function asFields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Misshapen(`${what} is not an object`)
  return value as Fields
}

export function textOf(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw new Misshapen(`"${name}" is not text`)
  return value
}

export function nonEmptyOf(fields: Fields, name: string): string {
  const value = textOf(fields, name)
  if (value === '') throw new Misshapen(`"${name}" is empty`)
  return value
}

/** A whole number from `min` to `max`. */
export function numberOf(fields: Fields, name: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  const value = fields[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
    throw new Misshapen(`"${name}" is not a whole number from ${min} to ${max}`)
  return value
}

export function oneOf<Word extends string>(fields: Fields, name: string, words: readonly Word[]): Word {
  const value = textOf(fields, name)
  const word = words.find((each) => each === value)
  if (word === undefined) throw new Misshapen(`"${name}" is none of ${words.join(', ')}`)
  return word
}

export function listOf<Item>(fields: Fields, name: string, read: (item: unknown) => Item): readonly Item[] {
  const value = fields[name]
  if (!Array.isArray(value)) throw new Misshapen(`"${name}" is not a list`)
  return value.map(read)
}

export function textsOf(fields: Fields, name: string): readonly string[] {
  return listOf(fields, name, (item) => {
    if (typeof item !== 'string') throw new Misshapen(`"${name}" has an item that is not text`)
    return item
  })
}
