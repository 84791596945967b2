/**
 * Shows a datacenter's token to one server of the datacenter that made it, over a connection that trusts nobody but the
 * authority that the token pins. Which servers to ask, and what becomes of the answer, is server/federation/federating.ts.
 */

import type { FederationFacts } from '../model/datacenter.ts'
import { failed } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { Clock } from '../platform/ports.ts'
import type { FederateRequest, Reply } from './contract.ts'
import { GrpcConnection } from './grpc-connection.ts'
import { methods } from './methods.ts'

export interface FederateTarget {
  readonly address: string
  readonly pin: string
  readonly clock: Clock
}

/** Replies once; `no-server` where the address was not reached or was lost. */
export function federateAt(
  { address, pin, clock }: FederateTarget,
  request: FederateRequest,
  reply: Reply<FederationFacts>,
): void {
  let isOver = false
  const finish: Reply<FederationFacts> = (result) => {
    if (isOver) return
    isOver = true
    connection.close()
    reply(result)
  }
  const lost = failed('no-server', `${address}: the connection was lost before the answer came`)
  const connection: GrpcConnection = new GrpcConnection(
    { address, identity: { kind: 'pinned', pin }, clock },
    {
      onReady: () =>
        connection.call(methods.federate, request, limits.rpcCallTimeoutMs, (result) =>
          finish(result ?? lost),
        ),
      onRefused: (failure) => finish({ ok: false, failure }),
      onLost: () => finish(lost),
    },
  )
}
