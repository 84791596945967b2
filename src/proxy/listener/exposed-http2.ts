/**
 * The same as exposed-http.ts for HTTP/2 without TLS, which gRPC health checks speak. Trailers pass, because gRPC's status
 * stands in them.
 */
import type http2 from 'node:http2'
import type net from 'node:net'
import { limits } from '../../model/limits.ts'
import type { ExposedPath } from '../../model/proxy-config.ts'
import type { Clock } from '../../platform/ports.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import type { ListenerContext } from './context.ts'
import { exposedPathOf, mayConnect } from './exposed.ts'
import type { OpenListener } from './open-listener.ts'

export class ExposedHttp2Listener implements OpenListener {
  readonly server: http2.Http2Server
  readonly #context: ListenerContext
  readonly #name: () => string
  readonly #sessions = new Set<http2.ServerHttp2Session>()
  #connections = 0

  /** `name` gives the exposed resource that the address belongs to now. */
  constructor(context: ListenerContext, name: () => string) {
    this.#context = context
    this.#name = name
    this.server = http2Library().createServer({
      maxHeaderListPairs: limits.exposedHeaderPairs,
      settings: { maxConcurrentStreams: limits.exposedStreams, enablePush: false },
    })
    this.server.maxConnections = limits.exposedConnections
    this.server.on('connection', (socket: net.Socket) => this.#onConnection(socket))
    this.server.on('session', (session) => this.#onSession(session))
    this.server.on('stream', (stream, headers) => this.#onStream(stream, headers))
    this.server.on('sessionError', () => {})
  }

  count(): number {
    return this.#connections
  }

  leave(): void {
    this.server.close()
    for (const session of [...this.#sessions]) session.close()
  }

  cut(_code: EndCode): void {
    for (const session of [...this.#sessions]) session.destroy()
  }

  #onConnection(socket: net.Socket): void {
    if (
      !mayConnect(this.#context.tables().exposed.get(this.#name()), socket) ||
      !this.#context.budget.take()
    ) {
      socket.destroy()
      return
    }
    this.#connections += 1
    socket.once('close', () => {
      this.#connections -= 1
      this.#context.budget.release()
    })
  }

  #onSession(session: http2.ServerHttp2Session): void {
    this.#sessions.add(session)
    // A session is for one check or scrape; streams that are open when its time is over still end by themselves.
    const timer = this.#context.clock.after(limits.exposedTimeoutMs, () => session.close())
    session.on('error', () => session.destroy())
    session.once('close', () => {
      timer.cancel()
      this.#sessions.delete(session)
    })
  }

  #onStream(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
    stream.on('error', () => {})
    const target = exposedPathOf(this.#context.tables().exposed.get(this.#name()), headers[':path'])
    if (target === undefined || headers[':method'] === 'CONNECT') {
      stream.respond({ ':status': 404 }, { endStream: true })
      return
    }
    forward(stream, headers, { target, clock: this.#context.clock })
  }
}

function forward(
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  { target, clock }: { readonly target: ExposedPath; readonly clock: Clock },
): void {
  const { localAddress, localPort } = target
  const host = localAddress.includes(':') ? `[${localAddress}]` : localAddress
  const local = http2Library().connect(`http://${host}:${localPort}`)
  const fail = (): void => {
    local.destroy()
    if (stream.destroyed) return
    if (stream.headersSent) stream.close(http2Library().constants.NGHTTP2_INTERNAL_ERROR)
    else stream.respond({ ':status': 502 }, { endStream: true })
  }
  local.on('error', fail)
  const timer = clock.after(limits.exposedTimeoutMs, fail)
  const asked = local.request(headers)
  asked.on('error', fail)
  asked.on('response', (answer) => {
    if (stream.destroyed) return
    stream.respond(answer, { waitForTrailers: true })
    asked.pipe(stream)
  })
  let trailers: http2.IncomingHttpHeaders = {}
  asked.on('trailers', (received) => {
    trailers = received
  })
  stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  stream.on('close', () => {
    timer.cancel()
    local.destroy()
  })
  stream.pipe(asked)
}

/** Loaded with the first exposed path only: the library costs each proxy without one two megabytes. */
const http2Library = (): typeof http2 => process.getBuiltinModule('node:http2')
