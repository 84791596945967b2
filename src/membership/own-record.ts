/** How this host describes itself to its pool: name, address, versions, and its tags in 512 bytes. */
import { failed, ok, type Result } from '../model/errors.ts'
import type { Alive, GossipEndpoint, GossipVersions } from '../model/gossip-message.ts'
import { limits } from '../model/limits.ts'
import { addressToBytes } from '../wire/gossip/address.ts'
import { encodeTags } from '../wire/gossip/serf-tags.ts'
import { spokenVersion } from './admission.ts'
import type { PoolSettings } from './contract.ts'

/** Lowest, highest and spoken: of memberlist's protocol, then of Serf's. */
const versions: GossipVersions = [1, 5, spokenVersion, 2, 5, 5]
const wildcards: readonly string[] = ['0.0.0.0', '::', '']

export function encodedTags(tags: ReadonlyMap<string, string>): Result<Uint8Array> {
  const meta = encodeTags(tags)
  if (meta !== undefined) return ok(meta)
  return failed(
    'too-large',
    `the tags of this member have more than ${limits.gossipMetaBytes} bytes together`,
  )
}

/** `boundPort`: what the sockets got. */
export function ownRecord(settings: PoolSettings, boundPort: number): Result<Alive> {
  const { node, advertise, bind, tags } = settings
  if (node === '' || Buffer.byteLength(node) > limits.gossipNameBytes)
    return failed('invalid-config', `a node name has 1 to ${limits.gossipNameBytes} bytes`)
  const told: GossipEndpoint = {
    address: wildcards.includes(advertise.address) ? bind.address : advertise.address,
    port: advertise.port === 0 ? boundPort : advertise.port,
  }
  if (wildcards.includes(told.address))
    return failed(
      'invalid-config',
      'gossip listens on all addresses; set advertise_addr to the one that others reach',
    )
  if (addressToBytes(told.address) === undefined)
    return failed('invalid-config', `"${told.address}" is no IP address that others could reach`)
  const meta = encodedTags(tags)
  if (!meta.ok) return meta
  return ok({ type: 'alive', incarnation: 1, node, ...told, meta: meta.value, versions })
}
