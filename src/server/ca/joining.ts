/**
 * How this server is admitted to a cluster that exists: it makes its key, asks the servers that the token and the configuration
 * name, one after the other, and keeps what it is given. Used by the waiting server and by `mesh enroll -server`.
 */
import { type Failure, failed, ok, type Result } from '../../model/errors.ts'
import type { Clock, Log, StateFiles } from '../../platform/ports.ts'
import type { EnrollServerRequest, Reply, ServerAdmission } from '../../rpc/contract.ts'
import type { EnrollmentToken } from '../../rpc/enrollment-token.ts'
import { createTrust, verifyChain } from '../../wire/x509/chain.ts'
import { publicKeyInfo } from '../../wire/x509/keys.ts'
import { decodeCertificatePems } from '../../wire/x509/pem.ts'
import { createCertificateRequest } from '../../wire/x509/request.ts'
import { openServerKey } from './own-certificate.ts'
import { type ServerFiles, writeClusterKey, writeServerFiles } from './server-files.ts'

export interface JoiningOptions {
  readonly files: StateFiles
  readonly id: string
  readonly node: string
  readonly datacenter: string
  /** Where the other servers reach this one. */
  readonly address: string
  /** Servers of the configuration; asked after those of the token. */
  readonly servers: readonly string[]
  readonly clock: Clock
  readonly log: Log
  /** Asks one server over a connection that trusts the pin only. */
  readonly ask: (
    target: { readonly address: string; readonly pin: string },
    request: EnrollServerRequest,
    reply: Reply<ServerAdmission>,
  ) => void
}

/** Replies once: with what was stored, or with why not. Repeating is harmless: the key stays the same. */
export function joinCluster(
  options: JoiningOptions,
  token: EnrollmentToken,
  reply: Reply<ServerFiles>,
): void {
  const { files, id, node, datacenter, address } = options
  const fits = checkToken(token, node, datacenter)
  const key = fits.ok ? openServerKey(files) : fits
  if (!key.ok) {
    reply(key)
    return
  }
  const csr = createCertificateRequest(key.value)
  const request = { secret: token.secret, node, serverId: id, address, csr }
  const servers = new Set([...token.servers, ...options.servers])
  askNext(options, { token, request, left: [...servers] }, none, (answer) => {
    reply(answer.ok ? store(options, answer.value, publicKeyInfo(key.value)) : answer)
  })
}

function checkToken(token: EnrollmentToken, node: string, datacenter: string): Result<true> {
  if (token.role !== 'server')
    return failed('bad-token', 'the token is for a host; make one with `mesh token create -server`')
  if (token.node !== '' && token.node !== node)
    return failed('bad-token', `the token is for node "${token.node}", this one is "${node}"`)
  if (token.datacenter !== '' && token.datacenter !== datacenter)
    return failed(
      'bad-token',
      `the token is for datacenter "${token.datacenter}", this one is "${datacenter}"`,
    )
  return ok(true)
}

const none: Failure = { code: 'no-server', message: 'the token names no server' }

interface Asking {
  readonly token: EnrollmentToken
  readonly request: EnrollServerRequest
  readonly left: readonly string[]
}

/** A server that is not there, or knows no leader, is passed over; any other refusal is the cluster's answer. */
function askNext(
  options: JoiningOptions,
  { token, request, left }: Asking,
  failure: Failure,
  reply: Reply<ServerAdmission>,
): void {
  const [address, ...rest] = left
  if (address === undefined) {
    reply({ ok: false, failure })
    return
  }
  options.ask({ address, pin: token.pin }, request, (result) => {
    const mayGoOn = !result.ok && (result.failure.code === 'no-server' || result.failure.code === 'no-leader')
    if (mayGoOn) askNext(options, { token, request, left: rest }, result.failure, reply)
    else reply(result)
  })
}

/** The admission's own file comes last: with it the others are whole. */
function store(
  { files, clock, log }: JoiningOptions,
  admission: ServerAdmission,
  publicKey: Uint8Array,
): Result<ServerFiles> {
  const { certificatePem, clusterKey, clusterId, datacenter, hostRoots } = admission
  if (!isOurs(admission, publicKey, clock.wallMs()))
    return failed(
      'wrong-cluster',
      'the certificate that came is not for this server’s key; compare the clocks',
    )
  const server = { certificatePem, clusterId, datacenter, hostRoots }
  const kept = writeClusterKey(files, clusterKey)
  const written = kept.ok ? writeServerFiles(files, server) : kept
  if (!written.ok) return written
  log.info('admitted to the cluster', { clusterId, datacenter })
  return ok(server)
}

function isOurs(
  { certificatePem, hostRoots }: ServerAdmission,
  publicKey: Uint8Array,
  nowMs: number,
): boolean {
  const trust = createTrust(
    hostRoots.map((root) => ({ trustDomain: root.trustDomain, pem: root.certificatePem })),
  )
  if (!trust.ok) return false
  const chain = decodeCertificatePems(certificatePem)
  const outcome = verifyChain({ chain, trust: trust.value, plane: 'host', nowMs })
  return outcome.kind === 'ok' && Buffer.from(outcome.publicKey).equals(publicKey)
}
