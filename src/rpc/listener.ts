/**
 * Where a server is reached: an mTLS port for hosts and other servers, a unix socket for operators of this machine.
 * Accepts connections and hands them to a gRPC service: other servers to one that has Raft, members of the cluster to one
 * with room for all that an agent does, strangers, who may only want to enroll, to one with little. Certificates are replaced without closing anything.
 */
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { failed, ok, type Result } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { Clock, Log, Metrics } from '../platform/ports.ts'
import type { Peer, ServerApi } from './contract.ts'
import { peerOfSocket, tlsPeerOf } from './grpc-peer.ts'
import { type Audience, createGrpcService, type GrpcService, type RaftAcceptor } from './grpc-server.ts'
import type { OperatorApi } from './operator.ts'
import type { ServerPeerApi } from './server-contract.ts'
import { alpnProtocol, contextOptions, type TlsIdentity } from './tls.ts'
import { listenOnUnixSocket } from './unix-socket.ts'

export interface ListenerOptions {
  readonly api: ServerApi
  readonly operator?: OperatorApi
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

export interface TlsListenerOptions extends ListenerOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly identity: TlsIdentity
  /** As whom the peer is served by its certificates now; undefined: not at all. Asked once per connection. */
  readonly audienceOf: (peer: Peer) => Audience | undefined
  /** Takes the streams of other servers. */
  readonly raft?: RaftAcceptor
  readonly peers?: ServerPeerApi
}

/** Calls back with `no-server` where the address cannot be listened on; the message names it. */
export function listenTls(options: TlsListenerOptions, done: (result: Result<TlsListener>) => void): void {
  const services = {
    servers: createGrpcService({ ...options, peerOf: tlsPeerOf, audience: 'servers' }),
    members: createGrpcService({ ...options, peerOf: tlsPeerOf, audience: 'members' }),
    strangers: createGrpcService({ ...options, peerOf: tlsPeerOf, audience: 'strangers' }),
  }
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
  server.on('secureConnection', assignTo(services, options))
  const sockets = trackSockets(server)
  reportErrors(server, options)
  const refused = (error: Error): void => done(failed('no-server', `cannot listen: ${error.message}`))
  server.once('error', refused)
  server.listen({ host: options.host, port: options.port }, () => {
    server.off('error', refused)
    done(
      ok({
        port: (server.address() as AddressInfo).port,
        setIdentity: (identity) => server.setSecureContext(contextOptions(identity)),
        close: (closed) => closeAll(server, Object.values(services), sockets, closed),
      }),
    )
  })
}

/** Strangers are counted apart, so that they can neither fill the memory nor take the places of members. */
function assignTo(
  services: { readonly [Name in Audience]: GrpcService },
  { audienceOf, metrics }: TlsListenerOptions,
): (socket: TLSSocket) => void {
  let strangers = 0
  return (socket) => {
    socket.on('error', ignoreError)
    // A client without ALPN gets this far; it does not speak our protocol.
    const audience = socket.alpnProtocol === alpnProtocol ? audienceOf(peerOfSocket(socket)) : undefined
    if (audience === undefined) socket.destroy()
    else if (audience !== 'strangers') services[audience].accept(socket)
    else if (strangers >= limits.rpcStrangers) {
      metrics.count('mesh_rpc_connections_refused_total')
      socket.destroy()
    } else {
      strangers += 1
      socket.once('close', () => {
        strangers -= 1
      })
      services.strangers.accept(socket)
    }
  }
}

/** A unix socket for operators of this machine: its permissions stand for who they are. */
export function listenLocal(
  options: ListenerOptions & { readonly path: string; readonly mode: number },
  done: (result: Result<Listener>) => void,
): void {
  const service = createGrpcService({ ...options, peerOf: () => localPeer, audience: 'members' })
  const server = createServer((socket) => service.accept(socket))
  const sockets = trackSockets(server)
  reportErrors(server, options)
  listenOnUnixSocket(server, options, (error) => {
    if (error === '') done(ok({ close: (closed) => closeAll(server, [service], sockets, closed) }))
    else done(failed('no-server', `cannot listen on ${error}`))
  })
}

/** An error after it listens (no file descriptors left) costs a connection, not the process. */
function reportErrors(server: NetServer, options: ListenerOptions): void {
  server.on('error', (error) => {
    options.metrics.count('mesh_rpc_listener_errors_total')
    if (server.listening) options.log.error('a connection could not be accepted', { error: error.message })
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
  services: readonly GrpcService[],
  sockets: ReadonlySet<Socket>,
  closed: () => void,
): void {
  server.close(() => closed())
  for (const service of services) service.stop()
  for (const socket of sockets) socket.destroy()
}
