/**
 * Reads the JSON objects of requests by Consul's rules: keys match without case and underscores (`Node`, `node_meta` and
 * `NodeMeta` alike), an unknown key is an error that names it. Knows no particular body; those are beside it.
 */
import { parseDurationMs } from '../../model/duration.ts'
import { failed, ok, type Result } from '../../model/errors.ts'

/** A body that cannot be read; ends in a `Failure` at `decodeObject`. */
class DecodeError extends Error {}

/** One object of a body. Every reader gives the fallback where the key is absent or `null`. */
export interface Fields {
  has(name: string): boolean
  text(name: string): string
  number(name: string): number
  flag(name: string): boolean
  texts(name: string): readonly string[]
  textMap(name: string): Readonly<Record<string, string>>
  /** Any JSON object, kept as written. */
  object(name: string): Readonly<Record<string, unknown>>
  /** A Go duration text, or a number of nanoseconds; milliseconds out. */
  durationMs(name: string): number
  raw(name: string): unknown
  nested<T>(name: string, names: readonly string[], build: (fields: Fields) => T): T | undefined
  list<T>(name: string, names: readonly string[], build: (fields: Fields) => T): readonly T[]
  map<T>(name: string, names: readonly string[], build: (fields: Fields) => T): Readonly<Record<string, T>>
  /** Ends the reading with this message. */
  refuse(message: string): never
}

/** `names` are the keys that the body may have, in Consul's spelling; `build` makes the value from them. */
export function decodeObject<T>(
  body: unknown,
  names: readonly string[],
  build: (fields: Fields) => T,
): Result<T> {
  try {
    return ok(build(fieldsOf(body, names, '')))
  } catch (error) {
    if (error instanceof DecodeError) return failed('bad-request', error.message)
    throw error
  }
}

/** The same for a body whose unknown keys are passed over; those of what is inside it are not. */
export function decodeKnown<T>(
  body: unknown,
  names: readonly string[],
  build: (fields: Fields) => T,
): Result<T> {
  const known = new Set(names.map(folded))
  const kept = isObject(body)
    ? Object.fromEntries(Object.entries(body).filter(([key]) => known.has(folded(key))))
    : body
  return decodeObject(kept, names, build)
}

const folded = (key: string): string => key.replaceAll('_', '').toLowerCase()

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const broken = (message: string): never => {
  throw new DecodeError(`Request decode failed: ${message}`)
}

function fieldsOf(body: unknown, names: readonly string[], path: string): Fields {
  if (!isObject(body)) return broken(`json: ${path === '' ? 'the body' : path} must be an object`)
  const known = new Map(names.map((name) => [folded(name), name]))
  const values = new Map<string, unknown>()
  for (const [key, value] of Object.entries(body)) {
    const name = known.get(folded(key))
    if (name === undefined)
      return broken(
        `json: unknown field "${path === '' ? '' : `${path}.`}${key}": the fields are ${names.join(', ')}`,
      )
    if (value !== null) values.set(name, value)
  }
  return new ObjectFields(values, path)
}

class ObjectFields implements Fields {
  private readonly values: ReadonlyMap<string, unknown>
  private readonly path: string

  constructor(values: ReadonlyMap<string, unknown>, path: string) {
    this.values = values
    this.path = path
  }

  has(name: string): boolean {
    return this.values.has(name)
  }

  raw(name: string): unknown {
    return this.values.get(name)
  }

  text(name: string): string {
    return this.typed(name, '', 'a string', (value) => (typeof value === 'string' ? value : undefined))
  }

  number(name: string): number {
    return this.typed(name, 0, 'a whole number', (value) =>
      typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined,
    )
  }

  flag(name: string): boolean {
    return this.typed(name, false, 'true or false', (value) =>
      typeof value === 'boolean' ? value : undefined,
    )
  }

  texts(name: string): readonly string[] {
    return this.typed(name, [], 'a list of strings', (value) =>
      Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined,
    )
  }

  textMap(name: string): Readonly<Record<string, string>> {
    return this.typed(name, {}, 'an object of strings', (value) =>
      isObject(value) && Object.values(value).every((item) => typeof item === 'string')
        ? (value as Record<string, string>)
        : undefined,
    )
  }

  object(name: string): Readonly<Record<string, unknown>> {
    return this.typed(name, {}, 'an object', (value) => (isObject(value) ? value : undefined))
  }

  durationMs(name: string): number {
    return this.typed(name, 0, 'a duration such as "10s"', (value) => {
      if (typeof value === 'number') return value / 1e6
      return typeof value === 'string' ? parseDurationMs(value) : undefined
    })
  }

  nested<T>(name: string, names: readonly string[], build: (fields: Fields) => T): T | undefined {
    return this.has(name) ? build(fieldsOf(this.raw(name), names, this.pathOf(name))) : undefined
  }

  list<T>(name: string, names: readonly string[], build: (fields: Fields) => T): readonly T[] {
    const items = this.typed<readonly unknown[]>(name, [], 'a list of objects', (value) =>
      Array.isArray(value) ? value : undefined,
    )
    return items.map((item, i) => build(fieldsOf(item, names, `${this.pathOf(name)}[${i}]`)))
  }

  map<T>(name: string, names: readonly string[], build: (fields: Fields) => T): Readonly<Record<string, T>> {
    const entries = Object.entries(this.object(name))
    return Object.fromEntries(
      entries.map(([key, value]) => [key, build(fieldsOf(value, names, `${this.pathOf(name)}.${key}`))]),
    )
  }

  refuse(message: string): never {
    throw new DecodeError(message)
  }

  private pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  private typed<T>(name: string, fallback: T, wanted: string, read: (value: unknown) => T | undefined): T {
    if (!this.values.has(name)) return fallback
    const value = read(this.values.get(name))
    return value === undefined ? broken(`json: "${this.pathOf(name)}" must be ${wanted}`) : value
  }
}
