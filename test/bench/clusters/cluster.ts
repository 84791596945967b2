// What a benchmark of replicated stores needs of one: three servers that run, ways in, and what they cost. Ours and etcd are
// behind it. One of them runs at a time.
import type { Connection } from '../load/connection.ts'

/** RPC or HTTP, each at the leader: ours at the agent beside it, because servers have no HTTP. */
export type Way = 'rpc' | 'http'

/** Any server may answer a stale read; a linearizable one is as new as the newest acknowledged write. */
export type ReadMode = 'linearizable' | 'stale'

export interface SyncFigures {
  readonly count: number
  readonly p50Ms: number
  /** The median itself, or only a bound that it is not above. */
  readonly isExact: boolean
}

export interface BenchCluster {
  readonly name: 'ours' | 'etcd'
  start(): Promise<void>
  stop(): Promise<void>
  /** Processes that the requests of this way go through. */
  pids(way: Way): readonly number[]
  writer(way: Way): Promise<Connection>
  write(way: Way, key: string, value: Buffer): Buffer
  reader(way: Way, mode: ReadMode): Promise<Connection>
  read(way: Way, key: string, mode: ReadMode): Buffer
  /** fdatasync of the leader's log since the last call. */
  syncs(): Promise<SyncFigures>
  /** Position of the server that leads. */
  leader(): Promise<number>
  kill(server: number): Promise<void>
  restart(server: number): void
  /** A connection for writes by RPC to one server. */
  writerAt(server: number): Promise<Connection>
}

export interface ClusterPlan {
  /** On the disk to be measured. */
  readonly directory: string
  /** The third byte of its loopback addresses. */
  readonly network: number
}

export const hostsOf = ({ network }: ClusterPlan): readonly string[] =>
  [1, 2, 3].map((last) => `127.78.${network}.${last}`)
