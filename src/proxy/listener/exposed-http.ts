/**
 * A listener without TLS that lets HTTP/1.1 requests for exactly the exposed paths through to the local service. Each
 * message is read whole by a strict parser and written anew, so no two readers can disagree about where it ends; whatever
 * is unclear is refused. Knows nothing of the mesh.
 */
import type http from 'node:http'
import type net from 'node:net'
import { limits } from '../../model/limits.ts'
import type { ExposedPath } from '../../model/proxy-config.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import type { ListenerContext } from './context.ts'
import { exposedPathOf, hopHeaders, mayConnect } from './exposed.ts'
import type { OpenListener } from './open-listener.ts'

export class ExposedHttpListener implements OpenListener {
  readonly server: http.Server
  readonly #context: ListenerContext
  readonly #name: () => string
  readonly #sockets = new Set<net.Socket>()

  /** `name` gives the exposed resource that the address belongs to now. */
  constructor(context: ListenerContext, name: () => string) {
    this.#context = context
    this.#name = name
    this.server = httpLibrary().createServer(
      {
        insecureHTTPParser: false,
        requireHostHeader: true,
        maxHeaderSize: limits.exposedHeaderBytes,
        headersTimeout: limits.exposedTimeoutMs,
        requestTimeout: limits.exposedTimeoutMs,
        keepAliveTimeout: limits.exposedTimeoutMs,
      },
      (request, response) => this.#onRequest(request, response),
    )
    this.server.maxConnections = limits.exposedConnections
    this.server.on('connection', (socket) => this.#onConnection(socket))
    // Nothing but plain requests and answers passes.
    this.server.on('upgrade', (_request, socket) => socket.destroy())
    this.server.on('connect', (_request, socket) => socket.destroy())
    this.server.on('clientError', (_error, socket) => {
      if (socket.writable)
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      else socket.destroy()
    })
  }

  count(): number {
    return this.#sockets.size
  }

  leave(): void {
    this.server.close()
    this.server.closeIdleConnections()
  }

  cut(_code: EndCode): void {
    for (const socket of [...this.#sockets]) socket.destroy()
  }

  #onConnection(socket: net.Socket): void {
    if (
      !mayConnect(this.#context.tables().exposed.get(this.#name()), socket) ||
      !this.#context.budget.take()
    ) {
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#context.budget.release()
    })
  }

  #onRequest(request: http.IncomingMessage, response: http.ServerResponse): void {
    const target = exposedPathOf(this.#context.tables().exposed.get(this.#name()), request.url)
    if (target === undefined) refuse(response, 404, 'this path is not exposed')
    else if (request.headers.expect !== undefined) refuse(response, 417, 'no expectations are met here')
    // A body whose end only its chunks tell could be read differently further on.
    else if (request.headers['transfer-encoding'] !== undefined)
      refuse(response, 411, 'send the length of the body')
    else forward(request, response, target)
  }
}

function forward(request: http.IncomingMessage, response: http.ServerResponse, target: ExposedPath): void {
  const local = httpLibrary().request({
    host: target.localAddress,
    port: target.localPort,
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers: passedOn(request.rawHeaders, request.headers.connection),
    agent: false,
    setHost: false,
    timeout: limits.exposedTimeoutMs,
  })
  local.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, passedOn(answer.rawHeaders, answer.headers.connection))
    answer.pipe(response)
    answer.on('error', () => response.destroy())
  })
  local.on('upgrade', (_answer, socket) => {
    socket.destroy()
    refuse(response, 502, 'the service answered with another protocol')
  })
  local.on('timeout', () => local.destroy(new Error('no answer in time')))
  local.on('error', (error) => {
    if (response.headersSent) response.destroy()
    else refuse(response, 502, `the local service: ${error.message}`)
  })
  response.on('close', () => local.destroy())
  request.on('error', () => local.destroy())
  request.pipe(local)
}

/** Names and values in turn, as Node gives and takes them, without those of this hop. */
function passedOn(raw: readonly string[], connection: string | undefined): string[] {
  const named = new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  const kept: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? ''
    const lower = name.toLowerCase()
    if (!hopHeaders.has(lower) && !named.has(lower)) kept.push(name, raw[at + 1] ?? '')
  }
  return kept
}

function refuse(response: http.ServerResponse, status: number, text: string): void {
  // What is left of the request is not read: it must not be taken for the next one.
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
  response.end(`${text}\n`)
}

/** Loaded with the first exposed path only: the library costs each proxy without one a megabyte. */
const httpLibrary = (): typeof http => process.getBuiltinModule('node:http')
