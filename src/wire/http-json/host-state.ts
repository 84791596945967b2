/**
 * `GET /v1/mesh/host`: how this host stands in the mesh, in one answer: enrollment, server, gossip, proxies, services with
 * their certificates, upstreams. Our own; `mesh status` shows it, `mesh doctor` judges it.
 */
import type { AggregatedStatus } from '../../model/check.ts'
import type { Failure } from '../../model/errors.ts'
import { formatTime } from './time.ts'

export interface HostStateJson {
  readonly Node: string
  readonly NodeID: string
  readonly Datacenter: string
  readonly Address: string
  /** Of the agent that answers. */
  readonly Version: string
  /** This host is to run a server as well. */
  readonly Server: boolean
  /** Empty: not enrolled. */
  readonly EnrolledUntil: string
  /** Why the host was not let in or its certificate not renewed; null: nothing stands in the way. */
  readonly Refused: ProblemJson | null
  /** Name of the server that the agent follows; empty: none, and `Outage` says why. */
  readonly ConnectedTo: string
  readonly Outage: ProblemJson | null
  /** Zeros where this host does not gossip. */
  readonly Gossip: { readonly Members: number; readonly Alive: number }
  /** Processes that carry the traffic. */
  readonly Proxies: readonly {
    readonly Pid: number
    readonly Version: string
    readonly Refused: string
  }[]
  readonly Services: readonly HostServiceJson[]
  readonly Upstreams: readonly HostUpstreamJson[]
}

export interface ProblemJson {
  readonly Code: string
  readonly Message: string
}

export interface HostServiceJson {
  readonly ID: string
  readonly Name: string
  /** Empty: the host's own. */
  readonly Address: string
  readonly Port: number
  readonly Status: AggregatedStatus
  /** Of the first check that does not pass. */
  readonly Output: string
  /** The catalog holds this version of it. */
  readonly InCatalog: boolean
  /** Port of its sidecar; 0: the service is not in the mesh by a sidecar. */
  readonly ProxyPort: number
  /** End of its certificate; empty: it has none. */
  readonly CertificateUntil: string
  readonly CertificateRefused: ProblemJson | null
}

export interface HostUpstreamJson {
  /** The service that calls. */
  readonly Service: string
  readonly Destination: string
  readonly Datacenter: string
  /** Where the application dials: `address:port` or a path. */
  readonly Listen: string
  readonly Instances: number
  /** Of them, those that traffic is sent to. */
  readonly Usable: number
}

export const problemJson = (failure: Failure | undefined): ProblemJson | null =>
  failure === undefined ? null : { Code: failure.code, Message: failure.message }

/** Empty where there is no time. */
export const timeOrEmpty = (ms: number | undefined): string => (ms === undefined ? '' : formatTime(ms))
