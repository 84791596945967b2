/** The parts of `mesh status` for people: a few lines about this host, then a table for each thing that there is. */
import type { HostServiceJson, HostStateJson } from '../wire/http-json/host-state.ts'
import type { ClusterStatusJson } from '../wire/http-json/operator.ts'
import type { Terminal } from './terminal.ts'

export function showHost(terminal: Terminal, host: HostStateJson): void {
  const { Node, Address, Datacenter, Version, Services, Upstreams } = host
  terminal.line(`${Node} (${Address}) in ${Datacenter}, mesh-agent ${Version}`)
  terminal.line(
    `enrolled  ${host.EnrolledUntil === '' ? 'no' : `yes, certificate until ${host.EnrolledUntil}`}`,
  )
  terminal.line(`agent     ${agentText(host)}`)
  terminal.line(`proxy     ${proxyText(host)}`)
  terminal.line('')
  if (Services.length > 0) {
    terminal.table(['service', 'port', 'health', 'proxy', 'certificate until'], Services.map(serviceRow))
    terminal.line('')
  }
  if (Upstreams.length > 0) {
    terminal.table(
      ['upstream', 'of', 'at', 'instances'],
      Upstreams.map((upstream) => [
        upstream.Datacenter === Datacenter
          ? upstream.Destination
          : `${upstream.Destination} in ${upstream.Datacenter}`,
        upstream.Service,
        upstream.Listen,
        `${upstream.Usable} of ${upstream.Instances}`,
      ]),
    )
    terminal.line('')
  }
}

function agentText({
  ConnectedTo: server,
  Gossip: { Members: members, Alive: alive },
}: HostStateJson): string {
  const followed = server === '' ? 'runs, follows no server' : `runs, follows server ${server}`
  return members === 0 ? followed : `${followed}, gossips with ${alive} of ${members} hosts`
}

function proxyText({ Proxies: proxies }: HostStateJson): string {
  const [first] = proxies
  if (first === undefined) return 'none is connected'
  const versions = new Set(proxies.map(({ Version }) => Version))
  const workers = proxies.length === 1 ? '1 worker' : `${proxies.length} workers`
  return `runs, ${workers} of version ${[...versions].join(' and ')}`
}

const serviceRow = (service: HostServiceJson): readonly string[] => [
  service.Name === service.ID ? service.Name : `${service.Name} (${service.ID})`,
  service.Port === 0 ? '' : String(service.Port),
  service.Status,
  service.ProxyPort === 0 ? '' : `port ${service.ProxyPort}`,
  service.CertificateUntil,
]

export function showServers(terminal: Terminal, status: ClusterStatusJson): void {
  terminal.table(['server', 'node', 'state', 'voter', 'last heard'], status.Servers.map(serverRow))
}

const serverRow = (server: ClusterStatusJson['Servers'][number]): readonly string[] => [
  server.Address,
  server.Node,
  server.State,
  server.Voter ? 'yes' : 'no',
  server.State !== 'missing' ? '' : server.LastHeard === '' ? 'never' : server.LastHeard,
]
