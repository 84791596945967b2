/**
 * `?cached`: answers from what the agent keeps, within the bounds of the request's Cache-Control header. Consul's rules:
 * `max-age` bounds the age, `must-revalidate` wants a new answer, `stale-if-error` how old one may be when no server
 * answers. Source: reference/consul.md 1.2 and 1.3, Consul's page on agent caching.
 */
import type { QueryName, ReadAnswer, ReadOptions } from '../../model/query.ts'
import type { Question } from '../query/answer-memory.ts'
import type { Api, Call } from './contract.ts'
import { ApiRefusal } from './refusal.ts'

/** The reads that Consul caches; `cached` is ignored on the others. */
const cacheable: ReadonlySet<QueryName> = new Set(['catalog.service', 'catalog.mesh'] as const)

export interface CacheControl {
  /** Undefined: any age of an answer that is kept up to date. */
  readonly maxAgeMs: number | undefined
  /** Undefined: any age. */
  readonly staleIfErrorMs: number | undefined
}

/** What the client says about kept answers; undefined where it wants none. */
export function cacheControl(
  call: Pick<Call, 'query' | 'header'>,
  name: QueryName,
): CacheControl | undefined {
  const { query } = call
  if (!query.has('cached') || !cacheable.has(name)) return undefined
  if (query.has('consistent'))
    throw new ApiRefusal('bad-request', 'Cannot specify ?cached with ?consistent, conflicting semantics.')
  const directives = new Map(
    call
      .header('cache-control')
      .toLowerCase()
      .split(',')
      .map((part) => part.trim().split('='))
      .map(([key = '', value = '']) => [key.trim(), value.trim()] as const),
  )
  return {
    maxAgeMs: directives.has('must-revalidate') ? 0 : seconds(directives, 'max-age'),
    staleIfErrorMs: seconds(directives, 'stale-if-error'),
  }
}

function seconds(directives: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = directives.get(name)
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text))
    throw new ApiRefusal('bad-request', `Invalid ${name} value in Cache-Control: a number of seconds`)
  return Number(text) * 1_000
}

/** A kept answer that serves the request, or undefined where a server has to be asked. */
export function cachedAnswer<Name extends QueryName>(
  api: Api,
  question: Question<Name>,
  { maxAgeMs }: CacheControl,
  { minIndex }: ReadOptions,
): ReadAnswer<Name> | undefined {
  if (maxAgeMs === 0) return undefined
  const found = api.recall(question)
  if (found === undefined) return undefined
  const { index, lastContactMs } = found.meta
  // What nobody keeps up to date is good for those alone who say how old it may be.
  if (lastContactMs > (maxAgeMs ?? 0)) return undefined
  return minIndex > 0 && index === minIndex ? undefined : found
}

/** Throws where the answer is one of an outage and older than the client allows. */
export function refuseTooOld<Name extends QueryName>(
  { meta }: ReadAnswer<Name>,
  { staleIfErrorMs }: CacheControl,
): void {
  if (meta.kept !== true || meta.knownLeader || staleIfErrorMs === undefined) return
  if (meta.lastContactMs > staleIfErrorMs)
    throw new ApiRefusal(
      'no-server',
      `No known Consul servers: the kept answer is ${Math.ceil(meta.lastContactMs / 1_000)} s old, more than stale-if-error allows. (no-server)`,
    )
}
