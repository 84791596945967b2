/** Instances in other datacenters, in the form in which those of this one are planned with. Pure. */
import { farKey } from '../../model/datacenter.ts'
import type { ServiceEntry } from '../../model/service.ts'
import type { EventBody, Subject } from '../../model/topic.ts'
import type { View } from '../contract.ts'

export interface FarInstances {
  readonly bodies: readonly EventBody[]
  /** Of the datacenter's service plane. */
  readonly trustDomain: string
}

const none: readonly EventBody[] = []
const translated = new WeakMap<readonly EventBody[], readonly EventBody[]>()

/** Without instances while it is not known whom to trust there: they could not prove that they are the service. */
export function farInstances(
  view: (subject: Subject) => View | undefined,
  datacenter: string,
  service: string,
): FarInstances {
  const [roots] = view({ topic: 'roots', key: '' })?.bodies ?? []
  const federated = roots?.topic === 'roots' ? (roots.federated ?? []) : []
  const trustDomain = federated.find((each) => each.datacenter === datacenter)?.trustDomain ?? ''
  const bodies = view({ topic: 'datacenter-health', key: farKey(datacenter, service) })?.bodies ?? none
  return { bodies: trustDomain === '' ? none : asOwn(bodies), trustDomain }
}

/** Equal views give the same bodies, by which a plan sees that nothing changed. */
function asOwn(bodies: readonly EventBody[]): readonly EventBody[] {
  const known = translated.get(bodies)
  if (known !== undefined) return known
  const own = bodies.flatMap((body): readonly EventBody[] =>
    body.topic === 'datacenter-health' && body.op === 'upsert'
      ? [{ topic: 'mesh-health', op: 'upsert', entry: atWanAddress(body.entry) }]
      : [],
  )
  translated.set(bodies, own)
  return own
}

/** As Consul does: from another datacenter an instance is reached at its `wan` address, where it or its node has one. */
function atWanAddress(entry: ServiceEntry): ServiceEntry {
  const { node, service } = entry
  const wan = service.taggedAddresses['wan']
  if (wan !== undefined) return { ...entry, service: { ...service, address: wan.address, port: wan.port } }
  const nodeWan = node.taggedAddresses['wan'] ?? ''
  if (service.address !== '' || nodeWan === '') return entry
  return { ...entry, node: { ...node, address: nodeWan } }
}
