/**
 * Keys of the gossip pool of a datacenter: `encrypt`, `retry_join`, `gossip_lan` and their like, with Consul's names and
 * defaults (reference/consul.md, section 2.2). Its port is told with the other ports, its addresses in agent.ts.
 */
import { limits } from '../model/limits.ts'
import { hostAddressRule, isIpAddress, splitHostPort } from './address.ts'
import { type GossipSettings, type GossipTiming, gossipDefaults } from './gossip-settings.ts'
import { type Reader, type Reading, reportKind } from './reading.ts'
import { duration, type TextRule, text, toggle, wholeNumber } from './scalars.ts'
import { type Given, list, nested, one, schema } from './schema.ts'

const second = 1_000
const hour = 3_600 * second

/** Base64 of 16, 24 or 32 bytes, with its padding. */
const keyForm = /^(?:[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{32}|[A-Za-z0-9+/]{43}=)$/

/** Never shows what was written: most of a key with a mistake in it is still a key. */
const gossipKey: Reader<string> = (slot, reading) => {
  const { value } = slot
  if (value.kind === 'string' && keyForm.test(value.text)) return value.text
  if (value.kind !== 'string') return reportKind(slot, reading, 'a key in base64', '"KEY"')
  reading.report(value.at, {
    what: '`encrypt` is no gossip key',
    why: 'it must be 16, 24 or 32 bytes in base64',
    remedy: 'write what `mesh keygen` prints, the same on every host',
  })
  return undefined
}

const memberRule: TextRule = {
  form: 'the address or name of another host, with `:port` where it is not that of this one',
  example: '10.0.0.5',
  maxChars: 260,
  accepts: (address) => isIpAddress(address) || splitHostPort(address) !== undefined,
  explain: (address) =>
    address.includes('provider=')
      ? {
          why: 'hosts are not looked up at cloud providers',
          remedy: 'remove it; enrolled hosts find each other through the servers',
        }
      : undefined,
}

const networkRule: TextRule = {
  form: 'a network',
  example: '10.0.0.0/8',
  maxChars: 64,
  accepts: (network) => {
    const [address = '', bits = ''] = network.split('/')
    return (
      isIpAddress(address) && /^\d{1,3}$/.test(bits) && Number(bits) <= (address.includes(':') ? 128 : 32)
    )
  },
}

const count = (example: number, min = 1) =>
  one(wholeNumber({ form: `a whole number from ${min} to 1000`, example, min, max: 1_000 }))

const interval = (example: string) =>
  one(duration({ example, minMs: 10, maxMs: hour, whyMin: 'members could not keep up with less than 10ms' }))

const gossipLan = nested(
  schema('the `gossip_lan` block', {
    gossip_nodes: count(3),
    gossip_interval: interval('200ms'),
    probe_interval: interval('1s'),
    probe_timeout: interval('500ms'),
    suspicion_mult: count(4),
    retransmit_mult: count(4),
  }),
)

export const memberList = list(text(memberRule), 'a list of addresses', '["10.0.0.5"]')
export const networkList = list(text(networkRule), 'a list of networks', '["10.0.0.0/8"]')

export const gossipFields = {
  encrypt: one(gossipKey),
  encrypt_verify_incoming: one(toggle),
  encrypt_verify_outgoing: one(toggle),
  retry_join: memberList,
  start_join: memberList,
  retry_interval: one(
    duration({ example: '30s', minMs: second, maxMs: hour, whyMin: 'other hosts need some time to answer' }),
  ),
  retry_max: one(wholeNumber({ form: 'a whole number, 0 for no end', example: 0, min: 0, max: 1_000_000 })),
  serf_lan: one(text(hostAddressRule)),
  serf_lan_allowed_cidrs: networkList,
  gossip_lan: gossipLan,
  reconnect_timeout: one(
    duration({
      example: '72h',
      minMs: 8 * hour,
      maxMs: 8_760 * hour,
      whyMin: 'a host must have the time to be mended before it is forgotten',
    }),
  ),
  rejoin_after_leave: one(toggle),
  disable_coordinates: one(toggle),
}

type GossipKeys = Given<typeof gossipFields>

/** Where it gossips; addresses are resolved already. */
export type GossipPlace = Pick<GossipSettings, 'port' | 'bindAddress' | 'advertiseAddress'>

export function gossipSettings(keys: GossipKeys, place: GossipPlace, reading: Reading): GossipSettings {
  return {
    ...place,
    key: keys.encrypt?.value ?? gossipDefaults.key,
    verifiesIncoming: keys.encrypt_verify_incoming?.value ?? gossipDefaults.verifiesIncoming,
    encryptsOutgoing: keys.encrypt_verify_outgoing?.value ?? gossipDefaults.encryptsOutgoing,
    joinAddresses: joinAddresses(keys, reading),
    retryIntervalMs: keys.retry_interval?.value ?? gossipDefaults.retryIntervalMs,
    retryAttempts: keys.retry_max?.value ?? gossipDefaults.retryAttempts,
    allowedNetworks: keys.serf_lan_allowed_cidrs?.value ?? gossipDefaults.allowedNetworks,
    reconnectTimeoutMs: keys.reconnect_timeout?.value ?? gossipDefaults.reconnectTimeoutMs,
    rejoinsAfterLeave: keys.rejoin_after_leave?.value ?? gossipDefaults.rejoinsAfterLeave,
    measuresDistances: keys.disable_coordinates?.value !== true,
    timing: timingOf(keys),
  }
}

function joinAddresses(keys: GossipKeys, reading: Reading): readonly string[] {
  const { retry_join: retried, start_join: started } = keys
  const addresses = [...new Set([...(retried?.value ?? []), ...(started?.value ?? [])])]
  const at = retried?.at ?? started?.at
  if (addresses.length > limits.gossipJoinAddresses && at !== undefined)
    reading.report(at, {
      what: `${addresses.length} addresses of other hosts are given`,
      why: `at most ${limits.gossipJoinAddresses} are tried, and one that answers is enough`,
      remedy: 'remove some',
    })
  return addresses
}

function timingOf(keys: GossipKeys): GossipTiming {
  const given = keys.gossip_lan?.value
  const written = {
    gossipNodes: given?.gossip_nodes?.value,
    gossipIntervalMs: given?.gossip_interval?.value,
    probeIntervalMs: given?.probe_interval?.value,
    probeTimeoutMs: given?.probe_timeout?.value,
    suspicionMultiplier: given?.suspicion_mult?.value,
    retransmitMultiplier: given?.retransmit_mult?.value,
  }
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined))
}
