/**
 * Words for keys that are known and still refused: Consul's keys that mesh-agent does without, keys that stand in the wrong
 * place, and keys that go by another name here. Which keys those are is told beside each schema.
 */
import type { Refusals } from './schema.ts'

/** Keys that Consul reads and mesh-agent does not. */
export function consulOnly(keys: readonly string[], remedy = 'remove it'): Refusals {
  const words = { what: '', why: 'Consul has this key, mesh-agent does not', remedy }
  return Object.fromEntries(keys.map((key) => [key, words]))
}

/** Keys that belong elsewhere; `where` completes "it belongs in …". */
export function belongs(keys: readonly string[], where: string): Refusals {
  return Object.fromEntries(
    keys.map((key) => [
      key,
      { what: `\`${key}\` does not belong here`, why: `it belongs in ${where}`, remedy: 'move it there' },
    ]),
  )
}

/** Keys that are called `name` here. */
export function renamed(keys: readonly string[], name: string): Refusals {
  return Object.fromEntries(
    keys.map((key) => [
      key,
      {
        what: `\`${key}\` is not a key here`,
        why: `the key is called \`${name}\``,
        remedy: `write \`${name}\` instead`,
      },
    ]),
  )
}

/** Consul Enterprise's names for tenants. */
export const tenancy: Refusals = consulOnly(
  ['namespace', 'partition', 'ns'],
  'remove it; a mesh has one namespace',
)
