/**
 * What a server answers to each call of the contract: finds out who calls, then hands over to the room whose business it
 * is. Decides nothing itself.
 */
import type { QueryName, ReadAnswer } from '../model/query.ts'
import type { Peer, ReadRequest, Reply, ServerApi } from '../rpc/contract.ts'
import type { Access } from './access/access.ts'
import type { Admission } from './admission/admission.ts'
import type { Hosts } from './ca/hosts.ts'
import type { LeafSigning } from './ca/leaf-signing.ts'
import type { Reader } from './queries/reader.ts'
import type { SessionHub } from './sessions/hub.ts'

export interface CallRooms {
  readonly access: Access
  readonly admission: Admission
  readonly reader: Reader
  readonly hub: SessionHub
  readonly hosts: Hosts
  readonly leaves: LeafSigning
}

const nothingHeld = { cancel: () => undefined }

export function createCalls({ access, admission, reader, hub, hosts, leaves }: CallRooms): ServerApi {
  return {
    enroll: (peer, request, reply) => hosts.enroll(peer, request, reply),
    renewHost: (peer, request, reply) => hosts.renewHost(peer, request, reply),
    signLeaf: (peer, request, reply) => leaves.signLeaf(peer, request, reply),
    write: (peer, { command, token }, reply) => {
      const principal = access.refusals('write', peer)(access.identify(peer, token))
      if (principal.ok) admission.write(principal.value, command, reply)
      else reply(principal)
    },
    read: <Name extends QueryName>(
      peer: Peer,
      request: ReadRequest<Name>,
      reply: Reply<ReadAnswer<Name>>,
    ) => {
      const principal = access.refusals('read', peer)(access.identify(peer, request.token))
      if (principal.ok) return reader.read(request, reply, principal.value)
      reply(principal)
      return nothingHeld
    },
    control: (peer, stream) => {
      const principal = access.refusals('control', peer)(access.identify(peer, ''))
      if (principal.ok) hub.open(principal.value, stream)
      else stream.destroy(principal.failure)
    },
  }
}
