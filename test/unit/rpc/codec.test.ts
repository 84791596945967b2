// Messages between objects and bytes: what we send comes back the same, and what a peer may send is checked first.
import { expect, test } from 'vitest'
import type { Command } from '../../../src/model/command.ts'
import type { Result } from '../../../src/model/errors.ts'
import {
  enrollRequestCodec,
  hostCertificateCodec,
  leafCertificateCodec,
  readAnswerCodec,
  readRequestCodec,
  serverAdmissionCodec,
  signLeafRequestCodec,
  writeAnswerCodec,
  writeRequestCodec,
} from '../../../src/rpc/call-codec.ts'
import { decodeServerFrame, encodeServerFrame } from '../../../src/rpc/frame-codec.ts'
import { messageCodec } from '../../../src/rpc/protocol.ts'
import { publicRoots } from '../../../src/server/ca/roots.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { makeCluster } from '../ca/cluster.ts'
import { serviceNamed, sidecarOf } from '../ca/fake-state.ts'

const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.failure.code)
const value = <Value>(result: Result<Value>): Value => {
  if (!result.ok) throw new Error(result.failure.message)
  return result.value
}

const check = {
  node: 'h1',
  checkId: 'service:web',
  name: 'web alive',
  status: 'passing',
  notes: '',
  output: 'ok\n',
  serviceId: 'web',
  serviceName: 'web',
  serviceTags: ['v1'],
  type: 'http',
  interval: '10s',
  timeout: '',
} as const

const node = {
  id: '0f0f0f0f-0000-4000-8000-000000000001',
  name: 'h1',
  address: '10.0.0.1',
  datacenter: 'dc1',
  taggedAddresses: { lan: '10.0.0.1' },
  meta: { rack: 'a' },
}

const upstream = {
  destinationName: 'backend',
  datacenter: '',
  localBindAddress: '127.0.0.1',
  localBindPort: 9_191,
  localBindSocketPath: '',
  localBindSocketMode: '',
  connectTimeoutMs: 5_000,
  config: { nested: { list: [1, 'two', null, true] } },
}

const sidecar = sidecarOf('web')
const fullSidecar = { ...sidecar, proxy: { ...proxyOf(sidecar), upstreams: [upstream], config: { a: 1 } } }

function proxyOf(service: typeof sidecar) {
  if (service.proxy === undefined) throw new Error('a sidecar has a proxy')
  return service.proxy
}

const commands: readonly Command[] = [
  { type: 'settings.set', settings: { defaultIntentionAction: 'allow' } },
  { type: 'catalog.register', node, services: [serviceNamed('web'), fullSidecar], checks: [check] },
  { type: 'catalog.register', node: 'h1', services: [], checks: [] },
  { type: 'catalog.deregister', node: 'h1' },
  { type: 'catalog.deregister', node: 'h1', serviceId: 'web' },
  { type: 'catalog.deregister', node: 'h1', checkId: 'c' },
  {
    type: 'config-entry.upsert',
    entry: {
      kind: 'service-intentions',
      name: 'backend',
      meta: {},
      sources: [{ name: 'web', action: 'deny', description: 'ä', precedence: 9 }],
    },
    casIndex: 0,
  },
  { type: 'config-entry.delete', kind: 'service-intentions', name: 'backend' },
  {
    type: 'intention.upsert',
    id: 'i',
    sourceName: '*',
    destinationName: 'backend',
    action: 'allow',
    description: '',
    meta: { __proto__x: 'y' },
  },
  { type: 'intention.delete', sourceName: 'web', destinationName: '*' },
  {
    type: 'enrollment.create',
    enrollment: { tokenHash: 'a'.repeat(64), node: '', services: ['*'], expiresAtMs: 1, createdBy: '' },
  },
]

test.each(commands.map((command) => [command.type, command] as const))(
  '%s arrives as it was sent',
  (_, command) => {
    const request = { token: 't', command }
    expect(value(writeRequestCodec.decode(writeRequestCodec.encode(request)))).toEqual(request)
  },
)

test('commands that only servers propose cannot be brought in by anybody', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const genesis = {
    type: 'genesis',
    settings: { clusterId: 'x', datacenter: 'dc1', defaultIntentionAction: 'allow' },
    roots: cluster.state.caRoots,
    operator: { tokenHash: 'a'.repeat(64), name: 'me' },
  } as const
  const redeem = {
    type: 'enrollment.redeem',
    tokenHash: 'a',
    node: 'h',
    nodeId: 'i',
    publicKey: 'k',
  } as const
  for (const command of [genesis, redeem])
    expect(codeOf(writeRequestCodec.decode(writeRequestCodec.encode({ token: '', command })))).toBe(
      'bad-request',
    )
})

const write = messageCodec('WriteRequest')
const decodeCommand = (json: string) =>
  writeRequestCodec.decode(write.encode({ token: '', commandJson: Buffer.from(json) }))

test.each([
  ['no JSON', '{'],
  ['no object', '7'],
  ['an unknown type', '{"type":"cluster.format"}'],
  ['a field of the wrong type', '{"type":"catalog.deregister","node":7}'],
  ['a missing field', '{"type":"intention.delete","sourceName":"web"}'],
  [
    'an undefined status',
    JSON.stringify({
      type: 'catalog.register',
      node: 'h',
      services: [],
      checks: [{ ...check, status: 'odd' }],
    }),
  ],
  ['half a surrogate pair', '{"type":"catalog.deregister","node":"\\ud800"}'],
  [
    'a port that is no number',
    JSON.stringify({
      type: 'catalog.register',
      node: 'h',
      services: [{ ...serviceNamed('a'), port: -1 }],
      checks: [],
    }),
  ],
])('a command with %s is refused', (_, json) => {
  expect(codeOf(decodeCommand(json))).toBe('bad-request')
})

test('what a command carries beyond its shape does not get into the log', () => {
  const command = value(
    decodeCommand('{"type":"catalog.deregister","node":"h1","extra":{"a":1},"__proto__":{"x":1}}'),
  )
  expect(Object.keys(command.command).sort()).toEqual(['node', 'type'])
  expect(Object.getPrototypeOf(command.command)).toBe(Object.prototype)
})

test('names that mean something to JavaScript are only names', () => {
  const json = JSON.stringify({ type: 'catalog.register', node, services: [], checks: [] }).replace(
    '"rack":"a"',
    '"__proto__":"a","constructor":"b"',
  )
  const { command } = value(decodeCommand(json))
  if (command.type !== 'catalog.register' || typeof command.node === 'string')
    throw new Error('another command')
  expect(Object.getPrototypeOf(command.node.meta)).toBe(Object.prototype)
  expect(command.node.meta['constructor']).toBe('b')
})

test('settings of a proxy that are nested beyond reason are refused', () => {
  const deep = (levels: number) => {
    const service = JSON.stringify({ ...sidecar, proxy: { ...proxyOf(sidecar), config: { a: 'HERE' } } })
    const nested = '['.repeat(levels) + ']'.repeat(levels)
    return `{"type":"catalog.register","node":"h1","services":[${service.replace('"HERE"', nested)}],"checks":[]}`
  }
  expect(codeOf(decodeCommand(deep(20)))).toBe('ok')
  expect(codeOf(decodeCommand(deep(100)))).toBe('bad-request')
  expect(codeOf(decodeCommand(deep(100_000)))).toBe('bad-request')
})

test('a refusal names the place and never repeats what stood there', () => {
  const secret = 'hunter2-hunter2'
  const refused = decodeCommand(
    `{"type":"intention.delete","sourceName":{"${secret}":1},"destinationName":"b"}`,
  )
  expect(refused.ok ? '' : refused.failure.message).toContain('sourceName')
  expect(JSON.stringify(refused)).not.toContain(secret)
})

test('queries arrive with their arguments; an unknown one is named as such', () => {
  const options = { consistency: 'stale', minIndex: 7, waitMs: 60_000 } as const
  const args = { service: 'web', tags: ['a'], nodeMeta: { k: 'v' } }
  const request = { name: 'catalog.service', args, options, token: '' } as const
  expect(value(readRequestCodec.decode(readRequestCodec.encode(request)))).toEqual(request)
  const raw = messageCodec('ReadRequest')
  const decode = (more: object) =>
    codeOf(
      readRequestCodec.decode(raw.encode({ argsJson: Buffer.from('{}'), consistency: 'default', ...more })),
    )
  expect(decode({ name: 'status.leader' })).toBe('ok')
  expect(decode({ name: 'status.weather' })).toBe('unsupported-feature')
  expect(decode({ name: 'toString' })).toBe('unsupported-feature')
  expect(decode({ name: 'catalog.node' })).toBe('bad-request')
  expect(decode({ name: 'status.leader', consistency: 'maybe' })).toBe('bad-request')
})

test('answers come back as they were given', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const host = {
    certificatePem: 'pem',
    clusterId: 'c',
    datacenter: 'dc1',
    hostRoots: publicRoots(cluster.state, 'host'),
    serviceRoots: publicRoots(cluster.state, 'service'),
    services: ['web', 'api-*'],
  }
  expect(value(hostCertificateCodec.decode(hostCertificateCodec.encode(host)))).toEqual(host)
  const withKeys = { ...host, gossipKeys: ['AAAA', 'BBBB'] }
  expect(value(hostCertificateCodec.decode(hostCertificateCodec.encode(withKeys)))).toEqual(withKeys)
  const admission = {
    certificatePem: 'pem',
    clusterKey: Buffer.alloc(32, 9),
    clusterId: 'c',
    datacenter: 'dc1',
    hostRoots: host.hostRoots,
    serviceRoots: host.serviceRoots,
  }
  expect(value(serverAdmissionCodec.decode(serverAdmissionCodec.encode(admission)))).toEqual(admission)
  const leaf = { certificatePem: 'pem', serialNumber: 'a:b', notBeforeMs: 1, notAfterMs: 4_000_000_000_000 }
  expect(value(leafCertificateCodec.decode(leafCertificateCodec.encode(leaf)))).toEqual(leaf)
  for (const applied of [
    { kind: 'done' },
    { kind: 'unchanged' },
    { kind: 'intention', id: 'i' },
    { kind: 'enrolled', services: ['web'] },
  ] as const) {
    const answer = { ok: true, index: 2 ** 40, value: applied } as const
    expect(value(writeAnswerCodec.decode(writeAnswerCodec.encode(answer)))).toEqual(answer)
  }
  const meta = { index: 3, knownLeader: false, lastContactMs: 12, effective: 'stale' } as const
  const answer = { meta, answer: ['10.0.0.1:8300'] }
  expect(value(readAnswerCodec.decode(readAnswerCodec.encode(answer)))).toEqual(answer)
})

test('requests for certificates keep their bytes', () => {
  const csr = Uint8Array.from({ length: 256 }, (_, i) => i)
  const leaf = value(signLeafRequestCodec.decode(signLeafRequestCodec.encode({ service: 'web', csr })))
  expect([...leaf.csr]).toEqual([...csr])
  const enroll = { secret: 's', node: 'h1', nodeId: 'i', csr }
  expect([...value(enrollRequestCodec.decode(enrollRequestCodec.encode(enroll))).csr]).toEqual([...csr])
  expect(codeOf(signLeafRequestCodec.decode(signLeafRequestCodec.encode({ service: '', csr })))).toBe(
    'bad-request',
  )
})

test('events of every topic arrive as they were sent', () => {
  const cluster = makeCluster({ clock: new VirtualClock() })
  const row = { createIndex: 1, modifyIndex: 2 }
  const entry = {
    node: { ...node, ...row },
    service: { ...fullSidecar, ...row },
    checks: [{ ...check, ...row }],
  }
  const roots = publicRoots(cluster.state, 'service')
  const bodies = [
    { topic: 'roots', trustDomain: 'td', roots },
    { topic: 'mesh-health', op: 'upsert', entry },
    { topic: 'service-health', op: 'remove', node: 'h1', serviceId: 'web' },
  ] as const
  const frame = { kind: 'event', subject: { topic: 'mesh-health', key: 'web' }, index: 9, bodies } as const
  expect(value(decodeServerFrame(encodeServerFrame(frame)))).toEqual(frame)
})

test('a word that a newer server knows does not cost an older agent its stream', () => {
  const row = { createIndex: 1, modifyIndex: 2 }
  const entry = {
    node: { ...node, ...row },
    service: { ...sidecar, ...row, kind: 'mesh-gateway', proxy: { ...proxyOf(sidecar), mode: 'magic' } },
    checks: [{ ...check, ...row, type: 'grpc', moreToCome: 1 }],
  }
  const bodies = [{ topic: 'mesh-health', op: 'upsert', entry }]
  const frame = { kind: 'event', subject: { topic: 'mesh-health', key: 'web' }, index: 9, bodies }
  expect(codeOf(decodeServerFrame(encodeServerFrame(frame as never)))).toBe('ok')
})
