/**
 * How many requests a second one server takes from agents and operators, reads and writes apart: Consul's
 * `limits { request_limits }`. Servers among themselves, and this server's own duties, do not come by here. Knows no command and
 * no query; whether a caller may do something is admission.ts.
 */
import type { Failure } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { QueryName } from '../../model/query.ts'
import { TokenBucket } from '../../model/token-bucket.ts'
import type { Clock, Log, Metrics } from '../../platform/ports.ts'
import type { ServerApi } from '../../rpc/contract.ts'

export interface RequestLimitsOptions {
  readonly configured: {
    /** `permissive` counts and logs what is too much, and does it all the same. */
    readonly mode: 'disabled' | 'permissive' | 'enforcing'
    /** Negative: any number. */
    readonly readPerSecond: number
    readonly writePerSecond: number
  }
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

type Kind = 'read' | 'write'

/** What an agent must know before it can answer anything; Consul's status endpoints have no limit either. */
const unlimited: ReadonlySet<QueryName> = new Set(['mesh.principal', 'status.leader', 'status.peers'])

/** `calls`, with what is too much refused before anything is done for it. */
export function limitRequests(calls: ServerApi, options: RequestLimitsOptions): ServerApi {
  const requests = new RequestLimits(options)
  return {
    ...calls,
    write: (peer, request, reply) => {
      const failure = requests.write(request.command.type)
      if (failure === undefined) calls.write(peer, request, reply)
      else reply({ ok: false, failure })
    },
    read: (peer, request, reply) => {
      const failure = requests.read(request.name)
      if (failure === undefined) return calls.read(peer, request, reply)
      reply({ ok: false, failure })
      return { cancel: () => undefined }
    },
  }
}

class RequestLimits {
  readonly #options: RequestLimitsOptions
  readonly #buckets: Readonly<Record<Kind, TokenBucket | undefined>>
  readonly #lines = new TokenBucket(limits.rateLimitLinesPerSecond, limits.rateLimitLinesPerSecond)

  constructor(options: RequestLimitsOptions) {
    const { mode, readPerSecond, writePerSecond } = options.configured
    const bucket = (perSecond: number): TokenBucket | undefined =>
      mode === 'disabled' || perSecond < 0 ? undefined : new TokenBucket(perSecond, perSecond)
    this.#options = options
    this.#buckets = { read: bucket(readPerSecond), write: bucket(writePerSecond) }
  }

  /** Why this read must not be made now; undefined where it may. */
  read(query: QueryName): Failure | undefined {
    return unlimited.has(query) ? undefined : this.#take('read', query)
  }

  /** The same for a write of this type. */
  write(type: string): Failure | undefined {
    return this.#take('write', type)
  }

  #take(kind: Kind, what: string): Failure | undefined {
    const { configured, clock, log, metrics } = this.#options
    const bucket = this.#buckets[kind]
    const nowMs = clock.monotonicMs()
    if (bucket === undefined || bucket.take(nowMs) === 0) return undefined
    const { mode } = configured
    metrics.count('mesh_server_rate_limited_total', { kind, mode })
    if (this.#lines.take(nowMs) === 0)
      log.warn('more requests than request_limits allows', { code: 'rate-limited', kind, what, mode })
    if (mode === 'permissive') return undefined
    return {
      code: 'rate-limited',
      message: 'rate limit exceeded, try again later or against a different server',
    }
  }
}
