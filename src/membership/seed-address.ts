/** Addresses that operators give to a join: a name or an address, with or without a port. Resolved at every attempt. */
import { isIP } from 'node:net'
import type { GossipEndpoint } from '../model/gossip-message.ts'
import type { HostNames } from '../platform/ports.ts'

export interface SeedAddress {
  readonly host: string
  readonly port: number
}

/** Of any language; whatever else is typed is no name, and some of it the machine would not even look up. */
const hostName = /^[\p{L}\p{N}_.-]+$/u

/** `10.0.0.5`, `10.0.0.5:8301`, `fd00::5`, `[fd00::5]:8301`, `mesh.example:8301`; undefined if it is none of these. */
export function parseSeed(text: string, defaultPort: number): SeedAddress | undefined {
  const trimmed = text.trim()
  if (isIP(trimmed) !== 0) return { host: trimmed, port: defaultPort }
  const [, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(trimmed) ?? []
  const host = bracketed ?? plain
  const port = portText === undefined ? defaultPort : Number(portText)
  if (host === undefined || port < 1 || port > 65_535) return undefined
  const isHost = bracketed === undefined ? hostName.test(host) : isIP(host) === 6
  return isHost ? { host, port } : undefined
}

export const textOfSeed = ({ host, port }: SeedAddress): string =>
  isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`

/** All endpoints that the seed stands for; none with an error. */
export function resolveSeed(
  { host, port }: SeedAddress,
  names: HostNames,
  done: (endpoints: readonly GossipEndpoint[], error: string) => void,
): void {
  if (isIP(host) !== 0) {
    done([{ address: host, port }], '')
    return
  }
  names.resolve(host, (addresses, error) =>
    done(
      addresses.map((address) => ({ address, port })),
      error,
    ),
  )
}
