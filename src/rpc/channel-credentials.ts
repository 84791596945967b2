/**
 * How a client proves itself to a server and judges the server, per connection: TLS 1.3 with the certificate of that
 * moment, then the server's chain against the host-plane roots, or against the pin of an enrollment token. The
 * handshake is ours and not gRPC's, so that a refusal has a reason and nothing is ever resumed.
 */
import type { Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { CallCredentials, ChannelCredentials, type experimental } from '@grpc/grpc-js'
import { type Failure, MeshError } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { Clock } from '../platform/ports.ts'
import { certificateId } from '../wire/x509/certificate.ts'
import { readCertificateFacts } from '../wire/x509/certificate-facts.ts'
import { type ChainOutcome, createTrust, type Trust, verifyChain } from '../wire/x509/chain.ts'
import { encodeCertificatePem } from '../wire/x509/pem.ts'
import { alpnProtocol, contextOptions, presentedChain, type TlsIdentity } from './tls.ts'

/** What a client has to show and whom it trusts; asked for anew at every connection. */
export type ClientIdentity =
  /** An enrolled host or a server. */
  | { readonly kind: 'host'; readonly tls: TlsIdentity; readonly trust: Trust; readonly datacenter: string }
  /** Not enrolled yet: trusts the authority whose root has this id (SHA-256, hex with colons), shows nothing. */
  | { readonly kind: 'pinned'; readonly pin: string }
  /** A server that calls another one, which it may know by its key: judges the presented chain itself. */
  | {
      readonly kind: 'server'
      readonly tls: TlsIdentity
      readonly judge: (chain: readonly Uint8Array[]) => Failure | undefined
    }

export interface HandshakeEvents {
  /** TCP is connected: somebody is there. */
  readonly onReached: () => void
  /** Why the server was not accepted: gRPC itself passes on only that there is no connection. */
  readonly onRefused: (failure: Failure) => void
}

export class MeshChannelCredentials extends ChannelCredentials {
  readonly #identity: ClientIdentity
  readonly #clock: Clock
  readonly #events: HandshakeEvents

  constructor(identity: ClientIdentity, clock: Clock, events: HandshakeEvents) {
    super()
    this.#identity = identity
    this.#clock = clock
    this.#events = events
  }

  override _isSecure(): boolean {
    return true
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other
  }

  override _createSecureConnector(): experimental.SecureConnector {
    return {
      connect: async (socket: Socket) => {
        this.#events.onReached()
        try {
          return { socket: await handshake(socket, this.#identity, this.#clock), secure: true }
        } catch (error) {
          this.#events.onRefused(failureOf(error))
          throw error
        }
      },
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => CallCredentials.createEmpty(),
      destroy: () => undefined,
    }
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof MeshError) return error.failure
  const words = error instanceof Error ? error.message : 'unknown error'
  return { code: 'no-server', message: `the TLS handshake failed: ${words}` }
}

function handshake(socket: Socket, identity: ClientIdentity, clock: Clock): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const tls = connectTls({
      socket,
      ...contextOptions(identity.kind === 'pinned' ? undefined : identity.tls),
      ALPNProtocols: [alpnProtocol],
      servername: 'server.mesh',
      // Judged below by our own rule; OpenSSL would need the root of a pinned authority before it can be known.
      rejectUnauthorized: false,
    })
    const late = clock.after(limits.handshakeTimeoutMs, () => tls.destroy(new Error('no answer in time')))
    tls.on('error', reject)
    tls.once('close', () => {
      late.cancel()
      reject(new Error('the server closed the connection'))
    })
    tls.once('secureConnect', () => {
      late.cancel()
      const refusal = judgeServer(presentedChain(tls), identity, clock.wallMs())
      if (refusal === undefined && tls.alpnProtocol === alpnProtocol) return resolve(tls)
      const { code, message } = refusal ?? {
        code: 'no-server',
        message: 'not a mesh server: it speaks no HTTP/2',
      }
      tls.destroy(new MeshError(code, message))
    })
  })
}

/** Undefined for a server of our own authority; otherwise what is wrong with it. */
export function judgeServer(
  chain: readonly Uint8Array[],
  identity: ClientIdentity,
  nowMs: number,
): Failure | undefined {
  if (identity.kind === 'server') return identity.judge(chain)
  const trust = identity.kind === 'host' ? identity.trust : pinnedTrust(chain, identity.pin)
  if (trust === undefined)
    return {
      code: 'wrong-cluster',
      message: 'the server does not belong to the authority that the enrollment token pins',
    }
  const outcome = verifyChain({ chain, trust, plane: 'host', nowMs })
  if (outcome.kind !== 'ok') return { code: 'wrong-cluster', message: reasons[outcome.kind] }
  if (outcome.identity.kind !== 'server')
    return { code: 'wrong-cluster', message: 'the peer is a host of the mesh, not a server' }
  if (identity.kind === 'host' && outcome.identity.datacenter !== identity.datacenter)
    return { code: 'wrong-cluster', message: `the server is of datacenter "${outcome.identity.datacenter}"` }
  return undefined
}

const reasons: { readonly [Kind in Exclude<ChainOutcome['kind'], 'ok'>]: string } = {
  'no-certificate': 'the server showed no certificate',
  'no-spiffe-uri': 'the server’s certificate names no server of a mesh',
  'wrong-plane': 'the server showed a service’s certificate',
  untrusted: 'the server’s certificate is not from this host’s authority',
  evicted: 'the server’s certificate is one of an evicted host',
  expired: 'the server’s certificate has expired',
  'not-yet-valid': 'the server’s certificate is not valid yet; compare the clocks',
}

/** Servers send their root along; it is the pinned one or it is nothing. */
function pinnedTrust(chain: readonly Uint8Array[], pin: string): Trust | undefined {
  const root = chain.find((der) => certificateId(der) === pin)
  const uri = root === undefined ? undefined : readCertificateFacts(root)?.uris[0]
  if (root === undefined || !uri?.startsWith('spiffe://')) return undefined
  const trust = createTrust([{ trustDomain: uri.slice('spiffe://'.length), pem: encodeCertificatePem(root) }])
  return trust.ok ? trust.value : undefined
}
