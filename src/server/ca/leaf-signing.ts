/**
 * Signs the certificate of a service for a host that may be that service: enrolled with a valid certificate, its
 * enrollment names the service, and the service is registered on it. Bounded by a token bucket, so that a root
 * rotation cannot starve everything else a server does; who is refused tries again in its own time.
 */
import { allowsService } from '../../model/access.ts'
import type { Host } from '../../model/authority.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import { meshNameOf } from '../../model/service.ts'
import { TokenBucket } from '../../model/token-bucket.ts'
import type { Clock, Metrics } from '../../platform/ports.ts'
import type { LeafCertificate, Peer, Reply, SignLeafRequest } from '../../rpc/contract.ts'
import { hostTagOf } from '../../wire/x509/host-tag.ts'
import { readCertificateRequest } from '../../wire/x509/request.ts'
import type { Access } from '../access/access.ts'
import type { StateView } from '../store/state.ts'
import type { Authority } from './authority.ts'

export interface LeafSigningOptions {
  readonly authority: Authority
  readonly access: Access
  readonly view: () => StateView
  readonly clock: Clock
  readonly metrics: Metrics
}

export class LeafSigning {
  readonly #options: LeafSigningOptions
  readonly #bucket = new TokenBucket(limits.leafSignaturesPerSecond, limits.leafSignaturesPerSecond)

  constructor(options: LeafSigningOptions) {
    this.#options = options
  }

  signLeaf(peer: Peer, request: SignLeafRequest, reply: Reply<LeafCertificate>): void {
    const refuse = this.#options.access.refusals('signLeaf', peer)
    const host = this.#mayBe(peer, request.service)
    const signed = host.ok ? this.#sign(request, host.value) : host
    reply(signed.ok ? signed : refuse(signed))
  }

  /** The host that may be the service. */
  #mayBe(peer: Peer, service: string): Result<Host> {
    const principal = this.#options.access.identify(peer, '')
    if (!principal.ok) return principal
    if (principal.value.kind !== 'host')
      return failed('not-enrolled', 'only an enrolled host gets the certificate of a service')
    const { node, services } = principal.value
    if (!allowsService(services, service))
      return failed(
        'service-not-allowed',
        `host "${node}" is not enrolled for service "${service}"; its enrollment names: ${services.join(', ') || 'none'}`,
      )
    const view = this.#options.view()
    const host = view.host(node)
    if (host === undefined) return failed('not-enrolled', `host "${node}" is not enrolled in this cluster`)
    for (const row of view.servicesOfNode(node))
      if (row.name === service || meshNameOf(row) === service) return ok(host)
    return failed('service-not-registered', `service "${service}" is not registered on host "${node}"`)
  }

  #sign(request: SignLeafRequest, host: Host): Result<LeafCertificate> {
    const waitMs = this.#bucket.take(this.#options.clock.monotonicMs())
    if (waitMs > 0)
      return failed('overloaded', `the authority signs no more certificates now; try again in ${waitMs} ms`)
    const publicKey = readCertificateRequest(request.csr)
    if (!publicKey.ok) return publicKey
    const tag = hostTagOf(Buffer.from(host.publicKey, 'base64'))
    const signed = this.#options.authority.signService(request.service, publicKey.value, tag)
    if (!signed.ok) return signed
    this.#options.metrics.count('mesh_ca_leaves_signed_total')
    const { chainPem, serialNumber, notBeforeMs, notAfterMs } = signed.value
    return ok({ certificatePem: chainPem, serialNumber, notBeforeMs, notAfterMs })
  }
}
