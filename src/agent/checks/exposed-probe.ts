/**
 * Which probes can go through a proxy's listener without TLS, where they lead, and the same probe asked there. Pure.
 */
import { splitHostPort } from '../../config/address.ts'
import type { Probe } from '../../model/check.ts'

export interface ExposedTarget {
  readonly protocol: 'http' | 'http2'
  readonly path: string
  /** Of the local service. */
  readonly host: string
  readonly port: number
}

/** The one method of the standard health service that is asked. */
const grpcPath = '/grpc.health.v1.Health/Check'
const httpPort = 80

/** Undefined for what has no path, and for what is encrypted: the proxy must see the path. */
export function exposedTargetOf(probe: Probe): ExposedTarget | undefined {
  if (probe.type === 'http') {
    if (!URL.canParse(probe.url)) return undefined
    const { protocol, hostname, port, pathname } = new URL(probe.url)
    if (protocol !== 'http:') return undefined
    const host = hostname.replace(/^\[|\]$/g, '')
    return { protocol: 'http', path: pathname, host, port: port === '' ? httpPort : Number(port) }
  }
  if (probe.type !== 'grpc' || probe.useTls) return undefined
  const { host, port } = splitHostPort(probe.address) ?? {}
  if (host === undefined || port === undefined) return undefined
  return { protocol: 'http2', path: grpcPath, host, port }
}

/** `probe`, asked at `address` instead of at the service. */
export function probeThrough(probe: Probe, address: string): Probe {
  if (probe.type === 'http') {
    const { pathname, search } = new URL(probe.url)
    return { ...probe, url: `http://${address}${pathname}${search}` }
  }
  return probe.type === 'grpc' ? { ...probe, address } : probe
}
