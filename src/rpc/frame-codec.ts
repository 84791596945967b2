/**
 * Frames of the control stream between the contract's objects and bytes. What arrives is checked here, so that a
 * handler never meets a shape that its types deny.
 */
import { failed, isErrorCode, ok, type Result } from '../model/errors.ts'
import type { EventBody, Subject } from '../model/topic.ts'
import type { AgentFrame, ServerFrame } from './contract.ts'
import type { Subject__Output } from './generated/mesh/v1/Subject.ts'
import { checkShape, decodeJson, encodeJson } from './json.ts'
import { messageCodec } from './protocol.ts'
import { bodiesShape, subjectShape } from './shape/event.ts'
import { text, wholeNumber } from './shape/text.ts'

const agentFrames = messageCodec('AgentFrame')
const serverFrames = messageCodec('ServerFrame')

export function encodeAgentFrame(frame: AgentFrame): Buffer {
  switch (frame.kind) {
    case 'hello':
      return agentFrames.encode({ hello: frame })
    case 'subscribe':
      return agentFrames.encode({ subscribe: { subject: frame.subject, cursor: frame.cursor } })
    case 'unsubscribe':
      return agentFrames.encode({ unsubscribe: frame.subject })
    case 'enforced':
      return agentFrames.encode({
        enforced: { destination: frame.destination, indexes: [...frame.indexes] },
      })
    case 'ping':
      return agentFrames.encode({ ping: frame.nonce })
  }
}

export function decodeAgentFrame(bytes: Uint8Array): Result<AgentFrame> {
  const message = agentFrames.decode(bytes)
  if (!message.ok) return message
  const { kind, hello, subscribe, unsubscribe, enforced, ping } = message.value
  if (kind === 'hello' && hello)
    return wellFormed([hello.node, hello.nodeId, hello.version], {
      kind,
      node: hello.node,
      nodeId: hello.nodeId,
      version: hello.version,
      minVersion: hello.minVersion,
      maxVersion: hello.maxVersion,
    })
  if (kind === 'subscribe' && subscribe)
    return withSubject(subscribe.subject, (subject) => exact({ kind, subject, cursor: subscribe.cursor }))
  if (kind === 'unsubscribe') return withSubject(unsubscribe, (subject) => ok({ kind, subject }))
  if (kind === 'enforced' && enforced) {
    const { destination, indexes } = enforced
    if (!indexes.every(isExact)) return inexact
    return wellFormed([destination], { kind, destination, indexes })
  }
  if (kind === 'ping' && ping !== undefined) return isExact(ping) ? ok({ kind, nonce: ping }) : inexact
  return failed('bad-request', 'the frame is of no kind that this version knows')
}

export function encodeServerFrame(frame: ServerFrame): Buffer {
  switch (frame.kind) {
    case 'welcome':
      return serverFrames.encode({ welcome: frame })
    case 'event':
      return encodeEvent(frame)
    case 'snapshot-begin':
      return serverFrames.encode({ snapshotBegin: frame.subject })
    case 'snapshot-end':
      return serverFrames.encode({ snapshotEnd: { subject: frame.subject, index: frame.index } })
    case 'goaway':
      return serverFrames.encode({ goaway: { reason: frame.reason, retryAfterMs: frame.retryAfterMs } })
    case 'pong':
      return serverFrames.encode({ pong: frame.nonce })
    case 'servers':
      return serverFrames.encode({ servers: { addresses: [...frame.addresses] } })
    case 'gossip-keys':
      return serverFrames.encode({ gossipKeys: { keys: [...frame.keys] } })
  }
}

interface EncodedEvent {
  readonly index: number
  readonly topic: string
  readonly key: string
  readonly bytes: Buffer
}

/** By the bodies and not by the frame: servers may make a frame per session, but share the bodies of one event. */
const encodedEvents = new WeakMap<readonly EventBody[], EncodedEvent>()

/** Encoded once per event however many sessions it goes to. */
function encodeEvent(frame: Extract<ServerFrame, { readonly kind: 'event' }>): Buffer {
  const { subject, index, bodies } = frame
  const known = encodedEvents.get(bodies)
  if (known?.index === index && known.topic === subject.topic && known.key === subject.key) return known.bytes
  const bytes = serverFrames.encode({ event: { subject, index, bodiesJson: encodeJson(bodies) } })
  encodedEvents.set(bodies, { index, topic: subject.topic, key: subject.key, bytes })
  return bytes
}

export function decodeServerFrame(bytes: Uint8Array): Result<ServerFrame> {
  const message = serverFrames.decode(bytes)
  if (!message.ok) return message
  const { kind, welcome, event, snapshotBegin, snapshotEnd, goaway, pong, servers, gossipKeys } =
    message.value
  if (kind === 'welcome' && welcome) return ok({ kind, ...welcome })
  if (kind === 'event' && event)
    return withSubject(event.subject, (subject) => {
      const bodies = decodeJson(event.bodiesJson, bodiesShape, 'the event')
      if (!bodies.ok) return bodies
      return exact({ kind, subject, index: event.index, bodies: bodies.value })
    })
  if (kind === 'snapshotBegin')
    return withSubject(snapshotBegin, (subject) => ok({ kind: 'snapshot-begin', subject }))
  if (kind === 'snapshotEnd' && snapshotEnd)
    return withSubject(snapshotEnd.subject, (subject) =>
      exact({ kind: 'snapshot-end', subject, index: snapshotEnd.index }),
    )
  if (kind === 'goaway' && goaway) {
    const { code = '', message: words = '' } = goaway.reason ?? {}
    const reason = { code: isErrorCode(code) ? code : 'internal', message: words } as const
    return ok({ kind, reason, retryAfterMs: goaway.retryAfterMs })
  }
  if (kind === 'pong' && pong !== undefined) return isExact(pong) ? ok({ kind, nonce: pong }) : inexact
  if (kind === 'servers' && servers) return ok({ kind, addresses: servers.addresses })
  if (kind === 'gossipKeys' && gossipKeys) return ok({ kind: 'gossip-keys', keys: gossipKeys.keys })
  return failed('bad-request', 'the frame is of no kind that this version knows')
}

const isExact = (value: number): boolean => wholeNumber.safeParse(value).success
const inexact = failed('bad-request', 'the frame has a number beyond 2^53')

function exact<Frame extends Extract<AgentFrame | ServerFrame, { index: number } | { cursor: number }>>(
  frame: Frame,
): Result<Frame> {
  return isExact('index' in frame ? frame.index : frame.cursor) ? ok(frame) : inexact
}

function wellFormed<Frame>(texts: readonly string[], frame: Frame): Result<Frame> {
  const sound = texts.every((value) => text.safeParse(value).success)
  return sound ? ok(frame) : failed('bad-request', 'the frame has text that is not well formed')
}

function withSubject<Frame>(
  message: Subject__Output | null | undefined,
  then: (subject: Subject) => Result<Frame>,
): Result<Frame> {
  const subject = checkShape(message, subjectShape, 'the subject')
  return subject.ok ? then(subject.value) : subject
}
