/**
 * What a proxy's and an upstream's `config` say of the ways in and out of the mesh on this host: which TLS a public
 * listener takes, what a service is told of its callers, who may use an upstream. Names of ours, where Consul has none.
 * Mistakes are told here, and agent/plan asks here what a kept `config` means.
 */
import { type InboundResource, isUid, type OutboundResource } from '../model/proxy-config.ts'
import { carriesDatagrams } from '../model/upstream.ts'
import { portRule } from './names.ts'
import { labelOf, type Reader, reportKind } from './reading.ts'
import { oneOf, wholeNumber } from './scalars.ts'

type Config = Readonly<Record<string, unknown>>

const tlsVersions = { tlsv1_2: 'TLSv1_2', tlsv1_3: 'TLSv1_3' } as const
const proxyProtocols = { v2: 'v2' } as const
/** Words of Consul's; all but the last carry bytes. */
const upstreamProtocols = { tcp: 'tcp', http: 'http', http2: 'http2', grpc: 'grpc', udp: 'udp' } as const

/** Keys of a proxy's `config`, for `opaque`. */
export const inboundKeys: Readonly<Record<string, Reader<unknown>>> = {
  tls_min_version: oneOf(tlsVersions),
  local_proxy_protocol: oneOf(proxyProtocols),
  local_udp_port: wholeNumber(portRule(53)),
}

const uids: Reader<readonly number[]> = (slot, reading) => {
  const { value } = slot
  const example = '[1000]'
  if (value.kind !== 'list') return reportKind(slot, reading, 'a list of user numbers', example)
  const numbers = value.items.flatMap((item) =>
    item.kind === 'number' && isUid(item.number) ? [item.number] : [],
  )
  if (numbers.length === value.items.length && numbers.length > 0) return numbers
  reading.report(value.at, {
    what: `${labelOf(slot)} ${numbers.length === 0 ? 'names nobody' : 'has an item that is not the number of a user'}`,
    why: 'users are named by their numbers, which `id -u NAME` shows',
    remedy: `write \`allowed_uids = ${example}\`, or remove the key to let every user of this host in`,
  })
  return undefined
}

/** Keys of an upstream's `config`, for `opaque`. */
export const outboundKeys: Readonly<Record<string, Reader<unknown>>> = {
  allowed_uids: uids,
  protocol: oneOf(upstreamProtocols),
}

/** What cannot be read (it may come from elsewhere than our files) counts as not said. */
export function inboundWaysOf(
  config: Config,
): Pick<InboundResource, 'tlsMinVersion' | 'localProxyProtocol' | 'localUdpPort'> {
  const tlsMinVersion = wordOf(config['tls_min_version'], tlsVersions)
  const localProxyProtocol = wordOf(config['local_proxy_protocol'], proxyProtocols)
  const port = config['local_udp_port']
  return {
    ...(tlsMinVersion === undefined ? {} : { tlsMinVersion }),
    ...(localProxyProtocol === undefined ? {} : { localProxyProtocol }),
    ...(typeof port === 'number' && isPort(port) ? { localUdpPort: port } : {}),
  }
}

/** Who is not a user lets nobody in, so that a list that cannot be read never means everybody. */
export function outboundWaysOf(config: Config): Pick<OutboundResource, 'allowedUids' | 'protocol'> {
  if (carriesDatagrams({ config })) return { protocol: 'udp' }
  const said = config['allowed_uids']
  if (said === undefined) return {}
  const items: readonly unknown[] = Array.isArray(said) ? said : []
  return { allowedUids: items.filter((item) => typeof item === 'number' && isUid(item)) as readonly number[] }
}

const isPort = (value: number): boolean => Number.isInteger(value) && value > 0 && value <= 65_535

function wordOf<Meaning extends string>(
  value: unknown,
  words: Readonly<Record<string, Meaning>>,
): Meaning | undefined {
  return typeof value === 'string' ? new Map(Object.entries(words)).get(value.toLowerCase()) : undefined
}
