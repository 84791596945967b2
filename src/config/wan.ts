/**
 * Keys of the road to other datacenters: `retry_join_wan`, `advertise_addr_wan`, `primary_datacenter` and their like, with
 * Consul's names (reference/consul.md, section 2.2). The port is told with the other ports, addresses in agent.ts.
 */
import { limits } from '../model/limits.ts'
import { hostAddressRule } from './address.ts'
import { memberList, networkList } from './gossip.ts'
import { datacenterRule } from './names.ts'
import { duration, text } from './scalars.ts'
import { type Given, one } from './schema.ts'
import { type WanSettings, wanDefaults } from './wan-settings.ts'

const second = 1_000
const hour = 3_600 * second

export const wanFields = {
  retry_join_wan: memberList,
  start_join_wan: memberList,
  retry_interval_wan: one(
    duration({
      example: '30s',
      minMs: second,
      maxMs: hour,
      whyMin: 'other servers need some time to answer',
    }),
  ),
  serf_wan: one(text(hostAddressRule)),
  serf_wan_allowed_cidrs: networkList,
  advertise_addr_wan: one(text(hostAddressRule)),
  reconnect_timeout_wan: one(
    duration({
      example: '72h',
      minMs: 8 * hour,
      maxMs: 8_760 * hour,
      whyMin: 'a link must have the time to be mended before those behind it are forgotten',
    }),
  ),
  primary_datacenter: one(text(datacenterRule)),
}

type WanKeys = Given<typeof wanFields>

/** Where it gossips; addresses are resolved already. */
export type WanPlace = Pick<WanSettings, 'port' | 'bindAddress' | 'advertiseAddress'>

export function wanSettings(keys: WanKeys, place: WanPlace): WanSettings {
  const joinAddresses = [...(keys.retry_join_wan?.value ?? []), ...(keys.start_join_wan?.value ?? [])]
  return {
    ...place,
    joinAddresses: [...new Set(joinAddresses)].slice(0, limits.gossipJoinAddresses),
    retryIntervalMs: keys.retry_interval_wan?.value ?? wanDefaults.retryIntervalMs,
    allowedNetworks: keys.serf_wan_allowed_cidrs?.value ?? wanDefaults.allowedNetworks,
    reconnectTimeoutMs: keys.reconnect_timeout_wan?.value ?? wanDefaults.reconnectTimeoutMs,
    primaryDatacenter: keys.primary_datacenter?.value?.toLowerCase() ?? wanDefaults.primaryDatacenter,
  }
}
