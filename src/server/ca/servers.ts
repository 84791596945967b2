/**
 * Further servers come in: by a single-use token that an operator made for a server. The leader uses the token up, records
 * the server with its key in the log's configuration, first as a learner, and hands it what every server has: a certificate
 * and the cluster key. Any server takes the call and passes it on to the leader. Coming again with the same key is harmless.
 */
import { isIP } from 'node:net'
import type { Enrollment } from '../../model/authority.ts'
import { type ClusterServer, serverOf } from '../../model/cluster.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { isUuid, type NodeId, nodeId } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { RowIndexes } from '../../model/service.ts'
import type { Clock, Log } from '../../platform/ports.ts'
import type { EnrollServerRequest, Peer, Reply, ServerAdmission } from '../../rpc/contract.ts'
import { enrollmentHash } from '../../rpc/enrollment-token.ts'
import { publicKeyPem, readPublicKeyInfo } from '../../wire/x509/keys.ts'
import { readCertificateRequest } from '../../wire/x509/request.ts'
import type { Access } from '../access/access.ts'
import type { Admission } from '../admission/admission.ts'
import type { ClusterOperations, Consensus } from '../consensus/contract.ts'
import type { StateView } from '../store/state.ts'
import type { Authority, ServerNames } from './authority.ts'
import { nodeNamePattern } from './hosts.ts'
import { publicRoots } from './roots.ts'

export interface ServersOptions {
  readonly authority: Authority
  readonly access: Pick<Access, 'refusals'>
  readonly admission: Pick<Admission, 'write'>
  readonly consensus: Pick<Consensus, 'status'> & Pick<ClusterOperations, 'change' | 'configuration'>
  /** Name of this server's node: the principal that redeems tokens. */
  readonly server: string
  readonly clusterKey: Uint8Array
  readonly view: () => StateView
  readonly clock: Clock
  readonly log: Log
  /** Asks the leader; undefined is called back where nobody knows whether it was done. */
  readonly passOn: (
    leader: NodeId,
    request: EnrollServerRequest,
    done: (result: Result<ServerAdmission> | undefined) => void,
  ) => void
  /** The server with that node name, if it is there now: one that is gone may be replaced under its name. */
  readonly serverNamed: (node: string) => NodeId | undefined
  /** Log index at which the server last said something new about itself; undefined where it never did. */
  readonly announcedAt: (id: NodeId) => number | undefined
  /** Whether the caller is a server that passed the call on: it is not passed on twice. */
  readonly isServer: (peer: Peer) => boolean
}

interface Newcomer extends Omit<ClusterServer, 'suffrage'> {
  readonly node: string
  /** SubjectPublicKeyInfo DER. */
  readonly info: Uint8Array
}

/** Another change of the cluster may be under way; it is waited for in steps. */
const changePauseMs = 200
const changeWaitMs = 10_000
const addressPattern = /^[\x21-\x7e]{1,255}:\d{1,5}$/

export class Servers {
  readonly #options: ServersOptions

  constructor(options: ServersOptions) {
    this.#options = options
  }

  enrollServer(peer: Peer, request: EnrollServerRequest, reply: Reply<ServerAdmission>): void {
    const { consensus, access, isServer } = this.#options
    const { role, leader } = consensus.status()
    const refuse = access.refusals('enrollServer', peer)
    if (role === 'leader') this.#admit(request, (result) => reply(refuse(result)))
    else if (leader === undefined || isServer(peer)) reply(noLeader)
    else this.#options.passOn(leader, request, (result) => reply(result ?? lost))
  }

  #admit(request: EnrollServerRequest, reply: Reply<ServerAdmission>): void {
    const checked = this.#check(request)
    if (!checked.ok) {
      reply(checked)
      return
    }
    const { enrollment, newcomer } = checked.value
    const { node, id: serverId, info } = newcomer
    const publicKey = Buffer.from(info).toString('base64')
    const { tokenHash } = enrollment
    this.#options.admission.write(
      { kind: 'server', node: this.#options.server },
      { type: 'enrollment.redeem-server', tokenHash, node, serverId, publicKey },
      (redeemed) => {
        if (!redeemed.ok) reply(redeemed)
        else
          this.#record(newcomer, this.#options.clock.monotonicMs() + changeWaitMs, (recorded) =>
            reply(recorded.ok ? this.#certify(newcomer) : recorded),
          )
      },
    )
  }

  /** In an order that tells a holder of no valid token nothing, and costs the least first. */
  #check(
    request: EnrollServerRequest,
  ): Result<{ readonly enrollment: Enrollment; readonly newcomer: Newcomer }> {
    const { node, serverId, address, csr } = request
    // Asked by the hash: how long that takes says nothing about the secret.
    const enrollment = this.#options.view().enrollment(enrollmentHash(request.secret))
    if (enrollment === undefined)
      return failed('token-unknown', 'the enrollment token was never issued by this cluster')
    if (enrollment.role !== 'server')
      return failed(
        'bad-token',
        'the enrollment token is for a host; make one with `mesh token create -server`',
      )
    if (!nodeNamePattern.test(node) || !isUuid(serverId) || !addressPattern.test(address))
      return failed('bad-request', 'the node name, server id or address of the enrollment is not valid')
    if (this.#wasSpent(enrollment, nodeId(serverId)))
      return failed('token-used', 'the server came in with this token already; make a new one for it')
    const info = readCertificateRequest(csr)
    if (!info.ok) return info
    const key = readPublicKeyInfo(info.value)
    if (key === undefined) return failed('bad-request', 'the key of the enrollment is not a P-256 key')
    const newcomer = { id: nodeId(serverId), address, publicKey: publicKeyPem(key), node, info: info.value }
    const free = this.#isFree(newcomer)
    return free.ok ? ok({ enrollment, newcomer }) : free
  }

  /**
   * A token that was used may be shown again where the answer was lost. A server that has spoken to the cluster since got its
   * answer: it was removed, or lost its log, and an operator decides whether it comes back.
   */
  #wasSpent({ usedBy, modifyIndex }: Enrollment & Pick<RowIndexes, 'modifyIndex'>, id: NodeId): boolean {
    return usedBy !== '' && (this.#options.announcedAt(id) ?? 0) > modifyIndex
  }

  /** Before the token is used up: a server that has to change something keeps it. */
  #isFree({ id, publicKey, node }: Newcomer): Result<true> {
    const namesake = this.#options.serverNamed(node)
    if (namesake !== undefined && namesake !== id)
      return failed('node-name-taken', `server ${namesake} has the name "${node}"; choose another node_name`)
    const configuration = this.#options.consensus.configuration()
    const known = serverOf(configuration, id)
    if (known !== undefined && known.publicKey !== publicKey)
      return failed(
        'node-name-taken',
        `server ${id} is in the cluster with another key; remove it first: mesh operator raft remove-peer -id ${id}`,
      )
    if (known === undefined && configuration.servers.length >= limits.serversPerCluster)
      return failed('conflict', `the cluster has ${limits.serversPerCluster} servers already`)
    return ok(true)
  }

  #record(newcomer: Newcomer, untilMs: number, reply: Reply<unknown>): void {
    const { consensus, clock, log } = this.#options
    const { id, address, publicKey } = newcomer
    const known = serverOf(consensus.configuration(), id)
    // Only a server without a log asks. One that is known has lost its log, and its votes with it: they must not count on.
    const change =
      known === undefined
        ? ({ kind: 'add', server: { id, address, publicKey } } as const)
        : ({ kind: 'remove', id } as const)
    consensus.change(change, (result) => {
      if (result.ok && change.kind === 'remove') {
        log.warn('a server comes back without its log', { server: id, node: newcomer.node, address })
        this.#record(newcomer, untilMs, reply)
        return
      }
      const isBusy = !result.ok && result.failure.code === 'conflict'
      if (isBusy && clock.monotonicMs() < untilMs)
        clock.after(changePauseMs, () => this.#record(newcomer, untilMs, reply))
      else {
        if (result.ok) log.info('a server joins', { server: id, node: newcomer.node, address })
        reply(result)
      }
    })
  }

  #certify({ node, address, info }: Newcomer): Result<ServerAdmission> {
    const { authority, clusterKey, view } = this.#options
    const signed = authority.signServer(serverNames(node, address), info)
    if (!signed.ok) return signed
    const state = view()
    const settings = state.settings()
    return ok({
      certificatePem: signed.value.chainPem,
      clusterKey,
      clusterId: settings?.clusterId ?? '',
      datacenter: settings?.datacenter ?? '',
      hostRoots: publicRoots(state, 'host'),
      serviceRoots: publicRoots(state, 'service'),
    })
  }
}

/** What a server's certificate says about it, from its node name and RPC address. */
export function serverNames(node: string, address: string): ServerNames {
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  const isAddress = isIP(host) !== 0
  return { node, dnsNames: isAddress ? [] : [host], ipAddresses: isAddress ? [host] : [] }
}

const noLeader = failed('no-leader', 'this server does not lead and knows no server that does')
const lost = failed('no-leader', 'the leader was lost before it answered; try again with the same token')
