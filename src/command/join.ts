/** `mesh join`, `mesh force-leave`: whom this host gossips with. */
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'

/** Every address is tried; one that answers is enough, because members tell each other of all the rest. */
export async function joinHosts({ client, terminal }: Context, addresses: readonly string[]): Promise<void> {
  const failures: string[] = []
  for (const address of addresses)
    try {
      await client().ask('PUT', `/v1/agent/join/${encodeURIComponent(address)}`)
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error
      failures.push(error.message)
    }
  const joined = addresses.length - failures.length
  if (joined === 0) throw new CommandFailure(failures.join('\n'), { next: 'mesh explain join-failed' })
  for (const failure of failures) terminal.note(failure)
  terminal.line(`Joined by ${joined} of ${addresses.length} addresses`)
}

export interface ForceLeaveOptions {
  readonly prune?: true
}

export async function forceLeave(
  { client, terminal }: Context,
  node: string,
  { prune }: ForceLeaveOptions,
): Promise<void> {
  const query = prune === true ? '?prune' : ''
  await client().ask('PUT', `/v1/agent/force-leave/${encodeURIComponent(node)}${query}`)
  terminal.line(`${node} counts as left from now on, unless it is alive and says so`)
}
