/**
 * Addresses as text: which are well-formed, which two would be the same socket, and the two templates of Consul that
 * let one file serve many hosts. Looks nothing up: what the machine has is told by the caller.
 */
import type { TextRule } from './scalars.ts'
import type { Machine } from './settings.ts'

export const loopback = '127.0.0.1'
const anyAddresses: readonly string[] = ['0.0.0.0', '::']

const ipv4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/

export function isIpAddress(text: string): boolean {
  return (
    ipv4.test(text) ||
    (text.includes(':') && /^[0-9a-fA-F:.]+$/.test(text) && URL.canParse(`http://[${text}]/`))
  )
}

export const isAnyAddress = (text: string): boolean => anyAddresses.includes(text)

const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/

/** Names that are digits and dots only are addresses with a mistake. */
export function isHost(text: string): boolean {
  return isIpAddress(text) || (hostName.test(text) && !/^[0-9.]+$/.test(text))
}

/** `host:port` and `[address]:port`; without a port, `port` is undefined. Undefined where `text` is neither. */
export function splitHostPort(
  text: string,
): { readonly host: string; readonly port: number | undefined } | undefined {
  const [, bracketed, bare, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? bare ?? ''
  const port = digits === undefined ? undefined : Number(digits)
  if (bracketed === undefined ? !isHost(host) : !isIpAddress(host)) return undefined
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined
  return { host, port }
}

export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether two listeners on one port would collide. */
export function overlaps(a: string, b: string): boolean {
  const plain = (text: string): string => (text === 'localhost' ? loopback : text.toLowerCase())
  return plain(a) === plain(b) || isAnyAddress(a) || isAnyAddress(b)
}

const template = /^\{\{\s*(?:GetPrivateIP|GetInterfaceIP\s+"([^"]*)")\s*\}\}$/

export const isTemplate = (text: string): boolean => text.includes('{{')

/** The address a template stands for on this machine; undefined where it has none. */
export function resolveTemplate(text: string, machine: Machine): string | undefined {
  const match = template.exec(text)
  if (match === null) return undefined
  const [, name] = match
  const address = name === undefined ? machine.privateAddress : interfaceAddress(machine, name)
  return address === '' ? undefined : address
}

function interfaceAddress(machine: Machine, name: string): string {
  return Object.hasOwn(machine.interfaceAddresses, name) ? (machine.interfaceAddresses[name] ?? '') : ''
}

/** Where a service or a health check is reached: a name or an address, without port or scheme. */
export const hostRule: TextRule = {
  form: 'an IP address or a host name, without a port',
  example: '10.0.0.5',
  maxChars: 253,
  accepts: (text) => isHost(text) && !isAnyAddress(text),
  explain: (text) => {
    if (isAnyAddress(text))
      return {
        why: 'other hosts cannot connect to "any address"',
        remedy:
          'write the address on which other hosts reach it, or remove the key: the host’s own address is the default',
      }
    const split = splitHostPort(text)
    if (split?.port !== undefined)
      return {
        why: 'address and port are two keys',
        remedy: `write "${split.host}" here and ${split.port} as the port`,
      }
    return undefined
  },
}

/** Where this host listens. */
export const listenRule: TextRule = {
  form: 'an IP address',
  example: '127.0.0.1',
  maxChars: 253,
  accepts: (text) => isIpAddress(text) || text === 'localhost',
  explain: (text) => {
    const split = splitHostPort(text)
    if (split?.port !== undefined)
      return {
        why: 'address and port are two keys',
        remedy: `write "${split.host}" here and ${split.port} as the port`,
      }
    return undefined
  },
}

/** An address of this host, or a template for one. */
export const hostAddressRule: TextRule = {
  ...listenRule,
  form: 'an IP address, `{{ GetPrivateIP }}` or `{{ GetInterfaceIP "eth0" }}`',
  example: '10.0.0.5',
  accepts: (text) => isIpAddress(text) || template.test(text),
  explain: (text) => {
    const split = splitHostPort(text)
    if (split?.port === undefined) return undefined
    return {
      why: 'ports have keys of their own',
      remedy: `write "${split.host}", and the port in the \`ports\` block`,
    }
  },
}

export const hostPortRule: TextRule = {
  form: 'host:port',
  example: '127.0.0.1:8080',
  maxChars: 260,
  accepts: (text) => splitHostPort(text)?.port !== undefined,
  explain: (text) => {
    if (/^\d{1,5}$/.test(text)) return { why: 'it must be host:port', remedy: `write "127.0.0.1:${text}"` }
    if (/^:\d{1,5}$/.test(text)) return { why: 'it must be host:port', remedy: `write "127.0.0.1${text}"` }
    const [, host] = /^[a-z]+:\/\/([^/]+)/.exec(text) ?? []
    if (host !== undefined)
      return { why: 'it must be host:port, without a scheme', remedy: `write "${host}"` }
    return undefined
  },
}
