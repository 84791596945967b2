/**
 * Query parameters by Consul's rules: which count as set, what a bad one answers, what this version refuses. Knows no
 * endpoint; sources: Consul's documented parameters, reference/consul.md 1.2.
 */
import { parseDurationMs } from '../../model/duration.ts'
import { limits } from '../../model/limits.ts'
import type { Consistency, ReadOptions } from '../../model/query.ts'
import { ApiRefusal } from './refusal.ts'

type Query = URLSearchParams

const goTrue = /^(1|t|T|true|TRUE|True)$/
const goFalse = /^(0|f|F|false|FALSE|False)$/

/** `?passing`: an empty value means yes. */
export function passingOnly(query: Query): boolean {
  const value = query.get('passing')
  if (value === null) return false
  if (value === '' || goTrue.test(value)) return true
  if (goFalse.test(value)) return false
  throw new ApiRefusal('bad-request', 'Invalid value for ?passing: use true, false or nothing')
}

/** A switch such as `wan` or `prune`: an empty value means yes. */
export function isSet(query: Query, name: string): boolean {
  const value = query.get(name)
  return value !== null && (value === '' || goTrue.test(value))
}

/** `index` and `wait`, with the bounds and defaults of Consul. `minIndex` 0: answer at once. */
export function blocking(query: Query): Pick<ReadOptions, 'minIndex' | 'waitMs'> {
  return {
    minIndex: indexOf(query, 'index', 'Invalid index: it is the X-Consul-Index of an earlier answer') ?? 0,
    waitMs: waitOf(query),
  }
}

/** A uint64 as a number: clients send 64 bits, ours end at 2^53, so a larger one only ever means "later than now". */
export function indexOf(query: Query, name: string, complaint: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^\d{1,20}$/.test(text) || BigInt(text) >= 1n << 64n) throw new ApiRefusal('bad-request', complaint)
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER)
}

/** How long a blocking read may wait; without `wait`, and for 0, the default. */
export function waitOf(query: Query): number {
  const text = query.get('wait')
  if (text === null || text === '') return limits.blockingDefaultMs
  const waitMs = parseDurationMs(text)
  // "0" is a Go duration without a unit; any other bare number is a mistake that would wait for another time than meant.
  if (waitMs === undefined || waitMs < 0)
    throw new ApiRefusal(
      'bad-request',
      'Invalid wait time: write a duration with its unit, such as 30s or 5m',
    )
  return waitMs === 0 ? limits.blockingDefaultMs : Math.min(Math.ceil(waitMs), limits.blockingMaxMs)
}

export function consistency(query: Query): Consistency {
  const stale = query.has('stale')
  const consistent = query.has('consistent')
  if (stale && consistent)
    throw new ApiRefusal(
      'bad-request',
      'Cannot specify ?stale with ?consistent, conflicting semantics. Leave one of them away.',
    )
  return stale ? 'stale' : consistent ? 'consistent' : 'default'
}

/** Largest age of a stale answer in milliseconds, or undefined where any will do. */
export function maxStale(query: Query): number | undefined {
  const text = query.get('max_stale')
  if (text === null || text === '') return undefined
  const age = parseDurationMs(text)
  if (age === undefined || age < 0)
    throw new ApiRefusal(
      'bad-request',
      `Invalid max_stale value "${text.slice(0, 64)}": write a duration such as 10s`,
    )
  return age
}

/** Repeated `node-meta=key:value`; the value may hold colons. */
export function nodeMeta(query: Query): Readonly<Record<string, string>> {
  return Object.fromEntries(
    query.getAll('node-meta').map((pair) => {
      const colon = pair.indexOf(':')
      return colon < 0 ? [pair, ''] : [pair.slice(0, colon), pair.slice(colon + 1)]
    }),
  )
}

export const tags = (query: Query): readonly string[] => query.getAll('tag').filter((tag) => tag !== '')

/** The datacenter that the request is for, where that is another one than ours; else undefined. */
export function elsewhere(query: Query, datacenter: string): string | undefined {
  refuseEditions(query)
  const wanted = query.get('dc')?.toLowerCase() ?? ''
  return wanted === '' || wanted === datacenter ? undefined : wanted
}

/** The datacenter that the request is for, ours or another. */
export const whereOf = (query: Query, datacenter: string): string =>
  elsewhere(query, datacenter) ?? datacenter

/** Refuses what names another place than this datacenter, or an edition's feature that changes the answer's meaning. */
export function refuseElsewhere(query: Query, datacenter: string): void {
  if (elsewhere(query, datacenter) === undefined) return
  throw new ApiRefusal(
    'unknown-datacenter',
    `No path to datacenter: this is answered by the agents of ${datacenter} for that datacenter alone`,
  )
}

function refuseEditions(query: Query): void {
  for (const name of ['ns', 'partition'])
    if (!['', 'default', null].includes(query.get(name)))
      throw new ApiRefusal(
        'unsupported-feature',
        `Invalid query parameter: "${name}": only "default" exists here (unsupported-feature)`,
      )
  for (const name of ['peer', 'sg'])
    if ((query.get(name) ?? '') !== '')
      throw new ApiRefusal(
        'unsupported-feature',
        `Invalid query parameter: "${name}" is not supported by this version (unsupported-feature)`,
      )
}

/** A parameter that the endpoint cannot do without. */
export function required(query: Query, name: string): string {
  const value = query.get(name)
  if (value === null || value === '')
    throw new ApiRefusal('bad-request', `required query parameter '${name}' not set: add ${name}=NAME`)
  return value
}
