/** What operators do about other datacenters: joining one. The rest are reads and writes like any other. */
import { ok } from '../../model/errors.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { OperationAnswer, Operations } from '../../rpc/operator.ts'
import type { Federating } from '../federation/federating.ts'

/** `token`: the text of the token, which never stands among the arguments, because those may be logged. */
export function joinDatacenter(
  federating: Pick<Federating, 'join'>,
  { replaceEntries }: Operations['federation.join']['args'],
  token: Uint8Array,
  reply: Reply<OperationAnswer<'federation.join'>>,
): void {
  const tokenText = Buffer.from(token).toString()
  federating.join({ tokenText, replacesEntries: replaceEntries }, (result) =>
    reply(result.ok ? ok({ answer: result.value, data: new Uint8Array(0) }) : result),
  )
}
