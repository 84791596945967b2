/**
 * Reads and writes of cluster state on behalf of one call: parameters to options, callbacks to promises, and an end when
 * the client goes away. What a write means the server decides; here it is only carried.
 */
import type { Applied, AppliedValue, Command } from '../../model/command.ts'
import type { Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Queries, QueryName, ReadAnswer, ReadOptions } from '../../model/query.ts'
import type { Question } from '../query/answer-memory.ts'
import { type CacheControl, cacheControl, cachedAnswer, refuseTooOld } from './cached.ts'
import type { Answer, Api, Call } from './contract.ts'
import { blocking, consistency, elsewhere, maxStale } from './parameters.ts'
import { ApiRefusal, accept, ClientGone } from './refusal.ts'

/** One read with all that `call` asks for: datacenter, consistency, age, blocking. Throws refusals. */
export async function clusterRead<Name extends QueryName>(
  api: Api,
  call: Call,
  name: Name,
  args: Queries[Name]['args'],
): Promise<ReadAnswer<Name>> {
  const isHere = elsewhere(call.query, api.settings.datacenter) === undefined
  const options = { consistency: consistency(call.query), ...blocking(call.query) }
  const oldest = maxStale(call.query)
  const read = (asked: ReadOptions): Promise<ReadAnswer<Name>> => readOnce(api, call, name, { args, asked })
  // What another datacenter answers is not kept here.
  const cache = isHere ? cacheControl(call, name) : undefined
  if (cache !== undefined) return cachedRead(api, call, { cache, question: { name, args }, options, read })
  const answer = options.minIndex > 0 ? await call.hold(() => read(options)) : await read(options)
  if (answer.meta.effective !== 'stale' || oldest === undefined || answer.meta.lastContactMs <= oldest)
    return answer
  const newest = await read({ ...options, consistency: 'default', minIndex: 0 })
  if (newest.meta.kept !== true || newest.meta.lastContactMs <= oldest) return newest
  throw new ApiRefusal(
    'no-server',
    `No known Consul servers: what this agent keeps is ${Math.ceil(newest.meta.lastContactMs / 1_000)} s old, more than max_stale allows. (no-server)`,
  )
}

/** `?cached`: from what the agent keeps, else from a server, and then kept up to date from now on. */
async function cachedRead<Name extends QueryName>(
  api: Api,
  call: Call,
  asked: {
    readonly cache: CacheControl
    readonly question: Question<Name>
    readonly options: ReadOptions
    readonly read: (options: ReadOptions) => Promise<ReadAnswer<Name>>
  },
): Promise<ReadAnswer<Name>> {
  const { cache, question, options, read } = asked
  const kept = cachedAnswer(api, question, cache, options)
  if (kept !== undefined) {
    api.follow(question)
    return kept
  }
  const answer = options.minIndex > 0 ? await call.hold(() => read(options)) : await read(options)
  refuseTooOld(answer, cache)
  // Names that nobody has must not take the place of those that somebody asks for.
  if (Array.isArray(answer.answer) && answer.answer.length > 0) api.follow(question)
  return answer
}

/** For reads that never block (status, agent endpoints): the parameters for blocking are ignored. */
export async function plainRead<Name extends QueryName>(
  api: Api,
  call: Call,
  name: Name,
  args: Queries[Name]['args'],
): Promise<ReadAnswer<Name>> {
  return accept(await tryRead(api, call, name, args))
}

/** Like `plainRead`, with the failure as a value. */
export function tryRead<Name extends QueryName>(
  api: Api,
  call: Call,
  name: Name,
  args: Queries[Name]['args'],
): Promise<Result<ReadAnswer<Name>>> {
  const asked = { consistency: consistency(call.query), minIndex: 0, waitMs: limits.blockingDefaultMs }
  return readResult(api, call, name, { args, asked })
}

/** Asked of the servers of this datacenter, whatever the query string says. */
export async function ownRead<Name extends QueryName>(
  api: Api,
  call: Call,
  name: Name,
  args: Queries[Name]['args'],
): Promise<Queries[Name]['answer']> {
  const asked = { consistency: 'default', minIndex: 0, waitMs: limits.blockingDefaultMs } as const
  return accept(await readAt(api, call, name, { args, asked, place: {} })).answer
}

function readOnce<Name extends QueryName>(
  api: Api,
  call: Call,
  name: Name,
  question: { readonly args: Queries[Name]['args']; readonly asked: ReadOptions },
): Promise<ReadAnswer<Name>> {
  return readResult(api, call, name, question).then(accept)
}

/** One read exactly as asked, whatever the query string says, with the failure as a value. */
export function readResult<Name extends QueryName>(
  api: Api,
  call: Call,
  name: Name,
  question: { readonly args: Queries[Name]['args']; readonly asked: ReadOptions },
): Promise<Result<ReadAnswer<Name>>> {
  return readAt(api, call, name, { ...question, place: placeOf(api, call) })
}

function readAt<Name extends QueryName>(
  api: Api,
  call: Call,
  name: Name,
  question: {
    readonly args: Queries[Name]['args']
    readonly asked: ReadOptions
    readonly place: { readonly datacenter?: string }
  },
): Promise<Result<ReadAnswer<Name>>> {
  return new Promise((resolve, reject) => {
    if (call.signal.aborted) return reject(new ClientGone())
    const abort = (): void => {
      handle.cancel()
      reject(new ClientGone())
    }
    call.signal.addEventListener('abort', abort, { once: true })
    const { args, asked: options, place } = question
    const request = { name, args, options, token: call.caller.operatorToken, ...place }
    const handle = api.read(request, (result) => {
      call.signal.removeEventListener('abort', abort)
      resolve(result)
    })
  })
}

export type Written = Extract<Applied, { ok: true }>

export function tryWrite(api: Api, call: Call, command: Command): Promise<Result<Written>> {
  return new Promise((resolve, reject) => {
    if (call.signal.aborted) reject(new ClientGone())
    else api.write({ command, token: call.caller.operatorToken, ...placeOf(api, call) }, resolve)
  })
}

/** `?dc=`: the servers pass the request on to that datacenter. */
function placeOf(api: Api, call: Call): { readonly datacenter?: string } {
  const datacenter = elsewhere(call.query, api.settings.datacenter)
  return datacenter === undefined ? {} : { datacenter }
}

/** A write whose refusal is the answer. */
export async function clusterWrite(api: Api, call: Call, command: Command): Promise<Written> {
  return accept(await tryWrite(api, call, command))
}

/**
 * The answer to a write. Consul has no header for the index of a write; ours lets a command wait until proxies enforce
 * exactly this change.
 */
export function written(json: unknown, { index, value }: Written): Answer {
  return {
    json,
    headers: { 'X-Mesh-Index': String(index), 'X-Mesh-Result': resultWord(value) },
  }
}

const resultWord = (value: AppliedValue): 'unchanged' | 'changed' =>
  value.kind === 'unchanged' ? 'unchanged' : 'changed'
