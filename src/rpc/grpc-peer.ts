/**
 * Reaches from a gRPC call to the connection that carries it: the certificates that the peer showed, and the means to
 * drop the call at once. The library has no public way to either (its auth context hides chains that OpenSSL would not
 * accept, such as an expired one that may still renew), so this file alone looks inside, and gives nothing
 * where it does not find what it knows: a peer without certificates may do nothing.
 */
import type { Http2Session, ServerHttp2Stream } from 'node:http2'
import { TLSSocket } from 'node:tls'
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

/** One peer per connection, made at its first call: reading a chain costs more than most calls. */
const peers = new WeakMap<Http2Session, Peer>()

export function tlsPeerOf(call: object): Peer {
  const session = streamOfCall(call)?.session
  if (session === undefined) return { certificates: [], address: 'unknown' }
  const known = peers.get(session)
  if (known !== undefined) return known
  const socket = session.destroyed ? undefined : session.socket
  const peer = {
    certificates: socket instanceof TLSSocket ? presentedChain(socket) : [],
    address: socket?.remoteAddress ?? 'unknown',
  }
  peers.set(session, peer)
  return peer
}
