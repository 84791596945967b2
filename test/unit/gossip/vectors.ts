// Byte vectors made by HashiCorp's own encoder (go-msgpack 2.1.5, the structures of memberlist 0.7 and serf 0.11, Go's
// compress/lzw and crypto/cipher), and the messages that they stand for.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GossipMessage, GossipVersions, PushPull } from '../../../src/model/gossip-message.ts'
import { noBytes } from '../../../src/model/gossip-message.ts'
import type { SerfMessage, SerfState } from '../../../src/model/serf-message.ts'

const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, 'golden/vectors.json'), 'utf8'),
) as Readonly<Record<string, string>>

export function vectorText(name: string): string {
  const text = vectors[name]
  if (text === undefined) throw new Error(`no vector ${name}`)
  return text
}

export const vector = (name: string): Buffer => Buffer.from(vectorText(name), 'hex')

/** Buffers and arrays of the same bytes are equal here. */
export const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, one: unknown) => {
      if (one instanceof Map) return [...(one as Map<string, unknown>)]
      if (one instanceof Uint8Array) return [...one]
      const isBuffer = typeof one === 'object' && one !== null && 'data' in one && 'type' in one
      return isBuffer ? one.data : one
    }),
  )

export const versions: GossipVersions = [1, 5, 2, 2, 5, 4]
const bytes = (...values: number[]): Uint8Array => Buffer.from(values)
const longName = 'node-number-three-with-a-long-name'

export const messages: Readonly<Record<string, GossipMessage>> = {
  ping: { type: 'ping', sequence: 7, node: 'web-1', source: undefined },
  'ping with source': {
    type: 'ping',
    sequence: 70_000,
    node: 'web-1',
    source: { address: '10.0.0.1', port: 8_301, node: 'web-2' },
  },
  'indirect ping': {
    type: 'indirect-ping',
    sequence: 300,
    target: { address: '10.0.0.1', port: 8_301 },
    node: 'web-1',
    wantsNack: true,
    source: { address: '2001:db8::1', port: 7_946, node: longName },
  },
  ack: { type: 'ack', sequence: 4_294_967_295, payload: bytes(1, 2, 3) },
  'ack without payload': { type: 'ack', sequence: 1, payload: noBytes },
  suspect: { type: 'suspect', incarnation: 200, node: 'a', from: 'b' },
  alive: {
    type: 'alive',
    incarnation: 3,
    node: 'zürich-1',
    address: '10.0.0.1',
    port: 8_301,
    meta: bytes(255, 128),
    versions,
  },
  'alive over IPv6': {
    type: 'alive',
    incarnation: 65_536,
    node: 'web-1',
    address: '2001:db8::1',
    port: 80,
    meta: Buffer.alloc(300, 7),
    versions,
  },
  dead: { type: 'dead', incarnation: 128, node: 'web-1', from: 'web-2' },
  nack: { type: 'nack', sequence: 65_535 },
}

export const pushPull: PushPull = {
  type: 'push-pull',
  isJoin: true,
  members: [
    {
      record: {
        type: 'alive',
        incarnation: 5,
        node: 'web-1',
        address: '10.0.0.1',
        port: 8_301,
        meta: bytes(1),
        versions,
      },
      incarnation: 5,
      status: 'alive',
    },
    {
      record: {
        type: 'alive',
        incarnation: 500,
        node: 'web-2',
        address: '2001:db8::1',
        port: 8_302,
        meta: noBytes,
        versions,
      },
      incarnation: 500,
      status: 'left',
    },
  ],
  userState: bytes(1, 2, 3),
}

const source = { address: '10.0.0.1', port: 8_301, node: 'web-2' }

export const serfMessages: Readonly<Record<string, SerfMessage>> = {
  'join intent': { type: 'join-intent', time: 300, node: 'web-1' },
  'leave intent': { type: 'leave-intent', time: 9_007_199_254_740_991, node: 'web-1', prune: true },
  'user event': {
    type: 'user-event',
    time: 5,
    name: 'deploy',
    payload: Buffer.from('v1.2.3'),
    coalesces: true,
  },
  query: {
    type: 'query',
    time: 12,
    id: 4_000_000_000,
    source,
    filters: [
      { kind: 'nodes', nodes: ['web-1', 'web-2'] },
      { kind: 'tag', tag: 'role', expression: '^consul$' },
    ],
    wantsAck: true,
    isDirect: false,
    relayFactor: 2,
    timeoutMs: 15_000,
    name: '_serf_ping',
    payload: bytes(7),
  },
  'plain query': {
    type: 'query',
    time: 1,
    id: 1,
    source: { address: '10.0.0.1', port: 1, node: '' },
    filters: [],
    wantsAck: false,
    isDirect: false,
    relayFactor: 0,
    timeoutMs: 1_000,
    name: 'load',
    payload: noBytes,
  },
  'query response': {
    type: 'query-response',
    time: 12,
    id: 4_000_000_000,
    from: 'web-1',
    isAck: true,
    payload: Buffer.from('0.7'),
  },
}

export const serfStates: Readonly<Record<string, SerfState>> = {
  'push pull body': {
    time: 9,
    statusTimes: new Map([['web-1', 8]]),
    left: ['db-1'],
    eventTime: 4,
    events: [
      { type: 'user-event', time: 3, name: 'deploy', payload: Buffer.from('x'), coalesces: false },
      { type: 'user-event', time: 3, name: 'stop', payload: noBytes, coalesces: false },
    ],
    queryTime: 2,
  },
  'empty push pull body': {
    time: 1,
    statusTimes: new Map(),
    left: [],
    eventTime: 1,
    events: [],
    queryTime: 1,
  },
}
