/**
 * `mesh enroll -server`: lets the server of this machine into a cluster with a single-use token. Talks to the cluster's servers
 * directly and writes what it is given into the server's folder, where a waiting `mesh server` finds it.
 */
import { join } from 'node:path'
import type { Result } from '../model/errors.ts'
import { systemClock } from '../platform/clock.ts'
import { ensureNodeId } from '../platform/node-id.ts'
import { systemRandom } from '../platform/random.ts'
import { createStateFiles } from '../platform/state-files.ts'
import { parseEnrollmentToken } from '../rpc/enrollment-token.ts'
import { methods } from '../rpc/methods.ts'
import { callPinned } from '../rpc/pinned-call.ts'
import { joinCluster } from '../server/ca/joining.ts'
import { readServerFiles, type ServerFiles } from '../server/ca/server-files.ts'
import { ownAddress } from '../server/founding.ts'
import type { Context } from './declare.ts'
import { becomeOwner, type EnrollOptions, readSettings, readToken, required } from './enrollment.ts'
import { CommandFailure } from './failure.ts'
import { silentLog } from './server-socket.ts'

export async function enrollServer(context: Context, options: EnrollOptions): Promise<void> {
  const { terminal } = context
  const settings = readSettings(context, options.configDir)
  if (!settings.server)
    throw new CommandFailure('this host is not a server', {
      next: 'set `server = true` in its configuration, or leave -server away',
    })
  const token = required(parseEnrollmentToken(await readToken(context, options.tokenFile)))
  const folder = join(settings.dataDirectory, 'server')
  becomeOwner(folder)
  const files = createStateFiles(folder)
  if (required(readServerFiles(files)) !== undefined)
    throw new CommandFailure(`the server of this host belongs to a cluster already (${folder})`, {
      next: 'to begin anew, stop it, remove it from its cluster, and move that folder away',
    })
  const id = required(ensureNodeId(files, systemRandom, settings.nodeId))
  const { nodeName: node, datacenter, servers } = settings
  const clock = systemClock
  const joining = { files, id, node, datacenter, address: ownAddress(settings), servers, clock }
  const server = required(
    await new Promise<Result<ServerFiles>>((resolve) =>
      joinCluster(
        {
          ...joining,
          log: silentLog,
          ask: (target, request, reply) =>
            callPinned(methods.enrollServer, { ...target, clock }, request, reply),
        },
        token,
        resolve,
      ),
    ),
  )
  terminal.line(`Admitted: server ${node} in ${server.datacenter}, cluster ${server.clusterId}`)
  terminal.note(
    'It gets the log first and a vote once it has caught up; see `mesh operator raft list-peers`.',
  )
  terminal.note('The server of this host goes on by itself; if it does not run: systemctl start mesh-agent')
}
