/**
 * The keys of a proxy and of its upstreams, in Consul's names, each with its rule.
 * What they mean together is told in proxy.ts.
 */

import { hostRule, listenRule } from './address.ts'
import { balanceKeys, inboundLimitKeys } from './balance.ts'
import { exposeSchema } from './expose.ts'
import {
  datacenterRule,
  fileModeRule,
  idRule,
  opaque,
  portField,
  portRule,
  serviceNameRule,
  socketPathRule,
} from './names.ts'
import { labelOf, quoted, type Reader, reportKind } from './reading.ts'
import { belongs, consulOnly, renamed, tenancy } from './refusals.ts'
import { text, wholeNumber } from './scalars.ts'
import { blocks, nested, one, type Refusals, schema, type Written, written } from './schema.ts'
import { inboundKeys, outboundKeys } from './ways.ts'

const oneDatacenter = 'remove it; upstreams are found by their name in the mesh'

const upstreamRefusals: Refusals = {
  ...consulOnly(
    [
      'destination_namespace',
      'destination_partition',
      'destination_peer',
      'destination_port',
      'ingress_hosts',
    ],
    oneDatacenter,
  ),
  ...consulOnly(['mesh_gateway', 'centrally_configured', 'envoy_extensions']),
  ...tenancy,
  ...renamed(['destination_service', 'destination', 'service', 'service_name', 'name'], 'destination_name'),
  ...renamed(['port', 'local_port', 'bind_port'], 'local_bind_port'),
  ...renamed(['address', 'local_address', 'bind_address'], 'local_bind_address'),
  ...renamed(['socket_path', 'local_socket_path'], 'local_bind_socket_path'),
  ...belongs(
    ['connect_timeout_ms', 'balance', 'limits', 'passive_health_check', 'allowed_uids'],
    'the upstream’s `config` block',
  ),
}

/** Upstreams lead to services; Consul knows prepared queries as well. */
const destinationType: Reader<'service'> = (slot, reading) => {
  const { value } = slot
  if (value.kind !== 'string') return reportKind(slot, reading, '"service"', '"service"')
  if (value.text === 'service') return 'service'
  const isQuery = value.text === 'prepared_query'
  reading.report(value.at, {
    what: isQuery ? 'prepared queries are not supported' : `${labelOf(slot)} is ${quoted(value.text)}`,
    why: 'an upstream of mesh-agent leads to a service',
    remedy: 'remove the key and name the service as `destination_name`',
  })
  return undefined
}

const timeoutMs = wholeNumber({
  form: 'a whole number of milliseconds from 1 to 600000',
  example: 5_000,
  min: 1,
  max: 600_000,
})

export const upstreamSchema = schema(
  'an upstream',
  {
    destination_type: one(destinationType),
    destination_name: one(text(serviceNameRule)),
    datacenter: one(text(datacenterRule)),
    local_bind_address: one(text(listenRule)),
    local_bind_port: portField(9191),
    local_bind_socket_path: one(text(socketPathRule)),
    local_bind_socket_mode: one(text(fileModeRule)),
    config: one(opaque({ connect_timeout_ms: timeoutMs, ...balanceKeys, ...outboundKeys })),
  },
  { refusals: upstreamRefusals },
)

export type WrittenUpstream = Written<typeof upstreamSchema.shape>

/** Modes other than direct need rules in the kernel. */
const proxyMode: Reader<'' | 'direct'> = (slot, reading) => {
  const { value } = slot
  if (value.kind !== 'string') return reportKind(slot, reading, '"direct"', '"direct"')
  if (value.text === 'direct') return 'direct'
  reading.report(value.at, {
    what:
      value.text === 'transparent'
        ? 'the transparent mode is not supported'
        : `${labelOf(slot)} is ${quoted(value.text)}`,
    why: 'services reach one another through upstreams with local ports or sockets',
    remedy: 'remove the key and list the upstreams',
  })
  return undefined
}

export const proxySchema = schema(
  'a proxy',
  {
    destination_service_name: one(text(serviceNameRule)),
    destination_service_id: one(text(idRule)),
    local_service_address: one(text(hostRule)),
    local_service_port: portField(8080),
    local_service_socket_path: one(text(socketPathRule)),
    mode: one(proxyMode),
    config: one(
      opaque({
        bind_address: text(listenRule),
        bind_port: wholeNumber(portRule(21_000)),
        local_connect_timeout_ms: timeoutMs,
        ...inboundKeys,
        ...inboundLimitKeys,
      }),
    ),
    upstreams: blocks(written(upstreamSchema)),
    expose: nested(exposeSchema),
  },
  {
    refusals: {
      ...consulOnly([
        'transparent_proxy',
        'mesh_gateway',
        'envoy_extensions',
        'access_logs',
        'local_service_ports',
      ]),
      ...renamed(['upstream'], 'upstreams'),
      ...belongs(['local_bind_port', 'local_bind_address', 'destination_name'], 'an `upstreams` block'),
      ...belongs(['port'], 'the block around the proxy'),
      ...belongs(['tls_min_version', 'local_proxy_protocol'], 'the proxy’s `config` block'),
    },
  },
)
