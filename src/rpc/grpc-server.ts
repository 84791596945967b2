/**
 * Serves the contract by gRPC: over mTLS for hosts and servers, and on a unix socket for operators of this machine. It
 * knows who spoke only as certificates and an address; server/access decides what that means. Nothing that a peer
 * sends may end the process.
 */
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { AssertionError, type Failure, type Result } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { ReadAnswer } from '../model/query.ts'
import type { Clock, Log, Metrics } from '../platform/ports.ts'
import type { AnyReadRequest } from './call-codec.ts'
import { serveCalls } from './call-desk.ts'
import { callFrameCodec, callsPath } from './call-frame.ts'
import type { AgentFrame, FrameStream, Peer, Reply, ServerApi, ServerFrame } from './contract.ts'
import { decodeAgentFrame, encodeServerFrame } from './frame-codec.ts'
import { streamOfCall, widenWindow } from './grpc-peer.ts'
import { type FrameCodec, GrpcFrameStream } from './grpc-stream.ts'
import { controlPath, type Method, methods, passBytes } from './methods.ts'
import type { AnyOperationRequest } from './operation-codec.ts'
import type { OperationAnswer, OperatorApi } from './operator.ts'
import { decodeFrame, type RaftChannel, type RaftFrame, raftChannels, raftPaths } from './raft-frame.ts'
import type { ForwardAnswer, ForwardFrame, PresenceFrame, ServerPeerApi } from './server-contract.ts'
import { forwardCodec, forwardPath, presenceCodec, presencePath } from './server-frame-codec.ts'
import { statusOfFailure } from './status.ts'

export interface ServiceOptions {
  readonly api: ServerApi
  /** What operators do with the cluster itself; strangers are not offered it. */
  readonly operator?: OperatorApi
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** Who is at the other end of a call's connection. */
  readonly peerOf: (call: object) => Peer
  readonly audience: Audience
  /** Takes the streams that other servers open; only servers are offered them. */
  readonly raft?: RaftAcceptor
  readonly peers?: ServerPeerApi
}

/** Who is served: the cluster's other servers, those who proved that they belong to the cluster, or everybody else. */
export type Audience = 'servers' | 'members' | 'strangers'

/** One stream of another server; who that is, it says first. */
export type RaftAcceptor = (peer: Peer, channel: RaftChannel, stream: FrameStream<Buffer, RaftFrame>) => void

const channelOptions = {
  'grpc.max_send_message_length': limits.rpcAnswerBytes,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.enable_channelz': 0,
} as const

const audienceOptions = {
  servers: {
    'grpc.max_receive_message_length': limits.raftFrameBytes,
    'grpc.max_concurrent_streams': limits.rpcCallsPerConnection,
    'grpc.max_connection_idle_ms': 300_000,
  },
  members: {
    'grpc.max_receive_message_length': limits.rpcRequestBytes,
    'grpc.max_concurrent_streams': limits.rpcCallsPerConnection,
    // Agents always hold a control stream; what holds nothing must not fill the server's connections.
    'grpc.max_connection_idle_ms': 300_000,
  },
  // Room to enroll, and to renew a certificate that has expired; a message under way is memory of ours.
  strangers: {
    'grpc.max_receive_message_length': limits.rpcStrangerRequestBytes,
    'grpc.max_concurrent_streams': limits.rpcStrangerCalls,
    'grpc.max_connection_idle_ms': 30_000,
    'grpc.max_connection_age_ms': 120_000,
    'grpc.max_connection_age_grace_ms': 10_000,
  },
} as const

/** A gRPC server without listeners: connections are handed to it by listener.ts, already authenticated. */
export interface GrpcService {
  /** Takes over an accepted connection. */
  accept(connection: Parameters<ReturnType<Server['createConnectionInjector']>['injectConnection']>[0]): void
  stop(): void
}

export function createGrpcService(options: ServiceOptions): GrpcService {
  const { api, audience } = options
  const server = new Server({ ...channelOptions, ...audienceOptions[audience] })
  addUnary(
    server,
    options,
    methods.enroll,
    answering((...call) => api.enroll(...call)),
  )
  addUnary(
    server,
    options,
    methods.renewHost,
    answering((...call) => api.renewHost(...call)),
  )
  addUnary(
    server,
    options,
    methods.enrollServer,
    answering((...call) => api.enrollServer(...call)),
  )
  addUnary(
    server,
    options,
    methods.federate,
    answering((...call) => api.federate(...call)),
  )
  addUnary(
    server,
    options,
    methods.signLeaf,
    answering((...call) => api.signLeaf(...call)),
  )
  addUnary(
    server,
    options,
    methods.write,
    answering((...call) => api.write(...call)),
  )
  // The name in the request ties arguments to answer; the compiler cannot follow that through a union.
  addUnary(server, options, methods.read, (peer, request, reply) =>
    api.read(
      peer,
      request as AnyReadRequest & { readonly name: 'ca.roots' },
      reply as unknown as Reply<ReadAnswer<'ca.roots'>>,
    ),
  )
  addOperator(server, options)
  addControl(server, options)
  if (audience !== 'strangers')
    addStream(server, options, { path: callsPath, codec: callFrameCodec.server }, (peer, stream) =>
      serveCalls(options, peer, stream),
    )
  if (audience === 'servers') addRaft(server, options)
  if (audience === 'servers') addPeers(server, options)
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  return {
    accept: (connection) => injector.injectConnection(connection),
    stop: () => server.forceShutdown(),
  }
}

function addOperator(server: Server, options: ServiceOptions): void {
  const { operator, audience } = options
  if (operator === undefined || audience === 'strangers') return
  addUnary(
    server,
    options,
    methods.operate,
    answering((peer, request, reply) =>
      operator.operate(
        peer,
        request as AnyOperationRequest & { readonly name: 'cluster.status' },
        reply as unknown as Reply<OperationAnswer<'cluster.status'>>,
      ),
    ),
  )
}

type Serve<Request, Answer> = (
  peer: Peer,
  request: Request,
  reply: Reply<Answer>,
) => { cancel(): void } | undefined

/** A call that holds nothing worth cancelling. */
const answering =
  <Request, Answer>(serve: (...call: Parameters<Serve<Request, Answer>>) => void): Serve<Request, Answer> =>
  (...call) => {
    serve(...call)
    return undefined
  }

function addUnary<Request, Answer>(
  server: Server,
  options: ServiceOptions,
  method: Method<Request, Answer>,
  serve: Serve<Request, Answer>,
): void {
  const handle = (call: ServerUnaryCall<Result<Request>, Answer>, callback: sendUnaryData<Answer>): void => {
    let answered = false
    const reply = (result: Result<Answer>): void => {
      if (answered) return
      answered = true
      if (result.ok) callback(null, result.value)
      else callback(statusOfFailure(result.failure))
    }
    if (!call.request.ok) {
      options.metrics.count('mesh_rpc_malformed_total')
      reply(call.request)
      return
    }
    const request = call.request.value
    guarded(
      options,
      (failure) => reply({ ok: false, failure }),
      () => {
        const held = serve(options.peerOf(call), request, reply)
        if (held) call.on('cancelled', () => held.cancel())
      },
    )
  }
  const { path, request, answer } = method
  server.addService(
    {
      [path]: {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: passBytes,
        requestDeserialize: (bytes: Buffer) => request.decode(bytes),
        responseSerialize: (value: Answer) => answer.encode(value),
        responseDeserialize: passBytes,
      },
    },
    { [path]: handle } as UntypedServiceImplementation,
  )
}

function addControl(server: Server, options: ServiceOptions): void {
  const codec = { encode: encodeServerFrame, decode: decodeAgentFrame }
  addStream<ServerFrame, AgentFrame>(server, options, { path: controlPath, codec }, (peer, stream) =>
    options.api.control(peer, stream),
  )
}

function addRaft(server: Server, options: ServiceOptions): void {
  const { raft } = options
  if (raft === undefined) return
  for (const channel of raftChannels)
    addStream<Buffer, RaftFrame>(
      server,
      options,
      { path: raftPaths[channel], codec: { encode: passBytes, decode: decodeFrame }, isWide: true },
      (peer, stream) => raft(peer, channel, stream),
    )
}

/** Writes on their way to the leader, and who is connected where. */
function addPeers(server: Server, options: ServiceOptions): void {
  const { peers } = options
  if (peers === undefined) return
  const forward = { path: forwardPath, codec: forwardCodec.taker }
  addStream<ForwardAnswer, ForwardFrame>(server, options, forward, (peer, stream) =>
    peers.forward(peer, stream),
  )
  const presence = { path: presencePath, codec: presenceCodec.taker }
  addStream<never, PresenceFrame>(server, options, presence, (peer, stream) => peers.presence(peer, stream))
}

interface StreamMethod<Out, In> {
  readonly path: string
  readonly codec: FrameCodec<Out, In>
  /** More than the protocol's 64 KiB is wanted, which 40 ms of distance would bound to 1.6 MB/s. */
  readonly isWide?: boolean
}

function addStream<Out, In>(
  server: Server,
  options: ServiceOptions,
  { path, codec, isWide }: StreamMethod<Out, In>,
  serve: (peer: Peer, stream: FrameStream<Out, In>) => void,
): void {
  const handle = (call: ServerDuplexStream<Buffer, Buffer>): void => {
    if (isWide === true) widenWindow(call, limits.raftWindowBytes)
    const stream = new GrpcFrameStream<Out, In>(call, codec, {
      drop: (reason, isIdle) => dropCall(call, reason, isIdle),
      thrown: (error) => thrown(options, error),
      clock: options.clock,
    })
    call.on('end', () => {
      if (call.cancelled) return
      stream.end()
      stream.close(undefined)
    })
    call.on('cancelled', () => stream.close({ code: 'no-server', message: 'the connection was lost' }))
    guarded(
      options,
      (failure) => stream.destroy(failure),
      () => serve(options.peerOf(call), stream),
    )
  }
  server.addService(
    {
      [path]: {
        path,
        requestStream: true,
        responseStream: true,
        requestSerialize: passBytes,
        requestDeserialize: passBytes,
        responseSerialize: passBytes,
        responseDeserialize: passBytes,
      },
    },
    { [path]: handle } as UntypedServiceImplementation,
  )
}

/** With frames still queued the reason could only come after them, so the stream is reset instead. */
function dropCall(call: ServerDuplexStream<Buffer, Buffer>, reason: Failure, isIdle: boolean): void {
  const stream = streamOfCall(call)
  if (isIdle || stream === undefined) call.emit('error', statusOfFailure(reason))
  else stream.close(resetCancel)
}

/** CANCEL of RFC 9113, section 7. */
const resetCancel = 0x8

/** A handler that throws must not reach the library, which would hide it. */
function guarded(options: ServiceOptions, fail: (failure: Failure) => void, run: () => void): void {
  try {
    run()
  } catch (error) {
    fail(thrown(options, error))
  }
}

/**
 * Costs the caller its call; a broken invariant ends the process as well, because what it guards is not to be
 * trusted.
 */
function thrown(options: ServiceOptions, error: unknown): Failure {
  options.metrics.count('mesh_rpc_internal_errors_total')
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
  options.log.error('a call failed in a way it should not', { error: words })
  if (error instanceof AssertionError)
    queueMicrotask(() => {
      throw error
    })
  return { code: 'internal', message: 'the server failed; its log tells more' }
}
