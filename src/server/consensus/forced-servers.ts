/**
 * The way out of a lost majority: a file `raft/peers.json` in the data directory, with the servers that are left, in
 * Consul's form. It is read once at start and takes the place of the list in the log. That gives up what the servers that
 * are gone may have acknowledged, so only an operator may do it; docs/operations.md tells how.
 */
import { type ClusterConfiguration, type ClusterServer, serverOf } from '../../model/cluster.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { type NodeId, nodeId } from '../../model/ids.ts'
import type { Disk } from '../../platform/ports.ts'
import { configurationFault } from '../../raft/configurations.ts'
import type { DurableWriter } from './durable-writer.ts'

export const forcedServersDirectory = 'raft'
export const forcedServersPath = `${forcedServersDirectory}/peers.json`
/** The file after it was obeyed, so that the next start does not do it again. */
export const usedServersPath = `${forcedServersPath}.used`

const decoder = new TextDecoder()

/** undefined where there is no such file. `known` is the newest list that this server has. */
export function readForcedServers(
  disk: Disk,
  own: NodeId,
  known: ClusterConfiguration,
): Result<ClusterConfiguration | undefined> {
  const bytes = disk.read(forcedServersPath)
  if (bytes === undefined) return ok(undefined)
  let rows: unknown
  try {
    rows = JSON.parse(decoder.decode(bytes))
  } catch {
    return refused('it is no JSON')
  }
  if (!Array.isArray(rows) || rows.length === 0) return refused('it must be a list of servers')
  const servers: ClusterServer[] = []
  for (const row of rows) {
    const server = readServer(Object(row) as Partial<Record<string, unknown>>, known)
    if (typeof server === 'string') return refused(server)
    servers.push(server)
  }
  const fault = configurationFault({ servers })
  if (fault !== undefined) return refused(fault)
  if (serverOf({ servers }, own) === undefined) return refused(`this server, ${own}, is not in it`)
  return ok({ servers })
}

/** The server, or what is wrong with it. */
function readServer(
  { id, address, non_voter: nonVoter = false }: Partial<Record<string, unknown>>,
  known: ClusterConfiguration,
): ClusterServer | string {
  if (typeof id !== 'string') return `"${String(id)}" is no id of a server`
  if (typeof address !== 'string' || !/:\d{1,5}$/.test(address))
    return `the address of ${id} must be "host:port"`
  if (typeof nonVoter !== 'boolean') return `"non_voter" of ${id} must be true or false`
  const before = serverOf(known, nodeId(id))
  // A server is known by its key, and the key of a new one is in no log.
  if (before === undefined) return `${id} was not in the cluster; recover without it and enroll it then`
  return { ...before, address, suffrage: nonVoter ? 'learner' : 'voter' }
}

const refused = (why: string): Result<never> =>
  failed('invalid-config', `${forcedServersPath} in the server’s directory cannot be obeyed: ${why}`)

/** Calls back when no later start can find the file. */
export function retireForcedServers(writer: DurableWriter, done: () => void): void {
  writer.rename(forcedServersPath, usedServersPath, () => writer.syncDirectory(forcedServersDirectory, done))
}
