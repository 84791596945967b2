/**
 * How this host describes itself to the others: Consul's tags of a member (reference/consul.md, section 6), so that tools
 * that read them find what they know. Pure.
 */
import type { Settings } from '../../config/settings.ts'
import { versionText } from '../../wire/http-json/self.ts'

export type MemberTags = ReadonlyMap<string, string>

/** Of Consul 1.14: what members must speak with each other, told as their own, their lowest and highest version. */
const protocol = { vsn: '2', vsn_min: '2', vsn_max: '3' }

export interface HostFacts {
  readonly settings: Pick<Settings, 'datacenter' | 'server' | 'ports'>
  readonly nodeId: string
  readonly version: string
}

export function hostTags({ settings, nodeId, version }: HostFacts): MemberTags {
  const { datacenter, server, ports } = settings
  return new Map([
    ['role', server ? 'consul' : 'node'],
    ['dc', datacenter],
    ['segment', ''],
    ['id', nodeId],
    ...Object.entries(protocol),
    ['build', versionText(version)],
    ...(server ? ([['port', String(ports.server)]] as const) : []),
  ])
}
