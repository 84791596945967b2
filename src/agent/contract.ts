/**
 * The seams inside the agent: what its rooms ask of one another. The composition root (start.ts) wires them.
 */
import type { Pool, PoolListener } from '../membership/pool.ts'
import type { Check, CheckDefinition, CheckStatus } from '../model/check.ts'
import type { Failure, Result } from '../model/errors.ts'
import type { EventDraft, FiredEvent } from '../model/fired-event.ts'
import type { ProxyResource } from '../model/proxy-config.ts'
import type { Service, ServiceDefinition } from '../model/service.ts'
import type { EventBody, Subject } from '../model/topic.ts'
import type { Reply } from '../rpc/contract.ts'

/** Where a registration came from decides who may replace it: a reload replaces only what files defined. */
export type RegistrationSource = 'file' | 'api'

export interface LocalService {
  readonly service: Service
  readonly source: RegistrationSource
  /** The catalog holds this version. */
  readonly synced: boolean
}

export interface LocalCheck {
  readonly definition: CheckDefinition
  readonly check: Check
  readonly source: RegistrationSource
  readonly synced: boolean
}

/** This host's own services and checks: answers at once, durable before it answers, the catalog follows. */
export interface LocalRegistry {
  services(): readonly LocalService[]
  service(id: string): LocalService | undefined
  checks(): readonly LocalCheck[]
  check(id: string): LocalCheck | undefined
  /** Adds or replaces a service with its sidecar; without `replaceChecks` checks it had and that are not named stay. */
  register(
    definition: ServiceDefinition,
    options: { readonly source: RegistrationSource; readonly replaceChecks: boolean },
  ): Result<true>
  /** Removes the service, its checks and its sidecar. */
  deregister(serviceId: string): Result<true>
  registerCheck(definition: CheckDefinition, source: RegistrationSource): Result<true>
  deregisterCheck(checkId: string): Result<true>
  /** Takes a service with its proxies, or for '' the whole host, out of use; undefined: back into use. Survives a restart. */
  setMaintenance(serviceId: string, maintenance: { readonly reason: string } | undefined): Result<true>
  /** A TTL check's heartbeat. */
  updateTtl(checkId: string, status: CheckStatus, output: string): Result<true>
  /** Replaces all that came from files, all or nothing. */
  replaceFileDefinitions(
    services: readonly ServiceDefinition[],
    checks: readonly CheckDefinition[],
  ): Result<true>
  /** Called after every change of a service, a check or a status. */
  onChange(listener: () => void): void
}

/** What the server pushed, kept while the stream is away. */
export interface Views {
  /** Declares what is wanted; streams are subscribed and dropped to match. */
  want(subjects: readonly Subject[]): void
  /** Bodies that make up the subject now, or undefined where nothing was ever received. */
  view(subject: Subject): View | undefined
  onChange(listener: (subject: Subject) => void): void
}

export interface View {
  readonly subject: Subject
  readonly index: number
  /** For `intentions` and `roots` exactly one body; for health topics one upsert per instance. */
  readonly bodies: readonly EventBody[]
  /** The stream is connected and past its snapshot; false: last known state. */
  readonly live: boolean
}

/** This host among the others of its datacenter, by gossip. */
export interface Membership {
  /** Fails with `needs-gossip` and why while there is no pool. Ask each time: it may be opened later, and closed. */
  pool(): Result<Pool>
  /** Everything that the pool tells from now on, also when it is opened later. Members of that moment are not told again. */
  onEvent(listener: PoolListener): void
  /** Tags beside those that every host has, in place of what was set before; they go before tags of the same name. */
  setRoleTags(tags: ReadonlyMap<string, string>): Result<true>
}

/** Events for all hosts, by gossip: whoever is there hears them, and nobody keeps them. */
export interface UserEvents {
  /** Fails where this host does not gossip, a filter is no expression, or all of it has more than 512 bytes. */
  fire(event: EventDraft): Result<FiredEvent>
  /** Meant for this host and heard since the agent started, the newest last; `limits.userEventsKept` at most. */
  recent(): readonly FiredEvent[]
  onChange(listener: () => void): void
}

export interface Leaf {
  readonly service: string
  readonly uri: string
  readonly certificatePem: string
  readonly privateKeyPem: string
  readonly serialNumber: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** Grows with each new leaf of this service on this host; what a blocking query on it compares. */
  readonly generation: number
}

/** Certificates of this host's services: keys made here, renewed from half-life, kept 0600. */
export interface Leaves {
  /** Keeps a valid leaf for each of these services; drops others that nobody asked for. */
  want(services: ReadonlySet<string>): void
  leaf(service: string): Leaf | undefined
  /** The current leaf, or a new one where there is none. */
  request(service: string, reply: Reply<Leaf>): void
  onChange(listener: (service: string) => void): void
}

/** The agent's end of the link to its proxies. */
export interface ProxyLink {
  /** The whole wanted state; what differs from the last is sent. */
  publish(resources: readonly ProxyResource[]): void
  /** Policy index that each connected proxy enforces, by destination service; called on each change. */
  onEnforced(listener: (byDestination: ReadonlyMap<string, readonly number[]>) => void): void
  /**
   * An instance that is taken out of use: of the proxies connected now, how many refuse new streams to it, and how many
   * streams to it those still carry.
   */
  draining(inbound: string): { readonly proxies: number; readonly refusing: number; readonly open: number }
  /** Proxies connected now. */
  proxies(): readonly ProxyStatus[]
}

export interface ProxyStatus {
  readonly pid: number
  readonly version: string
  /** Number of the last configuration that it acknowledged. */
  readonly acknowledged: number
  /** Reason it gave for refusing the last one, or ''. */
  readonly refused: string
}

/** How this host stands in the mesh just now: what only the programs know, for status pages and `mesh doctor`. */
export interface Standing {
  /** Undefined: not enrolled. */
  enrolledUntilMs(): number | undefined
  /** Why it is not, or why the last renewal failed; undefined: nothing stands in the way. */
  refusal(): Failure | undefined
  /** Name of the server that this agent follows; undefined: none. */
  server(): string | undefined
  /** Why it follows none. */
  outage(): Failure | undefined
  proxies(): readonly ProxyStatus[]
  /** Why a service has no certificate, or no newer one. */
  leafFailure(service: string): Failure | undefined
  /** Hosts that gossip found failed. */
  failedHosts(): ReadonlySet<string>
}
