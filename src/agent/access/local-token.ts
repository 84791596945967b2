/**
 * The local token: a secret that lies in the agent's state folder and proves that its holder may act for this host.
 * It gives no right over anything cluster-wide; for that a server asks for an operator token.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { failed, ok, type Result } from '../../model/errors.ts'
import type { Random, StateFiles } from '../../platform/ports.ts'

/** Below the agent's state folder. Mode 0640: administrators in the folder's group may read it. */
export const localTokenPath = 'local.token'

const tokenBytes = 32
const minTokenChars = 32

/** The token of this host, made at the first start and the same ever after. */
export function ensureLocalToken(files: StateFiles, random: Random): Result<string> {
  const kept = files.read(localTokenPath)
  if (kept !== undefined) {
    const token = new TextDecoder().decode(kept).trim()
    if (token.length >= minTokenChars) return ok(token)
    return failed(
      'internal',
      `${localTokenPath} in the agent's state folder is damaged; remove it and start again to have a new one made`,
    )
  }
  const token = Buffer.from(random.bytes(tokenBytes)).toString('base64url')
  const error = files.write(localTokenPath, new TextEncoder().encode(`${token}\n`), { mode: 0o640 })
  return error === undefined
    ? ok(token)
    : failed('internal', `${localTokenPath} cannot be written: ${error.message}`)
}

/** Compares in a time that tells nothing of how much of `given` is right. */
export function isToken(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
