/**
 * Which addresses a configuration wants open and what stands behind each. Two resources on one address are a problem of
 * the second one only. Pure; opening is listeners.ts.
 */
import { limits } from '../../model/limits.ts'
import type { InboundResource, OutboundResource } from '../../model/proxy-config.ts'
import type { ListenAddress } from '../../platform/ports.ts'
import { listenKey } from '../holder/message.ts'
import type { ServiceIdentity } from '../identity/service-identity.ts'
import type { ProxyTables } from './context.ts'

export interface WantedListener {
  readonly key: string
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
  const want = (kind: string, listener: WantedListener): void => {
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
    if (identity !== undefined) want('inbound', inboundListener(inbound, identity))
  }
  for (const outbound of tables.outbounds.values()) want('outbound', outboundListener(outbound))
  return { listeners, problems }
}

function inboundListener(inbound: InboundResource, identity: ServiceIdentity): WantedListener {
  const address = { kind: 'tcp', address: inbound.bindAddress, port: inbound.bindPort } as const
  return { key: listenKey(address), address, name: inbound.name, service: inbound.service, identity }
}

function outboundListener(outbound: OutboundResource): WantedListener {
  const address: ListenAddress =
    outbound.bindSocketPath === ''
      ? { kind: 'tcp', address: outbound.bindAddress, port: outbound.bindPort }
      : { kind: 'unix', path: outbound.bindSocketPath, mode: outbound.bindSocketMode }
  return { key: listenKey(address), address, name: outbound.name, service: outbound.service }
}
