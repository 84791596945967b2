/** Operations on the cluster itself between objects and bytes; see call-codec.ts for the calls of agents. */
import { failed, ok } from '../model/errors.ts'
import type { Codec } from './call-codec.ts'
import { decodeJson, encodeJson, parseJson } from './json.ts'
import type { OperationAnswer, OperationName, OperationRequest } from './operator.ts'
import { messageCodec } from './protocol.ts'
import { isOperationName, operationShapes } from './shape/operation.ts'

/** A request of any name; the name and its arguments fit together. */
export type AnyOperationRequest = { [Name in OperationName]: OperationRequest<Name> }[OperationName]
/** An answer whose content the caller knows from the name that it asked for. */
export type AnyOperationAnswer = OperationAnswer<OperationName>

const requestMessage = messageCodec('OperationRequest')

export const operationRequestCodec: Codec<AnyOperationRequest> = {
  encode: ({ name, args, token, data }) =>
    requestMessage.encode({ name, token, argsJson: encodeJson(args), data: Buffer.from(data) }),
  decode: (bytes) => {
    const message = requestMessage.decode(bytes)
    if (!message.ok) return message
    const { name, token, argsJson, data } = message.value
    if (!isOperationName(name))
      return failed('unsupported-feature', 'this server does not know that operation')
    const args = decodeJson<unknown>(argsJson, operationShapes[name], 'the arguments of the operation')
    return args.ok ? ok({ name, token, args: args.value, data } as AnyOperationRequest) : args
  },
}

const answerMessage = messageCodec('OperationAnswer')

/** The content is taken as it is: it comes from a server that proved its identity. */
export const operationAnswerCodec: Codec<AnyOperationAnswer> = {
  encode: ({ answer, data }) =>
    answerMessage.encode({ answerJson: encodeJson(answer), data: Buffer.from(data) }),
  decode: (bytes) => {
    const message = answerMessage.decode(bytes)
    if (!message.ok) return message
    const answer = parseJson(message.value.answerJson, 'the answer')
    return answer.ok ? ok({ answer: answer.value, data: message.value.data } as AnyOperationAnswer) : answer
  },
}
