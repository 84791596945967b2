/**
 * Reaches from a gRPC call to the connection that carries it: the certificates that the peer showed, and the means to
 * drop the call at once. The library has no public way to either (its auth context hides chains that OpenSSL would not
 * accept, such as an expired one that may still renew), so this file alone looks inside, and gives nothing
 * where it does not find what it knows: a peer without certificates may do nothing.
 */
import type { Http2Session, ServerHttp2Stream } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Peer } from './contract.ts'
import { presentedChain } from './tls.ts'

/** Of @grpc/grpc-js 1.14: a call object holds the intercepting call, which holds the HTTP/2 stream. */
interface InsideCall {
  readonly call?: { readonly stream?: ServerHttp2Stream }
}

export function streamOfCall(call: object): ServerHttp2Stream | undefined {
  const stream = (call as InsideCall).call?.stream
  return typeof stream?.close === 'function' ? stream : undefined
}

/** Lets the caller send this much before it must wait for us; the library lets only clients say so (RFC 9113, 6.9). */
export function widenWindow(call: object, bytes: number): void {
  const session = streamOfCall(call)?.session
  if (session === undefined || session.destroyed || session.state.localWindowSize === bytes) return
  session.setLocalWindowSize(bytes)
  session.settings({ initialWindowSize: bytes })
}

/** Where the peer of a connection is kept: HTTP/2 shows its socket only through a proxy, which passes properties on. */
const peerOfConnection = Symbol('peer of the connection')

interface Carrier {
  [peerOfConnection]?: Peer
}

/** To be called when a connection has been accepted: reading a chain costs more than most calls, so it is done once. */
export function peerOfSocket(socket: TLSSocket): Peer {
  const peer = { certificates: presentedChain(socket), address: socket.remoteAddress ?? 'unknown' }
  Object.assign(socket, { [peerOfConnection]: peer } satisfies Carrier)
  return peer
}

/** By session, because a session forgets its socket before its last calls have ended. */
const peers = new WeakMap<Http2Session, Peer>()
const nobody: Peer = { certificates: [], address: 'unknown' }

export function tlsPeerOf(call: object): Peer {
  const session = streamOfCall(call)?.session
  if (session === undefined) return nobody
  const known = peers.get(session)
  if (known !== undefined) return known
  const carrier: Carrier = session.destroyed ? {} : (session.socket as object)
  const peer = carrier[peerOfConnection] ?? nobody
  peers.set(session, peer)
  return peer
}
