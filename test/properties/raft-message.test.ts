// The byte form of messages between servers: everything comes back as it was, and nothing that arrives can do harm.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logIndex, term } from '../../src/model/ids.ts'
import type { Entry } from '../../src/model/log-entry.ts'
import type { RaftMessage } from '../../src/model/raft-message.ts'
import { decodeRaftMessage, encodeRaftMessage } from '../../src/wire/raft-message.ts'
import { SeededRandom } from '../simulation/random.ts'

const number = fc.maxSafeNat()
const at = number.map(term)
const index = number.map(logIndex)
const position = fc.record({ index, term: at })
const data = fc.uint8Array({ maxLength: 40 })

const append: fc.Arbitrary<RaftMessage> = fc
  .record({
    term: at,
    previous: fc.record({ index: fc.nat().map(logIndex), term: at }),
    commit: index,
    parts: fc.array(
      fc.record({ term: at, kind: fc.constantFrom('command', 'configuration', 'barrier'), data }),
      { maxLength: 4 },
    ),
  })
  .map(({ parts, ...rest }) => ({
    type: 'append',
    ...rest,
    entries: parts.map((part, i) => ({ ...part, index: logIndex(rest.previous.index + 1 + i) }) as Entry),
  }))

const message: fc.Arbitrary<RaftMessage> = fc.oneof(
  fc.record({ type: fc.constant('pre-vote' as const), term: at, last: position }),
  fc.record({ type: fc.constant('vote' as const), term: at, last: position, transfer: fc.boolean() }),
  fc.record({
    type: fc.constantFrom('pre-vote-response' as const, 'vote-response' as const),
    term: at,
    granted: fc.boolean(),
  }),
  append,
  fc.record({ type: fc.constant('append-accepted' as const), term: at, match: index }),
  fc.record({ type: fc.constant('append-rejected' as const), term: at, previous: index, hint: position }),
  fc.record({ type: fc.constant('heartbeat' as const), term: at, commit: index, round: number }),
  fc.record({ type: fc.constant('heartbeat-response' as const), term: at, round: number }),
  fc.record({ type: fc.constantFrom('newer-term' as const, 'timeout-now' as const), term: at }),
  fc.record({ type: fc.constant('read' as const), term: at, request: number }),
  fc.record({ type: fc.constant('read-response' as const), term: at, request: number, index }),
  fc.record({
    type: fc.constant('snapshot-chunk' as const),
    term: at,
    last: position,
    fileBytes: number,
    offset: number,
    checksum: fc.nat({ max: 0xffff_ffff }),
    data,
  }),
  fc.record({ type: fc.constant('snapshot-received' as const), term: at, index, offset: number }),
)

test('every message comes back as it was', () => {
  fc.assert(
    fc.property(message, (sent) => {
      expect(decodeRaftMessage(encodeRaftMessage(sent))).toEqual({ ok: true, value: sent })
    }),
    { numRuns: 3_000 },
  )
})

test('a shortened or lengthened message is refused', () => {
  fc.assert(
    fc.property(message, fc.nat(), (sent, cut) => {
      const bytes = encodeRaftMessage(sent)
      if (sent.type !== 'snapshot-chunk') {
        expect(decodeRaftMessage(bytes.subarray(0, cut % bytes.length)).ok).toBe(false)
        expect(decodeRaftMessage(Uint8Array.from([...bytes, 0])).ok).toBe(false)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('changed bytes are refused or give a well-formed message, and never throw', () => {
  const random = new SeededRandom(1)
  const samples = fc.sample(message, { seed: 7, numRuns: 300 }).map(encodeRaftMessage)
  for (let round = 0; round < 100_000; round += 1) {
    const bytes = Uint8Array.from(random.pick(samples))
    const changes = random.between(1, 4)
    for (let n = 0; n < changes; n += 1) bytes[random.below(bytes.length)] = random.below(256)
    const decoded = decodeRaftMessage(bytes)
    if (decoded.ok) expect(Number.isSafeInteger(decoded.value.term)).toBe(true)
  }
})

test('a count of entries that cannot be there allocates nothing', () => {
  const bytes = encodeRaftMessage({
    type: 'append',
    term: term(1),
    previous: { index: logIndex(0), term: term(0) },
    commit: logIndex(0),
    entries: [],
  })
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(bytes.length - 8, 0xffff_ffff, true)
  expect(decodeRaftMessage(bytes).ok).toBe(false)
})

test('a newer version and an oversized message are refused by name', () => {
  const bytes = encodeRaftMessage({ type: 'newer-term', term: term(1) })
  bytes[0] = 2
  expect(decodeRaftMessage(bytes)).toMatchObject({ failure: { code: 'version-mismatch' } })
  expect(decodeRaftMessage(new Uint8Array(17 * 1024 * 1024))).toMatchObject({
    failure: { code: 'too-large' },
  })
  expect(decodeRaftMessage(new Uint8Array(0)).ok).toBe(false)
})
