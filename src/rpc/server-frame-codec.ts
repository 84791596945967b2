/**
 * Frames between servers (server-contract.ts) as bytes. They come from servers that proved their identity; what is checked
 * is that a newer or older one cannot send what would be misunderstood.
 */
import { failed, isErrorCode, ok, type Result } from '../model/errors.ts'
import { appliedValueShape } from './call-codec.ts'
import type { FrameCodec } from './grpc-stream.ts'
import { decodeJson, encodeJson } from './json.ts'
import { messageCodec } from './protocol.ts'
import type { ForwardAnswer, ForwardFrame, PresenceFrame } from './server-contract.ts'

export const forwardPath = '/mesh.v1.Forward/Open'
export const presencePath = '/mesh.v1.Presence/Tell'

const forwardFrames = messageCodec('ForwardFrame')
const forwardAnswers = messageCodec('ForwardAnswer')
const presenceFrames = messageCodec('PresenceFrame')

function encodeForwardFrame({ id, envelope }: ForwardFrame): Buffer {
  const { buffer, byteOffset, byteLength } = envelope
  return forwardFrames.encode({ id, envelope: Buffer.from(buffer, byteOffset, byteLength) })
}

function decodeForwardFrame(bytes: Uint8Array): Result<ForwardFrame> {
  const frame = forwardFrames.decode(bytes)
  return frame.ok ? ok({ id: frame.value.id, envelope: frame.value.envelope }) : frame
}

function encodeForwardAnswer(answer: ForwardAnswer): Buffer {
  switch (answer.kind) {
    case 'ready':
      return forwardAnswers.encode({ ready: {} })
    case 'written': {
      const { id, index, value } = answer
      return forwardAnswers.encode({ written: { id, index, valueJson: encodeJson(value) } })
    }
    case 'refused':
      return forwardAnswers.encode({ refused: { id: answer.id, failure: answer.failure } })
  }
}

function decodeForwardAnswer(bytes: Uint8Array): Result<ForwardAnswer> {
  const message = forwardAnswers.decode(bytes)
  if (!message.ok) return message
  const { kind, written, refused } = message.value
  if (kind === 'ready') return ok({ kind })
  if (kind === 'written' && written) {
    const value = decodeJson(written.valueJson, appliedValueShape, 'the answer')
    return value.ok ? ok({ kind, id: written.id, index: written.index, value: value.value }) : value
  }
  if (kind === 'refused' && refused) {
    const { code = '', message: words = '' } = refused.failure ?? {}
    const failure = { code: isErrorCode(code) ? code : 'internal', message: words } as const
    return ok({ kind, id: refused.id, failure })
  }
  return failed('bad-request', 'the frame is of no kind that this version knows')
}

function encodePresenceFrame(frame: PresenceFrame): Buffer {
  return presenceFrames.encode({
    ...frame,
    gone: [...frame.gone],
    present: [...frame.present],
    enforced: frame.enforced.map((row) => ({ ...row, indexes: [...row.indexes] })),
  })
}

function decodePresenceFrame(bytes: Uint8Array): Result<PresenceFrame> {
  const message = presenceFrames.decode(bytes)
  if (!message.ok) return message
  const { applied, gone, present, enforced, isComplete } = message.value
  return ok({ applied, gone, present, enforced, isComplete })
}

/** The side that opens a stream and the side that takes it. */
export const forwardCodec: {
  readonly opener: FrameCodec<ForwardFrame, ForwardAnswer>
  readonly taker: FrameCodec<ForwardAnswer, ForwardFrame>
} = {
  opener: { encode: encodeForwardFrame, decode: decodeForwardAnswer },
  taker: { encode: encodeForwardAnswer, decode: decodeForwardFrame },
}

const nothing = failed('bad-request', 'nothing is answered on this stream')

export const presenceCodec: {
  readonly opener: FrameCodec<PresenceFrame, never>
  readonly taker: FrameCodec<never, PresenceFrame>
} = {
  opener: { encode: encodePresenceFrame, decode: () => nothing },
  taker: { encode: () => Buffer.alloc(0), decode: decodePresenceFrame },
}
