/**
 * Which addresses a configuration wants open and what stands behind each. Two resources on one address are a problem of
 * the second one only. Pure; opening is listeners.ts.
 */
import { limits } from '../../model/limits.ts'
import type {
  ExposedResource,
  InboundResource,
  OutboundResource,
  ResourceKind,
} from '../../model/proxy-config.ts'
import type { ListenAddress } from '../../platform/ports.ts'
import { listenKey } from '../holder/message.ts'
import type { ServiceIdentity } from '../identity/service-identity.ts'
import type { ProxyTables } from './context.ts'

/** What kind of server stands on an address; another kind is another server. */
export type ListenerKind = 'inbound' | 'outbound' | 'outbound-datagrams' | 'exposed-http' | 'exposed-http2'

export interface WantedListener {
  readonly key: string
  readonly kind: ListenerKind
  readonly address: ListenAddress
  /** Name of the resource. */
  readonly name: string
  readonly service: string
  /** Present for inbound listeners, which cannot shake hands without. */
  readonly identity?: ServiceIdentity
}

export interface Wanted {
  readonly listeners: ReadonlyMap<string, WantedListener>
  /** `<kind>/<name>: why`, for people. */
  readonly problems: readonly string[]
}

export function wantedListeners(tables: ProxyTables): Wanted {
  const listeners = new Map<string, WantedListener>()
  const problems: string[] = []
  const want = (listener: WantedListener): void => {
    const kind = resourceKindOf(listener)
    const other = listeners.get(listener.key)
    if (other !== undefined)
      problems.push(`${kind}/${listener.name}: ${listener.key} belongs to ${other.name} already`)
    else if (listeners.size >= limits.listenersPerProxy)
      problems.push(`${kind}/${listener.name}: a proxy has at most ${limits.listenersPerProxy} listeners`)
    else listeners.set(listener.key, listener)
  }
  for (const inbound of tables.inbounds.values()) {
    const identity = tables.identities.get(inbound.service)
    // Nobody is let in before there is a certificate; until then clients see a closed port and take another instance.
    if (identity !== undefined) want(inboundListener(inbound, identity))
  }
  for (const outbound of tables.outbounds.values()) want(outboundListener(outbound))
  for (const exposed of tables.exposed.values()) want(exposedListener(exposed))
  return { listeners, problems }
}

function inboundListener(inbound: InboundResource, identity: ServiceIdentity): WantedListener {
  const address = { kind: 'tcp', address: inbound.bindAddress, port: inbound.bindPort } as const
  return {
    key: listenKey(address),
    kind: 'inbound',
    address,
    name: inbound.name,
    service: inbound.service,
    identity,
  }
}

function outboundListener(outbound: OutboundResource): WantedListener {
  const address = outboundAddress(outbound)
  return {
    key: listenKey(address),
    kind: address.kind === 'udp' ? 'outbound-datagrams' : 'outbound',
    address,
    name: outbound.name,
    service: outbound.service,
  }
}

function outboundAddress(outbound: OutboundResource): ListenAddress {
  const { bindAddress: address, bindPort: port, bindSocketPath: path, bindSocketMode: mode } = outbound
  if (outbound.protocol === 'udp') return { kind: 'udp', address, port }
  return path === '' ? { kind: 'tcp', address, port } : { kind: 'unix', path, mode }
}

function exposedListener({
  bindAddress,
  bindPort,
  name,
  service,
  protocol,
}: ExposedResource): WantedListener {
  const address = { kind: 'tcp', address: bindAddress, port: bindPort } as const
  return { key: listenKey(address), kind: `exposed-${protocol}`, address, name, service }
}

/** As problems name it. */
export function resourceKindOf({ kind }: Pick<WantedListener, 'kind'>): ResourceKind {
  switch (kind) {
    case 'inbound':
      return kind
    case 'outbound':
    case 'outbound-datagrams':
      return 'outbound'
    case 'exposed-http':
    case 'exposed-http2':
      return 'exposed'
  }
}
