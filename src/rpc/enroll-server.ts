/**
 * Asks one server to admit another to the cluster, over a connection that trusts nobody but the authority that the token pins:
 * the answer holds the cluster key. Which servers to ask, and what becomes of the answer, is server/ca/joining.ts.
 */
import { failed } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { Clock } from '../platform/ports.ts'
import type { EnrollServerRequest, Reply, ServerAdmission } from './contract.ts'
import { GrpcConnection } from './grpc-connection.ts'
import { methods } from './methods.ts'

export interface EnrollServerTarget {
  readonly address: string
  readonly pin: string
  readonly clock: Clock
}

/** Replies once; `no-server` where the address was not reached or was lost. */
export function enrollServerAt(
  { address, pin, clock }: EnrollServerTarget,
  request: EnrollServerRequest,
  reply: Reply<ServerAdmission>,
): void {
  let isOver = false
  const finish: Reply<ServerAdmission> = (result) => {
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
        connection.call(methods.enrollServer, request, limits.rpcCallTimeoutMs, (result) =>
          finish(result ?? lost),
        ),
      onRefused: (failure) => finish({ ok: false, failure }),
      onLost: () => finish(lost),
    },
  )
}
