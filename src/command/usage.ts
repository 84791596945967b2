/** `mesh operator usage`: how many services, instances and nodes there are. */
import type { UsageJson } from '../wire/http-json/usage.ts'
import type { Context } from './declare.ts'

export async function showUsage({ client, terminal }: Context): Promise<void> {
  const { Usage } = (await client().ask('GET', '/v1/operator/usage')).json<UsageJson>()
  terminal.show(Usage, () =>
    terminal.table(
      ['datacenter', 'nodes', 'services', 'instances', 'in mesh'],
      Object.entries(Usage).map(([datacenter, usage]) => [
        datacenter,
        String(usage.Nodes),
        String(usage.Services),
        String(usage.ServiceInstances),
        String(Object.values(usage.ConnectServiceInstances).reduce((sum, count) => sum + count, 0)),
      ]),
    ),
  )
}
