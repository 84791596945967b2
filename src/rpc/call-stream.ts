/**
 * The client's end of the stream that carries many short calls, and reads that wait: opened with the first one, used from the
 * moment the server says that it is there, never repaired. A call that it does not take goes by itself (grpc-connection.ts).
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

/** How exactly deadlines are kept; those of reads that wait are minutes away, and there may be thousands. */
const lookMs = 250
const waitLookMs = 10_000
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
  readonly #short: OpenCalls
  readonly #waits: OpenCalls
  #takesWaits: boolean = false
  #state: 'unused' | 'opening' | 'ready' | 'over' = 'unused'
  #stream: FrameStream<CallFrame, CallAnswerFrame> | undefined
  #nextId = 1

  constructor(options: CallStreamOptions) {
    this.#options = options
    this.#short = new OpenCalls(options.clock, lookMs, (id) => this.#take(id)?.settle(undefined))
    this.#waits = new OpenCalls(options.clock, waitLookMs, (id) => this.#take(id)?.settle(undefined))
  }

  get isIdle(): boolean {
    return this.#short.size + this.#waits.size === 0
  }

  /** Takes the call, or returns undefined where it has to go by itself. */
  tryCall<Request, Answer>(
    method: Method<Request, Answer>,
    request: Request,
    { timeoutMs, done, alone }: ShortCall<Answer>,
  ): { cancel(): void } | undefined {
    const kind = kindOf(method, request)
    if (kind === undefined || !this.#isReady() || !this.#hasRoom(kind)) return undefined
    const bytes = method.request.encode(request)
    if (bytes.length > limits.rpcSharedCallBytes) return undefined
    const id = this.#nextId++
    const calls = kind === 'wait' ? this.#waits : this.#short
    let cancel = (): void => {
      // What the server still answers is dropped.
      if (this.#take(id) !== undefined && kind === 'wait') this.#stream?.send({ id, kind: 'cancel' })
    }
    calls.add(id, {
      deadlineMs: this.#options.clock.monotonicMs() + timeoutMs,
      settle: (answer) => done(answer?.ok === true ? method.answer.decode(answer.value) : answer),
      repeat: () => {
        const repeated = alone()
        cancel = () => repeated.cancel()
      },
    })
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

  #hasRoom(kind: AskKind): boolean {
    if (kind === 'wait') return this.#takesWaits && this.#waits.size < limits.rpcSharedWaits
    return this.#short.size < limits.rpcSharedCalls
  }

  #onFrame(frame: CallAnswerFrame): void {
    if (frame.kind === 'ready') {
      if (this.#state === 'opening') this.#state = 'ready'
      this.#takesWaits = frame.waits
      return
    }
    // Before it is taken: a connection that is retired would close between the two.
    if (frame.kind === 'apart') (this.#short.get(frame.id) ?? this.#waits.get(frame.id))?.repeat()
    const open = this.#take(frame.id)
    if (frame.kind === 'answer') open?.settle({ ok: true, value: frame.answer })
    else if (frame.kind === 'failure') open?.settle({ ok: false, failure: frame.failure })
  }

  #take(id: number): Open | undefined {
    const open = this.#short.take(id) ?? this.#waits.take(id)
    if (open !== undefined && this.isIdle) this.#options.onIdle()
    return open
  }

  #end(): void {
    this.#state = 'over'
    for (const calls of [this.#short, this.#waits]) {
      calls.stopLooking()
      for (const id of [...calls.ids()]) this.#take(id)?.settle(undefined)
    }
  }
}

/** Calls that have not ended, and the end of their time. */
class OpenCalls {
  readonly #calls = new Map<number, Open>()
  readonly #clock: Clock
  readonly #lookMs: number
  readonly #late: (id: number) => void
  #timer: Timer | undefined

  constructor(clock: Clock, everyMs: number, late: (id: number) => void) {
    this.#clock = clock
    this.#lookMs = everyMs
    this.#late = late
  }

  get size(): number {
    return this.#calls.size
  }

  ids(): Iterable<number> {
    return this.#calls.keys()
  }

  get(id: number): Open | undefined {
    return this.#calls.get(id)
  }

  add(id: number, call: Open): void {
    this.#calls.set(id, call)
    this.#timer ??= this.#clock.after(this.#lookMs, () => this.#look())
  }

  take(id: number): Open | undefined {
    const call = this.#calls.get(id)
    this.#calls.delete(id)
    return call
  }

  stopLooking(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #look(): void {
    this.#timer = undefined
    const nowMs = this.#clock.monotonicMs()
    for (const [id, { deadlineMs }] of this.#calls) if (deadlineMs <= nowMs) this.#late(id)
    if (this.#calls.size > 0) this.#timer = this.#clock.after(this.#lookMs, () => this.#look())
  }
}

type AskKind = 'write' | 'read' | 'wait'

const closed: Failure = { code: 'no-server', message: 'the connection is closed' }

function kindOf<Request, Answer>(method: Method<Request, Answer>, request: Request): AskKind | undefined {
  if (method.path === methods.write.path) return 'write'
  if (method.path !== methods.read.path) return undefined
  const { name, options } = request as unknown as AnyReadRequest
  if (options.minIndex > 0) return 'wait'
  return ofOneRow.has(name) ? 'read' : undefined
}
