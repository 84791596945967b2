/** Records of hosts: their address, an alias where the address is a host name, their labels as TXT (RFC 1464). */
import type { Node } from '../../model/node.ts'
import { addressBytes } from '../../wire/dns/address.ts'
import { isWritableName } from '../../wire/dns/message.ts'
import type { DnsRecord } from '../../wire/dns/record.ts'

/** Labels with this beginning are written as their value alone. */
const plainPrefix = 'rfc1035-'

/**
 * The record of one address under `name`: A or AAAA, or CNAME for a host name. Undefined where it can be neither.
 */
export function addressRecord(name: string, address: string, ttlSeconds: number): DnsRecord | undefined {
  const bytes = addressBytes(address)
  if (bytes !== undefined)
    return { type: bytes.length === 4 ? 'A' : 'AAAA', name, ttlSeconds, address: bytes }
  const target = address.replace(/\.$/, '')
  return isWritableName(target) ? { type: 'CNAME', name, ttlSeconds, target } : undefined
}

export function labelRecords(name: string, meta: Node['meta'], ttlSeconds: number): readonly DnsRecord[] {
  return Object.entries(meta).map(([key, value]) => ({
    type: 'TXT',
    name,
    ttlSeconds,
    text: key.toLowerCase().startsWith(plainPrefix) ? value : `${key.replace(/[`=]/g, '`$&')}=${value}`,
  }))
}
