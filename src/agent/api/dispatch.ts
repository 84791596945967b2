/**
 * One request through the rules that hold for every endpoint: method, rights, the handler, the answer or the refusal with
 * its code in text, log and metric. What is asked and answered stands in the endpoint files.
 */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { limits } from '../../model/limits.ts'
import { admit, type Caller, identifyCaller, type Need, tokenOf } from '../access/caller.ts'
import { ownRead } from './cluster.ts'
import type { Connections } from './connections.ts'
import type { Api, Call, Endpoint, Method } from './contract.ts'
import { ApiRefusal, accept, refusalFrom, refusalOf } from './refusal.ts'
import { sendAnswer, sendRefusal } from './respond.ts'

export interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** What the server knows beside the API. */
export interface Dispatch {
  readonly api: Api
  readonly connections: Connections
  /** Calls under way; stopping aborts them. */
  readonly calls: Set<AbortController>
}

/** Never rejects: whatever happens becomes the answer. */
export async function dispatch(server: Dispatch, endpoint: Endpoint, exchange: Exchange): Promise<void> {
  const { api } = server
  const { request } = exchange
  if ((request.raw.url ?? '').length > limits.httpUrlBytes) {
    refuse(api, endpoint.path, exchange, urlTooLong())
    return
  }
  const { call, finish } = beginCall(server, exchange)
  try {
    const allowed = ['OPTIONS', ...Object.keys(endpoint.actions)].join(',')
    const action = endpoint.actions[request.method as Method]
    if (request.method === 'OPTIONS') await sendAnswer(api, call, { headers: { Allow: allowed } }, exchange)
    else if (action === undefined)
      throw new ApiRefusal(
        'method-not-allowed',
        `method ${request.method} not allowed: use ${allowed.replace(/,/g, ', ')}`,
        { Allow: allowed },
      )
    else {
      await requireRight(api, call, action.need)
      await sendAnswer(api, call, await action.run(api, call), exchange)
    }
  } catch (error) {
    refuse(api, endpoint.path, exchange, error)
  } finally {
    finish()
  }
  const { statusCode } = exchange.reply
  api.metrics.count('mesh_api_requests_total', {
    path: endpoint.path,
    method: request.method,
    status: String(statusCode),
  })
}

const urlTooLong = (): ApiRefusal =>
  new ApiRefusal(
    'too-large',
    `the path and query string are longer than ${limits.httpUrlBytes} bytes (too-large)`,
  )

/** Answers a refusal and leaves its code in the log and the metric. */
export function refuse(api: Api, path: string, exchange: Exchange, error: unknown): void {
  const { request, reply } = exchange
  const refusal = refusalFrom(error)
  if (refusal === undefined || reply.sent) {
    reply.hijack()
    reply.raw.destroy()
    return
  }
  api.metrics.count('mesh_api_refusals_total', { code: refusal.code })
  logRefusal(api, refusal, { path, request, error })
  sendRefusal(reply, refusal)
}

function logRefusal(
  api: Api,
  { code }: ApiRefusal,
  of: { readonly path: string; readonly request: FastifyRequest; readonly error: unknown },
): void {
  const { path, request, error } = of
  const fields = { code, method: request.method, path, client: request.raw.socket.remoteAddress ?? 'unix' }
  if (code === 'internal') api.log.error('API request failed', { ...fields, error })
  else if (api.mayLogRefusal()) api.log.info('API request refused', fields)
}

async function requireRight(api: Api, call: Call, need: Need): Promise<void> {
  if (accept(admit(call.caller, need)) === 'admitted') return
  if ((await ownRead(api, call, 'mesh.principal', {})).kind !== 'operator')
    throw refusalOf({
      code: 'bad-token',
      message: 'the token is neither this host’s local token nor an operator’s',
    })
}

function beginCall(
  server: Dispatch,
  { request, reply }: Exchange,
): { readonly call: Call; readonly finish: () => void } {
  const { connections, calls } = server
  const socket = request.raw.socket
  const url = request.raw.url ?? ''
  const mark = url.indexOf('?')
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
  const parameters = request.params as { readonly '*'?: string; readonly kind?: string }
  const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const controller = new AbortController()
  calls.add(controller)
  // Also follows a finished answer, when there is nothing left to cancel and making the reason would be the dearest part.
  reply.raw.once('close', () => {
    if (calls.has(controller)) controller.abort()
  })
  const call: Call = {
    name: parameters['*'] ?? '',
    kind: parameters.kind ?? '',
    query,
    header: (name) => String(request.headers[name] ?? ''),
    bytes,
    stream: request.body instanceof Readable ? request.body : undefined,
    get body() {
      return bytes.toString()
    },
    caller: callerOf(server, request, query),
    signal: controller.signal,
    hold(wait) {
      const release = connections.hold(socket)
      if (release === undefined)
        throw new ApiRefusal(
          'too-many-connections',
          'this client holds too many blocking reads (too-many-connections)',
        )
      return wait().finally(release)
    },
  }
  return { call, finish: () => calls.delete(controller) }
}

function callerOf(server: Dispatch, request: FastifyRequest, query: URLSearchParams): Caller {
  const header = request.headers['x-consul-token']
  const token = tokenOf({
    query: query.get('token'),
    header: Array.isArray(header) ? header[0] : header,
    authorization: request.headers.authorization,
  })
  return identifyCaller(server.connections.connection(request.raw.socket), token, server.api.localToken)
}
