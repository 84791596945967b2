/**
 * One HTTP request of a health check, redirects included, with a bound on time and on the bytes of the answer kept.
 * Connections are never reused: a check must see what a new client would see.
 */
import { type IncomingHttpHeaders, type IncomingMessage, request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { formatDuration } from '../model/duration.ts'
import type { HttpProbe, HttpProbeAnswer } from './ports.ts'

/** As Go's client, which Consul's checks run on. */
const redirectsMax = 10
const defaultHeaders: Readonly<Record<string, string>> = {
  'user-agent': 'Consul Health Check',
  accept: 'text/plain, text/*, */*',
}

interface Hop {
  readonly url: URL
  readonly method: string
  readonly header: Readonly<Record<string, readonly string[]>>
  readonly body: string
}

type Done = (answer: HttpProbeAnswer) => void

/** Calls `done` once, at the latest when `timeoutMs` is over for all hops together. */
export function requestOnce(probe: HttpProbe, timeoutMs: number, done: Done): void {
  let finished = false
  let abort = (): void => {}
  const finish: Done = (answer) => {
    if (finished) return
    finished = true
    clearTimeout(timeout)
    abort()
    done(answer)
  }
  const timeout = setTimeout(
    () => finish({ error: `timed out after ${formatDuration(timeoutMs)}` }),
    timeoutMs,
  )
  const visit = (hop: Hop, redirectsLeft: number): void => {
    if (finished) return
    abort = send(probe, hop, finish, (response) => {
      const next = probe.followRedirects ? redirectOf(hop, response) : undefined
      if (next === undefined) return collect(response, probe.outputMaxBytes, finish)
      response.destroy()
      if (redirectsLeft === 0) finish({ error: `stopped after ${redirectsMax} redirects` })
      else visit(next, redirectsLeft - 1)
    })
  }
  const first = firstHop(probe)
  if (first === undefined) setImmediate(() => finish({ error: `"${probe.url}" is not an http or https URL` }))
  else visit(first, redirectsMax)
}

function firstHop(probe: HttpProbe): Hop | undefined {
  if (!URL.canParse(probe.url)) return undefined
  const url = new URL(probe.url)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined
  return { url, method: probe.method === '' ? 'GET' : probe.method, header: probe.header, body: probe.body }
}

/** Starts one request; the answer is what stops it. */
function send(
  probe: HttpProbe,
  hop: Hop,
  finish: Done,
  onResponse: (response: IncomingMessage) => void,
): () => void {
  const isTls = hop.url.protocol === 'https:'
  const tls = isTls
    ? {
        rejectUnauthorized: !probe.tlsSkipVerify,
        ...(probe.tlsServerName === '' ? {} : { servername: probe.tlsServerName }),
      }
    : {}
  try {
    const options = { agent: false, method: hop.method, headers: headersOf(hop), ...tls }
    const request = (isTls ? requestTls : requestPlain)(hop.url, options, onResponse)
    request.on('error', (error) => finish({ error: describeError(error) }))
    request.end(hop.body)
    return () => request.destroy()
  } catch (error) {
    // A method, header or address that no request may have.
    setImmediate(() => finish({ error: error instanceof Error ? error.message : String(error) }))
    return () => {}
  }
}

function headersOf(hop: Hop): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { ...defaultHeaders }
  for (const [name, values] of Object.entries(hop.header)) {
    const [only] = values
    const lower = name.toLowerCase()
    if (only !== undefined) headers[lower] = values.length === 1 ? only : [...values]
  }
  if (hop.body !== '') headers['content-length'] = String(Buffer.byteLength(hop.body))
  return headers
}

/** RFC 9110 section 15.4, with Go's habit that 301 and 302 turn everything but GET and HEAD into GET. */
function redirectOf(hop: Hop, response: IncomingMessage): Hop | undefined {
  const status = response.statusCode ?? 0
  const location = locationOf(response.headers, hop.url)
  if (location === undefined || ![301, 302, 303, 307, 308].includes(status)) return undefined
  const header = location.host === hop.url.host ? hop.header : withoutSecrets(hop.header)
  if (status === 307 || status === 308) return { ...hop, url: location, header }
  const method = hop.method === 'HEAD' ? 'HEAD' : 'GET'
  return { url: location, method, header, body: '' }
}

function locationOf(headers: IncomingHttpHeaders, base: URL): URL | undefined {
  const { location } = headers
  if (location === undefined || !URL.canParse(location, base.href)) return undefined
  const url = new URL(location, base)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined
}

/** Credentials meant for one host are not carried to another. */
function withoutSecrets(header: Hop['header']): Hop['header'] {
  const kept = Object.entries(header).filter(
    ([name]) => !/^(authorization|cookie|proxy-authorization|host|x-consul-token)$/i.test(name),
  )
  return Object.fromEntries(kept)
}

function collect(response: IncomingMessage, maxBytes: number, finish: Done): void {
  const pieces: Buffer[] = []
  let room = maxBytes
  const answer = (): void =>
    finish({
      status: response.statusCode ?? 0,
      statusText: response.statusMessage ?? '',
      body: Buffer.concat(pieces).toString('utf8'),
    })
  response.on('data', (piece: Buffer) => {
    pieces.push(piece.subarray(0, Math.max(0, room)))
    room -= piece.length
    // The status is known and no more is kept: the rest of an endless body is not waited for.
    if (room <= 0) answer()
  })
  response.on('end', answer)
  // Also cut short: the status counts, as with Consul, whatever of the body arrived.
  response.on('close', answer)
  response.on('error', answer)
}

/** Several addresses tried for one name give an error without a text of its own. */
export function describeError(error: Error): string {
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join('; ')
  return error.message
}
