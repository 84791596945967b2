/**
 * Makes an enrollment token: a fresh secret whose hash becomes cluster state, put together with what a new host needs to
 * find and trust the servers. The one place for it; the API and `mesh token create` both come here.
 */
import type { EnrollmentRole } from '../../model/authority.ts'
import type { Command } from '../../model/command.ts'
import { ok, type Result } from '../../model/errors.ts'
import type { JoinInformation } from '../../model/query.ts'
import type { Clock, Random } from '../../platform/ports.ts'
import { enrollmentHash, makeEnrollmentToken } from '../../rpc/enrollment-token.ts'

/** The cluster as the issuer reaches it: with the operator's token, through an agent or a server's socket. */
export interface TokenIssuer {
  join(): Promise<Result<JoinInformation>>
  write(command: Command): Promise<Result<unknown>>
  readonly random: Random
  readonly clock: Clock
}

export interface TokenRequest {
  /** Empty: a host of any name. */
  readonly node: string
  /** Names, `*` for any; a trailing `*` matches a prefix. */
  readonly services: readonly string[]
  readonly role: EnrollmentRole
  readonly ttlMs: number
}

export interface IssuedToken {
  /** The whole token; the only copy of its secret. */
  readonly token: string
  readonly expiresAtMs: number
}

const secretBytes = 32

export async function issueEnrollmentToken(
  issuer: TokenIssuer,
  request: TokenRequest,
): Promise<Result<IssuedToken>> {
  const join = await issuer.join()
  if (!join.ok) return join
  const secret = issuer.random.bytes(secretBytes)
  const expiresAtMs = issuer.clock.wallMs() + request.ttlMs
  const written = await issuer.write({
    type: 'enrollment.create',
    enrollment: {
      tokenHash: enrollmentHash(Buffer.from(secret).toString('base64url')),
      node: request.node,
      services: request.services,
      expiresAtMs,
      ...(request.role === 'host' ? {} : { role: request.role }),
      // The envelope's principal says who it was; a name given here would only be a claim.
      createdBy: '',
    },
  })
  if (!written.ok) return written
  return ok({ token: makeEnrollmentToken(join.value, secret, request.node, request.role), expiresAtMs })
}
