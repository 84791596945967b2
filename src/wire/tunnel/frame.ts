/**
 * The layout of tunnel frames: types, sizes, and which frame belongs to the session or to a stream.
 * Says nothing about order or meaning; that is proxy/transport/session.ts. For people: docs/tunnel.md.
 *
 * Every frame: type (1 byte), payload length (3), stream id (4), payload. Numbers are big-endian.
 */
import { limits } from '../../model/limits.ts'
import { versions } from '../../model/versions.ts'

/** Chosen in the TLS handshake. The number changes only when HELLO itself could no longer be read. */
export const tunnelAlpn = 'mesh-tunnel/1'
/** How the names of all its versions begin. */
export const tunnelAlpnFamily = 'mesh-tunnel/'

/** Versions of the frames that this build speaks; HELLO carries them. */
export const tunnelVersions = versions.tunnel

export const headerBytes = 8

export const frameTypes = {
  hello: 0x01,
  open: 0x02,
  ack: 0x03,
  refused: 0x04,
  data: 0x05,
  fin: 0x06,
  reset: 0x07,
  window: 0x08,
  ping: 0x09,
  pong: 0x0a,
  goaway: 0x0b,
} as const

export type FrameType = (typeof frameTypes)[keyof typeof frameTypes]

/**
 * The rule of growth: a type from here on that is not known is skipped, one below it is a protocol error. So a later
 * version may add hints under numbers from here, and must raise its version for what cannot be ignored.
 */
export const skippableFrom = 0x80

/** Credit is a 31-bit number, as a sum and in one frame: adding it can never lose bits. */
export const maxCredit = 0x7fff_ffff
export const maxStreamId = 0x7fff_ffff

/** Longest payload of any frame but DATA: OPEN with its fixed part. */
export const maxControlBytes = limits.tunnelMetadataBytes + 16

interface FrameShape {
  readonly minBytes: number
  readonly maxBytes: number
  /** Frames of the session carry stream id 0, frames of a stream never do. */
  readonly ofSession: boolean
}

const shapes = new Map<number, FrameShape>([
  [frameTypes.hello, { minBytes: 2, maxBytes: maxControlBytes, ofSession: true }],
  [frameTypes.open, { minBytes: 5, maxBytes: maxControlBytes, ofSession: false }],
  [frameTypes.ack, { minBytes: 4, maxBytes: maxControlBytes, ofSession: false }],
  [frameTypes.refused, { minBytes: 2, maxBytes: 2 + limits.tunnelTextBytes, ofSession: false }],
  // An empty DATA frame would cost work and no credit.
  [frameTypes.data, { minBytes: 1, maxBytes: limits.tunnelFrameBytes, ofSession: false }],
  [frameTypes.fin, { minBytes: 0, maxBytes: 0, ofSession: false }],
  [frameTypes.reset, { minBytes: 2, maxBytes: 2 + limits.tunnelTextBytes, ofSession: false }],
  [frameTypes.window, { minBytes: 4, maxBytes: 4, ofSession: false }],
  [frameTypes.ping, { minBytes: 8, maxBytes: 8, ofSession: true }],
  [frameTypes.pong, { minBytes: 8, maxBytes: 8, ofSession: true }],
  [frameTypes.goaway, { minBytes: 6, maxBytes: 6 + limits.tunnelTextBytes, ofSession: true }],
])

/** What is wrong with a header, or '' where it is in order. Called once per frame, before its payload is read. */
export function headerFault(type: number, length: number, stream: number): string {
  const shape = shapes.get(type)
  if (shape === undefined) {
    if (type < skippableFrom) return `unknown frame type ${type}`
    return length <= limits.tunnelFrameBytes ? '' : `frame of ${length} bytes`
  }
  if (length < shape.minBytes || length > shape.maxBytes) return `frame type ${type} of ${length} bytes`
  if (stream > maxStreamId || (stream === 0) !== shape.ofSession)
    return `frame type ${type} on stream ${stream}`
  return ''
}

export const isKnownType = (type: number): type is FrameType => shapes.has(type)
