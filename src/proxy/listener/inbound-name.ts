/**
 * What a peer of a public listener says before its certificate counts: the protocol that it wants (ALPN) and whom it is
 * looking for (SNI). Both are hints to find the right door; neither proves anything.
 */
import type tls from 'node:tls'
import { sniOf } from '../../model/identity.ts'
import { limits } from '../../model/limits.ts'
import { tunnelAlpn, tunnelAlpnFamily } from '../../wire/tunnel/frame.ts'
import type { ServiceIdentity } from '../identity/service-identity.ts'

/**
 * The protocol to speak with a peer that offers `protocols`. The tunnel where it can; else what the peer would like
 * best, because its bytes go to the local service as they are and we do not know what that speaks. Undefined: nothing.
 */
export function chooseProtocol(protocols: readonly string[]): string | undefined {
  if (protocols.includes(tunnelAlpn)) return tunnelAlpn
  // A tunnel of another version is not bytes for the service.
  return protocols.find((protocol) => !protocol.startsWith(tunnelAlpnFamily))
}

/** What is wrong with the name that the peer asked for, or ''. A peer that asks for none is taken. */
export function wrongName(socket: tls.TLSSocket, own: ServiceIdentity): string {
  const { service, datacenter, trustDomain } = own.identity
  const { servername } = socket as tls.TLSSocket & { readonly servername?: string | false }
  if (typeof servername !== 'string' || servername === sniOf(service, datacenter, trustDomain)) return ''
  return `the peer asked for ${servername.slice(0, limits.tunnelTextBytes)}`
}
