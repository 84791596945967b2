/** Where a probe goes and how it knows whom it found: `host:port`, and the TLS options for it. */
import { isIP } from 'node:net'
import type { ProbeDone, ProbeTarget } from './ports.ts'

/** `host:port` or `[v6]:port`. */
export function parseAddress(address: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
}

/** `done` is called in a later turn, as after any other answer. */
export function badAddress(address: string, done: ProbeDone): void {
  setImmediate(() => done(`the address "${address}" is not host:port`))
}

/** An address has no place in a server name (RFC 6066, section 3), so none is sent where only that is known. */
export function tlsOptionsOf(target: Pick<ProbeTarget, 'address'> & Partial<ProbeTarget>): {
  readonly rejectUnauthorized: boolean
  readonly servername?: string
} {
  const host = parseAddress(target.address)?.host ?? ''
  const given = target.tlsServerName ?? ''
  const name = given === '' && isIP(host) === 0 ? host : given
  return { rejectUnauthorized: target.tlsSkipVerify !== true, ...(name === '' ? {} : { servername: name }) }
}
