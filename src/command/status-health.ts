/**
 * What is wrong, as the lines at the end of `mesh status`: from what agent and servers say alone, in an instant. What takes a look
 * at the machine, `mesh doctor` finds. Pure.
 */
import { errorCatalogue, isErrorCode } from '../model/errors.ts'
import type { HostServiceJson, HostStateJson, HostUpstreamJson } from '../wire/http-json/host-state.ts'
import type { ClusterStatusJson } from '../wire/http-json/operator.ts'
import { CommandFailure } from './failure.ts'

export interface StatusFacts {
  /** Undefined where the half was not to be had. */
  readonly host: HostStateJson | undefined
  readonly cluster: ClusterStatusJson | undefined
  readonly nowMs: number
}

export interface Health {
  readonly lines: readonly string[]
  /** This host is not in the mesh at all. */
  readonly failure?: CommandFailure
}

export function healthOf({ host, cluster, nowMs }: StatusFacts): Health {
  const lines = [
    ...(cluster?.Advice ?? []),
    ...(host === undefined ? [] : [...hostLines(host, nowMs), ...host.Services.flatMap(serviceLines)]),
    ...(host?.Upstreams ?? []).flatMap(upstreamLines),
  ]
  const failure = host === undefined ? undefined : notIn(host)
  return failure === undefined ? { lines } : { lines, failure }
}

function notIn({ EnrolledUntil, Refused }: HostStateJson): CommandFailure | undefined {
  if (EnrolledUntil !== '') return undefined
  if (Refused === null)
    return new CommandFailure('this host is not enrolled', {
      next: 'mesh enroll, with a token that `mesh token create` on a server makes',
    })
  const next = isErrorCode(Refused.Code) ? errorCatalogue[Refused.Code].remedy : 'mesh doctor'
  return new CommandFailure(`this host is not let in: ${Refused.Message} (${Refused.Code})`, { next })
}

/** Renewal begins at half of a life of weeks: so near to the end it has failed for long. */
const soonMs = 3 * 86_400_000

function hostLines(host: HostStateJson, nowMs: number): readonly string[] {
  const { EnrolledUntil, Refused, ConnectedTo, Outage, Proxies } = host
  if (EnrolledUntil === '') return []
  const lines: string[] = []
  const restMs = Date.parse(EnrolledUntil) - nowMs
  if (restMs <= 0) lines.push('the certificate of this host has expired')
  else if (restMs < soonMs && Refused !== null)
    lines.push(
      `the certificate of this host ends soon and is not renewed: ${Refused.Message} (${Refused.Code})`,
    )
  if (ConnectedTo === '')
    lines.push(
      `the agent follows no server${Outage === null ? '' : `: ${Outage.Message} (${Outage.Code})`}; what it knew stays in force`,
    )
  if (Proxies.length === 0) lines.push('no proxy is connected: systemctl start mesh-proxy')
  for (const { Pid, Refused: why } of Proxies)
    if (why !== '') lines.push(`the proxy (pid ${Pid}) refuses its configuration: ${why}`)
  return lines
}

function serviceLines(service: HostServiceJson): readonly string[] {
  const { Name: name, Status: status, CertificateUntil: until, CertificateRefused: refused } = service
  const lines: string[] = []
  if (status === 'critical' || status === 'warning')
    lines.push(`service ${name} is ${status}: ${firstLine(service.Output)}`)
  if (refused !== null)
    lines.push(
      `service ${name} gets no ${until === '' ? '' : 'new '}certificate: ${refused.Message} (${refused.Code})`,
    )
  return lines
}

function upstreamLines({ Service, Destination, Instances, Usable }: HostUpstreamJson): readonly string[] {
  if (Usable > 0) return []
  return [
    Instances === 0
      ? `${Service} calls ${Destination}, of which there is no instance`
      : `${Service} calls ${Destination}, and none of its ${Instances} instances can be used`,
  ]
}

const firstLine = (text: string): string => (text.split('\n')[0] ?? '').slice(0, 160)
