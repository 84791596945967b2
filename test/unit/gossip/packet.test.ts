// Datagrams and streams: what goes in comes out, piece by piece, and what is damaged, foreign or unencrypted does not.
import { expect, test } from 'vitest'
import { unwrap } from '../../../src/model/errors.ts'
import type { GossipMessage, MemberState, StreamMessage } from '../../../src/model/gossip-message.ts'
import { noBytes } from '../../../src/model/gossip-message.ts'
import { Keyring } from '../../../src/wire/gossip/keyring.ts'
import { encodeMessage } from '../../../src/wire/gossip/message.ts'
import { PacketCodec } from '../../../src/wire/gossip/packet.ts'
import type { GossipSecurity } from '../../../src/wire/gossip/security.ts'
import { encodeStream, StreamReader } from '../../../src/wire/gossip/stream.ts'
import { writeCompressed } from '../../peers/lzw-writer.ts'
import { SeededRandom } from '../../simulation/random.ts'
import { messages, plain, pushPull, vector, vectorText, versions } from './vectors.ts'

const random = new SeededRandom(1)
const keyA = Buffer.alloc(16, 1)
const keyB = Buffer.alloc(32, 2)

function securityWith(options: Partial<GossipSecurity> & { readonly keys?: readonly Uint8Array[] } = {}) {
  const { keys = [], ...rest } = options
  return {
    label: '',
    keyring: unwrap(Keyring.from(keys)),
    verifiesIncoming: true,
    encryptsOutgoing: true,
    randomBytes: (length: number) => random.bytes(length),
    ...rest,
  } satisfies GossipSecurity
}

const all = Object.values(messages)

/** Reads in pieces of `size` bytes; the message must be whole exactly at the last. */
function readInPieces(bytes: Uint8Array, security: GossipSecurity, size: number): StreamMessage | string {
  const reader = new StreamReader(security)
  for (let at = 0; at < bytes.length; at += size) {
    const progress = reader.push(bytes.subarray(at, at + size))
    if (progress.kind === 'fault') return progress.fault
    if (progress.kind === 'message')
      return at + size >= bytes.length ? progress.message : 'whole before its end'
  }
  return 'never whole'
}

test.each([
  ['in clear text', securityWith()],
  ['encrypted', securityWith({ keys: [keyA] })],
  ['labelled', securityWith({ label: 'dc1' })],
  ['labelled and encrypted', securityWith({ label: 'dc1', keys: [keyB, keyA] })],
])('packets %s come out as they went in', (_name, security) => {
  const codec = new PacketCodec(security)
  for (const batch of [all, ...all.map((message) => [message])]) {
    const packet = codec.encode(batch)
    const decoded = codec.decode(packet)
    expect(decoded.fault).toBe('')
    expect(plain(decoded.messages)).toEqual(plain(batch))
    const bare = batch.reduce((sum, message) => sum + encodeMessage(message).length, 0)
    const compound = batch.length > 1 ? 2 + 2 * batch.length : 0
    expect(packet.length).toBe(bare + compound + codec.overheadBytes)
  }
})

test('what memberlist wraps is unwrapped: checksum, compression, compounds within', () => {
  const codec = new PacketCodec(securityWith())
  expect(codec.decode(vector('checksummed')).messages).toEqual([messages['ping']])
  expect(Buffer.from(codec.encode([messages['ping'] ?? expect.fail()])).toString('hex')).toBe(
    vectorText('checksummed'),
  )
  const inner = encodeMessage(messages['alive'] ?? expect.fail())
  const compound = Buffer.concat([Buffer.of(7, 2, 0, inner.length, 0, inner.length), inner, inner])
  const packed = codec.decode(writeCompressed(compound))
  expect(packed.fault).toBe('')
  expect(plain(packed.messages)).toEqual(plain([messages['alive'], messages['alive']]))
})

test('a damaged part of a packet does not take the rest with it', () => {
  const codec = new PacketCodec(securityWith())
  const good = encodeMessage({ type: 'nack', sequence: 5 })
  const packet = Buffer.concat([
    Buffer.of(7, 3, 0, good.length, 0, 2, 0, good.length),
    good,
    Buffer.of(3, 9),
    good,
  ])
  expect(codec.decode(packet)).toMatchObject({
    messages: [
      { type: 'nack', sequence: 5 },
      { type: 'nack', sequence: 5 },
    ],
    fault: 'a map was expected',
  })
  const cutOff = codec.decode(packet.subarray(0, -1))
  expect(cutOff.messages).toHaveLength(1)
  expect(cutOff.fault).toBe('a map was expected')
})

test('foreign packets are refused, each with its reason', () => {
  const ping: GossipMessage = messages['ping'] ?? expect.fail()
  const plain = new PacketCodec(securityWith())
  const sealed = new PacketCodec(securityWith({ keys: [keyA] }))
  const labelled = new PacketCodec(securityWith({ label: 'dc1' }))
  expect(sealed.decode(plain.encode([ping])).fault).toBe('not encrypted')
  expect(new PacketCodec(securityWith({ keys: [keyB] })).decode(sealed.encode([ping])).fault).toBe(
    'not encrypted with a known key',
  )
  expect(plain.decode(labelled.encode([ping])).fault).toBe('foreign label')
  expect(labelled.decode(plain.encode([ping])).fault).toBe('foreign label')
  const changed = Buffer.from(plain.encode([ping]))
  changed[8] = (changed[8] ?? 0) ^ 1
  expect(plain.decode(changed).fault).toBe('checksum does not fit')
})

test('encryption is switched on without a gap', () => {
  const ping: GossipMessage = messages['ping'] ?? expect.fail()
  const off = new PacketCodec(securityWith())
  const installed = new PacketCodec(
    securityWith({ keys: [keyA], verifiesIncoming: false, encryptsOutgoing: false }),
  )
  const sending = new PacketCodec(securityWith({ keys: [keyA], verifiesIncoming: false }))
  const on = new PacketCodec(securityWith({ keys: [keyA] }))
  const reads = (from: PacketCodec, to: PacketCodec): boolean =>
    to.decode(from.encode([ping])).messages.length === 1
  expect([reads(off, installed), reads(installed, off)]).toEqual([true, true])
  expect([reads(installed, sending), reads(sending, installed)]).toEqual([true, true])
  expect([reads(sending, on), reads(on, sending)]).toEqual([true, true])
  expect(reads(installed, on)).toBe(false)
})

test('a small packet cannot unfold without bound', () => {
  const codec = new PacketCodec(securityWith())
  const bomb = writeCompressed(Buffer.alloc(10_000_000))
  expect(bomb.length).toBeLessThan(65_536)
  expect(codec.decode(bomb).fault).toBe('compressed bytes are damaged or too many')
  let nested: Uint8Array = encodeMessage({ type: 'nack', sequence: 5 })
  for (let depth = 0; depth < 5; depth += 1) nested = writeCompressed(nested)
  expect(codec.decode(nested).fault).toBe('nested too deeply')
})

const streamed: readonly StreamMessage[] = [
  pushPull,
  { type: 'ping', sequence: 9, node: 'web-1', source: undefined },
  { type: 'ack', sequence: 9, payload: noBytes },
  { type: 'user', payload: Buffer.from('hello') },
  { type: 'error', text: 'not encrypted' },
]

test.each([
  ['in clear text', securityWith()],
  ['encrypted', securityWith({ keys: [keyB] })],
  ['labelled and encrypted', securityWith({ label: 'dc1', keys: [keyA] })],
])('streams %s are read in pieces of any size', (_name, security) => {
  for (const message of streamed) {
    const bytes = encodeStream(message, security)
    for (const size of [1, 7, bytes.length])
      expect(plain(readInPieces(bytes, security, size))).toEqual(plain(message))
  }
})

test('an exchange is byte for byte that of memberlist, and its compressed form is read', () => {
  const security = securityWith()
  expect(Buffer.from(encodeStream(pushPull, security)).toString('hex')).toBe(vectorText('push pull'))
  expect(plain(readInPieces(vector('compressed'), security, 10))).toEqual(plain(pushPull))
  expect(plain(readInPieces(vector('user stream'), security, 1))).toEqual({
    type: 'user',
    payload: [3, 2, 1, 0],
  })
})

test('the state of a large pool in small pieces is read once, not again and again', () => {
  const members: MemberState[] = Array.from({ length: 5_000 }, (_, at) => ({
    record: {
      type: 'alive',
      incarnation: 1,
      node: `node-${at}`,
      address: '10.1.2.3',
      port: 8_301,
      meta: Buffer.alloc(50, 1),
      versions,
    },
    incarnation: 1,
    status: 'alive',
  }))
  const security = securityWith()
  const bytes = encodeStream({ ...pushPull, members }, security)
  const read = readInPieces(bytes, security, 1_000)
  expect(typeof read === 'string' ? read : read.type === 'push-pull' && read.members.length).toBe(5_000)
})

test('streams that lie about their length or are not encrypted are refused', () => {
  const encrypted = securityWith({ keys: [keyA] })
  expect(readInPieces(vector('push pull'), encrypted, 1_000)).toBe('not encrypted')
  expect(readInPieces(encodeStream(pushPull, encrypted), securityWith(), 1_000)).toBe(
    'encrypted, and we have no key',
  )
  expect(readInPieces(Buffer.of(10, 255, 255, 255, 255), encrypted, 5)).toBe('too long')
  const manyNodes = Buffer.from('0683a44a6f696ec3a54e6f646573ce7fffffffac557365725374617465', 'hex')
  expect(readInPieces(manyNodes, securityWith(), 100)).toMatch(/is not from 0 to/)
})

test('a keyring exchanges its key in three steps and keeps the one in use', () => {
  const ring = unwrap(Keyring.from([keyA]))
  expect(ring.install(Buffer.alloc(15)).ok).toBe(false)
  expect(ring.use(keyB).ok).toBe(false)
  expect(ring.install(keyB).ok).toBe(true)
  expect(ring.primary).toEqual(Uint8Array.from(keyA))
  expect(ring.remove(keyA).ok).toBe(false)
  expect(ring.use(keyB).ok).toBe(true)
  expect(ring.remove(keyA).ok).toBe(true)
  expect(ring.keys).toEqual([Uint8Array.from(keyB)])
})
