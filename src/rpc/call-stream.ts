/**
 * The client's end of the stream that carries many short calls: opened with the first one, used from the moment the server
 * says that it is there, never repaired. A call that it does not take goes by itself (grpc-connection.ts).
 */
import type { Failure, Result } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { QueryName } from '../model/query.ts'
import type { Clock, Timer } from '../platform/ports.ts'
import type { AnyReadRequest } from './call-codec.ts'
import type { CallAnswerFrame, CallFrame } from './call-frame.ts'
import type { FrameStream } from './contract.ts'
import { type Method, methods } from './methods.ts'

export interface CallStreamOptions {
  readonly open: () => FrameStream<CallFrame, CallAnswerFrame>
  readonly clock: Clock
  /** The last open call has ended. */
  readonly onIdle: () => void
}

/** Undefined where the connection was lost or the time ran out. */
type Settle = (answer: Result<Uint8Array> | undefined) => void

interface Open {
  readonly deadlineMs: number
  readonly settle: Settle
  /** Makes the same call by itself. */
  readonly repeat: () => void
}

export interface ShortCall<Answer> {
  readonly timeoutMs: number
  /** Undefined where the connection was lost or the time ran out: nobody knows then whether the server did it. */
  readonly done: (result: Result<Answer> | undefined) => void
  /** Makes the same call by itself. */
  readonly alone: () => { cancel(): void }
}

/** How exactly deadlines are kept. */
const lookMs = 250
/** Queries about one thing, which no list of rows can make long. */
const ofOneRow: ReadonlySet<QueryName> = new Set([
  'kv.get',
  'config.get',
  'intentions.exact',
  'intentions.check',
  'mesh.principal',
  'status.leader',
])

export class CallStream {
  readonly #options: CallStreamOptions
  readonly #open = new Map<number, Open>()
  #state: 'unused' | 'opening' | 'ready' | 'over' = 'unused'
  #stream: FrameStream<CallFrame, CallAnswerFrame> | undefined
  #nextId = 1
  #timer: Timer | undefined

  constructor(options: CallStreamOptions) {
    this.#options = options
  }

  get isIdle(): boolean {
    return this.#open.size === 0
  }

  /** Takes the call, or returns undefined where it has to go by itself. */
  tryCall<Request, Answer>(
    method: Method<Request, Answer>,
    request: Request,
    { timeoutMs, done, alone }: ShortCall<Answer>,
  ): { cancel(): void } | undefined {
    const kind = kindOf(method, request)
    if (kind === undefined || !this.#isReady() || this.#open.size >= limits.rpcSharedCalls) return undefined
    const bytes = method.request.encode(request)
    if (bytes.length > limits.rpcSharedCallBytes) return undefined
    const id = this.#nextId++
    let cancel = (): void => {
      // What the server still answers is dropped.
      this.#take(id)
    }
    this.#open.set(id, {
      deadlineMs: this.#options.clock.monotonicMs() + timeoutMs,
      settle: (answer) => done(answer?.ok === true ? method.answer.decode(answer.value) : answer),
      repeat: () => {
        const repeated = alone()
        cancel = () => repeated.cancel()
      },
    })
    this.#timer ??= this.#options.clock.after(lookMs, () => this.#look())
    this.#stream?.send({ id, kind, request: bytes })
    return { cancel: () => cancel() }
  }

  /** Ends it; open calls end as lost. */
  close(): void {
    this.#stream?.destroy(closed)
    this.#end()
  }

  #isReady(): boolean {
    if (this.#state === 'unused') {
      this.#state = 'opening'
      const stream = this.#options.open()
      this.#stream = stream
      stream.listen({
        onFrame: (frame) => this.#onFrame(frame),
        onDrain: () => undefined,
        // A server of another version does not know the stream, and ends it.
        onClose: () => this.#end(),
      })
    }
    return this.#state === 'ready'
  }

  #onFrame(frame: CallAnswerFrame): void {
    if (frame.kind === 'ready') {
      if (this.#state === 'opening') this.#state = 'ready'
      return
    }
    // Before it is taken: a connection that is retired would close between the two.
    if (frame.kind === 'apart') this.#open.get(frame.id)?.repeat()
    const open = this.#take(frame.id)
    if (frame.kind === 'answer') open?.settle({ ok: true, value: frame.answer })
    else if (frame.kind === 'failure') open?.settle({ ok: false, failure: frame.failure })
  }

  #take(id: number): Open | undefined {
    const open = this.#open.get(id)
    if (this.#open.delete(id) && this.#open.size === 0) this.#options.onIdle()
    return open
  }

  #look(): void {
    this.#timer = undefined
    const nowMs = this.#options.clock.monotonicMs()
    for (const [id, { deadlineMs }] of this.#open) if (deadlineMs <= nowMs) this.#take(id)?.settle(undefined)
    if (this.#open.size > 0) this.#timer = this.#options.clock.after(lookMs, () => this.#look())
  }

  #end(): void {
    this.#state = 'over'
    this.#timer?.cancel()
    this.#timer = undefined
    for (const id of [...this.#open.keys()]) this.#take(id)?.settle(undefined)
  }
}

const closed: Failure = { code: 'no-server', message: 'the connection is closed' }

function kindOf<Request, Answer>(
  method: Method<Request, Answer>,
  request: Request,
): CallFrame['kind'] | undefined {
  if (method.path === methods.write.path) return 'write'
  if (method.path !== methods.read.path) return undefined
  const { name, options } = request as unknown as AnyReadRequest
  return options.minIndex === 0 && ofOneRow.has(name) ? 'read' : undefined
}
