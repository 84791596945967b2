/** `mesh maint`: takes this host or one of its services out of use and back, and says what is out of use now. */
import type { CheckJson } from '../wire/http-json/check.ts'
import type { Context } from './declare.ts'
import { UsageFailure } from './failure.ts'

export interface MaintenanceOptions {
  readonly enable?: true
  readonly disable?: true
  readonly service?: string
  readonly reason?: string
}

/** Consul's names of the checks that maintenance is made of. */
const nodeCheck = '_node_maintenance'
const serviceCheck = '_service_maintenance:'

export async function maintain(context: Context, options: MaintenanceOptions): Promise<void> {
  const { enable, disable, service, reason } = options
  if (enable === true && disable === true) throw new UsageFailure('-enable and -disable exclude each other')
  if (reason !== undefined && enable !== true) throw new UsageFailure('-reason goes with -enable')
  if (enable === undefined && disable === undefined) {
    if (service !== undefined) throw new UsageFailure('-service goes with -enable or -disable')
    return listMaintenance(context)
  }
  const query = new URLSearchParams({
    enable: String(enable === true),
    ...(reason === undefined ? {} : { reason }),
  })
  const path =
    service === undefined
      ? '/v1/agent/maintenance'
      : `/v1/agent/service/maintenance/${encodeURIComponent(service)}`
  await context.client().ask('PUT', `${path}?${query}`)
  const what = service === undefined ? 'this host' : `service ${service}`
  context.terminal.line(enable === true ? `Out of use: ${what}` : `In use again: ${what}`)
}

async function listMaintenance({ client, terminal }: Context): Promise<void> {
  const checks = (await client().ask('GET', '/v1/agent/checks')).json<Readonly<Record<string, CheckJson>>>()
  const found = Object.values(checks).filter(
    ({ CheckID }) => CheckID === nodeCheck || CheckID.startsWith(serviceCheck),
  )
  terminal.show(found, () => {
    if (found.length === 0) return terminal.note('Nothing of this host is in maintenance.')
    terminal.table(
      ['what', 'id', 'reason'],
      found.map((check) => [
        check.CheckID === nodeCheck ? 'host' : 'service',
        check.CheckID === nodeCheck ? check.Node : check.CheckID.slice(serviceCheck.length),
        check.Notes,
      ]),
    )
  })
}
