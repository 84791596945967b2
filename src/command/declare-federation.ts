/** `mesh federation`: how it is called. What it does stands in federation.ts. */
import type { Command } from 'commander'
import { contextOf, declare, type SharedOptions, withOutput } from './declare.ts'

interface TokenFlags extends SharedOptions {
  readonly ttl: string
  readonly quiet?: true
}

interface JoinFlags extends SharedOptions {
  readonly replaceIntentions?: true
  readonly enrollmentTokenFile?: string
}

/** All of it is asked of the server of this machine. */
const onServer = (command: Command): Command =>
  withOutput(command).option('--token-file <file>', 'file that holds the operator token')

export function declareFederation(program: Command): void {
  const federation = declare(program, 'federation', 'connect datacenters')
  const token = declare(federation, 'token', 'make a token that lets one datacenter join this one, once')
    .option('--ttl <duration>', 'how long it is good', '24h')
    .option('-q, --quiet', 'print the token alone')
    .addHelpText('after', '\nOn a server of the datacenter that intentions shall belong to.')
  onServer(token).action(async (options: TokenFlags) => {
    const { makeFederationToken } = await import('./federation.ts')
    await makeFederationToken(contextOf(options), options)
  })
  const join = declare(federation, 'join', 'join the datacenter that made a token, as its secondary')
    .option('--enrollment-token-file <file>', 'file that holds that token (default: standard input)')
    .option('--replace-intentions', 'give up the intentions of this datacenter for those of the primary')
    .addHelpText('after', '\nOn a server of the datacenter that joins.')
  onServer(join).action(async (options: JoinFlags) => {
    const { joinFederation } = await import('./federation.ts')
    await joinFederation(contextOf(options), options)
  })
  onServer(declare(federation, 'list', 'show the other datacenters and whether they are reached')).action(
    async (options: SharedOptions) => {
      const { listDatacenters } = await import('./federation.ts')
      await listDatacenters(contextOf(options), options)
    },
  )
  const remove = declare(federation, 'remove <datacenter>', 'trust a datacenter no more')
  remove.addHelpText('after', '\nTo be typed on both sides; what its hosts have open here ends.')
  onServer(remove).action(async (name: string, options: SharedOptions) => {
    const { removeDatacenter } = await import('./federation.ts')
    await removeDatacenter(contextOf(options), name, options)
  })
}
