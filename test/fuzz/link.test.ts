// Damaged link frames and messages: refused with a reason that quotes no value, never a throw, memory bounded.
import { expect, test } from 'vitest'
import { unwrap } from '../../src/model/errors.ts'
import { limits } from '../../src/model/limits.ts'
import { encodeLinkFrame, LinkDecoder } from '../../src/wire/link/frame.ts'
import { readFromAgent, readFromProxy } from '../../src/wire/link/message.ts'

const secret = 'c2VjcmV0LWtleQ'

const messages: readonly unknown[] = [
  { kind: 'hello', minProtocol: 1, maxProtocol: 1, pid: 7, worker: 'w', version: '1' },
  { kind: 'ack', version: 3, problems: ['outbound/x: taken'] },
  { kind: 'nack', version: 3, reason: 'no' },
  {
    kind: 'stats',
    open: 1,
    expired: 0,
    pairs: [
      {
        direction: 'inbound',
        source: 'a',
        destination: 'b',
        connections: 1,
        bytesToDestination: 2,
        bytesToSource: 3,
        refusals: { draining: 1 },
      },
    ],
  },
  { kind: 'welcome', protocol: 1 },
  {
    kind: 'full',
    version: 1,
    resources: [
      { kind: 'roots', name: 'd', pems: ['x'] },
      {
        kind: 'leaf',
        name: 'web',
        uri: 'spiffe://d/ns/default/dc/dc1/svc/web',
        certificatePem: 'c',
        privateKeyPem: secret,
        notAfterMs: 5,
      },
      {
        kind: 'policy',
        name: 'web',
        index: 4,
        defaultAction: 'deny',
        rules: [{ sourceName: '*', destinationName: 'web', action: 'allow' }],
      },
      {
        kind: 'endpoints',
        name: 'b',
        service: 'b',
        datacenter: 'dc1',
        instances: [{ id: 'n/b', node: 'n', address: '127.0.0.1', port: 1, health: 'passing', weight: 1 }],
      },
      {
        kind: 'inbound',
        name: 'i',
        service: 'web',
        bindAddress: '127.0.0.1',
        bindPort: 1,
        localAddress: '127.0.0.1',
        localPort: 2,
        localSocketPath: '',
        localConnectTimeoutMs: 5,
      },
      {
        kind: 'outbound',
        name: 'o',
        service: 'web',
        target: 'b',
        bindAddress: '127.0.0.1',
        bindPort: 1,
        bindSocketPath: '',
        bindSocketMode: '',
        connectTimeoutMs: 5,
      },
    ],
  },
  { kind: 'delta', version: 2, base: 1, upserts: [], removes: [{ kind: 'leaf', name: 'web' }] },
]

function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Every place in a message, as a path of keys. */
function places(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, item]) => places(item, [...path, key]))]
}

const replacements: readonly unknown[] = [
  null,
  undefined,
  '',
  'x',
  -1,
  0.5,
  1e300,
  true,
  [],
  {},
  [null],
  { kind: 'leaf' },
  Number.NaN,
]

function damaged(message: unknown, random: (below: number) => number): unknown {
  const copy: unknown = structuredClone(message)
  const [first = [], ...others] = places(message)
  const path = others[random(others.length)] ?? first
  let at = copy as Record<string, unknown>
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>
  at[path.at(-1) ?? 'kind'] = replacements[random(replacements.length)]
  return copy
}

test('whole messages are read by one side and refused by the other', () => {
  for (const message of messages) {
    const outcomes = [readFromAgent(message).ok, readFromProxy(message).ok]
    expect(outcomes.filter((ok) => ok)).toHaveLength(1)
  }
})

test('100,000 damaged messages are read or refused with a reason that quotes no value', () => {
  let refused = 0
  for (let round = 0; round < 100_000; round += 1) {
    const random = seeded(round)
    const message = damaged(messages[round % messages.length], random)
    for (const outcome of [readFromAgent(message), readFromProxy(message)]) {
      if (outcome.ok) continue
      refused += 1
      if (outcome.failure.message === '' || outcome.failure.message.includes(secret))
        throw new Error(`round ${round}: ${outcome.failure.message}`)
    }
  }
  expect(refused).toBeGreaterThan(120_000)
})

test('frames come out whole however they are cut', () => {
  const bytes = Buffer.concat(messages.map((message) => unwrap(encodeLinkFrame(message))))
  for (let round = 0; round < 300; round += 1) {
    const random = seeded(round)
    const decoder = new LinkDecoder()
    const seen: unknown[] = []
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random(200)
      seen.push(...unwrap(decoder.push(bytes.subarray(at, at + size))))
      at += size
    }
    expect(seen).toEqual(messages)
  }
})

test('damaged frames are a failure or wait for more, and a length beyond the limit is refused at once', () => {
  const whole = Buffer.concat(messages.map((message) => unwrap(encodeLinkFrame(message))))
  let failures = 0
  for (let round = 0; round < 20_000; round += 1) {
    const random = seeded(round)
    const bytes = Buffer.from(whole)
    for (let changes = 1 + random(3); changes > 0; changes -= 1) bytes[random(bytes.length)] = random(256)
    if (!new LinkDecoder().push(bytes).ok) failures += 1
  }
  expect(failures).toBeGreaterThan(500)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(limits.linkFrameBytes + 1)
  expect(new LinkDecoder().push(length)).toMatchObject({ ok: false, failure: { code: 'too-large' } })
  expect(encodeLinkFrame('x'.repeat(limits.linkFrameBytes))).toMatchObject({ ok: false })
})
