/**
 * The enrollment token: one line that an operator carries to a new host. It says where servers are, pins the
 * authority by the fingerprint of its host-plane root, and holds the secret that is good for one host. Lives here
 * because servers, agents and commands all need it. No error of this file repeats any part of a token.
 */
import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { EnrollmentRole } from '../model/authority.ts'
import { failed, ok, type Result } from '../model/errors.ts'
import type { JoinInformation } from '../model/query.ts'

export interface EnrollmentToken {
  /** RPC addresses, `host:port`. */
  readonly servers: readonly string[]
  /** Id of the host-plane root that a server's chain must end in: SHA-256, hex with colons. */
  readonly pin: string
  readonly secret: string
  /** Node name it was made for; empty: any. */
  readonly node: string
  /** Absent: a host. The cluster's state decides; here it only spares an operator the detour. */
  readonly role?: EnrollmentRole
  readonly datacenter: string
}

const prefix = 'mesh1.'
const maxTokenChars = 8_192

const pinPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){31}$/

const shape = z.object({
  servers: z
    .array(z.string().regex(/^[\x21-\x7e]{1,300}$/))
    .min(1)
    .max(64),
  pin: z.string().regex(pinPattern),
  secret: z.string().regex(/^[A-Za-z0-9_-]{22,128}$/),
  node: z.string().max(255),
  role: z.enum(['host', 'server', 'datacenter']).exactOptional(),
  datacenter: z.string().max(255),
}) satisfies z.ZodType<EnrollmentToken>

export function formatEnrollmentToken(token: EnrollmentToken): string {
  return prefix + Buffer.from(JSON.stringify(token)).toString('base64url')
}

/** Surrounding white space is allowed: the token comes from files and pipes. */
export function parseEnrollmentToken(text: string): Result<EnrollmentToken> {
  const trimmed = text.trim()
  if (!trimmed.startsWith(prefix) || trimmed.length > maxTokenChars)
    return failed('bad-request', `an enrollment token is one line that begins with "${prefix}"`)
  const parsed = shape.safeParse(parseBody(trimmed.slice(prefix.length)))
  if (!parsed.success)
    return failed('bad-request', 'the enrollment token is damaged; copy it again as a whole')
  return ok(parsed.data)
}

function parseBody(body: string): unknown {
  try {
    return JSON.parse(Buffer.from(body, 'base64url').toString())
  } catch {
    return undefined
  }
}

/** The whole token from what a server tells about its cluster and the 32 random bytes that are its secret. */
export function makeEnrollmentToken(
  join: JoinInformation,
  secret: Uint8Array,
  node = '',
  role: EnrollmentRole = 'host',
): string {
  const { servers, datacenter, hostRootPin: pin } = join
  const text = Buffer.from(secret).toString('base64url')
  const token = { servers, pin, secret: text, node, datacenter }
  return formatEnrollmentToken(role === 'host' ? token : { ...token, role })
}

/** What the cluster's state keeps of an enrollment: hex SHA-256 of the secret's bytes. */
export const enrollmentHash = (secret: string): string =>
  createHash('sha256').update(Buffer.from(secret, 'base64url')).digest('hex')
