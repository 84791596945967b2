/**
 * The validated configuration of one host: what agent, server and proxy read from the same directory.
 * Only types and defaults; text becomes this in load.ts.
 */
import type { AutopilotConfig } from '../model/autopilot.ts'
import type { CheckDefinition } from '../model/check.ts'
import type { ConfigEntry } from '../model/config-entry.ts'
import type { IntentionAction } from '../model/intention.ts'
import type { ServiceDefinition } from '../model/service.ts'
import type { DnsSettings } from './dns-settings.ts'
import type { GossipSettings } from './gossip-settings.ts'
import type { WanSettings } from './wan-settings.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Settings {
  readonly datacenter: string
  /** Default: the machine's host name. */
  readonly nodeName: string
  /** Empty: made once at random and kept in the data directory. */
  readonly nodeId: string
  /** Each program keeps its state in a folder of its own below: `agent`, `server`, `proxy`. */
  readonly dataDirectory: string
  /** Sockets: `api.sock` and `link.sock` of the agent, `server.sock` of the server. */
  readonly runtimeDirectory: string
  /** This host also runs a server. */
  readonly server: boolean
  /** Where public listeners and the server's RPC listen. */
  readonly bindAddress: string
  /** What other hosts use to reach this one; default: `bindAddress`, or the first private address where that is 0.0.0.0. */
  readonly advertiseAddress: string
  /** Where HTTP (and DNS) listen for local clients. */
  readonly clientAddresses: readonly string[]
  readonly ports: {
    /** -1: off. */
    readonly http: number
    /** UDP and TCP; -1: off. */
    readonly dns: number
    readonly server: number
    readonly sidecarMin: number
    readonly sidecarMax: number
    /** Listeners for what `expose` lets through to hosts outside the mesh. */
    readonly exposeMin: number
    readonly exposeMax: number
  }
  /** Where DNS listens; as `clientAddresses` where nothing else is said. */
  readonly dnsAddresses: readonly string[]
  /** Domains that the agent's DNS answers for, without the last dot; the first one is in names that it makes up. */
  readonly dnsDomains: readonly string[]
  readonly dns: DnsSettings
  /** The pool of all hosts of this datacenter. */
  readonly gossip: GossipSettings
  /** Other datacenters, as far as a server is told of them. */
  readonly wan: WanSettings
  /** RPC addresses of servers, `host:port`. */
  readonly servers: readonly string[]
  /** Servers that begin a new cluster together and name each other in `servers`; 0: this key is not used. */
  readonly bootstrapExpect: number
  /** A host or server that is not enrolled yet takes its token from here, when set. */
  readonly enrollmentTokenFile: string
  readonly unixSockets: { readonly group: string; readonly mode: string }
  readonly log: { readonly level: LogLevel; readonly json: boolean }
  readonly nodeMeta: Readonly<Record<string, string>>
  readonly defaultIntentionAction: IntentionAction
  /** Script checks from the HTTP API and from files. */
  readonly enableScriptChecks: boolean
  /** Script checks from files only. */
  readonly enableLocalScriptChecks: boolean
  readonly checkUpdateIntervalMs: number
  /** Outputs of checks are thrown away; their statuses count all the same. */
  readonly discardCheckOutput: boolean
  /** SIGTERM drains the services of this host and says goodbye to the others before the agent stops. */
  readonly leaveOnTerminate: boolean
  readonly httpMaxConnectionsPerClient: number
  readonly proxy: HostProxySettings
  /** Of a server; absent: it takes whatever comes. */
  readonly requestLimits?: RequestLimits
  readonly leafTtlMs: number
  /** Life of the certificates of hosts and servers. */
  readonly hostCertificateTtlMs: number
  /** How long a request waits inside the agent for a server before it fails. */
  readonly rpcHoldTimeoutMs: number
  /** With which rules a new cluster begins. */
  readonly autopilot: AutopilotConfig
  readonly bootstrapEntries: readonly ConfigEntry[]
}

/** How the proxy of this host runs. */
export interface HostProxySettings {
  /** One worker process for all services, or one for each. */
  readonly isolation: 'host' | 'service'
  /** File for one line per connection; '': they stand in the proxy's log. */
  readonly accessLogPath: string
}

/** Requests a second that one server takes from outside; negative: any number. */
export interface RequestLimits {
  /** `permissive` counts and logs what is too much, and does it all the same. */
  readonly mode: 'disabled' | 'permissive' | 'enforcing'
  readonly readPerSecond: number
  readonly writePerSecond: number
}

/** What the files of one host define besides settings. */
export interface Definitions {
  readonly services: readonly ServiceDefinition[]
  /** Checks of the node and of services that other files define. */
  readonly checks: readonly CheckDefinition[]
}

export interface Configuration {
  readonly settings: Settings
  readonly definitions: Definitions
}

/** What the configuration may ask of the machine it is read on. */
export interface Machine {
  readonly hostname: string
  /** First private IPv4 address, or '' where there is none. */
  readonly privateAddress: string
  /** First address of each interface, by its name: for `{{ GetInterfaceIP "eth0" }}`. */
  readonly interfaceAddresses: Readonly<Record<string, string>>
}

export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** One mistake in one file. Shown as `path:line:column: what, why; remedy`. */
export interface ConfigError {
  readonly path: string
  readonly line: number
  readonly column: number
  readonly what: string
  readonly why: string
  readonly remedy: string
}

export type Loaded<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly errors: readonly ConfigError[] }
