/**
 * How a server that has no log begins: it founds a cluster, or it waits to be admitted to one. Two servers must never each found
 * one by accident, so whoever names other servers, or holds a token for a server, waits. Pure.
 */
import type { Settings } from '../config/settings.ts'
import { type Failure, failed } from '../model/errors.ts'

export type Beginning =
  /** `others` must all be waiting too: with `bootstrap_expect` they have the same configuration. */
  | { readonly kind: 'found'; readonly others: readonly string[] }
  | { readonly kind: 'wait' }
  | { readonly kind: 'refuse'; readonly failure: Failure }

/** Where the other servers reach this one. */
export const ownAddress = ({ advertiseAddress, ports }: Settings): string =>
  `${advertiseAddress.includes(':') ? `[${advertiseAddress}]` : advertiseAddress}:${ports.server}`

/** `addresses` are those of this machine's interfaces; `hasServerToken`: the configured token file lets a server in. */
export function beginningOf(
  settings: Settings,
  addresses: readonly string[],
  hasServerToken: boolean,
): Beginning {
  const { servers, bootstrapExpect } = settings
  const isOwn = ownAddressTest(settings, addresses)
  const others = servers.filter((server) => !isOwn(server))
  if (bootstrapExpect > 0) return expected(settings, others, isOwn)
  return others.length > 0 || hasServerToken ? { kind: 'wait' } : { kind: 'found', others: [] }
}

/**
 * A server whose log is gone, though it had one, must not go on as if it had just been let in: as a voter it would forget
 * what it promised. undefined where that is not so.
 */
export function lostLog(isNew: boolean, hadState: boolean): { readonly failure: Failure } | undefined {
  if (!isNew || !hadState) return undefined
  return failed(
    'log-damaged',
    'this server belongs to a cluster and its log is gone; bring the log back, or let the server in anew: `mesh operator raft rejoin`, then a new server token',
  )
}

/** `bootstrap_expect`: all have the same list, so all agree on the one that founds: the first in order of text. */
function expected(
  { servers, bootstrapExpect }: Settings,
  others: readonly string[],
  isOwn: (server: string) => boolean,
): Beginning {
  if (bootstrapExpect === 1 && servers.length === 0) return { kind: 'found', others }
  if (servers.length !== bootstrapExpect || others.length !== servers.length - 1)
    return { kind: 'refuse', ...failed('invalid-config', mismatch(servers, bootstrapExpect, others)) }
  const [first = ''] = [...servers].sort()
  return isOwn(first) ? { kind: 'found', others } : { kind: 'wait' }
}

function mismatch(servers: readonly string[], expect: number, others: readonly string[]): string {
  const found =
    servers.length !== expect
      ? `\`servers\` names ${servers.length}`
      : others.length === servers.length
        ? '`servers` does not name this server itself'
        : '`servers` names this server more than once'
  return `bootstrap_expect = ${expect} wants \`servers\` to name all ${expect} servers, this one included; ${found}`
}

function ownAddressTest(settings: Settings, addresses: readonly string[]): (server: string) => boolean {
  const { nodeName, bindAddress, advertiseAddress, ports } = settings
  const isAny = bindAddress === '0.0.0.0' || bindAddress === '::'
  const names = [advertiseAddress, nodeName]
  const own = new Set(
    isAny ? [...names, ...addresses, 'localhost', '127.0.0.1', '::1'] : [...names, bindAddress],
  )
  return (server) => {
    const at = server.lastIndexOf(':')
    const host = server.slice(0, at).replace(/^\[|\]$/g, '')
    return own.has(host) && server.slice(at + 1) === String(ports.server)
  }
}
