/**
 * The `Proxy` of a service in bodies of the catalog: where its service is, its upstreams, its exposed paths. Reads what the
 * catalog shows, so that an answer can be written back. Registrations at the agent are read by config/.
 */
import { limits } from '../../model/limits.ts'
import type { ExposePath, ProxySettings } from '../../model/service.ts'
import type { Upstream } from '../../model/upstream.ts'
import type { Fields } from './fields.ts'

export const proxyNames = [
  ...['DestinationServiceName', 'DestinationServiceID', 'LocalServiceAddress', 'LocalServicePort', 'Mode'],
  ...['LocalServiceSocketPath', 'Config', 'Upstreams', 'MeshGateway', 'Expose', 'TransparentProxy'],
  ...['AccessLogs', 'EnvoyExtensions'],
]

const upstreamNames = [
  ...[
    'DestinationType',
    'DestinationName',
    'DestinationNamespace',
    'DestinationPartition',
    'DestinationPeer',
  ],
  ...['Datacenter', 'LocalBindAddress', 'LocalBindPort', 'LocalBindSocketPath', 'LocalBindSocketMode'],
  ...['Config', 'MeshGateway', 'IngressHosts', 'CentrallyConfigured'],
]
const exposeNames = ['Checks', 'Paths']
const exposePathNames = ['ListenerPort', 'Path', 'LocalPathPort', 'Protocol', 'ParsedFromCheck']

/** Consul's `connect_timeout_ms`, where an upstream's Config does not say. */
const connectTimeoutDefaultMs = 5_000

export function readProxy(fields: Fields): ProxySettings {
  const mode = fields.text('Mode')
  if (mode !== '' && mode !== 'direct' && mode !== 'transparent')
    return fields.refuse(`Service.Proxy.Mode "${mode}": use "direct" or "transparent"`)
  const upstreams = fields.list('Upstreams', upstreamNames, readUpstream)
  if (upstreams.length > limits.upstreamsPerProxy)
    fields.refuse(`Service.Proxy.Upstreams has ${upstreams.length}, the limit is ${limits.upstreamsPerProxy}`)
  return {
    destinationServiceName: fields.text('DestinationServiceName'),
    destinationServiceId: fields.text('DestinationServiceID'),
    localServiceAddress: fields.text('LocalServiceAddress'),
    localServicePort: portOf(fields, 'LocalServicePort'),
    localServiceSocketPath: fields.text('LocalServiceSocketPath'),
    mode,
    config: fields.object('Config'),
    upstreams,
    expose: fields.nested('Expose', exposeNames, readExpose) ?? { checks: false, paths: [] },
  }
}

function readUpstream(fields: Fields): Upstream {
  const destinationName = fields.text('DestinationName')
  if (destinationName === '') fields.refuse('Service.Proxy.Upstreams: DestinationName must be set')
  const type = fields.text('DestinationType')
  if (type !== '' && type !== 'service')
    fields.refuse(`Service.Proxy.Upstreams: DestinationType "${type}" is not supported: use "service"`)
  for (const name of ['DestinationNamespace', 'DestinationPartition'])
    if (!['', 'default'].includes(fields.text(name)))
      fields.refuse(`Service.Proxy.Upstreams: ${name} must be "default" or absent`)
  if (fields.text('DestinationPeer') !== '')
    fields.refuse('Service.Proxy.Upstreams: DestinationPeer is not supported by this version')
  const config = fields.object('Config')
  const timeoutMs = config['connect_timeout_ms']
  return {
    destinationName,
    datacenter: fields.text('Datacenter'),
    localBindAddress: fields.text('LocalBindAddress'),
    localBindPort: portOf(fields, 'LocalBindPort'),
    localBindSocketPath: fields.text('LocalBindSocketPath'),
    localBindSocketMode: fields.text('LocalBindSocketMode'),
    connectTimeoutMs:
      typeof timeoutMs === 'number' && Number.isSafeInteger(timeoutMs) && timeoutMs >= 0
        ? timeoutMs
        : connectTimeoutDefaultMs,
    config,
  }
}

const readExpose = (fields: Fields): ProxySettings['expose'] => ({
  checks: fields.flag('Checks'),
  paths: fields.list('Paths', exposePathNames, readExposePath),
})

function readExposePath(fields: Fields): ExposePath {
  const protocol = fields.has('Protocol') ? fields.text('Protocol') : 'http'
  if (protocol !== 'http' && protocol !== 'http2')
    return fields.refuse(`Service.Proxy.Expose.Paths: Protocol "${protocol}": use "http" or "http2"`)
  return {
    path: fields.text('Path'),
    localPathPort: portOf(fields, 'LocalPathPort'),
    listenerPort: portOf(fields, 'ListenerPort'),
    protocol,
  }
}

function portOf(fields: Fields, name: string): number {
  const port = fields.number(name)
  if (port < 0 || port > 65_535) fields.refuse(`Service.Proxy: ${name} must be between 0 and 65535`)
  return port
}
