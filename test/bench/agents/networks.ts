// One network namespace per host, and this process routes between them: every agent has its own address, its own loopback and
// its own ports. On a bridge each host would know each other's hardware address, and the kernel keeps 1,024 of those for all
// namespaces together: from 33 hosts on, packets are lost. The caller runs in namespaces of its own (`inOwnNetwork`), so all
// of it is gone with the caller.
import { execFileSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const subnet = '10.79.0'
/** Of this process. */
export const routerAddress = `${subnet}.254`
const fileStart = 'network-'

export interface HostNetwork {
  readonly address: string
  /** Words before a command that run it in the host, without a process between. */
  readonly prefix: readonly string[]
}

/** Up to 250 hosts. `folder` keeps what holds the namespaces; this process reaches all of them at their addresses. */
export function makeNetworks(count: number, folder: string): readonly HostNetwork[] {
  batch(['link set lo up', `address add ${routerAddress}/32 dev lo`])
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')
  return Array.from({ length: count }, (_, at) => makeHost(at, folder))
}

/** So that `folder` can be removed; a namespace itself lives on while somebody is in it. */
export function letGo(folder: string): void {
  const files = readdirSync(folder).filter((name) => name.startsWith(fileStart))
  if (files.length > 0) execFileSync('umount', ['--lazy', ...files.map((name) => join(folder, name))])
}

function makeHost(at: number, folder: string): HostNetwork {
  const file = join(folder, `${fileStart}${at + 1}`)
  const address = `${subnet}.${at + 1}`
  const link = `to-h${at + 1}`
  const prefix = ['nsenter', `--net=${file}`, '--']
  writeFileSync(file, '')
  execFileSync('unshare', [`--net=${file}`, 'true'])
  batch([
    `link add ${link} type veth peer name eth0 netns ${file}`,
    `link set ${link} up`,
    `route add ${address}/32 dev ${link} src ${routerAddress}`,
  ])
  const inside = [
    'link set lo up',
    `address add ${address}/32 dev eth0`,
    'link set eth0 up',
    `route add ${routerAddress}/32 dev eth0 src ${address}`,
    `route add default via ${routerAddress} dev eth0 src ${address}`,
  ]
  batch(inside, prefix)
  return { address, prefix }
}

/** Several commands of `ip` in one process. */
function batch(lines: readonly string[], prefix: readonly string[] = []): void {
  const [program = '', ...words] = [...prefix, 'ip', '-batch', '-']
  execFileSync(program, words, { input: `${lines.join('\n')}\n` })
}
