/**
 * One call to one server over a connection of its own that trusts nobody but the authority that a token pins: the caller has no
 * certificate yet, and the answer may hold secrets. Which servers to ask, and what becomes of the answer, is the caller's
 * business (server/ca/joining.ts, server/federation/federating.ts).
 */
import { failed } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { Clock } from '../platform/ports.ts'
import type { Reply } from './contract.ts'
import { GrpcConnection } from './grpc-connection.ts'
import type { Method } from './methods.ts'

export interface PinnedTarget {
  readonly address: string
  readonly pin: string
  readonly clock: Clock
}

/** Replies once; `no-server` where the address was not reached or was lost. */
export function callPinned<Request, Answer>(
  method: Method<Request, Answer>,
  { address, pin, clock }: PinnedTarget,
  request: Request,
  reply: Reply<Answer>,
): void {
  let isOver = false
  const finish: Reply<Answer> = (result) => {
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
        connection.call(method, request, limits.rpcCallTimeoutMs, (result) => finish(result ?? lost)),
      onRefused: (failure) => finish({ ok: false, failure }),
      onLost: () => finish(lost),
    },
  )
}
