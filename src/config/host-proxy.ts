/**
 * The `proxy` block at the top of the configuration: how the proxy of this host runs. What a single sidecar does is the
 * `proxy` block of its service, proxy-schema.ts.
 */
import { pathRule } from './names.ts'
import { oneOf, text } from './scalars.ts'
import { type Given, one, schema } from './schema.ts'
import type { HostProxySettings } from './settings.ts'

const shape = {
  isolation: one(oneOf({ host: 'host', service: 'service' } as const)),
  access_log_path: one(text({ ...pathRule, example: '/var/log/mesh-proxy/access.log' })),
}

export const hostProxySchema = schema('the agent’s `proxy` block', shape)

export function hostProxyOf(keys: Given<typeof shape> | undefined): HostProxySettings {
  return {
    isolation: keys?.isolation?.value ?? 'host',
    accessLogPath: keys?.access_log_path?.value ?? '',
  }
}
