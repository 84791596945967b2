/**
 * Records of services: which instances are shown, where they are, and with which weight. Sources: RFC 2782 for SRV;
 * reference/consul.md, section 11, for what stands in which section.
 */
import { aggregateStatus } from '../../model/check.ts'
import type { ServiceEntry } from '../../model/service.ts'
import { addressBytes } from '../../wire/dns/address.ts'
import { recordTypes } from '../../wire/dns/codes.ts'
import { isWritableName } from '../../wire/dns/message.ts'
import type { DnsAnswer, DnsRecord } from '../../wire/dns/record.ts'
import { addressRecord, labelRecords } from './node-records.ts'
import { addressName, nodeName, serviceTtlSeconds, type Zone } from './zone.ts'

export interface ServiceQuestion {
  /** The name as asked, in lower case. */
  readonly name: string
  readonly type: number
  /** The service that is meant, for its TTL. */
  readonly service: string
  /** In lower case; '' for every instance. */
  readonly tag: string
  readonly zone: Zone
}

type Shown = ServiceEntry & { readonly status: 'passing' | 'warning' }

/** Instances that a client may be sent to, with the tag. */
export function shownInstances(
  entries: readonly ServiceEntry[],
  { tag, zone }: Pick<ServiceQuestion, 'tag' | 'zone'>,
): readonly Shown[] {
  return entries.flatMap((entry) => {
    if (tag !== '' && !entry.service.tags.some((own) => own.toLowerCase() === tag)) return []
    const status = aggregateStatus(entry.checks)
    const isShown = status === 'passing' || (status === 'warning' && !zone.settings.onlyPassing)
    return isShown ? [{ ...entry, status }] : []
  })
}

export function serviceAnswers(instances: readonly Shown[], question: ServiceQuestion): readonly DnsAnswer[] {
  return question.type === recordTypes.SRV
    ? serverAnswers(instances, question)
    : addressAnswers(instances, question)
}

/** Each address once, whatever number of ports stands behind it. */
function addressAnswers(instances: readonly Shown[], question: ServiceQuestion): readonly DnsAnswer[] {
  const { name, type, service, zone } = question
  const ttlSeconds = serviceTtlSeconds(zone.settings, service)
  const byAddress = new Map<string, DnsRecord>()
  for (const { node, service: instance } of instances) {
    const address = instance.address || node.address
    const record = byAddress.has(address) ? undefined : addressRecord(name, address, ttlSeconds)
    if (record !== undefined) byAddress.set(address, record)
  }
  const isAsked = (record: DnsRecord): boolean =>
    type === recordTypes.ANY || record.type === 'CNAME' || recordTypes[record.type] === type
  return [...byAddress.values()].filter(isAsked).map((record) => ({ record, additional: [] }))
}

function serverAnswers(instances: readonly Shown[], question: ServiceQuestion): readonly DnsAnswer[] {
  const { name, service, zone } = question
  const ttlSeconds = serviceTtlSeconds(zone.settings, service)
  const beside = new Map<string, readonly DnsRecord[]>()
  const answers = new Map<string, DnsAnswer>()
  for (const { node, service: instance, status } of instances) {
    const target = targetOf(node, instance.address, zone)
    const key = `${target} ${instance.port}`
    if (target === undefined || answers.has(key)) continue
    const additional = beside.get(target) ?? besideTarget(target, { node, instance, ttlSeconds, zone })
    beside.set(target, additional)
    const weight = instance.weights[status]
    const record = {
      type: 'SRV',
      name,
      ttlSeconds,
      priority: 1,
      weight,
      port: instance.port,
      target,
    } as const
    answers.set(key, { record, additional })
  }
  return [...answers.values()]
}

/** The node's name where the service has the node's address, else a name for its own address, or its own host name. */
function targetOf(node: Shown['node'], address: string, zone: Zone): string | undefined {
  const named = address === '' ? nodeName(zone, node.name) : undefined
  if (named !== undefined) return named
  const own = address || node.address
  const bytes = addressBytes(own)
  if (bytes !== undefined) return addressName(zone, bytes)
  const host = own.replace(/\.$/, '')
  return isWritableName(host) ? host : undefined
}

function besideTarget(
  target: string,
  about: {
    readonly node: Shown['node']
    readonly instance: Shown['service']
    readonly ttlSeconds: number
    readonly zone: Zone
  },
): readonly DnsRecord[] {
  const { node, instance, ttlSeconds, zone } = about
  const record = addressRecord(target, instance.address || node.address, ttlSeconds)
  // A target that is a host name of its own has no address that we would know.
  const addresses =
    record === undefined || (record.type === 'CNAME' && record.target === target) ? [] : [record]
  const isNode = instance.address === ''
  const texts = isNode && zone.settings.nodeMetaTexts ? labelRecords(target, node.meta, ttlSeconds) : []
  return [...addresses, ...texts]
}
