/**
 * What all answers of one zone share: names that we make up, TTLs, the SOA record. Which domain it is, the question says:
 * whoever asks in `consul` is answered in `consul`.
 */
import type { DnsSettings } from '../../config/dns-settings.ts'
import { addressHex } from '../../wire/dns/address.ts'
import { isWritableName } from '../../wire/dns/message.ts'
import type { DnsRecord } from '../../wire/dns/record.ts'

export interface Zone {
  readonly domain: string
  readonly datacenter: string
  readonly settings: DnsSettings
}

/** The name of a node; undefined for one that was registered by hand with a name that DNS cannot write. */
export function nodeName({ domain, datacenter }: Zone, node: string): string | undefined {
  const name = `${node.toLowerCase()}.node.${datacenter}.${domain}`
  return isWritableName(name) ? name : undefined
}

/** A name for an address that no node has. */
export const addressName = ({ domain, datacenter }: Zone, address: Uint8Array): string =>
  `${addressHex(address)}.addr.${datacenter}.${domain}`

export function serviceTtlSeconds({ serviceTtlSeconds: ttls }: DnsSettings, service: string): number {
  const name = service.toLowerCase()
  if (Object.hasOwn(ttls, name)) return ttls[name] ?? 0
  for (let length = name.length; length >= 0; length--) {
    const pattern = `${name.slice(0, length)}*`
    if (Object.hasOwn(ttls, pattern)) return ttls[pattern] ?? 0
  }
  return 0
}

/** `serial` grows with time, so that whoever compares two sees which is newer. */
export function soaRecord({ domain, settings: { soa } }: Zone, serial: number): DnsRecord {
  return {
    type: 'SOA',
    name: domain,
    ttlSeconds: soa.minimumSeconds,
    primary: `ns.${domain}`,
    mailbox: `hostmaster.${domain}`,
    serial,
    refreshSeconds: soa.refreshSeconds,
    retrySeconds: soa.retrySeconds,
    expireSeconds: soa.expireSeconds,
    minimumSeconds: soa.minimumSeconds,
  }
}
