/**
 * Goes to one server as the agent would: name, TCP, TLS with this host's certificate, one small read. Stops at the first
 * step that fails and says which. Asks for nothing that changes anything, and sends no token.
 */
import { lookup } from 'node:dns/promises'
import http2 from 'node:http2'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { joinHostPort, splitHostPort } from '../../../config/address.ts'
import { type Failure, isErrorCode } from '../../../model/errors.ts'
import { parseSpiffeId } from '../../../model/identity.ts'
import { type ClientIdentity, judgeServer } from '../../../rpc/channel-credentials.ts'
import { methods } from '../../../rpc/methods.ts'
import { alpnProtocol, contextOptions, presentedChain } from '../../../rpc/tls.ts'
import { readCertificateFacts } from '../../../wire/x509/certificate-facts.ts'
import type { GossipFacts, ServerFacts, ServerOutcome } from '../judge/servers.ts'

/** Each of the steps; together they stay below what a person waits for. */
const stepTimeoutMs = 2_000
const answerLimitBytes = 64 * 1024

/** Undefined: whether the server is one of this host's cannot be judged. */
export type Shown = ClientIdentity | undefined

/** `address`: `host:port`. */
export async function visitServer(
  address: string,
  identity: Shown,
  wallMs: () => number = Date.now,
): Promise<ServerFacts> {
  return { address, outcome: await visit(address, identity, wallMs) }
}

async function visit(address: string, identity: Shown, wallMs: () => number): Promise<ServerOutcome> {
  const { host, port } = splitHostPort(address) ?? { host: address, port: undefined }
  const resolved = await resolveName(host)
  if ('reason' in resolved) return { kind: 'name-unknown', reason: resolved.reason }
  const reached = await reach(resolved.address, port ?? 0)
  if ('outcome' in reached) return reached.outcome
  const secured = await secure(reached.socket, identity)
  if ('outcome' in secured) return secured.outcome
  return askServer(secured.socket, identity, wallMs)
}

async function resolveName(host: string): Promise<{ address: string } | { reason: string }> {
  try {
    const { address } = await inTime(lookup(host), 'the name service does not answer')
    return { address }
  } catch (error) {
    return { reason: wordsOf(error) }
  }
}

type Reached = { readonly socket: Socket } | { readonly outcome: ServerOutcome }

function reach(host: string, port: number): Promise<Reached> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port })
    const fail = (outcome: ServerOutcome): void => {
      socket.destroy()
      resolve({ outcome })
    }
    socket.setTimeout(stepTimeoutMs, () => fail({ kind: 'silent', reason: 'no answer in time' }))
    socket.once('error', (error: NodeJS.ErrnoException) =>
      fail(error.code === 'ECONNREFUSED' ? { kind: 'refused' } : { kind: 'silent', reason: wordsOf(error) }),
    )
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.removeAllListeners('error')
      resolve({ socket })
    })
  })
}

type Secured = { readonly socket: TLSSocket } | { readonly outcome: ServerOutcome }

function secure(socket: Socket, identity: Shown): Promise<Secured> {
  return new Promise((resolve) => {
    const fail = (kind: 'not-mesh' | 'silent' | 'foreign', reason: string): void => {
      clearTimeout(late)
      tls.destroy()
      socket.destroy()
      resolve({ outcome: { kind, reason } })
    }
    const tls = connectTls({
      socket,
      ...contextOptions(identity === undefined || identity.kind === 'pinned' ? undefined : identity.tls),
      ALPNProtocols: [alpnProtocol],
      servername: 'server.mesh',
      rejectUnauthorized: false,
    })
    const late = setTimeout(
      () => fail('silent', 'it accepts connections and then says nothing'),
      stepTimeoutMs,
    )
    tls.on('error', (error) => fail('not-mesh', `its TLS cannot be understood (${wordsOf(error)})`))
    tls.once('close', () => fail('not-mesh', 'it closes the connection'))
    tls.once('secureConnect', () => {
      clearTimeout(late)
      if (tls.alpnProtocol !== alpnProtocol) return fail('not-mesh', 'it speaks no HTTP/2')
      resolve({ socket: tls })
    })
  })
}

/** Says nothing of whose server it is. */
function namesServer([leaf]: readonly Uint8Array[]): boolean {
  const uris = leaf === undefined ? [] : (readCertificateFacts(leaf)?.uris ?? [])
  return uris.some((uri) => parseSpiffeId(uri)?.kind === 'server')
}

interface Reply {
  /** By the server's clock; undefined where it told none. */
  readonly timeMs: number | undefined
  readonly refusal: Failure | undefined
}

async function askServer(socket: TLSSocket, identity: Shown, wallMs: () => number): Promise<ServerOutcome> {
  const chain = presentedChain(socket)
  const reply = await readLeader(socket)
  socket.destroy()
  if (reply === undefined) return { kind: 'silent', reason: 'it answers no request in time' }
  const nowMs = wallMs()
  const aheadMs = reply.timeMs === undefined ? undefined : reply.timeMs - nowMs
  if (!namesServer(chain)) return { kind: 'not-mesh', reason: 'its certificate names no server of a mesh' }
  if (identity !== undefined) {
    // By its own clock: whether ours agrees is another question, and has an answer of its own.
    const refusal = judgeServer(chain, identity, reply.timeMs ?? nowMs)
    if (refusal !== undefined) return { kind: 'foreign', reason: refusal.message }
  }
  const isKnown = identity?.kind === 'host'
  return { kind: 'answered', aheadMs, refusal: isKnown ? reply.refusal : undefined }
}

/** One read by gRPC, by hand, because the library hands on neither the time in the answer nor its trailers. */
function readLeader(socket: TLSSocket): Promise<Reply | undefined> {
  return new Promise((resolve) => {
    const session = http2.connect('https://server.mesh', { createConnection: () => socket })
    const finish = (reply: Reply | undefined): void => {
      clearTimeout(late)
      session.destroy()
      resolve(reply)
    }
    const late = setTimeout(() => finish(undefined), stepTimeoutMs)
    session.on('error', () => finish(undefined))
    session.once('close', () => finish(undefined))
    const call = session.request({
      ':method': 'POST',
      ':path': methods.read.path,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    let timeMs: number | undefined
    let refusal: Failure | undefined
    let size = 0
    const hear = (headers: http2.IncomingHttpHeaders): void => {
      timeMs ??= readTime(headers['date'])
      refusal ??= refusalIn(headers)
    }
    call.on('response', hear)
    call.on('trailers', hear)
    call.on('error', () => finish(undefined))
    call.on('data', (piece: Buffer) => {
      size += piece.length
      if (size > answerLimitBytes) finish(undefined)
    })
    call.on('end', () => finish({ timeMs, refusal }))
    call.end(framed(leaderQuestion()))
  })
}

function leaderQuestion(): Buffer {
  const options = { consistency: 'stale', minIndex: 0, waitMs: 0 } as const
  return methods.read.request.encode({ name: 'status.leader', args: {}, options, token: '' })
}

/** gRPC over HTTP/2: a byte that says "not compressed", the length, the message. */
function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

function readTime(header: string | undefined): number | undefined {
  const ms = Date.parse(header ?? '')
  return Number.isNaN(ms) ? undefined : ms
}

function refusalIn(headers: http2.IncomingHttpHeaders): Failure | undefined {
  const code = headers['mesh-code']
  if (typeof code !== 'string' || !isErrorCode(code)) return undefined
  return { code, message: decoded(String(headers['grpc-message'] ?? code)) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Whether the gossip of another host takes connections. */
export async function visitGossip(host: string | undefined, port: number): Promise<GossipFacts> {
  if (host === undefined) return { peer: undefined, isReached: false, reason: '' }
  const peer = joinHostPort(host, port)
  const resolved = await resolveName(host)
  if ('reason' in resolved) return { peer, isReached: false, reason: resolved.reason }
  const reached = await reach(resolved.address, port)
  if ('socket' in reached) {
    reached.socket.destroy()
    return { peer, isReached: true, reason: '' }
  }
  const { outcome } = reached
  return {
    peer,
    isReached: false,
    reason: outcome.kind === 'silent' ? outcome.reason : 'nothing listens there',
  }
}

function inTime<Value>(work: Promise<Value>, late: string): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(late)), stepTimeoutMs)
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}

/** Without the system's code and call in front: "no such host". */
function wordsOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const known: Readonly<Record<string, string>> = {
    ENOTFOUND: 'there is no such name',
    EAI_AGAIN: 'the name service does not answer',
    EHOSTUNREACH: 'no way to that host',
    ENETUNREACH: 'no way to that network',
    ECONNRESET: 'it cuts the connection',
    EPROTO: 'no TLS',
    ETIMEDOUT: 'no answer in time',
  }
  return known[code ?? ''] ?? message.split('\n')[0] ?? 'unknown'
}
