/**
 * `mesh operator raft rejoin`: the way out for a server whose log is damaged, or that was removed from its cluster. Moves
 * what it has aside, so that it comes back empty, as a server that has no vote until it has everything again.
 */
import { join } from 'node:path'
import { claimDirectory } from '../platform/claim.ts'
import { setAside } from '../server/set-aside.ts'
import type { Context } from './declare.ts'
import { becomeOwner, readSettings, required } from './enrollment.ts'
import { CommandFailure, systemReason } from './failure.ts'

export async function rejoin(context: Context, options: { readonly configDir: string }): Promise<void> {
  const { terminal } = context
  const settings = readSettings(context, options.configDir)
  if (!settings.server)
    throw new CommandFailure('this host is not a server: its configuration has no `server = true`')
  const directory = join(settings.dataDirectory, 'server')
  becomeOwner(directory)
  const claim = await claimDirectory(directory)
  if (!claim.ok)
    throw new CommandFailure(`${claim.failure.message}; stop the server first`, {
      next: 'systemctl stop mesh-server',
    })
  try {
    const folder = setAside(directory, 'rejoin', Date.now())
    terminal.line(`Log and snapshots are in ${join(directory, folder)} now; nothing was deleted`)
  } catch (error) {
    throw new CommandFailure(`${directory}: ${systemReason(error)}`)
  } finally {
    required(claim).release()
  }
  terminal.note(
    `On another server, with its operator token: mesh token create -server -node ${settings.nodeName}`,
  )
  terminal.note('Here: mesh enroll -server -token-file FILE, then systemctl start mesh-server')
}
