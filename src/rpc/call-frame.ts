/**
 * Frames of the stream that carries many short calls, between objects and bytes. What a frame carries is in the codecs of
 * the single calls (call-codec.ts); both ways of calling say the same.
 */
import { type Failure, failed, isErrorCode, ok, type Result } from '../model/errors.ts'
import type { FrameCodec } from './grpc-stream.ts'
import { messageCodec } from './protocol.ts'

export const callsPath = '/mesh.v1.Server/Calls'

export type CallFrame =
  | {
      readonly id: number
      readonly kind: 'write' | 'read' | 'wait'
      /** Encoded request. */
      readonly request: Uint8Array
    }
  /** Of a call that waits: nobody wants its answer any more. */
  | { readonly id: number; readonly kind: 'cancel' }

export type CallAnswerFrame =
  /** `waits`: takes reads that wait for a change too. */
  | { readonly kind: 'ready'; readonly waits: boolean }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Uint8Array }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: Failure }
  /** The answer is too long to stand before others: the same read again, as a call of its own. */
  | { readonly kind: 'apart'; readonly id: number }

const requests = messageCodec('CallRequest')
const answers = messageCodec('CallAnswer')

const buffer = ({ buffer: memory, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(memory, byteOffset, byteLength)

function encodeCall(frame: CallFrame): Buffer {
  const { id, kind } = frame
  return requests.encode(kind === 'cancel' ? { id, cancel: {} } : { id, [kind]: buffer(frame.request) })
}

function decodeCall(bytes: Uint8Array): Result<CallFrame> {
  const message = requests.decode(bytes)
  if (!message.ok) return message
  const { id, kind } = message.value
  if (kind === 'cancel') return ok({ id, kind })
  const request = kind === undefined ? undefined : message.value[kind]
  if (kind === undefined || request === undefined)
    return failed('bad-request', 'the frame is of no kind that this version knows')
  return ok({ id, kind, request })
}

function encodeAnswer(frame: CallAnswerFrame): Buffer {
  switch (frame.kind) {
    case 'ready':
      return answers.encode({ ready: { waits: frame.waits } })
    case 'answer':
      return answers.encode({ id: frame.id, answer: buffer(frame.answer) })
    case 'failure':
      return answers.encode({ id: frame.id, failure: frame.failure })
    case 'apart':
      return answers.encode({ id: frame.id, apart: {} })
  }
}

function decodeAnswer(bytes: Uint8Array): Result<CallAnswerFrame> {
  const message = answers.decode(bytes)
  if (!message.ok) return message
  const { id, kind, ready, answer, failure } = message.value
  if (kind === 'ready') return ok({ kind, waits: ready?.waits === true })
  if (kind === 'apart') return ok({ kind, id })
  if (kind === 'answer' && answer) return ok({ kind, id, answer })
  if (kind === 'failure' && failure) {
    const { code, message: words } = failure
    return ok({ kind, id, failure: { code: isErrorCode(code) ? code : 'internal', message: words } })
  }
  return failed('bad-request', 'the frame is of no kind that this version knows')
}

export const callFrameCodec: {
  readonly client: FrameCodec<CallFrame, CallAnswerFrame>
  readonly server: FrameCodec<CallAnswerFrame, CallFrame>
} = {
  client: { encode: encodeCall, decode: decodeAnswer },
  server: { encode: encodeAnswer, decode: decodeCall },
}
