/**
 * What travels between the servers of one cluster: a hello, then Raft messages, on one of three streams. Which message takes
 * which stream is decided here and nowhere else. Bytes of the messages are wire/raft-message.ts; connections are
 * raft-sender.ts and raft-transport.ts.
 */
import { failed, ok, type Result } from '../model/errors.ts'
import type { RaftMessage } from '../model/raft-message.ts'
import { decodeRaftMessage, encodeRaftMessage } from '../wire/raft-message.ts'
import { messageCodec } from './protocol.ts'

/** Who speaks, first on every stream. */
export interface RaftHello {
  /** Server ids; `to` is '' in an answer. */
  readonly from: string
  readonly to: string
  /** `host:port` where other servers reach the speaker. */
  readonly address: string
  /** Of the program. */
  readonly version: string
  /** The highest feature level that the program knows. */
  readonly featureLevel: number
}

export type RaftFrame =
  | { readonly kind: 'hello'; readonly hello: RaftHello }
  | { readonly kind: 'message'; readonly message: RaftMessage }

/** In order of urgency. A kind never waits behind a later one: each has a connection of its own (DESIGN D5). */
export const raftChannels = ['heartbeats', 'appends', 'snapshots'] as const
export type RaftChannel = (typeof raftChannels)[number]

export const raftPaths: { readonly [Channel in RaftChannel]: string } = {
  heartbeats: '/mesh.v1.Raft/Heartbeats',
  appends: '/mesh.v1.Raft/Appends',
  snapshots: '/mesh.v1.Raft/Snapshots',
}

export function channelOf({ type }: RaftMessage): RaftChannel {
  switch (type) {
    case 'append':
    case 'append-accepted':
    case 'append-rejected':
      return 'appends'
    case 'snapshot-chunk':
    case 'snapshot-received':
      return 'snapshots'
    default:
      return 'heartbeats'
  }
}

const frames = messageCodec('RaftFrame')

export const encodeHello = (hello: RaftHello): Buffer => frames.encode({ hello })

export const encodeMessage = (message: RaftMessage): Buffer =>
  frames.encode({ message: ownBuffer(encodeRaftMessage(message)) })

/** Fails with `bad-request`, `too-large` or `version-mismatch`. */
export function decodeFrame(bytes: Uint8Array): Result<RaftFrame> {
  const frame = frames.decode(bytes)
  if (!frame.ok) return frame
  const { kind, hello, message } = frame.value
  if (kind === 'hello' && hello) return ok({ kind, hello })
  if (kind !== 'message' || message === undefined)
    return failed('bad-request', 'the frame is of no kind that this version knows')
  const decoded = decodeRaftMessage(detached(message))
  return decoded.ok ? ok({ kind, message: decoded.value }) : decoded
}

/**
 * Entries stay in memory for long. A small one that is a slice of Node's shared pool would keep all of the pool's 8 KiB
 * with it, many times what the log's bound counts.
 */
function detached(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > 2 * bytes.length ? Uint8Array.from(bytes) : bytes
}

const ownBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
