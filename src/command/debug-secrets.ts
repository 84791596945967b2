/**
 * What must never leave a host in a bundle that is sent to somebody: tokens and keys that this user can read, and whatever
 * looks like one. The agent shows none of them on purpose; this is the second lock.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConnectionFlags, dataDirectory, type Environment, findToken } from './connection.ts'

const blank = '[secret]'
/** Shorter texts would blank parts of ordinary words. */
const shortestSecret = 8

/** Tokens that this machine or this user's environment holds. */
export function knownSecrets(flags: ConnectionFlags, environment: Environment): readonly string[] {
  const data = dataDirectory(environment)
  const files = ['server/operator.token', 'agent/local.token', 'server/cluster.key'].map((path) =>
    fileText(join(data, path)),
  )
  const named = (['anywhere', 'named'] as const).map((scope) => findToken(flags, environment, scope))
  return [...new Set([...files, ...named])].filter((text) => text.length >= shortestSecret)
}

function fileText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g
const escapedPrivateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----/g
/** Values of JSON keys that name a secret, wherever they stand. */
const secretKeys =
  /("(?:[a-z_]*(?:token|secret|password|private_?key|encrypt_?key|gossip_?key|keyring)|encrypt)"\s*:\s*)"(?:[^"\\]|\\.)*"/gi

export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text
    .replace(privateKey, blank)
    .replace(escapedPrivateKey, blank)
    .replace(secretKeys, `$1"${blank}"`)
  for (const secret of secrets) clean = clean.replaceAll(secret, blank)
  return clean
}
