/**
 * Which way a write goes: to the leader here, to another datacenter, or to the primary one, and for whom. Finds that out from
 * who calls and what is written; the rights themselves are checked where it is written.
 */
import type { Principal } from '../../model/access.ts'
import { failed, type Result } from '../../model/errors.ts'
import type { Peer, Reply, WriteRequest } from '../../rpc/contract.ts'
import type { Access } from '../access/access.ts'
import type { Written } from '../admission/admission.ts'
import type { Forwarding } from '../forward/forwarding.ts'
import { type Federation, vouchedFor } from './federation.ts'

export interface WriteRooms {
  readonly access: Pick<Access, 'federatedOf'>
  readonly forwarding: Pick<Forwarding, 'write'>
  readonly federation: Federation
  /** Finds out who calls; refusals are logged there. */
  readonly identified: (call: string, peer: Peer, token: string, then: Reply<Principal>) => void
}

export function routeWrite(
  rooms: WriteRooms,
  peer: Peer,
  request: WriteRequest,
  reply: Reply<Written>,
): void {
  const from = rooms.access.federatedOf(peer)
  if (from !== undefined) writeForOthers(rooms, { peer, from, request }, reply)
  else if (rooms.federation.isElsewhere(request))
    // Who calls must belong here; the token is for there.
    rooms.identified('write', peer, '', (principal) => {
      if (principal.ok) rooms.federation.write(request, reply)
      else reply(principal)
    })
  else writeForOwn(rooms, peer, request, reply)
}

function writeForOwn(
  { federation, forwarding, identified }: WriteRooms,
  peer: Peer,
  { command, token }: WriteRequest,
  reply: Reply<Written>,
): void {
  const primarys = federation.primarys(command)
  identified('write', peer, token, (principal) => {
    if (primarys !== undefined && (principal.ok || token !== ''))
      federation.writeAtPrimary(principal.ok ? principal.value : { token }, primarys, reply)
    else if (principal.ok) forwarding.write(principal.value, command, reply)
    else reply(principal)
  })
}

/** For another datacenter: as whoever the token is here, or for its operator where it vouches for one. */
function writeForOthers(
  { federation, forwarding, identified }: WriteRooms,
  { peer, from, request }: { readonly peer: Peer; readonly from: string; readonly request: WriteRequest },
  reply: Reply<Written>,
): void {
  const write = (principal: Result<Principal>): void => {
    if (principal.ok) forwarding.write(principal.value, request.command, reply)
    else reply(principal)
  }
  if (federation.isElsewhere(request) || federation.primarys(request.command) !== undefined)
    reply(failed('unknown-datacenter', 'this datacenter passes on nothing for another one'))
  else {
    const vouched = vouchedFor(from, request)
    if (vouched === undefined) identified('write', peer, request.token, write)
    else write(vouched)
  }
}
