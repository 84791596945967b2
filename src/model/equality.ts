/**
 * Equality of rows by what JSON would show: order of keys does not count, a missing key equals an undefined one.
 * Anti-entropy and the proxy plan use it to find what really changed; prototypes never make a difference.
 */

/** `ignored` names keys left out of the comparison at the top level only, such as row indexes. */
export function sameValue(a: unknown, b: unknown, ignored?: ReadonlySet<string>): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, at) => sameValue(item, b[at]))
    )
  return sameKeys(a as Keyed, b as Keyed, ignored)
}

interface Keyed {
  readonly [key: string]: unknown
}

function sameKeys(a: Keyed, b: Keyed, ignored: ReadonlySet<string> | undefined): boolean {
  for (const key of Object.keys(a))
    if (ignored?.has(key) !== true && !sameValue(a[key], valueAt(b, key))) return false
  for (const key of Object.keys(b))
    if (ignored?.has(key) !== true && b[key] !== undefined && !Object.hasOwn(a, key)) return false
  return true
}

/** Own properties only: a tag map may have a key such as `constructor`. */
function valueAt(value: Keyed, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined
}
