// What is on its way to the leader is bounded in bytes too, from before the connection is there until the answers come.
import { expect, test } from 'vitest'
import type { Command } from '../../../src/model/command.ts'
import { limits } from '../../../src/model/limits.ts'
import type { FrameStream } from '../../../src/rpc/contract.ts'
import type { ForwardAnswer, ForwardFrame } from '../../../src/rpc/server-contract.ts'
import { LeaderLine } from '../../../src/server/forward/leader-line.ts'
import { VirtualClock } from '../../simulation/clock.ts'

const operator = { kind: 'operator', name: 'o' } as const
const large: Command = {
  type: 'kv.set',
  key: 'k',
  value: Buffer.alloc(384 * 1024, 7).toString('base64'),
  flags: '0',
}

function lineToLeader() {
  const sent: ForwardFrame[] = []
  let hear = (_answer: ForwardAnswer): void => undefined
  const stream: FrameStream<ForwardFrame, ForwardAnswer> = {
    send: (frame) => sent.push(frame),
    queuedBytes: () => 0,
    end: () => undefined,
    destroy: () => undefined,
    listen: ({ onFrame }) => {
      hear = onFrame
    },
  }
  const line = new LeaderLine(stream, new VirtualClock(), () => undefined)
  const codes: string[] = []
  const write = (): void =>
    line.write(operator, large, (result) => codes.push(result.ok ? 'ok' : result.failure.code))
  return { sent, codes, write, hear: (answer: ForwardAnswer) => hear(answer) }
}

test('large writes wait for the leader only as far as their bytes are bounded, and room comes back with the answers', () => {
  const { sent, codes, write, hear } = lineToLeader()
  for (let n = 0; n < 1_000 && codes.length === 0; n += 1) write()
  expect(codes).toEqual(['overloaded'])
  hear({ kind: 'ready' })
  const bytes = sent.reduce((sum, { envelope }) => sum + envelope.length, 0)
  expect(bytes).toBeLessThanOrEqual(limits.uncommittedBytes)
  expect(bytes).toBeGreaterThan(limits.uncommittedBytes - 1024 * 1024)
  write()
  expect(codes).toEqual(['overloaded', 'overloaded'])
  hear({ kind: 'written', id: sent[0]?.id ?? 0, index: 9, value: { kind: 'done' } })
  const before = sent.length
  write()
  expect(codes).toEqual(['overloaded', 'overloaded', 'ok'])
  expect(sent).toHaveLength(before + 1)
})
