/**
 * What the HTTP API needs from the rest of the agent, and the shapes that its own files share. The composition root
 * fills `ApiDependencies`; no file here reaches for anything else.
 */
import type { Settings } from '../../config/settings.ts'
import type { ReadMeta } from '../../model/query.ts'
import type { Clock, Diagnostics, Log, LogLines, Metrics, MetricsPage, Random } from '../../platform/ports.ts'
import type { Reply, ServerClient } from '../../rpc/contract.ts'
import type { OperatorClient } from '../../rpc/operator.ts'
import type { Caller, Need } from '../access/caller.ts'
import type { Leaves, LocalRegistry, Membership, Standing, UserEvents, Views } from '../contract.ts'
import type { DrainControl } from '../drain/contract.ts'
import type { ClusterReader } from '../query/cluster-reader.ts'

export interface ApiDependencies {
  readonly settings: Settings
  /** Our own version, such as `0.1.0`. */
  readonly version: string
  readonly nodeId: string
  readonly registry: LocalRegistry
  readonly drains: DrainControl
  /** Takes all services of this host out of use, calls back, and then the agent stops. */
  readonly leave: (done: () => void) => void
  readonly membership: Membership
  readonly userEvents: UserEvents
  readonly views: Views
  readonly leaves: Leaves
  readonly standing: Standing
  /** Reads of cluster state; may answer from views while no server is there. */
  readonly read: ServerClient['read']
  /** What the agent keeps of an answer (`meta.kept`), from a view or from the last time it was asked. */
  readonly recall: ClusterReader['recall']
  /** Keeps the answer fresh from now on, where that is possible. */
  readonly follow: ClusterReader['follow']
  readonly write: ServerClient['write']
  /** Operations on the cluster itself. */
  readonly operate: OperatorClient['operate']
  /** Reads the configuration files again; a failure means that the old state stands. */
  readonly reload: (done: Reply<true>) => void
  readonly localToken: string
  /** Everything that was counted. */
  readonly metricsPage: MetricsPage
  /** The log, for clients that follow it. */
  readonly logLines: LogLines
  readonly diagnostics: Diagnostics
  readonly metrics: Metrics
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
}

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'

export interface Call {
  /** What stands in the path for `*`, decoded once; '' where the path has no such part or it is empty. */
  readonly name: string
  /** What stands in the path for `:kind`. */
  readonly kind: string
  readonly query: URLSearchParams
  /** A header of the request by its name in small letters; '' where there is none. */
  readonly header: (name: string) => string
  /** The request's bytes as text; '' where there were none. */
  readonly body: string
  readonly bytes: Uint8Array
  /** The request's bytes as they come, of an endpoint that takes them so; it leaves `body` and `bytes` empty. */
  readonly stream: AsyncIterable<Uint8Array> | undefined
  readonly caller: Caller
  /** Aborts when the client goes away or the server stops. */
  readonly signal: AbortSignal
  /** Runs `wait` while the connection counts as a held long poll; refuses when the client holds too many. */
  hold<T>(wait: () => Promise<T>): Promise<T>
}

export interface Answer {
  readonly status?: number
  /** Serialised by the server; absent for an empty body or `text`. */
  readonly json?: unknown
  readonly text?: { readonly body: string; readonly type: string }
  /** Sent as it is, never compressed. */
  readonly bytes?: { readonly body: Uint8Array; readonly type: string }
  /** Sent as it comes; an error in it ends the connection. */
  readonly stream?: {
    readonly body: AsyncIterable<Uint8Array>
    readonly type: string
    /** Headers go out before the first piece, which may be long in coming; nothing can be refused any more. */
    readonly headersFirst?: true
  }
  /** Of a read that a server (or a view) answered: becomes the X-Consul headers. */
  readonly meta?: ReadMeta
  readonly headers?: Readonly<Record<string, string>>
}

export interface Action {
  readonly need: Need
  run(api: Api, call: Call): Promise<Answer> | Answer
}

export interface Endpoint {
  /** Route in the router's notation; also the label in metrics and logs. */
  readonly path: string
  /** Bodies may be of any size and are handed on as they come. */
  readonly takesStream?: true
  readonly actions: Partial<Readonly<Record<Method, Action>>>
}

/** What endpoints see. */
export interface Api extends ApiDependencies {
  readonly changes: Changes
  /** Says whether one more refusal may be logged now. */
  readonly mayLogRefusal: () => boolean
}

/** Local changes that a reader can wait for. */
export interface Changes {
  /**
   * Resolves when `ready` says yes (asked now and after each change of `subject`), the wait is over, or `signal` aborts.
   */
  wait(
    subject: string,
    ready: () => boolean,
    limit: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<void>
}
