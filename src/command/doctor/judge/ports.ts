/** Are the ports that the programs of this host need free, or held by those programs themselves? */
import { joinHostPort, overlaps } from '../../../config/address.ts'
import type { Settings } from '../../../config/settings.ts'
import type { Service, ServiceDefinition } from '../../../model/service.ts'
import { carriesDatagrams } from '../../../model/upstream.ts'
import { amiss, type Line, unseen, well } from '../line.ts'
import type { Account } from './account.ts'

export type Protocol = 'tcp' | 'udp'

export interface NeededPort {
  /** What it is for, such as "the agent's HTTP API". */
  readonly purpose: string
  readonly program: ProgramName
  readonly protocol: Protocol
  readonly address: string
  readonly port: number
  /** The key by which another port can be chosen. */
  readonly key: string
}

export type ProgramName = 'agent' | 'server' | 'proxy'

/** A socket that listens, or takes datagrams. */
export interface HeldPort {
  readonly protocol: Protocol
  readonly address: string
  readonly port: number
  readonly uid: number
  /** "nginx (pid 12)"; '' where it cannot be seen. */
  readonly holder: string
}

export interface PortFacts {
  readonly needed: readonly NeededPort[]
  /** Undefined where the kernel's tables cannot be read. */
  readonly held: readonly HeldPort[] | undefined
  /** Who runs the programs. */
  readonly accounts: Readonly<Record<ProgramName, Account>>
  /** Ports below need a right that the programs do not have. */
  readonly firstUnprivileged: number
}

/** Everything that the configuration makes a program of this host listen on. */
export function neededPorts(
  settings: Settings,
  services: readonly ServiceDefinition[],
): readonly NeededPort[] {
  const { ports, clientAddresses, dnsAddresses, bindAddress, gossip, wan, server } = settings
  const own: NeededPort[] = [
    ...clientAddresses.map((address) =>
      need('the agent’s HTTP API', 'agent', 'tcp', { address, port: ports.http, key: 'ports { http }' }),
    ),
    ...dnsAddresses.flatMap((address) =>
      bothProtocols('the agent’s DNS', 'agent', { address, port: ports.dns, key: 'ports { dns }' }),
    ),
    ...bothProtocols('gossip', 'agent', {
      address: gossip.bindAddress,
      port: gossip.port,
      key: 'ports { serf_lan }',
    }),
  ]
  const ofServer: NeededPort[] = [
    need('the server’s RPC', 'server', 'tcp', {
      address: bindAddress,
      port: ports.server,
      key: 'ports { server }',
    }),
    ...bothProtocols('gossip between datacenters', 'server', {
      address: wan.bindAddress,
      port: wan.port,
      key: 'ports { serf_wan }',
    }),
  ]
  return [
    ...own,
    ...(server ? ofServer : []),
    ...services.flatMap(({ sidecar, service }) => portsOfProxy(sidecar?.service ?? service, bindAddress)),
  ].filter(({ port }) => port > 0)
}

function portsOfProxy({ proxy, port, name, address }: Service, bindAddress: string): readonly NeededPort[] {
  if (proxy === undefined) return []
  const to = proxy.destinationServiceName
  return [
    need(`the proxy of ${to}`, 'proxy', 'tcp', {
      address: address === '' ? bindAddress : address,
      port,
      key: `port of the sidecar ${name}`,
    }),
    ...proxy.upstreams.map((upstream) =>
      need(
        `the upstream ${upstream.destinationName} of ${to}`,
        'proxy',
        carriesDatagrams(upstream) ? 'udp' : 'tcp',
        { address: upstream.localBindAddress, port: upstream.localBindPort, key: 'local_bind_port' },
      ),
    ),
  ]
}

type Place = Pick<NeededPort, 'address' | 'port' | 'key'>

const need = (purpose: string, program: ProgramName, protocol: Protocol, place: Place): NeededPort => ({
  purpose,
  program,
  protocol,
  ...place,
})

const bothProtocols = (purpose: string, program: ProgramName, place: Place): readonly NeededPort[] =>
  (['tcp', 'udp'] as const).map((protocol) => need(purpose, program, protocol, place))

export function judgePorts({ needed, held, accounts, firstUnprivileged }: PortFacts): readonly Line[] {
  const low = needed.filter(({ port }) => port < firstUnprivileged)
  const lines = low.map((one) =>
    amiss(
      'port-privileged',
      `${place(one)} for ${one.purpose} is below ${firstUnprivileged}, which the programs may not open`,
      `sysctl net.ipv4.ip_unprivileged_port_start=${one.port}, or another ${one.key}`,
    ),
  )
  if (held === undefined) return [...lines, unseen('which ports are taken cannot be seen', 'ss -ltnup')]
  for (const one of needed) {
    const taker = held.find((row) => collides(row, one) && row.uid !== accounts[one.program].uid)
    if (taker !== undefined) lines.push(taken(one, taker))
  }
  return lines.length > 0 ? lines : [well(`${needed.length} ports that are needed are not taken by others`)]
}

const collides = (row: HeldPort, one: NeededPort): boolean =>
  row.protocol === one.protocol && row.port === one.port && overlaps(row.address, one.address)

function taken(one: NeededPort, { holder, uid }: HeldPort): Line {
  const who = holder === '' ? `a process of user id ${uid}` : holder
  return amiss(
    'port-taken',
    `${place(one)} is taken by ${who}; it is needed for ${one.purpose}`,
    `ss -lnp ${one.protocol === 'tcp' ? '-t' : '-u'} sport = :${one.port} shows who; stop it, or choose another ${one.key}`,
  )
}

const place = ({ address, port, protocol }: NeededPort): string =>
  `${protocol === 'tcp' ? 'TCP' : 'UDP'} port ${joinHostPort(address, port)}`
