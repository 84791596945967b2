/** Commands that look at the mesh: members, catalog, watch. */
import type { Command } from 'commander'
import type { NodesOptions, ServicesOptions } from './catalog.ts'
import { collect, contextOf, declare, type Outcome, type SharedOptions, withConnection } from './declare.ts'
import type { MembersOptions } from './members.ts'
import type { WatchOptions } from './watch.ts'

export function declareMembers(program: Command): void {
  const members = declare(program, 'members', 'list the hosts of the mesh')
    .option('--detailed', 'with the tags of each')
    .option('--status <state>', 'only those that are alive, leaving, left or failed')
    .option('--filter <expression>', 'only those that pass, such as \'Tags.role == "consul"\'')
    .option('--wan', 'only servers, as other datacenters see them')
  withConnection(members).action(async (options: SharedOptions & MembersOptions) => {
    const { listMembers } = await import('./members.ts')
    await listMembers(contextOf(options), options)
  })
}

export function declareCatalog(program: Command): void {
  const catalog = declare(program, 'catalog', 'list datacenters, nodes, services')
  withConnection(declare(catalog, 'datacenters', 'list the datacenters')).action(
    async (options: SharedOptions) => {
      const { listDatacenters } = await import('./catalog.ts')
      await listDatacenters(contextOf(options))
    },
  )
  const nodes = declare(catalog, 'nodes', 'list the nodes')
    .option('--detailed', 'with all addresses and meta')
    .option('--service <name>', 'only those that run this service')
    .option('--node-meta <key=value>', 'only those that have it; may be repeated', collect)
  withConnection(nodes).action(async (options: SharedOptions & NodesOptions) => {
    const { listNodes } = await import('./catalog.ts')
    await listNodes(contextOf(options), options)
  })
  const services = declare(catalog, 'services', 'list the names of services')
    .option('--tags', 'with their tags')
    .option('--node <name>', 'only those of this node')
    .option('--node-meta <key=value>', 'only of nodes that have it; may be repeated', collect)
    .addHelpText('after', '\nHealth and instances: `mesh services`.')
  withConnection(services).action(async (options: SharedOptions & ServicesOptions) => {
    const { listCatalogServices } = await import('./catalog.ts')
    await listCatalogServices(contextOf(options), options)
  })
}

export function declareWatch(program: Command, outcome: Outcome): void {
  const watching = declare(program, 'watch [command...]', 'show a part of the mesh when it changes')
    .summary('show or act on what changes')
    .option('--type <type>', 'key, keyprefix, services, nodes, service, checks, event')
    .option('--key <key>', 'of type key')
    .option('--prefix <prefix>', 'of type keyprefix')
    .option('--service <name>', 'of type service, or checks of this service')
    .option('--tag <tag>', 'of type service: instances with this tag')
    .option('--passingonly', 'of type service: healthy instances')
    .option('--state <state>', 'of type checks: any, passing, warning, critical')
    .option('--name <name>', 'of type event')
    .option('--once', 'end after the first answer')
    .addHelpText(
      'after',
      '\nThe command gets JSON on standard input; without one it is printed.\nExample: mesh watch -type service -service web -- ./update.sh',
    )
  withConnection(watching).action(
    async (command: readonly string[], options: SharedOptions & WatchOptions) => {
      const { watch } = await import('./watch.ts')
      outcome.status = await watch(contextOf(options), command, options)
    },
  )
}
