/**
 * Answers as HTTP: JSON texts, Consul's headers, gzip when it was asked for. Knows neither endpoints nor rights.
 */
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ReadMeta } from '../../model/query.ts'
import type { Answer, Api, Call } from './contract.ts'
import { jsonText } from './json-text.ts'
import type { ApiRefusal } from './refusal.ts'

const compress = promisify(gzip)
/** Below this the header and the work cost more than they save. */
const gzipFromBytes = 1_024

export async function sendAnswer(
  api: Api,
  call: Pick<Call, 'query'>,
  answer: Answer,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
): Promise<void> {
  reply.code(answer.status ?? 200)
  if (answer.meta !== undefined) reply.headers(readHeaders(api, call, answer.meta))
  if (answer.headers !== undefined) reply.headers(answer.headers)
  if (answer.bytes !== undefined) return send(reply.type(answer.bytes.type), Buffer.from(answer.bytes.body))
  if (answer.text !== undefined) return sendBody(request, reply, answer.text.body, answer.text.type)
  if (answer.stream !== undefined) {
    send(reply.type(answer.stream.type), Readable.from(answer.stream.body))
    if (answer.stream.headersFirst === true && !reply.raw.destroyed) reply.raw.flushHeaders()
    return
  }
  if (answer.json === undefined) return send(reply, '')
  const text = await jsonText(api.clock, answer.json, { pretty: call.query.has('pretty') })
  return sendBody(request, reply, text, 'application/json')
}

/** Errors are text: Consul's clients show the body as it is. */
export function sendRefusal(reply: FastifyReply, refusal: ApiRefusal): void {
  reply.code(refusal.status).headers({ ...refusal.headers, 'X-Mesh-Reason': refusal.code })
  reply.type('text/plain; charset=utf-8')
  send(reply, refusal.message)
}

/** A reply can be awaited until its last byte is gone, which would take a client that leaves for a failure of ours. */
function send(reply: FastifyReply, body: string | Buffer | Readable): void {
  reply.send(body)
}

/** Headers of a read. Go's client fails on an index or an age that is no number, and takes 0 for "no index at all". */
function readHeaders(api: Api, { query }: Pick<Call, 'query'>, meta: ReadMeta): Record<string, string> {
  return {
    'X-Consul-Index': String(Math.max(1, meta.index)),
    'X-Consul-KnownLeader': String(meta.knownLeader),
    'X-Consul-LastContact': String(Math.max(0, Math.round(meta.lastContactMs))),
    'X-Consul-Effective-Consistency': meta.effective,
    'X-Consul-Default-ACL-Policy': api.settings.defaultIntentionAction,
    'X-Consul-Query-Backend': 'blocking-query',
    ...(meta.kept === true ? { Age: String(Math.floor(meta.lastContactMs / 1_000)) } : {}),
    ...(query.has('cached') ? { 'X-Cache': meta.kept === true ? 'HIT' : 'MISS' } : {}),
  }
}

async function sendBody(
  request: FastifyRequest,
  reply: FastifyReply,
  text: string,
  type: string,
): Promise<void> {
  const bytes = Buffer.from(text)
  reply.type(type).header('Vary', 'Accept-Encoding')
  if (bytes.length < gzipFromBytes || !asksForGzip(request.headers['accept-encoding']))
    return send(reply, bytes)
  const compressed = await compress(bytes)
  reply.header('Content-Encoding', 'gzip')
  send(reply, compressed)
}

/** `gzip;q=0` is a refusal of gzip. */
function asksForGzip(header: string | string[] | undefined): boolean {
  return String(header ?? '')
    .split(',')
    .some((part) => {
      const [coding, ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase())
      return (coding === 'gzip' || coding === '*') && !parameters.some((p) => /^q=0(\.0*)?$/.test(p))
    })
}
