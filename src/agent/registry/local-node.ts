/** This host's own row in the catalog, from its settings. Pure. */
import type { Settings } from '../../config/settings.ts'
import type { Node } from '../../model/node.ts'

type NodeSettings = Pick<Settings, 'nodeName' | 'datacenter' | 'advertiseAddress' | 'wan' | 'nodeMeta'>

/** `nodeId` is the host's stable identity. Addresses by role are Consul's: the plain one, and one per family. */
export function localNode(settings: NodeSettings, nodeId: string): Node {
  const { nodeName: name, datacenter, advertiseAddress: address, nodeMeta: meta } = settings
  const { advertiseAddress: fromAfar } = settings.wan
  const taggedAddresses = Object.fromEntries(
    Object.entries({ lan: address, wan: fromAfar }).flatMap(([role, at]) => [
      [role, at],
      [`${role}_${at.includes(':') ? 'ipv6' : 'ipv4'}`, at],
    ]),
  )
  return { id: nodeId, name, address, datacenter, taggedAddresses, meta }
}
