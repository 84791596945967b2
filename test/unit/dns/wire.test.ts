// Bytes of addresses, names and messages, against what the machine's own parsers and dns-packet say.
import { isIPv6 } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addressBytes,
  addressHex,
  addressText,
  hexAddress,
  reverseAddress,
} from '../../../src/wire/dns/address.ts'
import { rcodes } from '../../../src/wire/dns/codes.ts'
import { type DnsMessage, isWritableName, writeMessage } from '../../../src/wire/dns/message.ts'
import { readQuery, writeQuestion } from '../../../src/wire/dns/query.ts'
import type { DnsAnswer, DnsRecord } from '../../../src/wire/dns/record.ts'
import { decoded, question, said } from './world.ts'

test('any text of an address is read, and written in its usual form', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const bytes = addressBytes(text)
      expect(bytes).toBeDefined()
      if (bytes === undefined) return
      const usual = text.includes(':') ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text
      expect(addressText(bytes)).toBe(usual)
      expect(hexAddress(addressHex(bytes))).toEqual(bytes)
    }),
  )
})

test('what is no address is none', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f:.]{1,24}$/), (text) => {
      if (!text.includes(':')) return
      expect(addressBytes(text) !== undefined).toBe(isIPv6(text))
    }),
    { numRuns: 2_000 },
  )
  for (const text of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', 'a.b.c.d', '1..2.3', 'example.com'])
    expect(addressBytes(text), text).toBeUndefined()
})

test('names of addresses lead back to them', () => {
  expect(reverseAddress('4.3.2.1.in-addr.arpa'.split('.'))).toEqual(Uint8Array.of(1, 2, 3, 4))
  expect(reverseAddress('3.2.1.in-addr.arpa'.split('.'))).toBeUndefined()
  expect(reverseAddress('300.3.2.1.in-addr.arpa'.split('.'))).toBeUndefined()
  expect(reverseAddress(`${'0.'.repeat(31)}f.ip6.arpa`.split('.'))?.[0]).toBe(0xf0)
  expect(reverseAddress(`${'0.'.repeat(31)}10.ip6.arpa`.split('.'))).toBeUndefined()
})

const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/)
const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'))
const ttlSeconds = fc.nat(2 ** 31 - 1)
const record: fc.Arbitrary<DnsRecord> = fc.oneof(
  fc.record({
    type: fc.constant('A' as const),
    name,
    ttlSeconds,
    address: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  }),
  fc.record({
    type: fc.constantFrom('NS' as const, 'CNAME' as const, 'PTR' as const),
    name,
    ttlSeconds,
    target: name,
  }),
  fc.record({
    type: fc.constant('SRV' as const),
    name,
    ttlSeconds,
    priority: fc.nat(65_535),
    weight: fc.nat(65_535),
    port: fc.nat(65_535),
    target: name,
  }),
  fc.record({
    type: fc.constant('TXT' as const),
    name,
    ttlSeconds,
    text: fc.string({ maxLength: 600, unit: 'grapheme-ascii' }),
  }),
)

const shown = (one: DnsRecord): string => {
  switch (one.type) {
    case 'A':
    case 'AAAA':
      return `${one.type} ${one.name} ${addressText(one.address)}`
    case 'SRV':
      return `SRV ${one.name} ${one.priority} ${one.weight} ${one.port} ${one.target}`
    case 'TXT':
      return `TXT ${one.name} ${one.text}`
    case 'SOA':
      return `SOA ${one.name} ${one.primary} ${one.mailbox}`
    default:
      return `${one.type} ${one.name} ${one.target}`
  }
}

function messageOf(asked: string, answers: readonly DnsAnswer[]): DnsMessage {
  return {
    id: 7,
    bits: 0,
    rcode: rcodes.noError,
    question: writeQuestion(asked, 1) ?? new Uint8Array(),
    name: asked.toLowerCase(),
    answers,
    authority: [],
    ednsBytes: 4_096,
  }
}

/** Names are one whatever their letters are, so a compressed one may come back in other letters. */
const plain = (texts: readonly string[]): readonly string[] => texts.map((text) => text.toLowerCase()).sort()

test.each([true, false])('records come back as they were written, compressed: %s', (compress) => {
  fc.assert(
    fc.property(
      name,
      fc.array(record, { maxLength: 12 }),
      fc.array(record, { maxLength: 4 }),
      (asked, records, additional) => {
        const answers = records.map((one, at) => ({ record: one, additional: at === 0 ? additional : [] }))
        const bytes = writeMessage(messageOf(asked, answers), {
          maxBytes: 65_535,
          compress,
          markTruncated: true,
        })
        const packet = decoded(bytes)
        expect(packet.flag_tc).toBe(false)
        expect(plain(said(packet.answers))).toEqual(plain(records.map(shown)))
        expect(plain(said(packet.additionals))).toEqual(
          plain(records.length === 0 ? [] : additional.map(shown)),
        )
      },
    ),
  )
})

test('whatever the room, a message fits into it, keeps the order, and says when something is missing', () => {
  fc.assert(
    fc.property(
      name,
      fc.array(record, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 300, max: 2_000 }),
      (asked, records, maxBytes) => {
        const answers = records.map((one) => ({ record: one, additional: [] }))
        const bytes = writeMessage(messageOf(asked, answers), {
          maxBytes,
          compress: true,
          markTruncated: true,
        })
        expect(bytes.length).toBeLessThanOrEqual(maxBytes)
        const packet = decoded(bytes)
        const kept = (packet.answers ?? []).map((one) => said([one])[0]?.toLowerCase())
        expect(kept).toEqual(records.slice(0, kept.length).map((one) => shown(one).toLowerCase()))
        expect(packet.flag_tc).toBe(kept.length < records.length)
      },
    ),
  )
})

test('a query is read as dns-packet wrote it', () => {
  fc.assert(
    fc.property(
      name,
      fc.constantFrom('A', 'SRV', 'ANY', 'TXT'),
      fc.option(fc.integer({ min: 512, max: 65_535 })),
      (asked, type, edns) => {
        const reading = readQuery(question(asked, type as 'A', edns === null ? {} : { edns }))
        expect(reading).toMatchObject({
          kind: 'query',
          query: { id: 4711, labels: asked.split('.'), recursionDesired: true, class: 1 },
        })
        if (reading.kind === 'query') expect(reading.query.edns?.udpBytes).toBe(edns ?? undefined)
      },
    ),
  )
})

test('names that DNS cannot write are known', () => {
  for (const bad of ['', 'a..b', '.a', 'a.', 'x'.repeat(64), `${'abcdefg.'.repeat(32)}abcdefg`, 'a b', 'ü'])
    expect(isWritableName(bad), bad).toBe(false)
  for (const good of ['a', 'a.b', 'x'.repeat(63), '_web._tcp', `${'abcdefg.'.repeat(31)}abcde`])
    expect(isWritableName(good), good).toBe(true)
})
