/**
 * The contract between programs: what an agent asks of a server, as plain interfaces. Transports (gRPC over mTLS in
 * production, memory in tests and the simulator) carry it; neither side knows which one it has.
 *
 * Answers come by callback, exactly once, because the simulator runs both sides. A lost connection is a `Failure` like
 * any other (`no-server`, or `write-outcome-unknown` for a write that had been sent).
 */
import type { PublicCaRoot } from '../model/authority.ts'
import type { Applied, Command } from '../model/command.ts'
import type { DatacenterFacts, FederationFacts } from '../model/datacenter.ts'
import type { Failure, Result } from '../model/errors.ts'
import type { Queries, QueryName, ReadAnswer, ReadOptions } from '../model/query.ts'
import type { EventBody, Subject } from '../model/topic.ts'
import { versions } from '../model/versions.ts'

export type Reply<Value> = (result: Result<Value>) => void

/** What the transport knows of the other side; who that is, `server/access` decides. */
export interface Peer {
  /** DER certificates as presented, leaf first; empty where there were none. Not verified by the transport. */
  readonly certificates: readonly Uint8Array[]
  readonly address: string
}

/** A bidirectional stream of frames in order. After `onClose` nothing else is called. */
export interface FrameStream<Out, In> {
  send(frame: Out): void
  /** Bytes accepted by `send` and not yet by the network. */
  queuedBytes(): number
  /** Sends what is queued, then ends the stream. */
  end(): void
  /** Drops what is queued and ends the stream at once. */
  destroy(reason: Failure): void
  listen(listener: {
    readonly onFrame: (frame: In) => void
    /** `queuedBytes` fell to 0 after it was above 0. */
    readonly onDrain: () => void
    readonly onClose: (reason: Failure | undefined) => void
  }): void
}

/** 2: servers tell their addresses. 3: and the gossip keys; instances in other datacenters can be subscribed. */
export const linkVersions = versions.control

/** Agent to server on the control stream. The first frame is `hello`. */
export type AgentFrame =
  | {
      readonly kind: 'hello'
      readonly node: string
      readonly nodeId: string
      readonly version: string
      readonly minVersion: number
      readonly maxVersion: number
    }
  /** `cursor` is the index of the last event seen, 0 for none; the answer is events after it, or a snapshot. */
  | { readonly kind: 'subscribe'; readonly subject: Subject; readonly cursor: number }
  | { readonly kind: 'unsubscribe'; readonly subject: Subject }
  /** State of enforcement on this host, sent when it changes: proxies that serve `destination` and the index they enforce. */
  | {
      readonly kind: 'enforced'
      readonly destination: string
      /** One element per proxy (0: none yet); empty: no proxy of this host serves it any more. */
      readonly indexes: readonly number[]
    }
  | { readonly kind: 'ping'; readonly nonce: number }

/** Server to agent on the control stream. The first frame is `welcome` or `goaway`. */
export type ServerFrame =
  | {
      readonly kind: 'welcome'
      readonly server: string
      readonly version: string
      readonly linkVersion: number
    }
  | {
      readonly kind: 'event'
      readonly subject: Subject
      readonly index: number
      readonly bodies: readonly EventBody[]
    }
  | { readonly kind: 'snapshot-begin'; readonly subject: Subject }
  | { readonly kind: 'snapshot-end'; readonly subject: Subject; readonly index: number }
  /** The server will not serve this agent (now): reconnect after `retryAfterMs`, elsewhere if possible. */
  | { readonly kind: 'goaway'; readonly reason: Failure; readonly retryAfterMs: number }
  | { readonly kind: 'pong'; readonly nonce: number }
  /** RPC addresses of all servers now: after the welcome and at each change, on links of version 2 or later. */
  | { readonly kind: 'servers'; readonly addresses: readonly string[] }
  /**
   * Keys of the gossip pool, base64, the one in use first: after the welcome and at each change, on links of version 3 or
   * later. Secret: never logged.
   */
  | { readonly kind: 'gossip-keys'; readonly keys: readonly string[] }

export interface EnrollRequest {
  /** The token's secret part; never logged. */
  readonly secret: string
  readonly node: string
  readonly nodeId: string
  /** PKCS #10 request in DER, made with the host's long-lived key. */
  readonly csr: Uint8Array
}

export interface HostCertificate {
  readonly certificatePem: string
  readonly clusterId: string
  readonly datacenter: string
  readonly hostRoots: readonly PublicCaRoot[]
  readonly serviceRoots: readonly PublicCaRoot[]
  readonly services: readonly string[]
  /** Keys of the gossip pool, base64, the one in use first; absent from servers that have none. Secret: never logged. */
  readonly gossipKeys?: readonly string[]
}

export interface EnrollServerRequest {
  /** The secret part of a server's token; never logged. */
  readonly secret: string
  readonly node: string
  /** Its id in the log's configuration. */
  readonly serverId: string
  /** `host:port` where the other servers reach it. */
  readonly address: string
  /** PKCS #10 request in DER, made with the server's long-lived key. */
  readonly csr: Uint8Array
}

/** What a server needs to be one of the cluster's. Holds a secret: only for a connection that the token pinned. */
export interface ServerAdmission {
  /** Leaf first, its root last. */
  readonly certificatePem: string
  /** Opens the authority's keys in log and snapshots. */
  readonly clusterKey: Uint8Array
  readonly clusterId: string
  readonly datacenter: string
  readonly hostRoots: readonly PublicCaRoot[]
  readonly serviceRoots: readonly PublicCaRoot[]
}

/** Another datacenter comes with the token that an operator of this one made. */
export interface FederateRequest {
  /** The secret part of a datacenter's token; never logged. */
  readonly secret: string
  readonly facts: DatacenterFacts
}

export interface RenewHostRequest {
  readonly csr: Uint8Array
}

export interface SignLeafRequest {
  readonly service: string
  readonly csr: Uint8Array
}

export interface LeafCertificate {
  /** Leaf first, intermediates after. */
  readonly certificatePem: string
  readonly serialNumber: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

export interface WriteRequest {
  readonly command: Command
  /** Operator token where the caller holds one, else ''. */
  readonly token: string
  /** Where it is to be written; absent: in the datacenter of the server. */
  readonly datacenter?: string
  /** From a server of another datacenter: the operator who asked for it there. Believed for intentions only. */
  readonly operator?: string
}

export interface ReadRequest<Name extends QueryName> {
  readonly name: Name
  readonly args: Queries[Name]['args']
  readonly options: ReadOptions
  readonly token: string
  /** Where it is to be read; absent: in the datacenter of the server. */
  readonly datacenter?: string
}

/** What a server serves. `cancel` of a read frees what it holds; its reply may then never come. */
export interface ServerApi {
  enroll(peer: Peer, request: EnrollRequest, reply: Reply<HostCertificate>): void
  renewHost(peer: Peer, request: RenewHostRequest, reply: Reply<HostCertificate>): void
  enrollServer(peer: Peer, request: EnrollServerRequest, reply: Reply<ServerAdmission>): void
  federate(peer: Peer, request: FederateRequest, reply: Reply<FederationFacts>): void
  signLeaf(peer: Peer, request: SignLeafRequest, reply: Reply<LeafCertificate>): void
  write(peer: Peer, request: WriteRequest, reply: Reply<Extract<Applied, { ok: true }>>): void
  read<Name extends QueryName>(
    peer: Peer,
    request: ReadRequest<Name>,
    reply: Reply<ReadAnswer<Name>>,
  ): { cancel(): void }
  control(peer: Peer, stream: FrameStream<ServerFrame, AgentFrame>): void
}

/** What an agent calls: the same without the peer, with servers picked, retried and held behind it. */
export interface ServerClient {
  enroll(request: EnrollRequest, reply: Reply<HostCertificate>): void
  renewHost(request: RenewHostRequest, reply: Reply<HostCertificate>): void
  signLeaf(request: SignLeafRequest, reply: Reply<LeafCertificate>): void
  write(request: WriteRequest, reply: Reply<Extract<Applied, { ok: true }>>): void
  read<Name extends QueryName>(request: ReadRequest<Name>, reply: Reply<ReadAnswer<Name>>): { cancel(): void }
  /** Opens one control stream to some server; `undefined` reason in onClose: the other side ended it. */
  control(): FrameStream<AgentFrame, ServerFrame>
  close(): void
}
