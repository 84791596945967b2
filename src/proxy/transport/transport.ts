/**
 * The transport seam: how a connection reaches the far proxy. The tunnel is one implementation; others (plain mTLS)
 * come behind the same words. Callers know instances and byte streams, never TLS or frames.
 */
import type { Endpoint } from '../../model/proxy-config.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'

/** One connection through the mesh, after it was accepted. Both directions end on their own. */
export interface ByteStream {
  /** Whom to tell; set once, before anything can arrive. */
  listen(listener: StreamListener): void
  /** Bytes that may be sent now. Where the answer is 0, `onRoom` is called once it no longer is. */
  room(): number
  /** At most `room()` bytes; they are copied before it returns. */
  send(bytes: Buffer): void
  /** No more bytes from this side. */
  end(): void
  /** Ends both directions at once; nothing is called back after it. */
  reset(code: EndCode, text: string): void
  /** The destination took this many of the received bytes: lets the far side send as many more. */
  accepted(bytes: number): void
}

/** A connection that a far side asks for: accepted or refused, once. */
export interface OfferedStream extends ByteStream {
  /** From here bytes flow. */
  accept(): void
  refuse(code: RefusalCode, text: string): void
}

export interface StreamListener {
  /** `bytes` belongs to the listener where `holds` says so or is missing; else it is valid only during the call. */
  onData(bytes: Buffer): void
  /** Whether anything still refers to the bytes of the last `onData` call; asked after each. */
  holds?(): boolean
  /** The far side sends no more. */
  onEnd(): void
  /** The stream is gone, with what was under way. */
  onReset(code: EndCode, text: string): void
  onRoom(): void
}

/** What is known of the far proxy, for the log. */
export interface PeerFacts {
  /** SPIFFE id as certified. */
  readonly uri: string
  /** Such as "TLSv1.3". */
  readonly tlsVersion: string
}

export interface Target {
  readonly service: string
  readonly datacenter: string
  /** That the service has there; undefined: that of the caller. */
  readonly trustDomain?: string | undefined
  readonly endpoint: Endpoint
  /** The connection carries datagrams; absent: bytes. */
  readonly protocol?: 'udp'
}

/** Exactly one of the two is called, once, unless the opening was cancelled. */
export interface OpenAnswer {
  onAccepted(stream: ByteStream, peer: PeerFacts): void
  onRefused(code: RefusalCode, text: string): void
}

/** Opens connections on behalf of one local service. */
export interface Transport {
  open(target: Target, answer: OpenAnswer): { cancel(): void }
}
