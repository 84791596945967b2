// Many short calls over one stream: each gets its own answer, whatever the order; what does not belong there goes by itself;
// what was under way when the connection is lost has an unknown outcome.
import { afterAll, expect, test } from 'vitest'
import { failed, ok, type Result } from '../../../src/model/errors.ts'
import { limits } from '../../../src/model/limits.ts'
import {
  readRequestCodec,
  type WriteAnswer,
  writeAnswerCodec,
  writeRequestCodec,
} from '../../../src/rpc/call-codec.ts'
import { serveCalls } from '../../../src/rpc/call-desk.ts'
import { type CallAnswerFrame, type CallFrame, callFrameCodec } from '../../../src/rpc/call-frame.ts'
import { CallStream } from '../../../src/rpc/call-stream.ts'
import type { Peer, ReadRequest, Reply, ServerApi, WriteRequest } from '../../../src/rpc/contract.ts'
import { methods } from '../../../src/rpc/methods.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { noMetrics } from '../../simulation/servers.ts'
import { type StreamPair, streamPair } from '../../simulation/streams.ts'
import { answerOf, codeOf, deregister, enrolledHost, readLeader, Stage, until } from './harness.ts'

const stage = new Stage()
afterAll(() => stage.close())

const peer: Peer = { certificates: [], address: 'test' }
const writeOf = (key: string): WriteRequest => ({
  command: { type: 'kv.set', key, value: '', flags: '0' },
  token: '',
})
const keyRead = (minIndex = 0): ReadRequest<'kv.get'> => ({
  name: 'kv.get',
  args: { key: 'a' },
  options: { consistency: 'default', minIndex, waitMs: 0 },
  token: '',
})

/** A client's stream and a server's desk with memory between them; the server answers when the test says so. */
class Line {
  readonly clock = new VirtualClock()
  readonly pair: StreamPair<CallFrame, CallAnswerFrame>
  readonly calls: CallStream
  readonly writes: { readonly key: string; readonly reply: Reply<WriteAnswer> }[] = []
  readonly reads: { cancelled: boolean; readonly reply: Reply<never> }[] = []
  idle = 0

  constructor(options: { readonly served?: boolean; readonly bytesOf?: (frame: unknown) => number } = {}) {
    const { bytesOf } = options
    this.pair = streamPair({ clock: this.clock, ...(bytesOf === undefined ? {} : { bytesOf }) })
    this.calls = new CallStream({
      open: () => {
        if (options.served !== false) serveCalls({ api: this.api, metrics: noMetrics }, peer, this.pair.right)
        return this.pair.left
      },
      clock: this.clock,
      onIdle: () => {
        this.idle += 1
      },
    })
  }

  readonly api: Pick<ServerApi, 'write' | 'read'> = {
    write: (_peer, { command }, reply) => {
      if (command.type === 'kv.set') this.writes.push({ key: command.key, reply })
    },
    read: (_peer, _request, reply) => {
      const read = { cancelled: false, reply: reply as unknown as Reply<never> }
      this.reads.push(read)
      return {
        cancel: () => {
          read.cancelled = true
        },
      }
    },
  }

  /** The first call asks for the stream and goes by itself. */
  open(): void {
    expect(this.write('first')).toBeUndefined()
    this.clock.run(10)
  }

  /** What the call became; undefined where the stream did not take it. */
  write(key: string, timeoutMs = 5_000): Taken | undefined {
    const taken = new Taken()
    const done = (result: Result<unknown> | undefined): void => taken.settle(result)
    const call = this.calls.tryCall(methods.write, writeOf(key), { timeoutMs, done, alone: unexpected })
    return call === undefined ? undefined : Object.assign(taken, call)
  }
}

const unexpected = (): never => {
  throw new Error('this call was not to go by itself')
}
const anyCall = { timeoutMs: 5_000, done: () => undefined, alone: unexpected } as const

class Taken {
  readonly results: (Result<unknown> | undefined)[] = []
  cancel = (): void => undefined

  settle(result: Result<unknown> | undefined): void {
    this.results.push(result)
  }
}

test('calls are answered in any order, each with its own answer, refusals too', () => {
  const line = new Line()
  line.open()
  const taken = ['a', 'b', 'c'].map((key) => line.write(key))
  line.clock.run(10)
  expect(line.writes.map(({ key }) => key)).toEqual(['a', 'b', 'c'])
  line.writes[2]?.reply(ok({ ok: true, index: 33, value: { kind: 'done' } }))
  line.writes[0]?.reply(failed('bad-token', 'no'))
  line.clock.run(10)
  expect(taken[2]?.results).toEqual([ok({ ok: true, index: 33, value: { kind: 'done' } })])
  expect(taken[0]?.results).toEqual([failed('bad-token', 'no')])
  expect(taken[1]?.results).toEqual([])
  expect([line.calls.isIdle, line.idle]).toEqual([false, 0])
  line.writes[1]?.reply(ok({ ok: true, index: 34, value: { kind: 'unchanged' } }))
  line.clock.run(10)
  expect(taken[1]?.results).toEqual([ok({ ok: true, index: 34, value: { kind: 'unchanged' } })])
  expect([line.calls.isIdle, line.idle]).toEqual([true, 1])
})

test('nothing is sent before the server says that it takes calls, nor where it never does', () => {
  const line = new Line({ served: false })
  const frames: CallFrame[] = []
  line.pair.right.listen({
    onFrame: (frame) => frames.push(frame),
    onDrain: () => undefined,
    onClose: () => undefined,
  })
  line.open()
  expect(line.write('a')).toBeUndefined()
  line.pair.cut()
  line.clock.run(10)
  expect(line.write('b')).toBeUndefined()
  expect(frames).toEqual([])
})

test('what may be long and what is large goes by itself', () => {
  const line = new Line()
  line.open()
  const take = (request: ReadRequest<never>): unknown =>
    line.calls.tryCall(methods.read, request as never, anyCall)
  expect(take(keyRead() as never)).toBeDefined()
  expect(take({ ...keyRead(), name: 'kv.list', args: { prefix: '' } } as never)).toBeUndefined()
  const large = {
    ...writeOf('a').command,
    value: 'x'.repeat(limits.rpcSharedCallBytes),
  } as WriteRequest['command']
  expect(line.calls.tryCall(methods.write, { command: large, token: '' }, anyCall)).toBeUndefined()
})

test('a read whose answer is too long for the others is made again by itself, and can be cancelled there', () => {
  const line = new Line()
  line.open()
  const alone: string[] = []
  const call = line.calls.tryCall(methods.read, keyRead() as never, {
    ...anyCall,
    alone: () => {
      alone.push(`made, ${line.idle} idle`)
      return { cancel: () => alone.push('cancelled') }
    },
  })
  line.clock.run(10)
  const meta = { index: 1, knownLeader: true, lastContactMs: 0, effective: 'leader' } as const
  const answer = {
    key: 'a',
    value: 'x'.repeat(limits.rpcSharedCallBytes),
    flags: '0',
    createIndex: 1,
    modifyIndex: 1,
  }
  line.reads[0]?.reply(ok({ meta, answer }) as never)
  line.clock.run(10)
  expect([alone, line.calls.isIdle]).toEqual([['made, 0 idle'], true])
  call?.cancel()
  expect(alone).toEqual(['made, 0 idle', 'cancelled'])
})

/** A read that waits, as the stream takes it. */
function wait(line: Line, timeoutMs = 60_000): Taken {
  const taken = new Taken()
  const call = line.calls.tryCall(methods.read, keyRead(7) as never, {
    timeoutMs,
    done: (result) => taken.settle(result),
    alone: unexpected,
  })
  if (call === undefined) throw new Error('the stream did not take a read that waits')
  line.clock.run(10)
  return Object.assign(taken, call)
}

const meta = { index: 8, knownLeader: true, lastContactMs: 0, effective: 'leader' } as const

test('reads that wait share the stream, beside as many short calls as there may be', () => {
  const line = new Line()
  line.open()
  const waits = Array.from({ length: 20 }, () => wait(line))
  for (let i = 0; i < limits.rpcSharedCalls; i++) expect(line.write(`k${i}`)).toBeDefined()
  line.clock.run(100)
  line.reads[4]?.reply(ok({ meta, answer: null }) as never)
  line.clock.run(10)
  expect(waits.map(({ results }) => results.length)).toEqual(waits.map((_, i) => (i === 4 ? 1 : 0)))
  expect(waits[4]?.results).toEqual([ok({ meta, answer: null })])
})

test('a read that waits is cancelled at the server too, and is over when its time is', () => {
  const line = new Line()
  line.open()
  const [gone, late] = [wait(line), wait(line, 30_000)]
  gone.cancel()
  line.clock.run(10)
  expect(line.reads.map(({ cancelled }) => cancelled)).toEqual([true, false])
  line.clock.run(29_000)
  expect(late.results).toEqual([])
  line.clock.run(12_000)
  expect([gone.results, late.results]).toEqual([[], [undefined]])
  expect(line.calls.isIdle).toBe(true)
})

test('a lost stream loses reads that wait, and they are cancelled at the server', () => {
  const line = new Line()
  line.open()
  const waiting = wait(line)
  line.pair.cut()
  line.clock.run(10)
  expect([waiting.results, line.reads[0]?.cancelled]).toEqual([[undefined], true])
})

test('a server that does not say so gets no read that waits', () => {
  const line = new Line({ served: false })
  line.open()
  line.pair.right.send({ kind: 'ready', waits: false })
  line.clock.run(10)
  expect(line.write('short')).toBeDefined()
  expect(line.calls.tryCall(methods.read, keyRead(7) as never, anyCall)).toBeUndefined()
})

test('answers that the stream cannot queue are fetched by calls of their own, and the stream lives', () => {
  const line = new Line({ bytesOf: () => limits.rpcSharedAnswersQueuedBytes / 4 })
  line.open()
  let alone = 0
  for (let i = 0; i < 6; i++)
    line.calls.tryCall(methods.read, keyRead(7) as never, {
      ...anyCall,
      alone: () => {
        alone += 1
        return { cancel: () => undefined }
      },
    })
  line.clock.run(10)
  for (const { reply } of line.reads.slice(0, 4)) reply(ok({ meta, answer: null }) as never)
  line.clock.run(10)
  expect([alone, line.pair.right.isClosed]).toEqual([1, false])
})

test('a lost stream leaves every open call with an unknown outcome, and cancels reads at the server', () => {
  const line = new Line()
  line.open()
  const write = line.write('a')
  line.calls.tryCall(methods.read, keyRead() as never, anyCall)
  line.clock.run(10)
  line.pair.cut()
  line.clock.run(10)
  expect(write?.results).toEqual([undefined])
  expect(line.reads[0]?.cancelled).toBe(true)
  line.writes[0]?.reply(ok({ ok: true, index: 1, value: { kind: 'done' } }))
  line.clock.run(10_000)
  expect(write?.results).toEqual([undefined])
})

test('a call whose time is over is given up, and a cancelled one hears nothing', () => {
  const line = new Line()
  line.open()
  const late = line.write('late', 1_000)
  const cancelled = line.write('cancelled')
  cancelled?.cancel()
  line.clock.run(900)
  expect(late?.results).toEqual([])
  line.clock.run(500)
  expect(late?.results).toEqual([undefined])
  for (const { reply } of line.writes) reply(ok({ ok: true, index: 1, value: { kind: 'done' } }))
  line.clock.run(10)
  expect([late?.results, cancelled?.results]).toEqual([[undefined], []])
  expect(line.calls.isIdle).toBe(true)
})

test('more open calls than the bound go by themselves, and a client that ignores it is refused', () => {
  const line = new Line()
  line.open()
  for (let i = 0; i < limits.rpcSharedCalls; i++) expect(line.write(`k${i}`)).toBeDefined()
  expect(line.write('one too many')).toBeUndefined()
  line.clock.run(10)
  const answers: CallAnswerFrame[] = []
  line.pair.left.listen({
    onFrame: (frame) => answers.push(frame),
    onDrain: () => undefined,
    onClose: () => undefined,
  })
  line.pair.left.send({ id: 99_999, kind: 'write', request: writeRequestCodec.encode(writeOf('x')) })
  line.clock.run(10)
  expect(answers).toMatchObject([{ kind: 'failure', id: 99_999, failure: { code: 'overloaded' } }])
})

test('nonsense is refused call by call, and so is a read that waits and does not come as one', () => {
  const line = new Line()
  line.open()
  const answers: CallAnswerFrame[] = []
  line.pair.left.listen({
    onFrame: (frame) => answers.push(frame),
    onDrain: () => undefined,
    onClose: () => undefined,
  })
  line.pair.left.send({ id: 1, kind: 'write', request: Buffer.from('nonsense') })
  line.pair.left.send({ id: 2, kind: 'read', request: readRequestCodec.encode(keyRead(5)) })
  line.clock.run(10)
  expect(answers.map((frame) => (frame.kind === 'failure' ? [frame.id, frame.failure.code] : frame))).toEqual(
    [
      [1, 'bad-request'],
      [2, 'bad-request'],
    ],
  )
  expect([line.writes.length, line.reads.length]).toEqual([0, 0])
})

test('a client that does not take its answers loses the stream', () => {
  const line = new Line({ bytesOf: () => limits.rpcSharedAnswersQueuedBytes / 2 })
  line.open()
  line.pair.left.pauseReading(true)
  for (let i = 0; i < 4; i++) line.write(`k${i}`)
  line.clock.run(10)
  for (const { reply } of line.writes) reply(ok({ ok: true, index: 1, value: { kind: 'done' } }))
  line.clock.run(10)
  expect(line.pair.right.isClosed).toBe(true)
})

test('frames survive their way as bytes, and bytes that are none are refused', () => {
  const calls: readonly CallFrame[] = [
    { id: 2 ** 40, kind: 'read', request: Buffer.from([1, 2, 3]) },
    { id: 3, kind: 'wait', request: Buffer.from([4]) },
    { id: 3, kind: 'cancel' },
  ]
  for (const call of calls)
    expect(callFrameCodec.server.decode(callFrameCodec.client.encode(call))).toEqual(ok(call))
  const answer = {
    kind: 'answer',
    id: 7,
    answer: writeAnswerCodec.encode({ ok: true, index: 1, value: { kind: 'done' } }),
  }
  for (const frame of [
    { kind: 'ready', waits: true },
    { kind: 'ready', waits: false },
    { kind: 'apart', id: 9 },
    answer,
    { kind: 'failure', id: 8, failure: { code: 'no-leader', message: 'x' } },
  ])
    expect(callFrameCodec.client.decode(callFrameCodec.server.encode(frame as CallAnswerFrame))).toEqual(
      ok(frame),
    )
  for (const bytes of [Buffer.from('garbage'), Buffer.alloc(0)]) {
    expect(codeOf(callFrameCodec.server.decode(bytes))).toBe('bad-request')
    expect(codeOf(callFrameCodec.client.decode(bytes))).toBe('bad-request')
  }
})

test('over real connections, hundreds of calls at once are each answered, and a lost server leaves writes unknown', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const client = stage.client([server.address], () => identity)
  const write = { command: deregister('h1'), token: '' }
  const indexes = new Set<number>()
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => answerOf<WriteAnswer>((reply) => client.write(write, reply))),
    )
    for (const answer of answers) if (answer.ok) indexes.add(answer.value.index)
    expect(codeOf(await answerOf((reply) => client.read(readLeader(), reply)))).toBe('ok')
  }
  expect(indexes.size).toBe(300)
  server.silent = true
  const open = answerOf((reply) => client.write(write, reply))
  await until(() => server.written.length === 301, 'the write to arrive')
  await server.close()
  await server.listen()
  expect(codeOf(await open)).toBe('write-outcome-unknown')
  expect(codeOf(await answerOf((reply) => client.read(readLeader(), reply)))).toBe('ok')
  expect(server.written).toHaveLength(301)
})
