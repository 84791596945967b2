/**
 * What both kinds of exposed listener decide alike: who may connect, and which local place a path leads to. The path has to
 * be written exactly as configured; nothing is decoded or normalised, so nothing can be smuggled past the comparison.
 */
import type net from 'node:net'
import type { ExposedPath, ExposedResource } from '../../model/proxy-config.ts'

/** Headers of one hop (RFC 9110, section 7.6.1); what `Connection` names is added to them. */
export const hopHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** This host speaking to itself has one address at both ends, or a loopback one. */
export function isOwnHost(socket: Pick<net.Socket, 'remoteAddress' | 'localAddress'>): boolean {
  const { remoteAddress, localAddress } = socket
  if (remoteAddress === undefined) return false
  return remoteAddress === localAddress || /^(::ffff:)?127\.|^::1$/.test(remoteAddress)
}

export function mayConnect(resource: ExposedResource | undefined, socket: net.Socket): boolean {
  return resource !== undefined && (!resource.hostOnly || isOwnHost(socket))
}

/** `target` as it stands in the request; undefined where it is not exposed. */
export function exposedPathOf(
  resource: ExposedResource | undefined,
  target: string | undefined,
): ExposedPath | undefined {
  const mark = target?.indexOf('?') ?? -1
  const path = mark < 0 ? target : target?.slice(0, mark)
  return resource?.paths.find((exposed) => exposed.path === path)
}
