/** Are the addresses that this host listens on and tells the others its own? */
import { isAnyAddress, splitHostPort } from '../../../config/address.ts'
import type { Settings } from '../../../config/settings.ts'
import { amiss, type Line, well } from '../line.ts'

export interface AddressFacts {
  readonly settings: Pick<
    Settings,
    'advertiseAddress' | 'bindAddress' | 'clientAddresses' | 'dnsAddresses' | 'server'
  >
  /** Addresses of all interfaces, loopback included. */
  readonly own: readonly string[]
  /** Of the servers that are known, `host:port`. */
  readonly servers: readonly string[]
}

const loopback = /^(127\.|::1$)/
const privateRange =
  /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd]|fe80)/i

export function judgeAddresses({ settings, own, servers }: AddressFacts): readonly Line[] {
  const { advertiseAddress: advertised, bindAddress, clientAddresses, dnsAddresses } = settings
  const listening = new Set([bindAddress, ...clientAddresses, ...dnsAddresses])
  const lines = [...listening]
    .filter((address) => !isAnyAddress(address) && !isHere(address, own))
    .map((address) =>
      amiss(
        'address-not-here',
        `the programs are to listen on ${address}, which no interface of this host has`,
        'ip -brief address shows what it has; correct bind_addr or client_addr',
      ),
    )
  const told = judgeAdvertised(advertised, own, { ...settings, servers })
  return told === undefined && lines.length === 0
    ? [well(`other hosts reach this one at ${advertised}`)]
    : [...lines, ...(told === undefined ? [] : [told])]
}

/** Linux takes all of 127.0.0.0/8 for its own, whatever the interface lists. */
const isHere = (address: string, own: readonly string[]): boolean =>
  address === 'localhost' || loopback.test(address) || own.includes(address)

function judgeAdvertised(
  advertised: string,
  own: readonly string[],
  { server, servers }: { readonly server: boolean; readonly servers: readonly string[] },
): Line | undefined {
  const usable = own.filter((address) => !loopback.test(address))
  const write = `advertise_addr = "${usable[0] ?? 'ADDRESS'}" in the configuration`
  if (loopback.test(advertised) && !isOneMachine(server, servers))
    return amiss(
      'address-loopback',
      `advertise_addr is ${advertised}, which leads others to themselves`,
      write,
    )
  if (isHere(advertised, own)) return undefined
  if (privateRange.test(advertised))
    return amiss('address-not-here', `advertise_addr is ${advertised}, which this host does not have`, write)
  return amiss(
    'address-translated',
    `advertise_addr is ${advertised}, which this host does not have; it is right only behind an address translation`,
    write,
  )
}

/** A mesh that is tried on one machine: all its servers are at loopback addresses as well. */
function isOneMachine(server: boolean, servers: readonly string[]): boolean {
  if (servers.length === 0) return !server
  return servers.every((address) => loopback.test(splitHostPort(address)?.host ?? ''))
}
