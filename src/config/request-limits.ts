/**
 * `limits { request_limits { mode read_rate write_rate } }` of a server's configuration: how many requests a second it takes.
 * Consul's names and meanings; -1 is no limit.
 */

import { oneOf, wholeNumber } from './scalars.ts'
import { type Given, one, schema } from './schema.ts'
import type { RequestLimits } from './settings.ts'

const rate = wholeNumber({
  form: 'requests per second, or -1 for no limit',
  example: 1_000,
  min: -1,
  max: 1_000_000_000,
})

const modes = { disabled: 'disabled', permissive: 'permissive', enforcing: 'enforcing' } as const

const shape = {
  mode: one(oneOf(modes)),
  read_rate: one(rate),
  write_rate: one(rate),
}

export const requestLimitsSchema = schema('the `request_limits` block', shape)

/** Nothing where the files say nothing. */
export function requestLimitsOf(keys: Given<typeof shape> | undefined): {
  readonly requestLimits?: RequestLimits
} {
  if (keys === undefined) return {}
  return {
    requestLimits: {
      mode: keys.mode?.value ?? 'disabled',
      readPerSecond: keys.read_rate?.value ?? -1,
      writePerSecond: keys.write_rate?.value ?? -1,
    },
  }
}
