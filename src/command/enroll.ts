/**
 * `mesh enroll`: lets this host into the mesh with a single-use token. Talks to a server directly, because an agent cannot
 * before it is enrolled.
 */
import { join } from 'node:path'
import { HostEnrollment } from '../agent/enrollment/enrollment.ts'
import type { HostIdentity } from '../agent/enrollment/identity-files.ts'
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
import type { Context } from './declare.ts'
import { becomeOwner, type EnrollOptions, readSettings, readToken, required } from './enrollment.ts'
import { silentLog, silentMetrics } from './server-socket.ts'

/** How long a server is looked for. */
const holdTimeoutMs = 10_000

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
