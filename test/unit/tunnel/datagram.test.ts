// Datagrams inside a stream's bytes: the same ones come out, however the bytes were cut; what none can be is found out.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DatagramReader, maxDatagramBytes, withLength } from '../../../src/wire/tunnel/datagram.ts'
import { decodeMetadata, encodeMetadata } from '../../../src/wire/tunnel/metadata.ts'

test('datagrams of any lengths come out as they went in, whatever the cuts', () => {
  const lengths = fc.array(fc.oneof(fc.nat(4), fc.nat(600), fc.constant(maxDatagramBytes)), { maxLength: 8 })
  fc.assert(
    fc.property(
      lengths,
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 }),
      (sizes, cuts) => {
        const sent = sizes.map((size, i) => Buffer.alloc(size, i + 1))
        const bytes = Buffer.concat(sent.map((payload) => Buffer.from(withLength(payload))))
        const reader = new DatagramReader()
        const got: Buffer[] = []
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const end = at + (cuts[turn % cuts.length] ?? 1) * (turn % 7 === 0 ? 100 : 1)
          expect(reader.push(bytes.subarray(at, end), (payload) => got.push(Buffer.from(payload)))).toBe(true)
          at = end
        }
        expect(got.length).toBe(sent.length)
        expect(got.every((payload, i) => payload.equals(sent[i] ?? Buffer.alloc(0)))).toBe(true)
      },
    ),
    { numRuns: 60 },
  )
})

test('a length that no datagram has is refused, whole or in pieces', () => {
  const bytes = Buffer.from([0xff, 0xe4, 1, 2, 3])
  expect(bytes.readUInt16BE(0)).toBe(maxDatagramBytes + 1)
  const never = (): void => expect.unreachable()
  expect(new DatagramReader().push(bytes, never)).toBe(false)
  const reader = new DatagramReader()
  expect(reader.push(bytes.subarray(0, 1), never)).toBe(true)
  expect(reader.push(bytes.subarray(1, 2), never)).toBe(false)
})

test('an OPEN says that its stream carries datagrams, and a peer that does not know the word refuses', () => {
  const names = { source: 'web', target: 'dns', datacenter: 'dc1', instance: 'beta/dns' }
  const encoded = encodeMetadata({ ...names, protocol: 'udp' }) ?? Buffer.alloc(0)
  expect(decodeMetadata(encoded)).toEqual({ ...names, protocol: 'udp' })
  expect(decodeMetadata(encodeMetadata(names) ?? Buffer.alloc(0))).toEqual(names)
  const tag = encoded.length - 'udp'.length - 3
  // From 80 on a tag that is not known makes the OPEN unreadable.
  expect(encoded[tag]).toBe(0x81)
  expect(decodeMetadata(Buffer.concat([encoded.subarray(0, tag + 3), Buffer.from('sip')]))).toBeUndefined()
  expect(decodeMetadata(Buffer.concat([encoded, encoded.subarray(tag)]))).toBeUndefined()
})
