/** What is answered about one host, and which of its records a question gets. */
import type { Node } from '../../model/node.ts'
import { recordTypes } from '../../wire/dns/codes.ts'
import type { DnsAnswer, DnsRecord } from '../../wire/dns/record.ts'
import { addressRecord, labelRecords } from './node-records.ts'
import type { Question } from './outcome.ts'
import { nodeName, type Zone } from './zone.ts'

export const alone = (record: DnsRecord): DnsAnswer => ({ record, additional: [] })

export function nodeAnswers({ name, type }: Question, node: Node, { settings }: Zone): readonly DnsAnswer[] {
  const ttlSeconds = settings.nodeTtlSeconds
  const address = pick(type, addressRecord(name, node.address, ttlSeconds))
  const texts = labelRecords(name, node.meta, ttlSeconds)
  if (type === recordTypes.TXT) return texts.map(alone)
  if (type === recordTypes.ANY) return [...address, ...texts.map(alone)]
  return settings.nodeMetaTexts ? address.map(({ record }) => ({ record, additional: texts })) : address
}

/** The host as a name server of the zone; undefined where DNS cannot write its name. */
export function nameServer(node: Node, zone: Zone): DnsAnswer | undefined {
  const target = nodeName(zone, node.name)
  if (target === undefined) return undefined
  const ttlSeconds = zone.settings.nodeTtlSeconds
  const address = addressRecord(target, node.address, ttlSeconds)
  const record: DnsRecord = { type: 'NS', name: zone.domain, ttlSeconds, target }
  return { record, additional: address === undefined ? [] : [address] }
}

/** The record where it is of the type that was asked for; an alias answers every question about addresses. */
export function pick(type: number, record: DnsRecord | undefined): readonly DnsAnswer[] {
  if (record === undefined) return []
  const isAddress = type === recordTypes.A || type === recordTypes.AAAA
  const isAsked = type === recordTypes.ANY || recordTypes[record.type] === type
  return isAsked || (record.type === 'CNAME' && isAddress) ? [alone(record)] : []
}
