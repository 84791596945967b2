/**
 * The keys of a service and of its sidecar, in Consul's names, each with its rule.
 * What they mean together is told in service.ts and sidecar.ts.
 */
import { limits } from '../model/limits.ts'
import type { ServiceAddress, ServiceKind } from '../model/service.ts'
import { shown } from '../wire/hcl/unexpected.ts'
import { hostRule } from './address.ts'
import { readCheck } from './check.ts'
import { idRule, metaField, portField, serviceNameRule, socketPathRule, tagRule } from './names.ts'
import { proxySchema } from './proxy-schema.ts'
import { labelOf, quoted, type Reader, reportKind } from './reading.ts'
import { belongs, consulOnly, renamed, tenancy } from './refusals.ts'
import { text, toggle, wholeNumber } from './scalars.ts'
import {
  blocks,
  type Field,
  type Given,
  list,
  map,
  nested,
  objectOf,
  one,
  type Refusals,
  readGiven,
  schema,
  type Written,
} from './schema.ts'

const gatewayKinds: readonly string[] = [
  'mesh-gateway',
  'terminating-gateway',
  'ingress-gateway',
  'api-gateway',
]

const readKind: Reader<ServiceKind> = (slot, reading) => {
  const { value } = slot
  if (value.kind !== 'string') return reportKind(slot, reading, '"connect-proxy"', '"connect-proxy"')
  if (value.text === '' || value.text === 'connect-proxy') return value.text
  const isGateway = gatewayKinds.includes(value.text)
  reading.report(value.at, {
    what: isGateway
      ? `services of the kind "${value.text}" are not supported`
      : `${labelOf(slot)} is ${quoted(value.text)}`,
    why: isGateway
      ? 'mesh-agent has plain services and their proxies, and no gateways'
      : 'it must be "connect-proxy", or be left out for a plain service',
    remedy: isGateway ? 'remove the service' : 'remove the key',
  })
  return undefined
}

const taggedAddressSchema = schema('a tagged address', { address: one(text(hostRule)), port: portField(80) })

/** Addresses by role. Consul keeps the names that begin with `consul-virtual` for itself. */
const taggedAddresses: Reader<Readonly<Record<string, ServiceAddress>>> = (slot, reading) => {
  const object = objectOf(slot, reading, '{ lan = { address = "10.0.0.5", port = 80 } }')
  if (object === undefined) return undefined
  if (object.members.length > limits.taggedAddresses)
    reading.report(slot.at, {
      what: `\`${shown(slot.name)}\` has ${object.members.length} addresses`,
      why: `at most ${limits.taggedAddresses} are allowed`,
      remedy: 'remove some',
    })
  const entries: [string, ServiceAddress][] = []
  for (const { key, keyAt, value } of object.members) {
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(key) || key.startsWith('consul-virtual'))
      reading.report(keyAt, {
        what: `\`${shown(slot.name)}\` has the key "${shown(key)}"`,
        why: 'the roles are lan, lan_ipv4, lan_ipv6, wan, wan_ipv4, wan_ipv6, or a name of your own of letters, digits, `-` and `_`',
        remedy: 'rename the key',
      })
    const inner =
      value.kind === 'null'
        ? undefined
        : readGiven(taggedAddressSchema, { name: key, item: 0, at: keyAt, value }, reading)
    if (inner === undefined) continue
    if (inner.address === undefined)
      reading.report(keyAt, {
        what: `the tagged address "${shown(key)}" has no address`,
        why: '`address` is missing',
        remedy: `add \`${reading.assignment('address', '"10.0.0.5"')}\``,
      })
    entries.push([key, { address: inner.address?.value ?? '', port: inner.port?.value ?? 0 }])
  }
  return Object.fromEntries(entries)
}

const weight = (min: number): Field<number> =>
  one(wholeNumber({ form: `a whole number from ${min} to 65535`, example: 1, min, max: 65_535 }))

const weightsSchema = schema('the weights', { passing: weight(1), warning: weight(0) })

/** What services and sidecars share. */
const instance = {
  name: one(text(serviceNameRule)),
  kind: one(readKind),
  address: one(text(hostRule)),
  port: portField(8080),
  socket_path: one(text(socketPathRule)),
  tags: list(text(tagRule), 'a list of text', '["v1"]'),
  meta: metaField,
  enable_tag_override: one(toggle),
  tagged_addresses: map(taggedAddresses),
  weights: nested(weightsSchema),
  check: blocks(readCheck),
  checks: blocks(readCheck),
  proxy: nested(proxySchema),
}

const instanceRefusals: Refusals = {
  ...consulOnly(['token'], 'remove it; a host registers its services with its own identity'),
  ...consulOnly(['ports'], 'write one `port`, or one service for each port'),
  ...consulOnly(['locality', 'peer_name']),
  ...tenancy,
  ...renamed(['host', 'ip', 'hostname'], 'address'),
  ...renamed(['service', 'service_name'], 'name'),
  ...belongs(['interval', 'timeout', 'http', 'tcp', 'ttl', 'args', 'script'], 'a `check` block'),
  ...belongs(
    ['local_bind_port', 'local_bind_address', 'destination_name'],
    'an `upstreams` block of the proxy',
  ),
  ...belongs(
    ['destination_service_name', 'local_service_address', 'local_service_port'],
    'the `proxy` block',
  ),
}

const proxyPath = 'the service’s `connect { sidecar_service { proxy { … } } }`'

export const sidecarSchema = schema('a sidecar_service', instance, {
  refusals: {
    ...instanceRefusals,
    ...belongs(['upstreams', 'upstream'], 'the `proxy` block inside `sidecar_service`'),
    id: {
      what: 'a sidecar has an `id` of its own here',
      why: 'its id is always the id of its service followed by -sidecar-proxy',
      remedy: 'remove it',
    },
    connect: {
      what: 'a sidecar has a `connect` block',
      why: 'a sidecar has no sidecar and speaks the mesh’s mTLS already',
      remedy: 'remove it',
    },
    native: {
      what: '`native` does not belong here',
      why: 'a service has a sidecar or speaks the mesh’s mTLS itself, not both',
      remedy: 'remove it',
    },
  },
})

const connectSchema = schema(
  'a `connect` block',
  { native: one(toggle), sidecar_service: nested(sidecarSchema) },
  {
    refusals: {
      ...belongs(['proxy', 'upstreams', 'upstream'], proxyPath),
      ...renamed(['sidecar', 'sidecar_proxy'], 'sidecar_service'),
    },
  },
)

const { name, ...others } = instance

export const serviceSchema = schema(
  'a service',
  { name, id: one(text(idRule)), ...others, connect: nested(connectSchema) },
  {
    refusals: {
      ...instanceRefusals,
      ...belongs(['upstreams', 'upstream'], proxyPath),
      ...belongs(['sidecar_service', 'native'], 'the service’s `connect` block'),
    },
  },
)

export type ServiceKeys = Given<typeof serviceSchema.shape>
export type SidecarKeys = Given<typeof sidecarSchema.shape>
export type WrittenService = Written<typeof serviceSchema.shape>
