/**
 * Hosts come in and stay: enrollment by a single-use token, and renewal by the registered key, even with a
 * certificate that has expired. The log decides who was first to use a token; a host that comes again with the same
 * key and token, because the answer was lost, gets its certificate again.
 */

import type { Enrollment, Host } from '../../model/authority.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { isUuid } from '../../model/ids.ts'
import type { Clock } from '../../platform/ports.ts'
import type { EnrollRequest, HostCertificate, Peer, RenewHostRequest, Reply } from '../../rpc/contract.ts'
import { enrollmentHash } from '../../rpc/enrollment-token.ts'
import { readCertificateRequest } from '../../wire/x509/request.ts'
import type { Access } from '../access/access.ts'
import type { Admission } from '../admission/admission.ts'
import type { StateView } from '../store/state.ts'
import type { Authority } from './authority.ts'
import { publicRoots } from './roots.ts'

export interface HostsOptions {
  readonly authority: Authority
  readonly access: Access
  readonly admission: Pick<Admission, 'write'>
  /** Name of this server's node: the principal that redeems tokens for hosts. */
  readonly server: string
  readonly view: () => StateView
  /** Keys of the gossip pool, base64, the one in use first; absent or empty: none. */
  readonly gossipKeys?: () => readonly string[]
  readonly clock: Clock
}

/** Names that stand in certificates and paths: a DNS label's letters, and the few more that Consul's users have. */
export const nodeNamePattern = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/

export class Hosts {
  readonly #options: HostsOptions

  constructor(options: HostsOptions) {
    this.#options = options
  }

  enroll(peer: Peer, request: EnrollRequest, reply: Reply<HostCertificate>): void {
    const refuse = this.#options.access.refusals('enroll', peer)
    const checked = this.#checkEnrollment(request)
    if (!checked.ok) {
      reply(refuse(checked))
      return
    }
    const { enrollment, publicKey } = checked.value
    const { node, nodeId } = request
    this.#options.admission.write(
      { kind: 'server', node: this.#options.server },
      {
        type: 'enrollment.redeem',
        tokenHash: enrollment.tokenHash,
        node,
        nodeId,
        publicKey: Buffer.from(publicKey).toString('base64'),
      },
      (result) => reply(result.ok ? this.#certify(node, publicKey) : refuse(result)),
    )
  }

  renewHost(peer: Peer, request: RenewHostRequest, reply: Reply<HostCertificate>): void {
    const refuse = this.#options.access.refusals('renewHost', peer)
    const host = this.#options.access.registeredHost(peer)
    if (!host.ok) {
      reply(refuse(host))
      return
    }
    const publicKey = readCertificateRequest(request.csr)
    if (!publicKey.ok) reply(refuse(publicKey))
    else if (!isKeyOf(host.value, publicKey.value))
      reply(refuse(failed('not-enrolled', 'the request is not for the key that the host registered')))
    else reply(this.#certify(host.value.node, publicKey.value))
  }

  /** In an order that tells a holder of no valid token nothing, and costs the least first. */
  #checkEnrollment(
    request: EnrollRequest,
  ): Result<{ readonly enrollment: Enrollment; readonly publicKey: Uint8Array }> {
    // The state is asked by the hash: how long that takes says nothing about the secret.
    const enrollment = this.#options.view().enrollment(enrollmentHash(request.secret))
    if (enrollment === undefined)
      return failed('token-unknown', 'the enrollment token was never issued by this cluster')
    if (enrollment.node !== '' && enrollment.node !== request.node)
      return failed('bad-token', `the enrollment token is for node "${enrollment.node}"`)
    if (!nodeNamePattern.test(request.node) || !isUuid(request.nodeId))
      return failed('bad-request', 'the node name or node id of the enrollment is not valid')
    if (enrollment.expiresAtMs <= this.#options.clock.wallMs() && enrollment.usedBy === '')
      return failed('token-expired', 'the enrollment token is past its expiry')
    const publicKey = readCertificateRequest(request.csr)
    if (!publicKey.ok) return publicKey
    if (enrollment.usedBy !== '' && !this.#isRepeated(request, enrollment, publicKey.value))
      return failed('token-used', 'the enrollment token was used already')
    return ok({ enrollment, publicKey: publicKey.value })
  }

  /** A used token is refused here, so that whoever finds one cannot fill the log with it. */
  #isRepeated(request: EnrollRequest, enrollment: Enrollment, publicKey: Uint8Array): boolean {
    const host = this.#options.view().host(request.node)
    return enrollment.usedBy === request.node && host !== undefined && isKeyOf(host, publicKey)
  }

  #certify(node: string, publicKey: Uint8Array): Result<HostCertificate> {
    const view = this.#options.view()
    const settings = view.settings()
    const signed = this.#options.authority.signHost(node, publicKey)
    if (!signed.ok) return signed
    return ok({
      certificatePem: signed.value.chainPem,
      clusterId: settings?.clusterId ?? '',
      datacenter: settings?.datacenter ?? '',
      hostRoots: publicRoots(view, 'host'),
      serviceRoots: publicRoots(view, 'service'),
      services: view.host(node)?.services ?? [],
      gossipKeys: this.#options.gossipKeys?.() ?? [],
    })
  }
}

const isKeyOf = (host: Host, publicKey: Uint8Array): boolean =>
  host.publicKey === Buffer.from(publicKey).toString('base64')
