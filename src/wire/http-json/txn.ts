/**
 * Transactions as Consul has them: the list of operations that a body holds, and what an answer shows; reference/consul.md
 * 1.8. Flags and indexes have 64 bits, so the body is read with their digits kept.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import { isFlags } from '../../model/kv.ts'
import type { Node } from '../../model/node.ts'
import {
  type CatalogVerb,
  catalogVerbs,
  type KvVerb,
  kvReadVerbs,
  kvWriteVerbs,
  type TxnError,
  type TxnOperation,
  type TxnResult,
} from '../../model/txn.ts'
import { checkNames, readCheck, readService, serviceNames } from './catalog-registration.ts'
import { checkJson } from './check.ts'
import { parseKeepingDigits } from './exact-number.ts'
import { decodeObject, type Fields } from './fields.ts'
import { kvEntryJson } from './kv.ts'
import { nodeJson } from './node.ts'
import { catalogServiceInstanceJson } from './service.ts'

export function parseTxnBody(text: string, datacenter: string): Result<readonly TxnOperation[]> {
  let body: unknown
  try {
    body = parseKeepingDigits(text, 'Flags')
  } catch (error) {
    return failed(
      'bad-request',
      `Failed to parse body: ${error instanceof Error ? error.message : 'no JSON'}`,
    )
  }
  if (!Array.isArray(body)) return failed('bad-request', 'Failed to parse body: a transaction is a list')
  const operations: TxnOperation[] = []
  for (const [place, item] of body.entries()) {
    const read = decodeObject(item, ['KV', 'Node', 'Service', 'Check'], (fields) =>
      readOperation(fields, datacenter),
    )
    if (!read.ok) return failed('bad-request', `operation ${place}: ${read.failure.message}`)
    operations.push(read.value)
  }
  return ok(operations)
}

function readOperation(fields: Fields, datacenter: string): TxnOperation {
  const kv = fields.nested('KV', kvNames, readKv)
  const node = fields.nested('Node', ['Verb', 'Node'], (inner) => readNodeOperation(inner, datacenter))
  const service = fields.nested('Service', ['Verb', 'Node', 'Service'], readServiceOperation)
  const check = fields.nested('Check', ['Verb', 'Check'], readCheckOperation)
  const given = [kv, node, service, check].filter((operation) => operation !== undefined)
  const [only] = given
  if (only === undefined || given.length > 1) return fields.refuse('give one of KV, Node, Service and Check')
  return only
}

const kvNames = ['Verb', 'Key', 'Value', 'Flags', 'Index', 'Session', 'Namespace', 'Partition']
const kvVerbs: readonly string[] = [...kvReadVerbs, ...kvWriteVerbs]

function readKv(fields: Fields): TxnOperation {
  const verb = fields.text('Verb')
  if (!kvVerbs.includes(verb)) return fields.refuse(`unknown KV verb "${verb}"`)
  const flags = fields.has('Flags') ? fields.text('Flags') : '0'
  if (!isFlags(flags)) fields.refuse('KV.Flags must be a whole number from 0 to 18446744073709551615')
  return {
    kind: 'kv',
    verb: verb as KvVerb,
    key: fields.text('Key'),
    value: fields.text('Value'),
    flags,
    index: indexIn(fields, 'Index'),
    session: fields.text('Session'),
  }
}

function verbIn(fields: Fields, what: string): CatalogVerb {
  const verb = fields.text('Verb')
  const known = catalogVerbs.find((each) => each === verb)
  return known ?? fields.refuse(`unknown ${what} verb "${verb}"`)
}

function indexIn(fields: Fields, name: string): number {
  const index = fields.number(name)
  return index < 0 ? fields.refuse(`${name} must not be negative`) : index
}

const nodeNames = [
  ...['ID', 'Node', 'Address', 'Datacenter', 'TaggedAddresses', 'Meta', 'Partition', 'PeerName'],
  ...['CreateIndex', 'ModifyIndex', 'RaftIndex', 'Locality'],
]

function readNodeOperation(fields: Fields, datacenter: string): TxnOperation {
  const verb = verbIn(fields, 'Node')
  const read = fields.nested('Node', nodeNames, (inner) => ({
    node: readNode(inner, datacenter),
    index: indexIn(inner, 'ModifyIndex'),
  }))
  return read === undefined ? fields.refuse('Node.Node is missing') : { kind: 'node', verb, ...read }
}

function readNode(fields: Fields, datacenter: string): Node {
  if (fields.text('Node') === '') fields.refuse('Must provide node')
  return {
    id: fields.text('ID'),
    name: fields.text('Node'),
    address: fields.text('Address'),
    datacenter: fields.text('Datacenter') === '' ? datacenter : fields.text('Datacenter'),
    taggedAddresses: fields.textMap('TaggedAddresses'),
    meta: fields.textMap('Meta'),
  }
}

function readServiceOperation(fields: Fields): TxnOperation {
  const verb = verbIn(fields, 'Service')
  const node = fields.text('Node')
  if (node === '') fields.refuse('Must provide node')
  const read = fields.nested('Service', serviceNames, (inner) => ({
    service: readService(inner),
    index: indexIn(inner, 'ModifyIndex'),
  }))
  return read === undefined
    ? fields.refuse('Service.Service is missing')
    : { kind: 'service', verb, node, ...read }
}

function readCheckOperation(fields: Fields): TxnOperation {
  const verb = verbIn(fields, 'Check')
  const read = fields.nested('Check', checkNames, (inner) => {
    const { node, check } = readCheck(inner)
    if (node === '') inner.refuse('Must provide node')
    return {
      check: { ...check, node, serviceName: '', serviceTags: [] },
      index: indexIn(inner, 'ModifyIndex'),
    }
  })
  return read === undefined ? fields.refuse('Check.Check is missing') : { kind: 'check', verb, ...read }
}

/** One element of `Results`. */
export function txnResultJson(result: TxnResult, datacenter: string): object {
  switch (result.kind) {
    case 'kv':
      return { KV: kvEntryJson(result.entry) }
    case 'node':
      return { Node: nodeJson(result.node) }
    case 'service':
      return { Service: catalogServiceInstanceJson(result.service, datacenter) }
    case 'check':
      return { Check: checkJson(result.check) }
  }
}

export const txnErrorJson = ({ opIndex, what }: TxnError): object => ({ OpIndex: opIndex, What: what })
