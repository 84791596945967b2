/**
 * What the rooms of federation ask of each other and of their surroundings. The way to another datacenter is a client like an
 * agent's, so finding servers there, retrying and holding are the client's business (rpc/grpc-client.ts).
 */
import type { Datacenter } from '../../model/datacenter.ts'
import type { QueryName, ReadAnswer } from '../../model/query.ts'
import type { Clock, Log, Metrics, Random } from '../../platform/ports.ts'
import type { ReadRequest, Reply, ServerClient } from '../../rpc/contract.ts'

/** A way to the servers of one datacenter; shows this server's certificate, trusts that datacenter's roots. */
export interface FarLine extends Pick<ServerClient, 'read' | 'write' | 'close'> {
  /** What we show changed: new calls go over a new connection. */
  identityChanged(): void
  /** A server there was heard of: try at once instead of waiting out the pause. */
  resetBackoff(): void
}

/** Opens one; `datacenter` is asked at each attempt to connect, because roots and addresses change. */
export type DialDatacenter = (datacenter: () => Datacenter | undefined) => FarLine

/** A read in another datacenter. Fails with `unknown-datacenter` or `datacenter-unreachable` where there is no way. */
export type FarRead = <Name extends QueryName>(
  datacenter: string,
  request: ReadRequest<Name>,
  reply: Reply<ReadAnswer<Name>>,
) => { cancel(): void }

export interface FederationSurroundings {
  readonly clock: Pick<Clock, 'after' | 'monotonicMs' | 'wallMs'>
  readonly random: Pick<Random, 'fraction'>
  readonly log: Log
  readonly metrics: Metrics
}
