/**
 * Proxy resources as they come out of JSON: form, ranges and names. Whether keys fit certificates and addresses can be
 * bound is found out by the proxy when it puts them to use.
 */
import { type BalanceSettings, balancePolicies, balancePreferences } from '../../model/balance.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { parseSpiffeId } from '../../model/identity.ts'
import {
  type Endpoint,
  type ExposedPath,
  endpointNearness,
  inboundDrains,
  isUid,
  localProxyProtocols,
  type ProxyResource,
  resourceOrder,
  tlsMinVersions,
} from '../../model/proxy-config.ts'
import {
  asFields,
  type Fields,
  listOf,
  Misshapen,
  nonEmptyOf,
  numberOf,
  oneOf,
  textOf,
  textsOf,
} from './fields.ts'

const maxPort = 65_535
/** Longest timeout of a connection attempt that makes sense: a day. */
const maxTimeoutMs = 86_400_000

/** Every resource whole and well-formed, or the first mistake with the resource's name. */
export function readResources(values: readonly unknown[]): Result<readonly ProxyResource[]> {
  const resources: ProxyResource[] = []
  for (const value of values) {
    let label = `resource ${resources.length}`
    try {
      const fields = asFields(value, 'a resource')
      label = `${textOf(fields, 'kind')}/${textOf(fields, 'name')}`
      resources.push(readResource(fields))
    } catch (error) {
      if (!(error instanceof Misshapen)) throw error
      return failed('bad-request', `${label}: ${error.message}`)
    }
  }
  return ok(resources)
}

function readResource(fields: Fields): ProxyResource {
  const kind = oneOf(fields, 'kind', resourceOrder)
  const name = nonEmptyOf(fields, 'name')
  switch (kind) {
    case 'roots':
      return {
        kind,
        name,
        pems: textsOf(fields, 'pems'),
        ...(fields['index'] === undefined ? {} : { index: numberOf(fields, 'index') }),
        ...(fields['evicted'] === undefined ? {} : { evicted: textsOf(fields, 'evicted') }),
      }
    case 'leaf':
      return readLeaf(fields, name)
    case 'policy':
      return {
        kind,
        name,
        index: numberOf(fields, 'index'),
        defaultAction: oneOf(fields, 'defaultAction', ['allow', 'deny']),
        rules: listOf(fields, 'rules', readRule),
      }
    case 'endpoints':
      return {
        kind,
        name,
        service: nonEmptyOf(fields, 'service'),
        datacenter: nonEmptyOf(fields, 'datacenter'),
        ...(fields['trustDomain'] === undefined ? {} : { trustDomain: nonEmptyOf(fields, 'trustDomain') }),
        instances: listOf(fields, 'instances', readEndpoint),
      }
    case 'inbound':
      return readInbound(fields, name)
    case 'outbound':
      return readOutbound(fields, name)
    case 'exposed':
      return readExposed(fields, name)
  }
}

function readLeaf(fields: Fields, name: string): ProxyResource {
  const uri = textOf(fields, 'uri')
  const identity = parseSpiffeId(uri)
  if (identity?.kind !== 'service' || identity.service !== name)
    throw new Misshapen('"uri" is not the SPIFFE id of that service')
  return {
    kind: 'leaf',
    name,
    uri,
    certificatePem: nonEmptyOf(fields, 'certificatePem'),
    privateKeyPem: nonEmptyOf(fields, 'privateKeyPem'),
    notAfterMs: numberOf(fields, 'notAfterMs'),
  }
}

function readRule(value: unknown): Extract<ProxyResource, { kind: 'policy' }>['rules'][number] {
  const fields = asFields(value, 'a rule')
  return {
    sourceName: nonEmptyOf(fields, 'sourceName'),
    destinationName: nonEmptyOf(fields, 'destinationName'),
    action: oneOf(fields, 'action', ['allow', 'deny']),
  }
}

function readEndpoint(value: unknown): Endpoint {
  const fields = asFields(value, 'an instance')
  return {
    id: nonEmptyOf(fields, 'id'),
    node: textOf(fields, 'node'),
    address: nonEmptyOf(fields, 'address'),
    port: numberOf(fields, 'port', 1, maxPort),
    health: oneOf(fields, 'health', ['passing', 'warning', 'critical', 'host-unreachable']),
    weight: numberOf(fields, 'weight', 0, maxPort),
    ...(fields['nearness'] === undefined ? {} : { nearness: oneOf(fields, 'nearness', endpointNearness) }),
  }
}

function readInbound(fields: Fields, name: string): ProxyResource {
  const localSocketPath = textOf(fields, 'localSocketPath')
  return {
    kind: 'inbound',
    name,
    service: nonEmptyOf(fields, 'service'),
    bindAddress: nonEmptyOf(fields, 'bindAddress'),
    bindPort: numberOf(fields, 'bindPort', 1, maxPort),
    localAddress: textOf(fields, 'localAddress'),
    localPort: numberOf(fields, 'localPort', localSocketPath === '' ? 1 : 0, maxPort),
    localSocketPath,
    localConnectTimeoutMs: numberOf(fields, 'localConnectTimeoutMs', 1, maxTimeoutMs),
    ...(fields['maxConnections'] === undefined
      ? {}
      : { maxConnections: numberOf(fields, 'maxConnections', 1) }),
    ...(fields['tlsMinVersion'] === undefined
      ? {}
      : { tlsMinVersion: oneOf(fields, 'tlsMinVersion', tlsMinVersions) }),
    ...(fields['localProxyProtocol'] === undefined
      ? {}
      : { localProxyProtocol: oneOf(fields, 'localProxyProtocol', localProxyProtocols) }),
    ...(fields['localUdpPort'] === undefined
      ? {}
      : { localUdpPort: numberOf(fields, 'localUdpPort', 1, maxPort) }),
    ...(fields['drain'] === undefined ? {} : { drain: oneOf(fields, 'drain', inboundDrains) }),
  }
}

function readExposed(fields: Fields, name: string): ProxyResource {
  return {
    kind: 'exposed',
    name,
    service: nonEmptyOf(fields, 'service'),
    bindAddress: nonEmptyOf(fields, 'bindAddress'),
    bindPort: numberOf(fields, 'bindPort', 1, maxPort),
    protocol: oneOf(fields, 'protocol', ['http', 'http2']),
    // Anything but a plain "no" keeps strangers out.
    hostOnly: fields['hostOnly'] !== false,
    paths: listOf(fields, 'paths', readExposedPath),
  }
}

function readExposedPath(value: unknown): ExposedPath {
  const fields = asFields(value, 'a path')
  const path = nonEmptyOf(fields, 'path')
  if (!path.startsWith('/')) throw new Misshapen('"path" does not begin with /')
  return {
    path,
    localAddress: nonEmptyOf(fields, 'localAddress'),
    localPort: numberOf(fields, 'localPort', 1, maxPort),
  }
}

function readOutbound(fields: Fields, name: string): ProxyResource {
  const bindSocketPath = textOf(fields, 'bindSocketPath')
  const bindSocketMode = textOf(fields, 'bindSocketMode')
  if (!/^(0?[0-7]{3})?$/.test(bindSocketMode)) throw new Misshapen('"bindSocketMode" is not an octal mode')
  if (bindSocketPath === '') nonEmptyOf(fields, 'bindAddress')
  return {
    kind: 'outbound',
    name,
    service: nonEmptyOf(fields, 'service'),
    target: nonEmptyOf(fields, 'target'),
    bindAddress: textOf(fields, 'bindAddress'),
    bindPort: numberOf(fields, 'bindPort', bindSocketPath === '' ? 1 : 0, maxPort),
    bindSocketPath,
    bindSocketMode,
    connectTimeoutMs: numberOf(fields, 'connectTimeoutMs', 1, maxTimeoutMs),
    ...(fields['allowedUids'] === undefined ? {} : { allowedUids: listOf(fields, 'allowedUids', readUid) }),
    ...(fields['protocol'] === undefined ? {} : { protocol: oneOf(fields, 'protocol', ['udp']) }),
    ...(fields['balance'] === undefined ? {} : { balance: readBalance(fields['balance']) }),
  }
}

function readUid(value: unknown): number {
  if (typeof value !== 'number' || !isUid(value))
    throw new Misshapen('"allowedUids" has an item that is no user')
  return value
}

function readBalance(value: unknown): BalanceSettings {
  const fields = asFields(value, '"balance"')
  const ejection = asFields(fields['ejection'], '"ejection"')
  return {
    policy: oneOf(fields, 'policy', balancePolicies),
    prefer: oneOf(fields, 'prefer', balancePreferences),
    maxConnections: numberOf(fields, 'maxConnections'),
    maxPending: numberOf(fields, 'maxPending'),
    ejection: {
      maxFailures: numberOf(ejection, 'maxFailures'),
      enforcingPercent: numberOf(ejection, 'enforcingPercent', 0, 100),
      maxPercent: numberOf(ejection, 'maxPercent', 0, 100),
      baseMs: numberOf(ejection, 'baseMs', 1, maxTimeoutMs),
      intervalMs: numberOf(ejection, 'intervalMs', 1, maxTimeoutMs),
    },
  }
}
