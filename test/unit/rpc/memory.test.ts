// The transport without a network keeps the contract's promises: answers once, streams in order, losses told.
import { expect, test } from 'vitest'
import type { Failure, Result } from '../../../src/model/errors.ts'
import type { AgentFrame, FrameStream, ServerApi, ServerFrame } from '../../../src/rpc/contract.ts'
import { createMemoryClient } from '../../../src/rpc/memory.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { codeOf, deregister, readLeader } from './harness.ts'

const peer = { certificates: [], address: 'memory' }
const write = { command: deregister('h1'), token: '' }

function stage() {
  const clock = new VirtualClock()
  const state: {
    up: boolean
    control: FrameStream<ServerFrame, AgentFrame> | undefined
    cancelled: number
    answer: ((result: Result<never>) => void) | undefined
  } = { up: true, control: undefined, cancelled: 0, answer: undefined }
  const unused = (): void => {
    throw new Error('not called here')
  }
  const api: ServerApi = {
    enroll: unused,
    renewHost: unused,
    enrollServer: unused,
    federate: unused,
    signLeaf: unused,
    write: (_peer, _request, reply) => {
      state.answer = reply as never
    },
    read: (_peer, _request, reply) => {
      state.answer = reply as never
      return {
        cancel: () => {
          state.cancelled += 1
        },
      }
    },
    control: (_peer, stream) => {
      state.control = stream
    },
  }
  const client = createMemoryClient({
    server: () => (state.up ? api : undefined),
    peer: () => peer,
    schedule: (deliver) => void clock.after(1, deliver),
  })
  return { clock, state, client }
}

test('nothing is delivered inside a call, and an answer comes once', () => {
  const { clock, state, client } = stage()
  const answers: Result<unknown>[] = []
  client.write(write, (answer) => answers.push(answer))
  expect(state.answer).toBeUndefined()
  clock.run(1)
  const refused = { ok: false, failure: { code: 'conflict', message: '' } } as const
  state.answer?.(refused)
  state.answer?.(refused)
  expect(answers).toEqual([])
  clock.run(1)
  expect(answers).toEqual([refused])
})

test('without a server calls fail; a broken connection leaves writes unknown and cancels reads', () => {
  const { clock, state, client } = stage()
  const answers: string[] = []
  client.write(write, (answer) => answers.push(codeOf(answer)))
  client.read(readLeader(), (answer) => answers.push(codeOf(answer)))
  clock.run(5)
  client.disconnect()
  expect(answers).toEqual(['write-outcome-unknown', 'no-server'])
  expect(state.cancelled).toBe(1)
  state.up = false
  client.write(write, (answer) => answers.push(codeOf(answer)))
  clock.run(5)
  expect(answers.at(-1)).toBe('no-server')
})

test('a stream keeps its order, also for what came before anybody listened', () => {
  const { clock, state, client } = stage()
  const near = client.control()
  const seen: number[] = []
  const closed: (Failure | undefined)[] = []
  for (const nonce of [1, 2, 3]) near.send({ kind: 'ping', nonce })
  clock.run(1.5)
  near.send({ kind: 'ping', nonce: 4 })
  state.control?.listen({
    onFrame: (frame) => seen.push(frame.kind === 'ping' ? frame.nonce : 0),
    onDrain: () => undefined,
    onClose: (reason) => closed.push(reason),
  })
  near.send({ kind: 'ping', nonce: 5 })
  clock.run(5)
  expect(seen).toEqual([1, 2, 3, 4, 5])
  near.send({ kind: 'ping', nonce: 6 })
  near.end()
  clock.run(5)
  expect(seen.at(-1)).toBe(6)
  expect(closed).toEqual([undefined])
})

test('a stream that is cut is told to both ends once, and delivers nothing after', () => {
  const { clock, state, client } = stage()
  const near = client.control()
  const ends: (string | undefined)[] = []
  const frames: unknown[] = []
  const listener = (name: string) => ({
    onFrame: (frame: unknown) => frames.push(frame),
    onDrain: () => undefined,
    onClose: (reason: Failure | undefined) => ends.push(`${name} ${reason?.code}`),
  })
  near.listen(listener('near'))
  clock.run(1)
  state.control?.listen(listener('far'))
  near.send({ kind: 'ping', nonce: 1 })
  client.disconnect()
  near.send({ kind: 'ping', nonce: 2 })
  clock.run(5)
  expect(ends.sort()).toEqual(['far no-server', 'near no-server'])
  expect(frames).toEqual([])
})
