/**
 * What `mesh enroll` needs, for a host and for a server alike: the configuration, the token from standard input or a file, and
 * the rights of the program's own user. The token never stands on the command line, which others can see.
 */
import { readFileSync, statSync } from 'node:fs'
import { loadConfiguration } from '../config/load.ts'
import type { Settings } from '../config/settings.ts'
import type { Result } from '../model/errors.ts'
import { readSources, showMistakes } from './configuration.ts'
import type { Context } from './declare.ts'
import { CommandFailure, systemReason } from './failure.ts'
import { systemMachine } from './machine.ts'
import { failureOf } from './server-socket.ts'

const tokenLimitBytes = 16 * 1024

export interface EnrollOptions {
  readonly tokenFile?: string
  readonly configDir: string
}

export function readSettings(context: Context, path: string): Settings {
  const loaded = loadConfiguration(readSources([path]), systemMachine())
  if (!loaded.ok) throw showMistakes(context.terminal, loaded.errors)
  return loaded.value.settings
}

export async function readToken(context: Context, file: string | undefined): Promise<string> {
  if (file !== undefined) return readTokenFile(file)
  if (process.stdin.isTTY) context.terminal.note('Paste the token and press Enter:')
  const pieces: Buffer[] = []
  for await (const piece of process.stdin as AsyncIterable<Buffer>) {
    pieces.push(piece)
    const text = Buffer.concat(pieces)
    if (text.length > tokenLimitBytes || text.includes('\n')) break
  }
  return Buffer.concat(pieces).toString()
}

function readTokenFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(0, tokenLimitBytes)
  } catch (error) {
    throw new CommandFailure(`the token file ${path} cannot be read: ${systemReason(error)}`)
  }
}

/** Root enrolls for the program's own user: files of root's would be out of the program's reach. */
export function becomeOwner(folder: string): void {
  const owner = statSync(folder, { throwIfNoEntry: false })
  if (process.geteuid?.() !== 0 || owner === undefined || owner.uid === 0) return
  process.setegid?.(owner.gid)
  process.seteuid?.(owner.uid)
}

export function required<Value>(result: Result<Value>): Value {
  if (result.ok) return result.value
  throw failureOf(result.failure)
}
