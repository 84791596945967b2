// The bytes of the tunnel: fixed layouts, and a decoder that does not care how they were cut.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { refusalCodes } from '../../../src/model/refusal.ts'
import { endCodeFromWire, endCodeToWire } from '../../../src/wire/tunnel/codes.ts'
import {
  FrameDecoder,
  type FrameVisitor,
  readEnd,
  readGoaway,
  readOpen,
} from '../../../src/wire/tunnel/decode.ts'
import {
  FrameBytes,
  putAck,
  putData,
  putFin,
  putGoaway,
  putHello,
  putOpen,
  putPing,
  putRefused,
  putReset,
  putWindow,
} from '../../../src/wire/tunnel/encode.ts'
import { headerBytes } from '../../../src/wire/tunnel/frame.ts'
import { decodeMetadata, encodeMetadata } from '../../../src/wire/tunnel/metadata.ts'

const metadata = { source: 'web', target: 'backend', datacenter: 'dc1', instance: 'beta/b1' }

function frames(put: (to: FrameBytes) => void): Buffer {
  const bytes = new FrameBytes()
  put(bytes)
  return Buffer.from(bytes.bytes())
}

function metadataBytes(): Buffer {
  const encoded = encodeMetadata(metadata)
  if (encoded === undefined) throw new Error('cannot be encoded')
  return encoded
}

/** DATA parts of one frame are joined, so that the way of cutting leaves no trace. */
function decode(chunks: readonly Buffer[]): { seen: string[]; fault: string } {
  const decoder = new FrameDecoder()
  const seen: string[] = []
  let data = ''
  const flush = (): void => {
    if (data !== '') seen.push(data)
    data = ''
  }
  const visitor: FrameVisitor = {
    onData: (stream, bytes) => {
      if (data === '') data = `data ${stream} `
      data += bytes.toString('hex')
      return true
    },
    onFrame: (type, stream, payload) => {
      flush()
      seen.push(`${type} ${stream} ${payload.toString('hex')}`)
      return true
    },
  }
  for (const chunk of chunks) decoder.push(chunk, visitor)
  flush()
  return { seen, fault: decoder.fault }
}

test('frames have the layout of docs/tunnel.md', () => {
  const layout: readonly (readonly [string, (to: FrameBytes) => void])[] = [
    ['01 000002 00000000 0101', (to) => putHello(to)],
    [
      '02 000025 00000001 01 00040000 010003776562',
      (to) => putOpen(to, 1, { version: 1, credit: 0x40000, metadata: metadataBytes() }),
    ],
    ['03 000004 00000001 00040000', (to) => putAck(to, 1, 0x40000)],
    ['04 000004 00000001 0001 6e6f', (to) => putRefused(to, 1, 'denied-by-intention', 'no')],
    ['05 000003 00000001 616263', (to) => putData(to, 1, Buffer.from('abc'))],
    ['06 000000 00000001', (to) => putFin(to, 1)],
    ['07 000002 00000001 0000', (to) => putReset(to, 1, 'closed', '')],
    ['08 000004 00000001 00010000', (to) => putWindow(to, 1, 0x10000)],
    [
      '09 000008 00000000 0102030405060708',
      (to) => putPing(to, 'ping', Buffer.from('0102030405060708', 'hex')),
    ],
    [
      '0a 000008 00000000 0102030405060708',
      (to) => putPing(to, 'pong', Buffer.from('0102030405060708', 'hex')),
    ],
    ['0b 000008 00000000 000f 00000003 6279', (to) => putGoaway(to, 'draining', 3, 'by')],
  ]
  for (const [hex, put] of layout) expect(frames(put).toString('hex')).toContain(hex.replaceAll(' ', ''))
})

test('every reason has a number that comes back as the same reason', () => {
  for (const code of ['closed', ...refusalCodes] as const)
    expect(endCodeFromWire(endCodeToWire(code))).toBe(code)
  expect(endCodeFromWire(60_000)).toBe('protocol-error')
})

test('OPEN, REFUSED and GOAWAY are read back as they were written', () => {
  const open = frames((to) => putOpen(to, 1, { version: 1, credit: 77, metadata: metadataBytes() }))
  expect(readOpen(open.subarray(headerBytes))).toEqual({ version: 1, credit: 77, metadata })
  const refused = frames((to) => putRefused(to, 1, 'local-connect-failed', 'port 9090 · ECONNREFUSED'))
  expect(readEnd(refused.subarray(headerBytes))).toEqual({
    code: 'local-connect-failed',
    text: 'port 9090 · ECONNREFUSED',
  })
  const goaway = frames((to) => putGoaway(to, 'draining', 9, ''))
  expect(readGoaway(goaway.subarray(headerBytes))).toEqual({ code: 'draining', lastStream: 9, text: '' })
})

test('a long text is cut at a whole character', () => {
  const refused = frames((to) => putRefused(to, 1, 'internal-error', 'ü'.repeat(200)))
  const end = readEnd(refused.subarray(headerBytes))
  expect(end?.text).toBe('ü'.repeat(limits.tunnelTextBytes / 2))
})

test('frames come out the same however the bytes were cut', () => {
  const whole = frames((to) => {
    putHello(to)
    putOpen(to, 1, { version: 1, credit: 5, metadata: metadataBytes() })
    putData(to, 1, Buffer.from('x'.repeat(300)))
    putWindow(to, 1, 9)
    putData(to, 1, Buffer.from('y'))
    putFin(to, 1)
    putGoaway(to, 'draining', 1, 'bye')
  })
  const expected = decode([whole])
  expect(expected.seen).toHaveLength(7)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 }), (sizes) => {
      const chunks: Buffer[] = []
      let at = 0
      for (const size of sizes) {
        chunks.push(whole.subarray(at, at + size))
        at += size
      }
      chunks.push(whole.subarray(at))
      expect(decode(chunks)).toEqual(expected)
    }),
  )
})

test('an unknown frame type is skipped from 0x80 on and a fault below', () => {
  const fin = frames((to) => putFin(to, 1))
  const skippable = Buffer.concat([Buffer.from('80000003000000016162', 'hex'), Buffer.from('63', 'hex'), fin])
  expect(decode([skippable])).toEqual({ seen: ['6 1 '], fault: '' })
  expect(decode([Buffer.concat([Buffer.from('8000000000000000', 'hex'), fin])]).seen).toEqual(['6 1 '])
  expect(decode([Buffer.from('0c00000000000001', 'hex')]).fault).toContain('unknown frame type 12')
})

test.each([
  ['DATA without a byte', '0500000000000001'],
  ['DATA of more than a frame may hold', '0501000100000001'],
  ['OPEN with more metadata than allowed', '0200101100000001'],
  ['FIN with a payload', '0600000100000001'],
  ['WINDOW of three bytes', '0800000300000001'],
  ['PING on a stream', '0900000800000001'],
  ['DATA on the session', '0500000100000000'],
  ['a stream id of 32 bits', '0500000180000001'],
  ['a skippable frame larger than any', '8001000100000001'],
])('%s is a fault', (_what, hex) => {
  const { seen, fault } = decode([Buffer.from(hex, 'hex'), Buffer.alloc(200_000)])
  expect(seen).toEqual([])
  expect(fault).not.toBe('')
})

test('metadata: unknown tags are skipped, critical ones make it unreadable', () => {
  const known = metadataBytes()
  const tag = (id: number, value: string): Buffer =>
    Buffer.concat([Buffer.from([id, 0, value.length]), Buffer.from(value)])
  expect(decodeMetadata(Buffer.concat([known, tag(77, 'later')]))).toEqual(metadata)
  expect(decodeMetadata(Buffer.concat([known, tag(0x80, 'must')]))).toBeUndefined()
  expect(decodeMetadata(Buffer.concat([known, tag(1, 'again')]))).toBeUndefined()
  expect(decodeMetadata(known.subarray(0, known.length - 1))).toBeUndefined()
  expect(decodeMetadata(Buffer.concat([tag(1, 'web'), Buffer.from([2, 0, 1, 0xff])]))).toBeUndefined()
  expect(decodeMetadata(tag(1, 'web'))).toBeUndefined()
  expect(encodeMetadata({ ...metadata, instance: 'i'.repeat(5_000) })).toBeUndefined()
})
