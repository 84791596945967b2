// Frames between servers arrive as they were sent.
import { expect, test } from 'vitest'
import { decodeServerFrame, encodeServerFrame } from '../../../src/rpc/frame-codec.ts'
import type { ForwardAnswer, PresenceFrame } from '../../../src/rpc/server-contract.ts'
import { forwardCodec, presenceCodec } from '../../../src/rpc/server-frame-codec.ts'

test('writes and their answers', () => {
  const frame = { id: 7, envelope: Uint8Array.of(1, 2, 3) }
  const read = forwardCodec.taker.decode(forwardCodec.opener.encode(frame))
  expect(read.ok && { id: read.value.id, envelope: [...read.value.envelope] }).toEqual({
    id: 7,
    envelope: [1, 2, 3],
  })
  const answers: readonly ForwardAnswer[] = [
    { kind: 'ready' },
    { kind: 'written', id: 7, index: 2 ** 40, value: { kind: 'intention', id: 'x' } },
    { kind: 'refused', id: 8, failure: { code: 'no-leader', message: 'no more' } },
  ]
  for (const answer of answers)
    expect(forwardCodec.opener.decode(forwardCodec.taker.encode(answer))).toEqual({ ok: true, value: answer })
})

test('what servers tell of their agents', () => {
  const full: PresenceFrame = {
    applied: 12,
    gone: ['n1'],
    present: ['n2', 'n3'],
    enforced: [{ destination: 'web', node: 'n2', indexes: [3, 0], rulesIndex: 3 }],
    isComplete: true,
  }
  const beat: PresenceFrame = { applied: 0, gone: [], present: [], enforced: [], isComplete: false }
  for (const frame of [full, beat])
    expect(presenceCodec.taker.decode(presenceCodec.opener.encode(frame))).toEqual({ ok: true, value: frame })
})

test('where the servers are, to agents', () => {
  const frame = { kind: 'servers', addresses: ['10.0.0.1:8300', '[::1]:8300'] } as const
  expect(decodeServerFrame(encodeServerFrame(frame))).toEqual({ ok: true, value: frame })
})

test('keys of the gossip pool, to agents', () => {
  const frame = { kind: 'gossip-keys', keys: ['AAAA', 'BBBB'] } as const
  expect(decodeServerFrame(encodeServerFrame(frame))).toEqual({ ok: true, value: frame })
})

test('bytes that are no frame are refused', () => {
  const noise = Buffer.from([255, 255, 255, 255])
  expect(forwardCodec.taker.decode(noise).ok).toBe(false)
  expect(forwardCodec.opener.decode(noise).ok).toBe(false)
  expect(forwardCodec.opener.decode(Buffer.alloc(0)).ok).toBe(false)
  expect(presenceCodec.taker.decode(noise).ok).toBe(false)
})
