/** `mesh services`: the services of the mesh with their health, or the instances of one of them. */
import { aggregateStatus } from '../model/check.ts'
import type { ServiceEntryJson } from '../wire/http-json/catalog.ts'
import type { CheckJson } from '../wire/http-json/check.ts'
import type { ServiceSummaryJson } from '../wire/http-json/summary.ts'
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'
import { nearest } from './nearest.ts'

export async function listServices(
  context: Context,
  name: string | undefined,
  options: { readonly all?: true },
): Promise<void> {
  if (name !== undefined) return listInstances(context, name)
  const { terminal } = context
  const all = (await context.client().ask('GET', '/v1/mesh/services')).json<readonly ServiceSummaryJson[]>()
  const shown = options.all === true ? all : all.filter((row) => row.Kind === '')
  terminal.show(shown, () => {
    if (shown.length === 0) terminal.note('No services yet. Try: mesh services register FILE')
    else
      terminal.table(
        ['service', 'instances', 'health', 'in mesh', 'tags'],
        shown.map((row) => [
          row.Name,
          String(row.Instances),
          healthText(row),
          row.MeshInstances === 0 ? 'no' : String(row.MeshInstances),
          row.Tags.join(','),
        ]),
      )
  })
}

function healthText(row: ServiceSummaryJson): string {
  const parts = [
    row.Critical === 0 ? '' : `${row.Critical} critical`,
    row.Warning === 0 ? '' : `${row.Warning} warning`,
    row.Passing === 0 ? '' : `${row.Passing} passing`,
  ]
  return parts.filter((part) => part !== '').join(', ')
}

async function listInstances(context: Context, name: string): Promise<void> {
  const { terminal } = context
  const path = `/v1/health/service/${encodeURIComponent(name)}`
  const entries = (await context.client().ask('GET', path)).json<readonly ServiceEntryJson[]>()
  if (entries.length === 0) throw await unknownService(context, name)
  terminal.show(entries, () =>
    terminal.table(
      ['node', 'id', 'address', 'health', 'failing checks'],
      entries.map(({ Node, Service, Checks }) => [
        Node.Node,
        Service.ID,
        Service.SocketPath ?? `${Service.Address || Node.Address}:${Service.Port}`,
        aggregateStatus(Checks.map((check) => ({ checkId: check.CheckID, status: check.Status }))),
        Checks.filter((check) => check.Status !== 'passing')
          .map(checkText)
          .join('; '),
      ]),
    ),
  )
}

/** First line of the output only: the rest of a failing check may be pages long. */
function checkText(check: CheckJson): string {
  const first = check.Output.split('\n', 1)[0]?.slice(0, 80) ?? ''
  return first === '' ? check.Name : `${check.Name}: ${first}`
}

async function unknownService(context: Context, name: string): Promise<CommandFailure> {
  const reply = await context.client().ask('GET', '/v1/catalog/services')
  const names = Object.keys(reply.json<Readonly<Record<string, unknown>>>())
  const guess = nearest(name, [...names, 'register', 'deregister', 'list'])
  return new CommandFailure(`there is no service "${name}"`, {
    next: guess === undefined ? 'mesh services' : `mesh services ${guess}`,
  })
}
