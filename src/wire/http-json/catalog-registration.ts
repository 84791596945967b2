/**
 * The body of `PUT /v1/catalog/register`: a node, perhaps a service and checks, as external registrars (Terraform,
 * consul-esm) send it. Registrations of this host's own services come through the agent and are read by config/.
 */
import { type Check, type CheckStatus, checkTypes } from '../../model/check.ts'
import { formatDuration } from '../../model/duration.ts'
import type { Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Node } from '../../model/node.ts'
import type { Service } from '../../model/service.ts'
import { decodeObject, type Fields } from './fields.ts'
import { proxyNames, readProxy } from './proxy-fields.ts'

export interface CatalogRegistration {
  readonly datacenter: string
  readonly node: Node
  /** Leave an existing node row as it is. */
  readonly skipNodeUpdate: boolean
  readonly services: readonly Service[]
  readonly checks: readonly Check[]
}

const nodeNames = ['Datacenter', 'ID', 'Node', 'Address', 'TaggedAddresses', 'NodeMeta', 'SkipNodeUpdate']
const tailNames = ['Service', 'Check', 'Checks', 'WriteRequest', 'Namespace', 'Partition', 'EnterpriseMeta']

/** `datacenter` is ours: what a node row gets that names none. */
export function parseCatalogRegistration(body: unknown, datacenter: string): Result<CatalogRegistration> {
  return decodeObject(body, [...nodeNames, ...tailNames], (fields) => {
    const node = readNode(fields, datacenter)
    const skipNodeUpdate = fields.flag('SkipNodeUpdate')
    if (node.name === '') fields.refuse('Must provide node')
    if (node.address === '' && !skipNodeUpdate)
      fields.refuse('Must provide address if SkipNodeUpdate is not set')
    const service = fields.nested('Service', serviceNames, readService)
    const single = fields.nested('Check', checkNames, readCheck)
    const rows = [...(single === undefined ? [] : [single]), ...fields.list('Checks', checkNames, readCheck)]
    return {
      datacenter: fields.text('Datacenter'),
      node,
      skipNodeUpdate,
      services: service === undefined ? [] : [service],
      checks: rows.map((row) => {
        if (row.node !== '' && row.node !== node.name)
          fields.refuse(`Node "${row.node}" of the check is not the node of the registration, "${node.name}"`)
        return placeCheck(row, node, service)
      }),
    }
  })
}

function readNode(fields: Fields, datacenter: string): Node {
  return {
    id: fields.text('ID'),
    name: fields.text('Node'),
    address: fields.text('Address'),
    datacenter,
    taggedAddresses: fields.textMap('TaggedAddresses'),
    meta: boundedMeta(fields, 'NodeMeta'),
  }
}

export const serviceNames = [
  ...['Kind', 'ID', 'Service', 'Tags', 'Meta', 'Address', 'Port', 'SocketPath', 'TaggedAddresses', 'Weights'],
  ...[
    'EnableTagOverride',
    'Proxy',
    'Connect',
    'Namespace',
    'Partition',
    'PeerName',
    'Locality',
    'ContentHash',
  ],
  ...['Datacenter', 'CreateIndex', 'ModifyIndex', 'RaftIndex', 'EnterpriseMeta'],
]

export function readService(fields: Fields): Service {
  const id = fields.text('ID')
  const name = fields.text('Service') === '' ? id : fields.text('Service')
  if (name === '') fields.refuse('Must provide service name (Service.Service)')
  const kind = fields.text('Kind')
  if (kind !== '' && kind !== 'connect-proxy')
    return fields.refuse(
      `Service.Kind "${kind}" is not supported by this version: use "connect-proxy" or none`,
    )
  const port = fields.number('Port')
  if (port < 0 || port > 65_535) fields.refuse('Service.Port must be between 0 and 65535')
  const tags = fields.texts('Tags')
  if (tags.length > limits.tagsPerService)
    fields.refuse(`Service.Tags has ${tags.length} tags, the limit is ${limits.tagsPerService}`)
  const proxy = fields.nested('Proxy', proxyNames, readProxy)
  if (kind === 'connect-proxy' && (proxy === undefined || proxy.destinationServiceName === ''))
    fields.refuse('Service.Proxy.DestinationServiceName must be set for a connect-proxy')
  return {
    kind,
    id: id === '' ? name : id,
    name,
    tags,
    meta: boundedMeta(fields, 'Meta'),
    address: fields.text('Address'),
    port,
    socketPath: fields.text('SocketPath'),
    taggedAddresses: fields.map('TaggedAddresses', ['Address', 'Port'], (inner) => ({
      address: inner.text('Address'),
      port: inner.number('Port'),
    })),
    weights: fields.nested('Weights', ['Passing', 'Warning'], readWeights) ?? { passing: 1, warning: 1 },
    enableTagOverride: fields.flag('EnableTagOverride'),
    ...(kind === 'connect-proxy' && proxy !== undefined ? { proxy } : {}),
    connectNative: fields.nested('Connect', ['Native'], (inner) => inner.flag('Native')) ?? false,
  }
}

function readWeights(fields: Fields): Service['weights'] {
  const weights = {
    passing: fields.has('Passing') ? fields.number('Passing') : 1,
    warning: fields.has('Warning') ? fields.number('Warning') : 1,
  }
  if (weights.passing < 1 || weights.passing > 65_535 || weights.warning < 0 || weights.warning > 65_535)
    fields.refuse('Service.Weights must be between 1 and 65535 (Warning may be 0)')
  return weights
}

export const checkNames = [
  ...[
    'Node',
    'CheckID',
    'Name',
    'Status',
    'Notes',
    'Output',
    'ServiceID',
    'ServiceName',
    'ServiceTags',
    'Type',
  ],
  ...[
    'Interval',
    'Timeout',
    'ExposedPort',
    'Definition',
    'Namespace',
    'Partition',
    'PeerName',
    'CreateIndex',
  ],
  'ModifyIndex',
]

export interface CheckRow {
  readonly node: string
  readonly check: Omit<Check, 'node' | 'serviceName' | 'serviceTags'>
}

export function readCheck(fields: Fields): CheckRow {
  const status = fields.has('Status') ? fields.text('Status') : 'critical'
  if (!['passing', 'warning', 'critical'].includes(status))
    fields.refuse(`Check.Status "${status}": use passing, warning or critical`)
  const name = fields.text('Name')
  const checkId = fields.text('CheckID') === '' ? name : fields.text('CheckID')
  if (checkId === '') fields.refuse('Must provide CheckID or Name of the check')
  const definition = fields.object('Definition')
  return {
    node: fields.text('Node'),
    check: {
      checkId,
      name: name === '' ? checkId : name,
      status: status as CheckStatus,
      notes: fields.text('Notes'),
      output: fields.text('Output').slice(0, limits.checkOutputBytes),
      serviceId: fields.text('ServiceID'),
      type: checkTypes.find((type) => type === fields.text('Type')) ?? '',
      interval: durationText(fields, 'Interval'),
      timeout: durationText(fields, 'Timeout'),
      ...(fields.number('ExposedPort') > 0 ? { exposedPort: fields.number('ExposedPort') } : {}),
      ...(Object.keys(definition).length === 0 ? {} : { definition }),
    },
  }
}

const durationText = (fields: Fields, name: string): string =>
  fields.has(name) && fields.raw(name) !== '' ? formatDuration(fields.durationMs(name)) : ''

/** A check of a service that the same body registers carries that service's name; else the catalog looks it up. */
function placeCheck(row: CheckRow, node: Node, service: Service | undefined): Check {
  const same = service !== undefined && service.id === row.check.serviceId
  return {
    ...row.check,
    node: node.name,
    serviceName: same ? service.name : '',
    serviceTags: same ? service.tags : [],
  }
}

function boundedMeta(fields: Fields, name: string): Readonly<Record<string, string>> {
  const meta = fields.textMap(name)
  const pairs = Object.entries(meta)
  if (pairs.length > limits.metaPairs)
    fields.refuse(`${name} has ${pairs.length} pairs, the limit is ${limits.metaPairs}`)
  for (const [key, value] of pairs)
    if (key.length > limits.metaKeyChars || value.length > limits.metaValueChars)
      fields.refuse(
        `${name}["${key.slice(0, 32)}"] is too long: keys up to ${limits.metaKeyChars}, values up to ${limits.metaValueChars} characters`,
      )
  return meta
}
