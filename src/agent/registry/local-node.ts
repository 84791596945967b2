/** This host's own row in the catalog, from its settings. Pure. */
import type { Settings } from '../../config/settings.ts'
import type { Node } from '../../model/node.ts'

type NodeSettings = Pick<Settings, 'nodeName' | 'datacenter' | 'advertiseAddress' | 'nodeMeta'>

/** `nodeId` is the host's stable identity. Addresses by role are Consul's: the plain one, and one per family. */
export function localNode(settings: NodeSettings, nodeId: string): Node {
  const { nodeName: name, datacenter, advertiseAddress: address, nodeMeta: meta } = settings
  const family = address.includes(':') ? 'ipv6' : 'ipv4'
  const taggedAddresses = Object.fromEntries(
    ['lan', 'wan'].flatMap((role) => [
      [role, address],
      [`${role}_${family}`, address],
    ]),
  )
  return { id: nodeId, name, address, datacenter, taggedAddresses, meta }
}
