/**
 * The contract's client by gRPC. Calls wait a bounded time for a server to be reached; a call whose connection broke
 * is repeated elsewhere if repeating cannot do harm, and otherwise ends as `write-outcome-unknown`, because nobody
 * can know.
 */
import { type Failure, failed, type Result } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { QueryName, ReadAnswer } from '../model/query.ts'
import type { Clock, Random, Timer } from '../platform/ports.ts'
import type { AnyReadRequest } from './call-codec.ts'
import { ConnectionKeeper, type KeeperOptions } from './connection-keeper.ts'
import type { AgentFrame, ReadRequest, Reply, ServerClient, ServerFrame } from './contract.ts'
import type { GrpcConnection } from './grpc-connection.ts'
import { HeldStream } from './held-stream.ts'
import { type Method, methods } from './methods.ts'
import type { AnyOperationAnswer, AnyOperationRequest } from './operation-codec.ts'
import type { OperationAnswer, OperationName, OperationRequest, OperatorClient } from './operator.ts'

export interface GrpcClientOptions extends Omit<KeeperOptions, 'onReady' | 'onForeign'> {
  /** How long a call waits for a server (and for a leader) before it fails. */
  readonly holdTimeoutMs: number
}

export interface GrpcClient extends ServerClient, OperatorClient {
  /** The host certificate or the roots changed: new calls go over a new connection, open ones go on. */
  identityChanged(): void
  /** A server was heard of: try at once instead of waiting out the pause. */
  resetBackoff(): void
  /** The server in use sent this agent away, or does not answer: another one is used as soon as it is reached. */
  moveOn(): void
  /** Address of the server in use, or undefined. */
  server(): string | undefined
}

/** Pause before a write is tried again at a server that found no leader, at most. */
const leaderPauseMs = 500
/**
 * How long a call waits in an outage that has outlasted the usual time already: enough for one more attempt to reach a
 * server, and no longer, because waiting has been tried.
 */
const outageHoldMs = 1_500

export function createGrpcClient(options: GrpcClientOptions): GrpcClient {
  const waiting = new Set<Waiting>()
  const keeper = new ConnectionKeeper({
    ...options,
    onReady: () => {
      for (const each of [...waiting]) each.resume()
    },
    onForeign: (reason) => {
      for (const each of [...waiting]) each.fail(reason)
    },
  })
  const context = { ...options, keeper, waiting }
  return {
    enroll: (request, reply) => startCall(context, methods.enroll, request, reply),
    renewHost: (request, reply) => startCall(context, methods.renewHost, request, reply),
    signLeaf: (request, reply) => startCall(context, methods.signLeaf, request, reply),
    write: (request, reply) => startCall(context, methods.write, request, reply),
    read: <Name extends QueryName>(request: ReadRequest<Name>, reply: Reply<ReadAnswer<Name>>) => {
      const call = new Call(context, methods.read, request as unknown as AnyReadRequest, {
        // The answer is of the name that was asked for; the codec cannot know it.
        reply: reply as unknown as Reply<ReadAnswer<QueryName>>,
        timeoutMs: request.options.waitMs * (1 + readWaitJitter) + limits.rpcCallTimeoutMs,
      })
      call.start()
      return { cancel: () => call.cancel() }
    },
    operate: <Name extends OperationName>(
      request: OperationRequest<Name>,
      reply: Reply<OperationAnswer<Name>>,
    ) =>
      startCall(
        context,
        methods.operate,
        request as unknown as AnyOperationRequest,
        // The answer is of the name that was asked for; the codec cannot know it.
        reply as unknown as Reply<AnyOperationAnswer>,
      ),
    control: () => startControl(context),
    identityChanged: () => keeper.renew(),
    resetBackoff: () => keeper.resetBackoff(),
    moveOn: () => keeper.moveOn(),
    server: () => keeper.current()?.address,
    close: () => {
      keeper.close()
      const closed = failed('no-server', 'the client is closed').failure
      for (const each of [...waiting]) each.fail(closed)
    },
  }
}

/** Servers add up to a sixteenth to a wait, as Consul's do. */
const readWaitJitter = 1 / 16

interface Context {
  readonly keeper: ConnectionKeeper
  readonly waiting: Set<Waiting>
  readonly clock: Clock
  readonly random: Random
  readonly holdTimeoutMs: number
}

/** Somebody who waits for a connection. */
interface Waiting {
  resume(): void
  fail(reason: Failure): void
}

function startCall<Request, Answer>(
  context: Context,
  method: Method<Request, Answer>,
  request: Request,
  reply: Reply<Answer>,
): void {
  new Call(context, method, request, { reply, timeoutMs: limits.rpcCallTimeoutMs }).start()
}

class Call<Request, Answer> implements Waiting {
  readonly #context: Context
  readonly #method: Method<Request, Answer>
  readonly #request: Request
  readonly #timeoutMs: number
  readonly #holdUntilMs: number
  #reply: Reply<Answer> | undefined
  #timer: Timer | undefined
  #sent: { cancel(): void } | undefined

  constructor(
    context: Context,
    method: Method<Request, Answer>,
    request: Request,
    options: { readonly reply: Reply<Answer>; readonly timeoutMs: number },
  ) {
    this.#context = context
    this.#method = method
    this.#request = request
    this.#reply = options.reply
    this.#timeoutMs = options.timeoutMs
    const { keeper, clock, holdTimeoutMs } = context
    const isOutage = keeper.awayMs() >= holdTimeoutMs
    this.#holdUntilMs = clock.monotonicMs() + Math.min(holdTimeoutMs, isOutage ? outageHoldMs : holdTimeoutMs)
  }

  start(): void {
    const connection = this.#context.keeper.current()
    if (connection === undefined) this.#hold()
    else this.#send(connection)
  }

  resume(): void {
    this.#wake()
    this.start()
  }

  fail(reason: Failure): void {
    this.#finish({ ok: false, failure: reason })
  }

  cancel(): void {
    this.#reply = undefined
    this.#wake()
    this.#sent?.cancel()
  }

  #send(connection: GrpcConnection): void {
    this.#sent = connection.call(this.#method, this.#request, this.#timeoutMs, (result) => {
      this.#sent = undefined
      if (this.#reply === undefined) return
      if (result === undefined) this.#lost()
      else if (!result.ok && result.failure.code === 'no-leader') this.#retryLater(result)
      else this.#finish(result)
    })
  }

  #lost(): void {
    if (!this.#method.repeatable)
      this.#finish(failed('write-outcome-unknown', 'the server was lost before it answered'))
    else this.#retryLater(failed('no-server', 'the server was lost before it answered'))
  }

  /** Surely not done: once more after a short random pause, while there is time. */
  #retryLater(result: Result<never>): void {
    const { clock, random } = this.#context
    const delayMs = leaderPauseMs * (0.1 + 0.9 * random.fraction())
    if (clock.monotonicMs() + delayMs > this.#holdUntilMs) this.#finish(result)
    else
      this.#timer = clock.after(delayMs, () => {
        this.#timer = undefined
        this.start()
      })
  }

  #hold(): void {
    const { waiting, keeper, clock } = this.#context
    const leftMs = this.#holdUntilMs - clock.monotonicMs()
    if (waiting.size >= limits.rpcCallsHeld)
      this.#finish(failed('overloaded', 'too many calls wait for a server'))
    else if (leftMs <= 0 || keeper.isClosed()) this.fail(noServer(keeper))
    else {
      waiting.add(this)
      this.#timer = clock.after(leftMs, () => this.fail(noServer(keeper)))
      keeper.demand(true)
    }
  }

  #finish(result: Result<Answer>): void {
    const reply = this.#reply
    this.#reply = undefined
    this.#wake()
    reply?.(result)
  }

  #wake(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#context.waiting.delete(this)
  }
}

/** A refusal for a reason that waiting does not cure is told as itself. */
function noServer(keeper: ConnectionKeeper): Failure {
  const refusal = keeper.lastRefusal()
  if (refusal === undefined) return { code: 'no-server', message: 'no server was reached in time' }
  const code = refusal.code === 'wrong-cluster' ? refusal.code : 'no-server'
  return { code, message: `no server was reached in time; ${refusal.message}` }
}

function startControl(context: Context): HeldStream<AgentFrame, ServerFrame> {
  const { keeper, waiting, clock } = context
  const stream = new HeldStream<AgentFrame, ServerFrame>(queueMicrotask)
  const connection = keeper.isMoving ? undefined : keeper.current()
  if (connection !== undefined) {
    stream.bind(connection.control())
    return stream
  }
  const timer = clock.after(context.holdTimeoutMs, () => waiter.fail(noServer(keeper)))
  const waiter: Waiting = {
    resume: () => {
      timer.cancel()
      waiting.delete(waiter)
      const ready = keeper.current()
      if (ready !== undefined && !stream.isClosed()) stream.bind(ready.control())
    },
    fail: (reason) => {
      timer.cancel()
      waiting.delete(waiter)
      stream.fail(reason)
    },
  }
  waiting.add(waiter)
  keeper.demand(false)
  return stream
}
