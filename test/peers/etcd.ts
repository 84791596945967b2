// Three members of Debian's etcd as child processes, with mutual TLS between them and towards clients, as our servers have
// it, and one plain port each for the JSON gateway. Default timings: heartbeat 100 ms, election 1 s.
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type CertificateFiles, writeCertificates } from './certificates.ts'
import { Child } from './child.ts'

/** The Debian package that has the program. */
export const etcdPackage = 'etcd-server'

export interface Member {
  readonly name: string
  readonly address: string
  readonly process: Child
}

/** Path of etcd, undefined where it is not installed. */
export function findEtcd(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  return folders.map((folder) => join(folder, 'etcd')).find((path) => existsSync(path))
}

export const etcdPorts = { tls: 2379, plain: 2378, peers: 2380 } as const

export interface EtcdPlan {
  readonly directory: string
  /** One per member. */
  readonly addresses: readonly string[]
  /** Words before the program, such as those that put it into a network namespace. */
  readonly prefix?: (member: number) => readonly string[]
}

export class EtcdCluster {
  readonly members: readonly Member[]
  readonly certificates: CertificateFiles

  private constructor(members: readonly Member[], certificates: CertificateFiles) {
    this.members = members
    this.certificates = certificates
  }

  /** Makes the members; `start` of each runs it. `undefined` where there is no etcd. */
  static async plan(plan: EtcdPlan): Promise<EtcdCluster | undefined> {
    const program = findEtcd()
    if (program === undefined) return undefined
    mkdirSync(plan.directory, { recursive: true })
    const certificates = await writeCertificates(plan.directory, [...plan.addresses, '127.0.0.1'])
    const peers = plan.addresses.map((address, i) => `m${i + 1}=https://${address}:${etcdPorts.peers}`)
    const members = plan.addresses.map((address, i): Member => {
      const name = `m${i + 1}`
      const command = [
        ...(plan.prefix?.(i) ?? []),
        program,
        ...flags({ name, address, peers, plan, certificates }),
      ]
      return { name, address, process: new Child(command, join(plan.directory, `${name}.log`)) }
    })
    return new EtcdCluster(members, certificates)
  }

  async start(): Promise<void> {
    for (const { process } of this.members) process.start()
    await this.leader()
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map(({ process }) => process.kill()))
  }

  get pids(): readonly number[] {
    return this.members.flatMap(({ process }) => process.pid ?? [])
  }

  /** Position of the member that leads, once there is one that a running member agrees on. */
  async leader(timeoutMs = 20_000): Promise<number> {
    const deadline = performance.now() + timeoutMs
    while (performance.now() < deadline) {
      const standings = await Promise.all(this.members.map((member) => standing(member)))
      const at = standings.findIndex((each) => each !== undefined && each.leader === each.id)
      if (at >= 0) return at
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(
      `etcd elected no leader:\n${this.members.map(({ process }) => process.logTail(5)).join('\n')}`,
    )
  }

  /** etcd's own metrics of one member, Prometheus text. */
  async metrics(member: number): Promise<string> {
    const { address } = this.members[member] ?? { address: '' }
    return (await fetch(`http://${address}:${etcdPorts.plain}/metrics`)).text()
  }
}

async function standing({ address, process }: Member): Promise<{ id: string; leader: string } | undefined> {
  if (!process.isRunning) return undefined
  try {
    const reply = await fetch(`http://${address}:${etcdPorts.plain}/v3/maintenance/status`, {
      method: 'POST',
      body: '{}',
      signal: AbortSignal.timeout(500),
    })
    const { header, leader } = (await reply.json()) as { header: { member_id: string }; leader?: string }
    return { id: header.member_id, leader: leader ?? '' }
  } catch {
    return undefined
  }
}

interface MemberPlan {
  readonly name: string
  readonly address: string
  readonly peers: readonly string[]
  readonly plan: EtcdPlan
  readonly certificates: CertificateFiles
}

function flags({ name, address, peers, plan, certificates }: MemberPlan): readonly string[] {
  const { authority, certificate, key } = certificates
  const client = `https://${address}:${etcdPorts.tls},http://${address}:${etcdPorts.plain}`
  const peer = `https://${address}:${etcdPorts.peers}`
  return [
    ['name', name],
    ['data-dir', join(plan.directory, name)],
    ['listen-client-urls', client],
    ['advertise-client-urls', client],
    ['listen-peer-urls', peer],
    ['initial-advertise-peer-urls', peer],
    ['initial-cluster', peers.join(',')],
    ['initial-cluster-state', 'new'],
    ['cert-file', certificate],
    ['key-file', key],
    ['trusted-ca-file', authority],
    ['client-cert-auth', 'true'],
    ['peer-cert-file', certificate],
    ['peer-key-file', key],
    ['peer-trusted-ca-file', authority],
    ['peer-client-cert-auth', 'true'],
    ['log-level', 'warn'],
    ['logger', 'zap'],
    ['quota-backend-bytes', String(8 * 2 ** 30)],
  ].map(([flag, value]) => `--${flag}=${value}`)
}
