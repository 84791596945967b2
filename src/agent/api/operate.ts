/** Operations on the cluster itself on behalf of one call; what each does stands with the server. */
import type { Result } from '../../model/errors.ts'
import type { OperationAnswer, OperationName, Operations } from '../../rpc/operator.ts'
import type { Api, Call } from './contract.ts'
import { accept, ClientGone } from './refusal.ts'

const noData = new Uint8Array(0)

export function tryOperate<Name extends OperationName>(
  api: Api,
  call: Call,
  name: Name,
  question: { readonly args: Operations[Name]['args']; readonly data?: Uint8Array },
): Promise<Result<OperationAnswer<Name>>> {
  return new Promise((resolve, reject) => {
    if (call.signal.aborted) {
      reject(new ClientGone())
      return
    }
    const { args, data } = question
    api.operate({ name, args, token: call.caller.operatorToken, data: data ?? noData }, resolve)
  })
}

/** The answer, or a refusal. */
export async function operate<Name extends OperationName>(
  api: Api,
  call: Call,
  name: Name,
  args: Operations[Name]['args'],
): Promise<Operations[Name]['answer']> {
  return accept(await tryOperate(api, call, name, { args })).answer
}
