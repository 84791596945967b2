// Our bytes are HashiCorp's bytes, and we read what its encoder writes.
import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { noBytes } from '../../../src/model/gossip-message.ts'
import { messageBytes } from '../../../src/swim/message-size.ts'
import { readCompressed } from '../../../src/wire/gossip/compression.ts'
import { seal, unseal } from '../../../src/wire/gossip/encryption.ts'
import { decompressLzw } from '../../../src/wire/gossip/lzw.ts'
import { decodeMessage, encodeMessage } from '../../../src/wire/gossip/message.ts'
import {
  decodeConflictResponse,
  decodeKeyRequest,
  decodeKeyResponse,
  encodeConflictResponse,
  encodeKeyRequest,
  encodeKeyResponse,
} from '../../../src/wire/gossip/serf-answer.ts'
import { decodeCoordinate, encodeCoordinate } from '../../../src/wire/gossip/serf-coordinate.ts'
import { decodeSerf, encodeSerf } from '../../../src/wire/gossip/serf-message.ts'
import { decodeSerfState, encodeSerfState } from '../../../src/wire/gossip/serf-state.ts'
import { decodeTags, encodeTags } from '../../../src/wire/gossip/serf-tags.ts'
import { compressLzw, writeCompressed } from '../../peers/lzw-writer.ts'
import { messages, plain, serfMessages, serfStates, vector, vectorText } from './vectors.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test.each(Object.entries(messages))('memberlist: %s is the same bytes both ways', (name, message) => {
  expect(hex(encodeMessage(message))).toBe(vectorText(name))
  expect(plain(decodeMessage(vector(name)))).toEqual(plain(message))
  expect(messageBytes(message)).toBe(vector(name).length)
})

test.each(Object.entries(serfMessages))('Serf: %s is the same bytes both ways', (name, message) => {
  expect(hex(encodeSerf(message))).toBe(vectorText(name))
  expect(plain(decodeSerf(vector(name)))).toEqual(plain(message))
})

test('Serf: state of an exchange, with slots that were never filled', () => {
  for (const [name, state] of Object.entries(serfStates))
    expect(plain(decodeSerfState(vector(name))), name).toEqual(plain(state))
  const empty = serfStates['empty push pull body']
  expect(empty && hex(encodeSerfState(empty))).toBe(vectorText('empty push pull body'))
  const full = serfStates['push pull body']
  // Go writes the empty slot of its ring as nil; nobody needs it.
  expect(full && hex(encodeSerfState(full))).toBe(vectorText('push pull body').replace('92c0', '91'))
})

test('Serf: an answer that is relayed', () => {
  const relayed = decodeSerf(vector('relay'))
  if (typeof relayed === 'string' || relayed.type !== 'relay') throw new Error(String(relayed))
  expect(relayed.to).toEqual({ address: '10.0.0.1', port: 8_301 })
  expect(relayed.node).toBe('web-2')
  expect(hex(encodeSerf(relayed))).toBe(vectorText('relay'))
  expect(decodeSerf(relayed.message)).toMatchObject({ type: 'query-response', from: 'web-1', id: 2 })
})

test('Serf: tags, coordinates, keyring and conflict answers', () => {
  const tags = new Map([['role', 'consul']])
  expect(hex(encodeTags(tags) ?? noBytes)).toBe(vectorText('tags'))
  expect(decodeTags(vector('tags'))).toEqual(tags)
  expect(decodeTags(Buffer.from('web'))).toEqual(new Map([['role', 'web']]))

  const coordinate = {
    vector: [0.5, -0.25, 0, 1e-6, 0, 0, 0, 3],
    error: 1.5,
    adjustment: -0.000_125,
    height: 0.000_01,
  }
  expect(hex(encodeCoordinate(coordinate))).toBe(vectorText('coordinate'))
  expect(decodeCoordinate(vector('coordinate'))).toEqual(coordinate)

  const key = Buffer.alloc(32, 9)
  expect(hex(encodeKeyRequest(key))).toBe(vectorText('key request'))
  expect(hex(decodeKeyRequest(vector('key request')) ?? noBytes)).toBe(hex(key))
  const response = { isDone: true, message: '', keys: ['CQkJ', 'CAgI'], primaryKey: 'CQkJ' }
  expect(hex(encodeKeyResponse(response))).toBe(vectorText('key response'))
  expect(decodeKeyResponse(vector('key response'))).toEqual(response)
  expect(decodeKeyResponse(vector('failed key response'))).toMatchObject({ isDone: false, keys: [] })

  expect(decodeConflictResponse(vector('conflict response'))).toEqual({
    node: 'web-1',
    address: '10.0.0.1',
    port: 8_301,
  })
  expect(hex(encodeConflictResponse(undefined))).toBe(vectorText('empty conflict response'))
  expect(decodeConflictResponse(vector('empty conflict response'))).toBeUndefined()
})

test('LZW is bit for bit that of Go, across all code widths and full tables', () => {
  const text = Buffer.from('TOBEORNOTTOBEORTOBEORNOT and then some more text, text, text, text')
  expect(hex(compressLzw(text))).toBe(vectorText('lzw text'))
  expect(hex(compressLzw(noBytes))).toBe(vectorText('lzw empty'))
  expect(hex(compressLzw(Buffer.from('A')))).toBe(vectorText('lzw one'))
  let state = 1
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  }
  const repetitive = Uint8Array.from({ length: 30_000 }, (_, at) => (next() % 17) + Math.floor(at / 5_000))
  const random = Uint8Array.from({ length: 9_000 }, next)
  for (const [bytes, name] of [
    [repetitive, 'lzw crc of 30000'],
    [random, 'lzw crc of random 9000'],
  ] as const) {
    const packed = compressLzw(bytes)
    expect(`${crc32(packed).toString(16).padStart(8, '0')} ${packed.length}`).toBe(vectorText(name))
    expect(hex(decompressLzw(packed, bytes.length) ?? noBytes)).toBe(hex(bytes))
    expect(decompressLzw(packed, bytes.length - 1)).toBeUndefined()
  }
})

test('a compressed message is the same bytes both ways', () => {
  const inner = vector('push pull')
  expect(hex(writeCompressed(inner))).toBe(vectorText('compressed'))
  const unfolded = readCompressed(vector('compressed'), inner.length)
  expect(typeof unfolded === 'string' ? unfolded : hex(unfolded)).toBe(hex(inner))
})

test('both versions of encryption are read, the newer is written', () => {
  const short = Buffer.from('0123456789abcdef')
  const long = Buffer.from('0123456789abcdef0123456789abcdef')
  const nonce = Uint8Array.from({ length: 12 }, (_, at) => at + 1)
  const label = Buffer.from('dc1')
  expect(Buffer.from(unseal(vector('sealed v0'), [short], noBytes) ?? noBytes).toString()).toBe(
    'hello gossip',
  )
  expect(Buffer.from(unseal(vector('sealed v1'), [short, long], label) ?? noBytes).toString()).toBe(
    'hello gossip',
  )
  expect(hex(seal(Buffer.from('hello gossip'), long, nonce, label))).toBe(vectorText('sealed v1'))
  expect(unseal(vector('sealed v1'), [long], Buffer.from('dc2'))).toBeUndefined()
  expect(unseal(vector('sealed v1'), [short], label)).toBeUndefined()
})
