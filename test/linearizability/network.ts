// A network of namespaces on this machine: every member of a cluster is a host of its own, and packets between two of them can
// be lost in silence, in both directions or in one. The caller runs in a network namespace of its own (`inOwnNetwork`),
// so everything is gone with it. Needs root, `ip`, `unshare` and `nsenter`.
//
// Loss is made with neighbour entries: whoever has a wrong hardware address for another host sends into the void, and hears
// of no error. A firewall would do the same, but not every kernel has one.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'

const subnet = '10.78.0'
const nowhere = '02:00:00:00:00:fe'
const marker = 'MESH_OWN_NETWORK'
/** With a network goes a process table: whatever runs in it ends with the caller, however that ends. */
const apart = ['--net', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc'] as const

/** Why there can be no namespaces here, or undefined. */
export function whyNoNetwork(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  const words =
    'ip link add name br-probe type bridge && ip link add name ve-probe type veth peer name ve-other && ip link set ve-probe master br-probe'
  const probe = spawnSync('unshare', [...apart, 'sh', '-c', words], { encoding: 'utf8' })
  if (probe.error !== undefined) return `there is no unshare: ${probe.error.message}`
  return probe.status === 0
    ? undefined
    : `network namespaces, a bridge or a veth pair cannot be made: ${probe.stderr}`
}

/** Whether this process has a network for itself already. */
export const isInOwnNetwork = (): boolean => process.env[marker] === '1'

/** Runs this program again with the same arguments in a network namespace of its own; resolves to its exit status. */
export function inOwnNetwork(): Promise<number> {
  const child = spawn(
    'unshare',
    [...apart, process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    {
      stdio: 'inherit',
      env: { ...process.env, [marker]: '1' },
    },
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (status) => resolve(status ?? 1))
  })
}

export class Network {
  readonly addresses: readonly string[]
  private readonly holders: readonly ChildProcess[]

  private constructor(addresses: readonly string[], holders: readonly ChildProcess[]) {
    this.addresses = addresses
    this.holders = holders
  }

  static create(hosts: number): Network {
    ip('link', 'set', 'lo', 'up')
    ip('link', 'add', 'bridge0', 'type', 'bridge', 'forward_delay', '0')
    ip('address', 'add', `${subnet}.254/24`, 'dev', 'bridge0')
    ip('link', 'set', 'bridge0', 'up')
    const holders = Array.from({ length: hosts }, (_, i) => addHost(i))
    const network = new Network(
      holders.map((_, i) => addressOf(i)),
      holders,
    )
    network.heal()
    return network
  }

  /** Words before a command that put it into the host. */
  prefix(host: number): readonly string[] {
    return ['nsenter', `--net=/proc/${this.holders[host]?.pid}/ns/net`, '--']
  }

  /** From now on nothing that `from` sends reaches `to`. */
  block(from: number, to: number): void {
    this.point(from, to, nowhere)
  }

  isolate(host: number): void {
    for (const [other] of this.holders.entries())
      if (other !== host) {
        this.block(host, other)
        this.block(other, host)
      }
  }

  heal(): void {
    for (const [from] of this.holders.entries())
      for (const [to] of this.holders.entries()) if (from !== to) this.point(from, to, hardwareOf(to))
  }

  /** The next one may have the same names. */
  close(): void {
    for (const [host] of this.holders.entries()) ip('link', 'delete', linkOf(host))
    ip('link', 'delete', 'bridge0')
    for (const holder of this.holders) holder.kill('SIGKILL')
  }

  private point(from: number, to: number, hardware: string): void {
    const words = ['neigh', 'replace', addressOf(to), 'lladdr', hardware, 'dev', 'eth0', 'nud', 'permanent']
    const [command = '', ...prefix] = this.prefix(from)
    execFileSync(command, [...prefix, 'ip', ...words])
  }
}

const addressOf = (host: number): string => `${subnet}.${host + 1}`
const linkOf = (host: number): string => `to-h${host + 1}`
const hardwareOf = (host: number): string => `02:00:00:00:01:0${host + 1}`

/** A process that does nothing holds the namespace. */
function addHost(host: number): ChildProcess {
  const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' })
  const link = linkOf(host)
  const namespace = `/proc/${holder.pid}/ns/net`
  waitForNamespace(namespace)
  const inside = (...words: readonly string[]): void => {
    execFileSync('nsenter', [`--net=${namespace}`, '--', 'ip', ...words])
  }
  ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(holder.pid))
  ip('link', 'set', link, 'master', 'bridge0', 'up')
  inside('link', 'set', 'lo', 'up')
  inside('link', 'set', 'eth0', 'address', hardwareOf(host))
  inside('address', 'add', `${addressOf(host)}/24`, 'dev', 'eth0')
  inside('link', 'set', 'eth0', 'up')
  return holder
}

/** Until `unshare` has made it, the child is still in ours. */
function waitForNamespace(namespace: string): void {
  const own = execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' })
  for (let i = 0; i < 500; i++) {
    const theirs = spawnSync('readlink', [namespace], { encoding: 'utf8' }).stdout
    if (theirs !== '' && theirs !== own) return
  }
  throw new Error('the namespace did not come about')
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', words)
}
