/**
 * What each topic says about a state: event bodies made from a view. Bodies of `intentions` and `roots` are the whole
 * truth of their subject; those of the health topics are one instance each.
 */
import type { CaRoot, PublicCaRoot } from '../../model/authority.ts'
import { serviceTrustDomain } from '../../model/identity.ts'
import { wildcard } from '../../model/intention.ts'
import { meshNameOf, type ServiceEntry } from '../../model/service.ts'
import type { EventBody, Subject, Topic } from '../../model/topic.ts'
import { destinationRow, meshRow, serviceRow, type Touched, tableRow } from '../store/indexes.ts'
import type { Row } from '../store/row.ts'
import type { InstanceChange } from '../store/transaction.ts'
import type { View } from '../store/view.ts'

export type HealthTopic = InstanceChange['topic']
/** Topics whose content is not in the state but with another datacenter. */
export type FarTopic = Extract<Topic, 'datacenter-health'>
export type WholeTopic = Exclude<Topic, HealthTopic | FarTopic>

/** Topics whose every event says everything, so that only the newest matters. */
export function isWhole(topic: Topic): topic is WholeTopic {
  return topic === 'intentions' || topic === 'roots'
}

/** What moves the subject's index. */
export function touchedBy({ topic, key }: Subject): readonly Touched[] {
  switch (topic) {
    case 'intentions':
      return [destinationRow(key), destinationRow(wildcard), tableRow('settings')]
    case 'roots':
      return [tableRow('roots')]
    case 'datacenter-health':
      return []
    case 'mesh-health':
      return [meshRow(key)]
    case 'service-health':
      return [serviceRow(key)]
  }
}

export function wholeBody(view: View, topic: WholeTopic, key: string): EventBody {
  if (topic === 'roots') return trustBody(view)
  return { topic, defaultAction: defaultActionOf(view), rules: view.rulesFor(key) }
}

/** Hosts that other datacenters shut out are shut out here too: their leaves are good for any proxy. */
function trustBody(view: View): EventBody {
  const others = view.datacenters()
  const federated = others.map(({ name: datacenter, clusterId, serviceRoots: roots }) => {
    return { datacenter, trustDomain: serviceTrustDomain(clusterId), roots }
  })
  const evicted = [
    ...Array.from(view.evictions(), ({ hostTag }) => hostTag),
    ...others.flatMap((other) => other.evicted ?? []),
  ]
  return {
    topic: 'roots',
    trustDomain: trustDomainOf(view),
    roots: publicRoots(view),
    ...(evicted.length === 0 ? {} : { evicted }),
    ...(federated.length === 0 ? {} : { federated }),
  }
}

/** Before the cluster is founded nothing is allowed. */
export function defaultActionOf(view: View): 'allow' | 'deny' {
  return view.settings()?.defaultIntentionAction ?? 'deny'
}

export function trustDomainOf(view: View): string {
  const settings = view.settings()
  return settings === undefined ? '' : serviceTrustDomain(settings.clusterId)
}

/** Roots of the service plane, active ones first, without their keys. */
export function publicRoots(view: View): readonly Row<PublicCaRoot>[] {
  return [...view.roots('service')].sort((a, b) => Number(b.active) - Number(a.active)).map(withoutKey)
}

function withoutKey({ sealedKey: _key, ...root }: Row<CaRoot>): Row<PublicCaRoot> {
  return root
}

export function upsertBody(topic: HealthTopic, entry: ServiceEntry): EventBody {
  return { topic, op: 'upsert', entry }
}

/** What an instance is to a subject now: there with its newest content, or not there any more. */
export function instanceBody(view: View, topic: HealthTopic, key: string, place: InstanceChange): EventBody {
  const { node, serviceId } = place
  const entry = view.entry(node, serviceId)
  const name = entry === undefined ? '' : nameIn(topic, entry)
  return entry !== undefined && name === key
    ? upsertBody(topic, entry)
    : { topic, op: 'remove', node, serviceId }
}

function nameIn(topic: HealthTopic, { service }: ServiceEntry): string {
  return topic === 'mesh-health' ? meshNameOf(service) : service.name
}
