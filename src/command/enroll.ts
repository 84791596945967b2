/**
 * `mesh enroll`: lets this host into the mesh with a single-use token. Talks to a server directly, because an agent cannot
 * before it is enrolled. The token comes from standard input or a file, never from the command line, which others can see.
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { HostEnrollment } from '../agent/enrollment/enrollment.ts'
import type { HostIdentity } from '../agent/enrollment/identity-files.ts'
import { loadConfiguration } from '../config/load.ts'
import type { Settings } from '../config/settings.ts'
import type { Result } from '../model/errors.ts'
import { systemClock } from '../platform/clock.ts'
import { ensureNodeId } from '../platform/node-id.ts'
import { systemRandom } from '../platform/random.ts'
import { createStateFiles } from '../platform/state-files.ts'
import { type EnrollmentToken, parseEnrollmentToken } from '../rpc/enrollment-token.ts'
import { createGrpcClient } from '../rpc/grpc-client.ts'
import { formatTime } from '../wire/http-json/time.ts'
import { mayBe } from './allowed-services.ts'
import { readSources, showMistakes } from './configuration.ts'
import type { Context } from './declare.ts'
import { CommandFailure, systemReason } from './failure.ts'
import { systemMachine } from './machine.ts'
import { failureOf, silentLog, silentMetrics } from './server-socket.ts'

/** How long a server is looked for. */
const holdTimeoutMs = 10_000
const tokenLimitBytes = 16 * 1024

export interface EnrollOptions {
  readonly tokenFile?: string
  readonly configDir: string
}

export async function enroll(context: Context, options: EnrollOptions): Promise<void> {
  const settings = readSettings(context, options.configDir)
  const token = required(parseEnrollmentToken(await readToken(context, options.tokenFile)))
  const identity = await enrollHost(settings, token)
  context.terminal.line(`Enrolled: ${identity.node} in ${identity.datacenter}`)
  context.terminal.line(mayBe(identity.services))
  context.terminal.line(`certificate good until ${formatTime(identity.notAfterMs)}, renewed by the agent`)
  context.terminal.note(
    'The agent of this host goes on by itself; if it does not run: systemctl start mesh-agent',
  )
}

function readSettings(context: Context, path: string): Settings {
  const loaded = loadConfiguration(readSources([path]), systemMachine())
  if (!loaded.ok) throw showMistakes(context.terminal, loaded.errors)
  return loaded.value.settings
}

async function readToken(context: Context, file: string | undefined): Promise<string> {
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

async function enrollHost(settings: Settings, token: EnrollmentToken): Promise<HostIdentity> {
  const folder = join(settings.dataDirectory, 'agent')
  becomeOwner(folder)
  const files = createStateFiles(folder)
  const shared = { clock: systemClock, random: systemRandom, log: silentLog, metrics: silentMetrics }
  const nodeId = required(ensureNodeId(files, systemRandom, settings.nodeId))
  const enrollment = required(HostEnrollment.open({ ...shared, files, node: settings.nodeName, nodeId }))
  const client = createGrpcClient({
    ...shared,
    servers: () => token.servers,
    identity: () => ({ kind: 'pinned', pin: token.pin }),
    holdTimeoutMs,
  })
  try {
    return required(
      await new Promise<Result<HostIdentity>>((resolve) => enrollment.enroll(token, client, resolve)),
    )
  } finally {
    enrollment.stop()
    client.close()
  }
}

/** Root enrolls for the agent's own user: files of root's would be out of the agent's reach. */
function becomeOwner(folder: string): void {
  const owner = statSync(folder, { throwIfNoEntry: false })
  if (process.geteuid?.() !== 0 || owner === undefined || owner.uid === 0) return
  process.setegid?.(owner.gid)
  process.seteuid?.(owner.uid)
}

function required<Value>(result: Result<Value>): Value {
  if (result.ok) return result.value
  throw failureOf(result.failure)
}
