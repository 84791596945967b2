/**
 * Where a server is reached: an mTLS port for hosts and other servers, a unix socket for operators of this machine.
 * Accepts connections and hands them to a gRPC service; certificates are replaced without closing anything.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { failed, ok, type Result } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { Clock, Log, Metrics } from '../platform/ports.ts'
import type { Peer, ServerApi } from './contract.ts'
import { tlsPeerOf } from './grpc-peer.ts'
import { createGrpcService, type GrpcService } from './grpc-server.ts'
import { alpnProtocol, contextOptions, type TlsIdentity } from './tls.ts'

export interface ListenerOptions {
  readonly api: ServerApi
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

export interface Listener {
  /** Ends every connection at once. */
  close(done: () => void): void
}

export interface TlsListener extends Listener {
  readonly port: number
  /** New connections get the new certificate; open ones go on. */
  setIdentity(identity: TlsIdentity): void
}

/** The peer of every call on the unix socket: the socket's permissions stand for it. */
export const localPeer: Peer = { certificates: [], address: 'local' }

/** Calls back with `no-server` where the address cannot be listened on; the message names it. */
export function listenTls(
  options: ListenerOptions & {
    readonly host: string
    /** 0: any free one. */
    readonly port: number
    readonly identity: TlsIdentity
  },
  done: (result: Result<TlsListener>) => void,
): void {
  const service = createGrpcService({ ...options, peerOf: tlsPeerOf })
  const server = createTlsServer({
    ...contextOptions(options.identity),
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: [alpnProtocol],
    handshakeTimeout: limits.handshakeTimeoutMs,
  })
  server.maxConnections = limits.rpcConnections
  server.on('drop', () => options.metrics.count('mesh_rpc_connections_refused_total'))
  server.on('tlsClientError', (error, socket) => {
    options.metrics.count('mesh_rpc_handshakes_failed_total')
    options.log.debug('a TLS handshake failed', { address: socket.remoteAddress, error: error.message })
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    // A client without ALPN gets this far; it does not speak our protocol.
    socket.on('error', ignoreError)
    if (socket.alpnProtocol === alpnProtocol) service.accept(socket)
    else socket.destroy()
  })
  const sockets = trackSockets(server)
  reportErrors(server, options, done)
  server.listen({ host: options.host, port: options.port }, () => {
    done(
      ok({
        port: (server.address() as AddressInfo).port,
        setIdentity: (identity) => server.setSecureContext(contextOptions(identity)),
        close: (closed) => closeAll(server, service, sockets, closed),
      }),
    )
  })
}

/**
 * A socket file that a killed process left behind is replaced; one that answers is not. The file never has more
 * permissions than `mode`, not even for a moment.
 */
export function listenLocal(
  options: ListenerOptions & { readonly path: string; readonly mode: number },
  done: (result: Result<Listener>) => void,
): void {
  isAbandoned(options.path, (abandoned) => {
    if (abandoned) unlinkSync(options.path)
    const service = createGrpcService({ ...options, peerOf: () => localPeer })
    const server = createServer((socket) => service.accept(socket))
    const sockets = trackSockets(server)
    reportErrors(server, options, done)
    const umask = process.umask(0o177)
    server.listen({ path: options.path }, () => {
      chmodSync(options.path, options.mode)
      done(ok({ close: (closed) => closeAll(server, service, sockets, closed) }))
    })
    process.umask(umask)
  })
}

function isAbandoned(path: string, done: (abandoned: boolean) => void): void {
  const socket = connect({ path })
  socket.once('connect', () => {
    socket.destroy()
    done(false)
  })
  socket.once('error', (error: NodeJS.ErrnoException) =>
    // A plain file refuses connections as well, and is not ours to remove.
    done(error.code === 'ECONNREFUSED' && lstatSync(path).isSocket()),
  )
}

/**
 * Until it listens an error is the answer; later ones (no file descriptors left) cost a connection, not the process.
 */
function reportErrors(
  server: NetServer,
  options: ListenerOptions,
  done: (result: Result<never>) => void,
): void {
  server.on('error', (error) => {
    options.metrics.count('mesh_rpc_listener_errors_total')
    if (server.listening) options.log.error('a connection could not be accepted', { error: error.message })
    else done(failed('no-server', `cannot listen: ${error.message}`))
  })
}

/** Raw connections, so that those still in their handshake can be closed as well. */
function trackSockets(server: NetServer): ReadonlySet<Socket> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', ignoreError)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

/** HTTP/2 hears of it by the close; without a listener here a reset connection would end the process. */
function ignoreError(): void {}

function closeAll(
  server: NetServer,
  service: GrpcService,
  sockets: ReadonlySet<Socket>,
  closed: () => void,
): void {
  server.close(() => closed())
  service.stop()
  for (const socket of sockets) socket.destroy()
}
