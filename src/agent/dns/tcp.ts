/**
 * DNS over TCP on one address (RFC 7766): messages with their length before them, several under way on one connection,
 * answered as they become ready. A client that does not read, or says nothing for long, is let go.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Metrics, Timer } from '../../platform/ports.ts'
import type { Handler } from './handler.ts'
import type { Listening } from './udp.ts'

export interface TcpOptions {
  readonly address: string
  readonly port: number
  readonly handler: Handler
  readonly clock: Clock
  readonly metrics: Metrics
}

export function listenOnTcp(options: TcpOptions): Promise<Result<Listening>> {
  const { address, port, metrics } = options
  const clients = new Map<string, number>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const client = socket.remoteAddress ?? ''
    const held = clients.get(client) ?? 0
    if (sockets.size >= limits.dnsConnections || held >= limits.dnsConnectionsPerClient) {
      metrics.count('mesh_dns_connections_refused_total')
      socket.destroy()
      return
    }
    sockets.add(socket)
    clients.set(client, held + 1)
    socket.once('close', () => {
      sockets.delete(socket)
      const left = (clients.get(client) ?? 1) - 1
      if (left > 0) clients.set(client, left)
      else clients.delete(client)
    })
    new Connection(socket, client, options).start()
  })
  return new Promise((resolve) => {
    server.once('error', (error) =>
      resolve(failed('internal', `DNS cannot listen on ${address}, TCP port ${port}: ${error.message}`)),
    )
    server.listen({ host: address, port }, () => {
      server.removeAllListeners('error')
      server.on('error', () => metrics.count('mesh_dns_connections_refused_total'))
      const bound = server.address()
      const at = typeof bound === 'object' && bound !== null ? bound.port : port
      resolve(ok({ port: at, close: () => closed(server, sockets) }))
    })
  })
}

class Connection {
  readonly #socket: Socket
  readonly #client: string
  readonly #clock: Clock
  readonly #handler: Handler
  #received: Buffer = Buffer.alloc(0)
  #underWay = 0
  #heardAtMs = 0
  #silence: Timer | undefined

  constructor(socket: Socket, client: string, { handler, clock }: TcpOptions) {
    this.#socket = socket
    this.#clock = clock
    this.#heardAtMs = clock.monotonicMs()
    this.#client = client
    this.#handler = handler
  }

  start(): void {
    const socket = this.#socket
    socket.setNoDelay(true)
    this.#watchSilence()
    socket.once('close', () => this.#silence?.cancel())
    socket.on('error', () => socket.destroy())
    socket.on('data', (bytes) => {
      this.#heardAtMs = this.#clock.monotonicMs()
      this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes])
      this.#read()
    })
  }

  /** One timer for the whole connection, set again for what is left: none is set for each message. */
  #watchSilence(): void {
    const leftMs = this.#heardAtMs + limits.dnsIdleMs - this.#clock.monotonicMs()
    if (leftMs <= 0 && this.#underWay === 0) this.#socket.destroy()
    else this.#silence = this.#clock.after(Math.max(leftMs, limits.dnsLookupMs), () => this.#watchSilence())
  }

  /** Takes whole messages as long as there is room for their answers. */
  #read(): void {
    const socket = this.#socket
    while (this.#received.length >= 2 && this.#underWay < limits.dnsQueriesPerConnection) {
      const end = 2 + this.#received.readUInt16BE(0)
      if (this.#received.length < end) break
      // A copy: what is kept of a query must not keep the whole piece that it came in.
      const message = Buffer.from(this.#received.subarray(2, end))
      this.#received = this.#received.subarray(end)
      this.#handle(message)
      if (socket.destroyed) return
    }
    if (this.#underWay >= limits.dnsQueriesPerConnection) socket.pause()
    else socket.resume()
  }

  #handle(message: Buffer): void {
    const known = this.#handler.repeated(message, 'tcp')
    if (known !== undefined) {
      this.#send(known)
      return
    }
    this.#underWay += 1
    let isInside = true
    const isQuery = this.#handler.handle(message, { transport: 'tcp', address: this.#client }, (answer) => {
      this.#underWay -= 1
      this.#send(answer)
      if (!isInside) this.#read()
    })
    isInside = false
    // Whoever sends what is no query over a connection means another protocol.
    if (!isQuery) this.#socket.destroy()
  }

  #send(answer: Uint8Array): void {
    const socket = this.#socket
    if (socket.destroyed) return
    if (socket.writableLength > limits.dnsUnreadBytes) {
      socket.destroy()
      return
    }
    const framed = Buffer.allocUnsafe(2 + answer.length)
    framed.writeUInt16BE(answer.length)
    framed.set(answer, 2)
    socket.write(framed)
  }
}

function closed(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    for (const socket of sockets) socket.destroy()
  })
}
