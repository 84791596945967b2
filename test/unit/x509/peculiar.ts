/**
 * @peculiar/x509 as a second oracle. It wants the decorator metadata functions on `Reflect`, which no file of ours
 * needs: they are there only while it is being used.
 */
type Library = typeof import('@peculiar/x509')

const names = ['defineMetadata', 'getOwnMetadata', 'getMetadata', 'metadata'] as const

export async function withPeculiar(use: (library: Library) => Promise<void>): Promise<void> {
  const target = Reflect as unknown as Record<string, unknown>
  const before = new Map(names.map((name) => [name, target[name]]))
  const added = metadataFunctions()
  for (const name of names) target[name] = added[name]
  try {
    await use(await import('@peculiar/x509'))
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete target[name]
      else target[name] = value
    }
  }
}

function metadataFunctions(): Record<(typeof names)[number], unknown> {
  const kept = new WeakMap<object, Map<unknown, unknown>>()
  const own = (key: unknown, target: object): unknown => kept.get(target)?.get(key)
  const define = (key: unknown, value: unknown, target: object): void => {
    kept.set(target, (kept.get(target) ?? new Map()).set(key, value))
  }
  const inherited = (key: unknown, target: object): unknown => {
    for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at) as object | null) {
      const value = own(key, at)
      if (value !== undefined) return value
    }
    return undefined
  }
  return {
    defineMetadata: define,
    getOwnMetadata: own,
    getMetadata: inherited,
    metadata: (key: unknown, value: unknown) => (target: object) => define(key, value, target),
  }
}
