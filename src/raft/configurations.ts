/**
 * The cluster configurations that the log holds, by index. The newest counts from the moment it is appended (Raft
 * dissertation 4.1), so removing log entries brings back the one before.
 * Also their byte form inside an entry: a version byte and JSON, readable by an operator with a dump of the log.
 */
import { type ClusterConfiguration, type ClusterServer, serverOf } from '../model/cluster.ts'
import { assert, failed, ok, type Result } from '../model/errors.ts'
import { type LogIndex, logIndex, nodeId } from '../model/ids.ts'
import { limits } from '../model/limits.ts'

export interface IndexedConfiguration {
  readonly index: LogIndex
  readonly configuration: ClusterConfiguration
}

const noServers: IndexedConfiguration = { index: logIndex(0), configuration: { servers: [] } }

export class Configurations {
  /** Rising indexes; the first is at or below every index that may still be asked for. */
  #known: IndexedConfiguration[]

  constructor(known: readonly IndexedConfiguration[]) {
    this.#known = [noServers, ...known.filter((one) => one.index > noServers.index)]
  }

  get current(): IndexedConfiguration {
    const newest = this.#known[this.#known.length - 1]
    assert(newest !== undefined, 'there is always a configuration')
    return newest
  }

  /** The one before the current; it is committed, because changes come one at a time. */
  get previous(): ClusterConfiguration | undefined {
    return this.#known[this.#known.length - 2]?.configuration
  }

  /** In force when the entry at `index` was the last one. */
  at(index: LogIndex): ClusterConfiguration {
    const found = this.#known.findLast((known) => known.index <= index)
    assert(found !== undefined, `no configuration is known at ${index}`)
    return found.configuration
  }

  push(index: LogIndex, configuration: ClusterConfiguration): void {
    assert(index > this.current.index, 'configurations come in the order of the log')
    this.#known.push({ index, configuration })
  }

  /** True if the current configuration changed. */
  truncateAfter(index: LogIndex): boolean {
    const before = this.#known.length
    while (this.#known.length > 1 && this.current.index > index) this.#known.pop()
    return this.#known.length < before
  }

  /** Nothing before `index` is asked for any more. */
  compact(index: LogIndex): void {
    const keepFrom = this.#known.findLastIndex((known) => known.index <= index)
    if (keepFrom > 0) this.#known.splice(0, keepFrom)
  }

  reset(index: LogIndex, configuration: ClusterConfiguration): void {
    this.#known = [{ index, configuration }]
  }
}

const formatVersion = 1
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeConfiguration(configuration: ClusterConfiguration): Uint8Array {
  // Rebuilt field by field: two servers that bootstrap with the same list must make the same bytes.
  const servers = configuration.servers.map(({ id, address, suffrage, publicKey }) => ({
    id,
    address,
    suffrage,
    publicKey,
  }))
  const body = encoder.encode(JSON.stringify({ servers }))
  const bytes = new Uint8Array(body.length + 1)
  bytes[0] = formatVersion
  bytes.set(body, 1)
  return bytes
}

export function decodeConfiguration(bytes: Uint8Array): Result<ClusterConfiguration> {
  if (bytes[0] !== formatVersion)
    return failed('version-mismatch', `the server list has format ${bytes[0]}, this program knows 1`)
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(bytes.subarray(1)))
  } catch {
    // Not UTF-8 or not JSON: the same answer as for JSON of another shape.
    value = undefined
  }
  const servers = isObject(value) ? value['servers'] : undefined
  if (!Array.isArray(servers) || servers.length > limits.serversPerCluster || !servers.every(isServer))
    return failed('bad-request', 'the server list cannot be understood')
  return ok({ servers: servers.map((server) => ({ ...server, id: nodeId(server.id) })) })
}

/** undefined if the list can be a cluster's; else why not. */
export function configurationFault(configuration: ClusterConfiguration): string | undefined {
  const { servers } = configuration
  if (!servers.some((server) => server.suffrage === 'voter')) return 'a cluster needs at least one voter'
  if (servers.length > limits.serversPerCluster)
    return `a cluster has at most ${limits.serversPerCluster} servers`
  if (servers.some((server) => serverOf(configuration, server.id) !== server))
    return 'a server stands in the list twice'
  return undefined
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

function isServer(value: unknown): value is ClusterServer {
  return (
    isObject(value) &&
    typeof value['id'] === 'string' &&
    typeof value['address'] === 'string' &&
    typeof value['publicKey'] === 'string' &&
    (value['suffrage'] === 'voter' || value['suffrage'] === 'learner')
  )
}
