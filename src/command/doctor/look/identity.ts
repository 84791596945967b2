/** What this host shows to servers, and the token that it may still have to become somebody. No secret leaves this file but to TLS. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clientIdentityOf } from '../../../agent/enrollment/client-identity.ts'
import { type HostIdentity, loadIdentity } from '../../../agent/enrollment/identity-files.ts'
import type { Settings } from '../../../config/settings.ts'
import type { Result } from '../../../model/errors.ts'
import { createStateFiles } from '../../../platform/state-files.ts'
import { type EnrollmentToken, parseEnrollmentToken } from '../../../rpc/enrollment-token.ts'
import type { TokenFacts } from '../judge/identity.ts'
import { wayTo } from './paths.ts'
import type { Shown } from './servers.ts'

export interface IdentityLook {
  readonly folder: string
  readonly stored: Result<HostIdentity | undefined> | 'unseen'
  readonly token: TokenFacts | undefined
  /** What is shown to servers and who is trusted; undefined where neither an identity nor a token tells. */
  readonly shown: Shown
  /** Addresses of servers that identity or token name. */
  readonly servers: readonly string[]
}

export function lookAtIdentity({ dataDirectory, enrollmentTokenFile }: Settings): IdentityLook {
  const folder = join(dataDirectory, 'agent')
  const stored = isClosed(folder) ? 'unseen' : loadIdentity(createStateFiles(folder))
  const token = enrollmentTokenFile === '' ? undefined : lookAtToken(enrollmentTokenFile)
  const host = stored === 'unseen' || !stored.ok ? undefined : stored.value
  const content =
    token === undefined || token.content === 'unseen' || !token.content.ok ? undefined : token.content.value
  return {
    folder,
    stored,
    token,
    shown: shownOf(host, content),
    servers: host?.servers ?? content?.servers ?? [],
  }
}

/** Under the settings that a host without a configuration has. */
export function isEnrolled({ dataDirectory }: Settings): boolean {
  const stored = loadIdentity(createStateFiles(join(dataDirectory, 'agent')))
  return stored.ok && stored.value !== undefined
}

function shownOf(host: HostIdentity | undefined, token: EnrollmentToken | undefined): Shown {
  if (host === undefined) return token === undefined ? undefined : { kind: 'pinned', pin: token.pin }
  const identity = clientIdentityOf(host)
  return identity.ok ? identity.value : undefined
}

/** There, and not for this user; a folder above it may be what is closed. */
function isClosed(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.X_OK)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES'
  }
}

const tokenFileBytes = 16 * 1024

function lookAtToken(path: string): TokenFacts {
  const way = wayTo(path)
  if (!existsSync(path)) return { path, way, isThere: isClosed(path), content: 'unseen' }
  try {
    const text = readFileSync(path, 'utf8').slice(0, tokenFileBytes)
    return { path, way, isThere: true, content: parseEnrollmentToken(text) }
  } catch {
    return { path, way, isThere: true, content: 'unseen' }
  }
}
