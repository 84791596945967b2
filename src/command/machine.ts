/** What the configuration needs to know of this machine: its name and addresses. */
import { hostname, type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import type { Machine } from '../config/settings.ts'

const privateRange = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/

export function systemMachine(): Machine {
  const interfaces = Object.entries(networkInterfaces()).map(
    ([name, addresses]) => [name, (addresses ?? []).filter(isUsable)] as const,
  )
  const all = interfaces.flatMap(([, addresses]) => addresses.map(({ address }) => address))
  return {
    hostname: hostname(),
    privateAddress: all.find((address) => privateRange.test(address)) ?? '',
    interfaceAddresses: Object.fromEntries(
      interfaces.flatMap(([name, [first]]) => (first === undefined ? [] : [[name, first.address]])),
    ),
  }
}

/** IPv4 only: link-local and temporary IPv6 addresses would come first on most machines. */
const isUsable = ({ family, internal }: NetworkInterfaceInfo): boolean => family === 'IPv4' && !internal
