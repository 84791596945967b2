/**
 * What a server answers to each call of the contract: finds out who calls, then hands over to the room whose business it
 * is. Decides nothing itself.
 */
import type { Principal } from '../model/access.ts'
import type { NodeId } from '../model/ids.ts'
import type { QueryName, ReadAnswer } from '../model/query.ts'
import type { FrameStream, Peer, ReadRequest, Reply, ServerApi } from '../rpc/contract.ts'
import type { ServerPeerApi } from '../rpc/server-contract.ts'
import type { Access } from './access/access.ts'
import type { Hosts } from './ca/hosts.ts'
import type { LeafSigning } from './ca/leaf-signing.ts'
import type { Servers } from './ca/servers.ts'
import type { CatchingUp } from './catching-up.ts'
import type { Federating } from './federation/federating.ts'
import type { Federation } from './federation/federation.ts'
import { routeWrite } from './federation/write-route.ts'
import type { ForwardDesk } from './forward/desk.ts'
import type { Forwarding } from './forward/forwarding.ts'
import type { Reader } from './queries/reader.ts'
import type { SessionHub } from './sessions/hub.ts'
import type { PresenceExchange } from './sessions/presence-exchange.ts'

export interface CallRooms {
  readonly access: Access
  readonly catchingUp: CatchingUp
  readonly forwarding: Pick<Forwarding, 'write'>
  readonly reader: Reader
  readonly hub: SessionHub
  readonly hosts: Hosts
  readonly leaves: LeafSigning
  readonly servers: Pick<Servers, 'enrollServer'>
  readonly federation: Federation
  readonly federating: Pick<Federating, 'federate'>
}

export function createCalls(rooms: CallRooms): ServerApi {
  const { access, catchingUp, reader, hub, hosts, leaves, servers, federation, federating } = rooms
  const identified = (call: string, peer: Peer, token: string, then: Reply<Principal>): void =>
    catchingUp.try<Principal>(
      (reply) => reply(access.identify(peer, token)),
      (principal) => then(access.refusals(call, peer)(principal)),
    )
  /** A read may wait for minutes: who was shut out meanwhile gets no answer to it. */
  const stillKnown = <Value>(
    peer: Peer,
    { token, options }: Pick<ReadRequest<QueryName>, 'token' | 'options'>,
    reply: Reply<Value>,
  ): Reply<Value> => {
    if (options.waitMs === 0) return reply
    return (result) => {
      const again = access.identify(peer, token)
      reply(again.ok ? result : again)
    }
  }
  return {
    enroll: (peer, request, reply) => catchingUp.try((answer) => hosts.enroll(peer, request, answer), reply),
    renewHost: (peer, request, reply) =>
      catchingUp.try((answer) => hosts.renewHost(peer, request, answer), reply),
    // The leader looks at its own state; any other server passes the call on.
    enrollServer: (peer, request, reply) => servers.enrollServer(peer, request, reply),
    federate: (peer, request, reply) =>
      catchingUp.try((answer) => federating.federate(peer, request, answer), reply),
    signLeaf: (peer, request, reply) =>
      catchingUp.try((answer) => leaves.signLeaf(peer, request, answer), reply),
    write: (peer, request, reply) => routeWrite({ ...rooms, identified }, peer, request, reply),
    read: <Name extends QueryName>(
      peer: Peer,
      request: ReadRequest<Name>,
      reply: Reply<ReadAnswer<Name>>,
    ) => {
      let isCancelled = false
      let cancel = (): void => undefined
      const isElsewhere = federation.isElsewhere(request)
      // A token of another datacenter says nothing here; it is looked at there.
      identified('read', peer, isElsewhere ? '' : request.token, (principal) => {
        if (isCancelled) return
        if (!principal.ok) reply(principal)
        else if (isElsewhere) cancel = federation.read(request, access.federatedOf(peer), reply).cancel
        else cancel = reader.read(request, stillKnown(peer, request, reply), principal.value).cancel
      })
      return {
        cancel: () => {
          isCancelled = true
          cancel()
        },
      }
    },
    control: (peer, stream) =>
      identified('control', peer, '', (principal) => {
        if (principal.ok) hub.open(principal.value, stream)
        else stream.destroy(principal.failure)
      }),
  }
}

export interface PeerRooms {
  /** Which server of the cluster's configuration a peer is; undefined for everybody else. */
  readonly serverOf: (peer: Peer) => NodeId | undefined
  readonly desk: ForwardDesk
  readonly presence: PresenceExchange
}

/** What a server answers to other servers of its cluster. */
export function createPeerCalls({ serverOf, desk, presence }: PeerRooms): ServerPeerApi {
  const fromServer = <Stream extends Pick<FrameStream<never, never>, 'destroy'>>(
    peer: Peer,
    stream: Stream,
    take: (from: NodeId, stream: Stream) => void,
  ): void => {
    const from = serverOf(peer)
    if (from !== undefined) take(from, stream)
    else stream.destroy({ code: 'not-enrolled', message: 'the caller is no server of this cluster' })
  }
  return {
    forward: (peer, stream) => fromServer(peer, stream, (from) => desk.open(from, stream)),
    presence: (peer, stream) => fromServer(peer, stream, (from) => presence.open(from, stream)),
  }
}
