/** What the running programs say: does the agent answer, is it let in, do proxies follow it, who leads, are services well? */

import { isRefusedHostCode } from '../../../model/finding.ts'
import type { HostStateJson } from '../../../wire/http-json/host-state.ts'
import type { AutopilotStateJson, ClusterStatusJson } from '../../../wire/http-json/operator.ts'
import { amiss, type Line, refused, unseen, well } from '../line.ts'
import { remedyOfRefusal } from './servers.ts'

/** `why`: what stood in the way of an answer. */
export type Told<Value> = { readonly value: Value } | { readonly why: string; readonly isLate: boolean }

export interface RunningFacts {
  readonly host: Told<HostStateJson>
  /** mesh-agent.service is active, or no systemd could be asked. */
  readonly isAgentUp: boolean
  readonly installedVersion: string
}

export function judgeRunning({ host, isAgentUp, installedVersion }: RunningFacts): readonly Line[] {
  if ('why' in host) {
    if (host.isLate && isAgentUp)
      return [
        amiss(
          'agent-silent',
          `the agent’s API does not answer: ${host.why}`,
          'journalctl -u mesh-agent -n 20',
        ),
      ]
    return [unseen(`the agent was not asked: ${host.why}`, 'systemctl start mesh-agent')]
  }
  const state = host.value
  const lines = [
    ...judgeVersion(state, installedVersion),
    ...judgeAdmission(state),
    ...judgeProxies(state, installedVersion),
  ]
  return lines.length > 0 ? lines : [well(runningText(state))]
}

const runningText = ({ ConnectedTo: server, Proxies: proxies }: HostStateJson): string =>
  `the agent follows ${server === '' ? 'no server yet' : `server ${server}`}, ${proxies.length === 1 ? 'its proxy' : `${proxies.length} proxies`} connected`

function judgeVersion({ Version: running }: HostStateJson, installed: string): readonly Line[] {
  if (running === installed) return []
  return [
    amiss(
      'program-old',
      `the agent runs as version ${running}, installed is ${installed}`,
      'systemctl restart mesh-agent',
    ),
  ]
}

/** The outage is told by the servers' own lines, unless it is a refusal of this host. */
export function judgeAdmission({ Refused, Outage }: HostStateJson): readonly Line[] {
  const problem = Refused ?? Outage
  if (problem === null) return []
  const { Code: code, Message: message } = problem
  if (!isRefusedHostCode(code)) return []
  return [refused(code, `this host is not let in: ${message}`, remedyOfRefusal(code))]
}

function judgeProxies({ Proxies: proxies }: HostStateJson, installed: string): readonly Line[] {
  if (proxies.length === 0)
    return [
      amiss(
        'proxy-away',
        'no proxy is connected to the agent',
        'systemctl start mesh-proxy; journalctl -u mesh-proxy -n 20',
      ),
    ]
  const refusing = proxies.find((proxy) => proxy.Refused !== '')
  const old = proxies.find((proxy) => proxy.Version !== installed)
  return [
    ...(refusing === undefined
      ? []
      : [
          amiss(
            'proxy-refused',
            `the proxy refuses its configuration: ${refusing.Refused}`,
            'journalctl -u mesh-proxy -n 20',
          ),
        ]),
    ...(old === undefined
      ? []
      : [
          amiss(
            'program-old',
            `the proxy runs as version ${old.Version}, installed is ${installed}`,
            'systemctl reload mesh-proxy',
          ),
        ]),
  ]
}

/** Services of this host as the agent knows them. */
export function judgeServices(
  { Services: services }: Pick<HostStateJson, 'Services'>,
  isHeard: (address: string, port: number) => boolean | undefined,
): readonly Line[] {
  const lines = services.flatMap((service) => {
    const { Name: name, Address: address, Port: port, Status: status, Output: output } = service
    const denied = service.CertificateRefused
    const found: Line[] = []
    if (denied !== null && service.CertificateUntil === '')
      found.push(
        amiss(
          'leaf-refused',
          `service ${name} gets no certificate: ${denied.Message} (${denied.Code})`,
          `mesh explain ${denied.Code}`,
        ),
      )
    if (port > 0 && isHeard(address, port) === false)
      found.push(
        amiss(
          'service-unheard',
          `nothing listens on port ${port} of service ${name}`,
          `start ${name}, or correct its port; ss -ltn shows what listens`,
        ),
      )
    else if (status === 'critical' || status === 'warning')
      found.push(
        amiss(
          'service-failing',
          `service ${name} is ${status}: ${firstLine(output)}`,
          `mesh services ${name}`,
        ),
      )
    return found
  })
  if (lines.length > 0) return lines
  return [
    well(
      services.length === 0
        ? 'no service is registered here'
        : `all services of this host are well: ${services.map(({ Name }) => Name).join(', ')}`,
    ),
  ]
}

const firstLine = (text: string): string => (text.split('\n')[0] ?? '').slice(0, 160)

export interface ClusterFacts {
  readonly status: Told<ClusterStatusJson>
  readonly servers: Told<AutopilotStateJson>
  /** Undefined where nobody could tell. */
  readonly rules: number | undefined
  readonly isDenying: boolean
  readonly hasServices: boolean
  readonly installedVersion: string
}

export function judgeCluster(facts: ClusterFacts): readonly Line[] {
  const { status, servers } = facts
  if ('why' in status)
    return [unseen(`the servers were not asked about themselves: ${status.why}`, 'mesh status')]
  const { value } = status
  if (!value.HasQuorum || value.Leader === '') return [leaderless(value)]
  const lines = [
    ...value.Servers.filter(({ State }) => State === 'missing').map(({ Node, Address, LastHeard }) =>
      amiss(
        'server-away',
        `server ${Node} (${Address}) is missing since ${LastHeard === '' ? 'before this one started' : LastHeard}`,
        `systemctl start mesh-agent on ${Node}; mesh operator raft remove-peer where it is gone for good`,
      ),
    ),
    ...(value.DiskFull
      ? [
          amiss(
            'disk-space-none',
            'a server’s disk is full, so nothing can be written',
            'free space below its data directory; writes are taken again by themselves',
          ),
        ]
      : []),
    ...('value' in servers ? judgeVersions(servers.value, facts.installedVersion) : []),
    ...judgeRules(facts),
  ]
  return lines.length > 0 ? lines : [well(`${value.Leader} leads, no server is missing`)]
}

function leaderless({ Servers: servers, LostSince: since }: ClusterStatusJson): Line {
  const missing = servers
    .filter(({ State }) => State === 'missing')
    .map(({ Node, Address }) => Node || Address)
  return amiss(
    'leader-missing',
    `no server leads${since === '' ? '' : ` since ${since}`}${missing.length === 0 ? '' : `; missing: ${missing.join(', ')}`}`,
    'systemctl start mesh-agent on the servers that are missing; mesh status',
  )
}

function judgeVersions({ Servers: servers }: AutopilotStateJson, installed: string): readonly Line[] {
  const other = Object.values(servers).find(({ Version }) => Version !== '' && Version !== installed)
  if (other === undefined) return []
  return [
    amiss(
      'server-version',
      `server ${other.Name} runs version ${other.Version}, this host has ${installed}`,
      'mesh operator autopilot state shows all; finish the upgrade',
    ),
  ]
}

function judgeRules({ rules, isDenying, hasServices }: ClusterFacts): readonly Line[] {
  if (rules !== 0 || !isDenying || !hasServices) return []
  return [
    amiss(
      'rules-none',
      'there is no intention, so every call between services is denied',
      'mesh intention allow SOURCE DESTINATION',
    ),
  ]
}
