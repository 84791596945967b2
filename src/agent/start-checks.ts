/**
 * Joins the rooms that run this host's checks. All of them follow the registry's rows, so they exist before rows are loaded.
 */
import type { Configuration } from '../config/settings.ts'
import type { Clock, Log, Metrics, Random } from '../platform/ports.ts'
import { systemProbes } from '../platform/probes.ts'
import { systemProcesses } from '../platform/processes.ts'
import type { ServerClient } from '../rpc/contract.ts'
import { AliasChecks } from './checks/alias.ts'
import { Exposures } from './checks/exposures.ts'
import { Reaper } from './checks/reaper.ts'
import { CheckRunner } from './checks/runner.ts'
import { logStatuses } from './checks/status-log.ts'
import { TtlChecks } from './checks/ttl.ts'
import type { LocalState } from './registry/local-state.ts'

/** What checks ask of the machine and of this host's configuration. */
export interface CheckSurroundings {
  readonly configuration: Pick<Configuration, 'settings'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

export interface CheckRooms {
  readonly rooms: readonly { stop(): void }[]
  readonly exposures: Exposures
}

export function startChecks(
  surroundings: CheckSurroundings,
  registry: LocalState,
  read: ServerClient['read'],
): CheckRooms {
  const { rows } = registry
  const { nodeName: node, ports: range, bindAddress } = surroundings.configuration.settings
  const ports = { min: range.exposeMin, max: range.exposeMax }
  logStatuses({ ...surroundings, rows })
  const exposures = new Exposures({ ...surroundings, rows, ports, bindAddress })
  const runner = new CheckRunner({
    ...surroundings,
    rows,
    probes: systemProbes,
    processes: systemProcesses,
    probeOf: (definition) => exposures.probeOf(definition),
  })
  const rooms = [
    runner,
    new TtlChecks(rows, surroundings.clock),
    new AliasChecks({ ...surroundings, rows, node, read }),
    new Reaper({ ...surroundings, rows, deregister: (id) => registry.deregister(id) }),
  ]
  return { rooms, exposures }
}
