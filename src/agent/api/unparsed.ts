/**
 * Refusals before there is a request: a connection too many, and bytes that are no HTTP or too much of it. Written to the socket
 * by hand, because no request exists that could be answered; like any refusal they have a code, are counted and logged.
 */
import type { Socket } from 'node:net'
import type { ErrorCode } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Api } from './contract.ts'

type Report = Pick<Api, 'log' | 'metrics' | 'mayLogRefusal'>

/** The connection was counted and logged where it was refused. */
export function refuseConnection(socket: Socket): void {
  endWith(socket, {
    status: '429 Too Many Requests',
    code: 'too-many-connections',
    text: 'too many connections from this address: share or close some, or raise limits { http_max_conns_per_client }',
  })
}

/** Answers what Node's parser refused. */
export function refuseUnparsed(report: Report, error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const refusal = refusalFor(error)
  report.metrics.count('mesh_api_refusals_total', { code: refusal.code })
  if (report.mayLogRefusal())
    report.log.info('API request refused', {
      code: refusal.code,
      reason: error.code ?? '',
      client: socket.remoteAddress ?? 'unix',
    })
  endWith(socket, refusal)
}

interface Refusal {
  readonly status: string
  readonly code: ErrorCode
  readonly text: string
}

function refusalFor({ code = 'unknown' }: NodeJS.ErrnoException): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW')
    return {
      status: '431 Request Header Fields Too Large',
      code: 'too-large',
      text: `the request's path and headers together are larger than ${limits.httpHeaderBytes} bytes`,
    }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { status: '408 Request Timeout', code: 'bad-request', text: 'the request did not arrive in time' }
  return { status: '400 Bad Request', code: 'bad-request', text: `malformed HTTP request: ${code}` }
}

function endWith(socket: Socket, { status, code, text }: Refusal): void {
  const body = Buffer.from(`${text} (${code})`)
  const head = [
    `HTTP/1.1 ${status}`,
    'Content-Type: text/plain; charset=utf-8',
    `X-Mesh-Reason: ${code}`,
    `Content-Length: ${body.length}`,
    'Connection: close',
  ]
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]), () => socket.destroy())
}
