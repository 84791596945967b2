/**
 * The contract without a network: a client that calls a server in the same process, for tests and the simulator. Each
 * message is handed to `schedule`, which decides when it arrives (delay, order), so a seed can decide everything.
 */
import { type Failure, failed } from '../model/errors.ts'
import type { FrameStream, Peer, Reply, ServerApi, ServerClient } from './contract.ts'

export interface MemoryOptions {
  /** The server reached now, or undefined while there is none. Asked at every call. */
  readonly server: () => ServerApi | undefined
  readonly peer: () => Peer
  /** Delivers a message some time later, never inside the call; messages of one stream stay in order. */
  readonly schedule: (deliver: () => void) => void
}

export interface MemoryClient extends ServerClient {
  /** Breaks the connection: what is open ends as it would by a cut cable. Later calls go through again. */
  disconnect(): void
}

const lost: Failure = { code: 'no-server', message: 'the connection to the server was lost' }
const unknown: Failure = {
  code: 'write-outcome-unknown',
  message: 'the server was lost before it answered',
}

export function createMemoryClient(options: MemoryOptions): MemoryClient {
  /** What ends when the connection breaks. */
  const open = new Set<() => void>()
  let closed = false
  const connected = { ...options, server: () => (closed ? undefined : options.server()) }
  const call = <Value>(
    cut: Failure,
    reply: Reply<Value>,
    run: (server: ServerApi, answer: Reply<Value>) => { cancel(): void } | undefined,
  ): { cancel(): void } => startCall({ options: connected, open, cut, reply, run })
  const peer = options.peer
  const simply =
    <Value>(run: (server: ServerApi, answer: Reply<Value>) => void) =>
    (server: ServerApi, answer: Reply<Value>): undefined => {
      run(server, answer)
      return undefined
    }
  return {
    enroll: (request, reply) => {
      call(
        lost,
        reply,
        simply((server, answer) => server.enroll(peer(), request, answer)),
      )
    },
    renewHost: (request, reply) => {
      call(
        lost,
        reply,
        simply((server, answer) => server.renewHost(peer(), request, answer)),
      )
    },
    signLeaf: (request, reply) => {
      call(
        lost,
        reply,
        simply((server, answer) => server.signLeaf(peer(), request, answer)),
      )
    },
    write: (request, reply) => {
      call(
        unknown,
        reply,
        simply((server, answer) => server.write(peer(), request, answer)),
      )
    },
    read: (request, reply) => call(lost, reply, (server, answer) => server.read(peer(), request, answer)),
    control: () => openControl(connected, open),
    disconnect: () => {
      for (const end of [...open]) end()
    },
    close: () => {
      closed = true
      for (const end of [...open]) end()
    },
  }
}

function startCall<Value>(parts: {
  readonly options: MemoryOptions
  readonly open: Set<() => void>
  readonly cut: Failure
  readonly reply: Reply<Value>
  readonly run: (server: ServerApi, answer: Reply<Value>) => { cancel(): void } | undefined
}): { cancel(): void } {
  const { options, open, cut, reply, run } = parts
  let over = false
  let held: { cancel(): void } | undefined
  const finish = (result: Parameters<Reply<Value>>[0]): void => {
    if (over) return
    over = true
    open.delete(end)
    reply(result)
  }
  const end = (): void => {
    held?.cancel()
    finish({ ok: false, failure: cut })
  }
  open.add(end)
  options.schedule(() => {
    if (over) return
    const server = options.server()
    if (server === undefined) finish(failed('no-server', 'no server was reached'))
    else held = run(server, (result) => options.schedule(() => finish(result)))
  })
  return {
    cancel: () => {
      over = true
      open.delete(end)
      held?.cancel()
    },
  }
}

function openControl(options: MemoryOptions, open: Set<() => void>): FrameStream<never, never> {
  const [near, far] = memoryStreamPair<unknown, unknown>(options.schedule)
  const cut = (): void => {
    near.cut(lost)
    far.cut(lost)
    open.delete(cut)
  }
  open.add(cut)
  options.schedule(() => {
    const server = options.server()
    if (server === undefined) cut()
    else server.control(options.peer(), far as unknown as FrameStream<never, never>)
  })
  return near as unknown as FrameStream<never, never>
}

type Listener<In> = Parameters<FrameStream<never, In>['listen']>[0]

/** Two ends of a stream; what one sends the other gets, in order, when `schedule` delivers it. */
export function memoryStreamPair<A, B>(
  schedule: (deliver: () => void) => void,
): readonly [MemoryStream<A, B>, MemoryStream<B, A>] {
  const left = new MemoryStream<A, B>(schedule)
  const right = new MemoryStream<B, A>(schedule)
  left.join(right)
  right.join(left)
  return [left, right]
}

export class MemoryStream<Out, In> implements FrameStream<Out, In> {
  readonly #schedule: (deliver: () => void) => void
  #other: MemoryStream<In, Out> | undefined
  #listener: Listener<In> | undefined
  /** Frames that came before anybody listened, and those that came while they are delivered: order is kept. */
  #early: In[] | undefined = []
  #queued = 0
  #ended = false
  #closed: { readonly reason: Failure | undefined } | undefined

  constructor(schedule: (deliver: () => void) => void) {
    this.#schedule = schedule
  }

  join(other: MemoryStream<In, Out>): void {
    this.#other = other
  }

  send(frame: Out): void {
    if (this.#closed !== undefined || this.#ended) return
    this.#queued += 1
    this.#schedule(() => {
      this.#queued -= 1
      this.#other?.receive(frame)
      if (this.#queued === 0 && this.#closed === undefined) this.#listener?.onDrain()
    })
  }

  /** Frames under way, each counted as one byte: sizes exist only on a wire. */
  queuedBytes(): number {
    return this.#queued
  }

  end(): void {
    if (this.#closed !== undefined || this.#ended) return
    this.#ended = true
    this.#schedule(() => {
      this.#other?.cut(undefined)
      this.cut(undefined)
    })
  }

  destroy(reason: Failure): void {
    if (this.#closed !== undefined) return
    const other = this.#other
    this.cut(reason)
    this.#schedule(() => other?.cut(reason))
  }

  listen(listener: Listener<In>): void {
    this.#listener = listener
    this.#schedule(() => this.#deliverEarly())
    const closed = this.#closed
    if (closed !== undefined) this.#schedule(() => listener.onClose(closed.reason))
  }

  receive(frame: In): void {
    if (this.#closed !== undefined) return
    if (this.#early === undefined) this.#listener?.onFrame(frame)
    else this.#early.push(frame)
  }

  #deliverEarly(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const frame of early) this.receive(frame)
  }

  /** The stream is over for this end; frames still under way to it are lost. */
  cut(reason: Failure | undefined): void {
    if (this.#closed !== undefined) return
    this.#closed = { reason }
    const listener = this.#listener
    if (listener !== undefined) this.#schedule(() => listener.onClose(reason))
  }
}
