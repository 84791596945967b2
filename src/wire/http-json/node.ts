/**
 * Hosts as Consul's catalog shows them. Field names and order are Consul's; where they are used, see catalog.ts and
 * health.ts.
 */
import type { Node } from '../../model/node.ts'
import type { RowIndexes } from '../../model/service.ts'

export interface NodeJson {
  readonly ID: string
  readonly Node: string
  readonly Address: string
  readonly Datacenter: string
  readonly TaggedAddresses: Readonly<Record<string, string>>
  readonly Meta: Readonly<Record<string, string>>
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

export function nodeJson(node: Node & RowIndexes): NodeJson {
  return {
    ID: node.id,
    Node: node.name,
    Address: node.address,
    Datacenter: node.datacenter,
    TaggedAddresses: nodeTaggedAddresses(node),
    Meta: node.meta,
    CreateIndex: node.createIndex,
    ModifyIndex: node.modifyIndex,
  }
}

/** Clients index `TaggedAddresses.lan` and `.wan` without looking, so a node that has none shows its address there. */
export function nodeTaggedAddresses(
  node: Pick<Node, 'address' | 'taggedAddresses'>,
): Readonly<Record<string, string>> {
  const family = node.address.includes(':') ? 'ipv6' : /^[0-9.]+$/.test(node.address) ? 'ipv4' : undefined
  const address = node.address
  return {
    lan: address,
    ...(family === undefined ? {} : { [`lan_${family}`]: address, [`wan_${family}`]: address }),
    wan: address,
    ...node.taggedAddresses,
  }
}
