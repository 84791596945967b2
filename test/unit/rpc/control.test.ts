// The control stream over real TLS: frames both ways, back-pressure, certificate changes, ends and malformed frames.
import { connect, createServer, type Socket } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import type { Failure } from '../../../src/model/errors.ts'
import type { AgentFrame, FrameStream, HostCertificate, ServerFrame } from '../../../src/rpc/contract.ts'
import { createCertificateRequest } from '../../../src/wire/x509/request.ts'
import {
  answerOf,
  type Control,
  codeOf,
  enrolledHost,
  hostIdentity,
  readLeader,
  Stage,
  type TestServer,
  until,
} from './harness.ts'

const stage = new Stage()
afterAll(() => stage.close())

interface End<In> {
  readonly frames: In[]
  closed: { readonly reason: Failure | undefined } | undefined
  drains: number
}

function listen<Out, In>(stream: FrameStream<Out, In>): End<In> {
  const end: End<In> = { frames: [], closed: undefined, drains: 0 }
  stream.listen({
    onFrame: (frame) => end.frames.push(frame),
    onDrain: () => {
      end.drains += 1
    },
    onClose: (reason) => {
      if (end.closed !== undefined) throw new Error('closed twice')
      end.closed = { reason }
    },
  })
  return end
}

async function opened() {
  const server = await stage.server()
  const host = enrolledHost(server.cluster)
  let identity = host.identity
  const client = stage.client([server.address], () => identity)
  const near = client.control()
  const nearEnd = listen<AgentFrame, ServerFrame>(near)
  const far = await serverSide(server, 0)
  const farEnd = listen<ServerFrame, AgentFrame>(far)
  const change = (next: typeof identity): void => {
    identity = next
    client.identityChanged()
  }
  return { server, host, client, near, nearEnd, far, farEnd, change }
}

async function serverSide(server: TestServer, number: number): Promise<Control> {
  await until(() => server.controls[number] !== undefined, 'the stream to arrive')
  const control = server.controls[number]
  if (control === undefined) throw new Error('no stream')
  return control.stream
}

const subject = { topic: 'intentions', key: 'backend' } as const
const event = (index: number): ServerFrame => ({
  kind: 'event',
  subject,
  index,
  bodies: [
    {
      topic: 'intentions',
      defaultAction: 'deny',
      rules: [{ sourceName: 'web', destinationName: 'backend', action: 'allow' }],
    },
  ],
})

test('frames of every kind arrive as they were sent, in order, both ways', async () => {
  const { near, nearEnd, far, farEnd, server } = await opened()
  const up: AgentFrame[] = [
    { kind: 'hello', node: 'h1', nodeId: 'id', version: '0.1.0', minVersion: 1, maxVersion: 1 },
    { kind: 'subscribe', subject, cursor: 9_007_199_254_740_991 },
    { kind: 'unsubscribe', subject: { topic: 'roots', key: '' } },
    { kind: 'enforced', destination: 'backend', indexes: [0, 7] },
    { kind: 'enforced', destination: 'backend', indexes: [] },
    { kind: 'ping', nonce: 5 },
  ]
  const down: ServerFrame[] = [
    { kind: 'welcome', server: 's1', version: '0.1.0', linkVersion: 1 },
    { kind: 'snapshot-begin', subject },
    event(12),
    { kind: 'snapshot-end', subject, index: 12 },
    { kind: 'pong', nonce: 5 },
    { kind: 'goaway', reason: { code: 'overloaded', message: 'läuft über' }, retryAfterMs: 2_000 },
  ]
  for (const frame of up) near.send(frame)
  for (const frame of down) far.send(frame)
  await until(() => farEnd.frames.length === up.length && nearEnd.frames.length === down.length, 'all frames')
  expect(farEnd.frames).toEqual(up)
  expect(nearEnd.frames).toEqual(down)
  expect(server.controls[0]?.peer.certificates).toHaveLength(1)
  expect(server.controls[0]?.peer.address).toContain('127.0.0.1')
})

/** A wire between client and server that can be cut off without a word, as by a full buffer far away. */
async function relayTo(port: number) {
  const sockets: Socket[] = []
  const relay = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    sockets.push(near, far)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
    near.pipe(far)
    far.pipe(near)
  })
  await new Promise<void>((done) => relay.listen(0, '127.0.0.1', done))
  stage.later(() => {
    for (const socket of sockets) socket.destroy()
    relay.close()
  })
  const address = relay.address()
  return {
    address: `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    stall: () => {
      const far = sockets[1]
      far?.unpipe()
      far?.pause()
    },
  }
}

test('a receiver that does not read is seen by the sender, who can drop what it queued', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const relay = await relayTo(server.port)
  const client = stage.client([relay.address], () => identity)
  const near = listen<AgentFrame, ServerFrame>(client.control())
  const far = await serverSide(server, 0)
  const farEnd = listen<ServerFrame, AgentFrame>(far)
  far.send({ kind: 'pong', nonce: 1 })
  await until(() => near.frames.length === 1, 'the first frame')
  const drains = farEnd.drains
  relay.stall()
  const bulk: ServerFrame = { kind: 'welcome', server: 'x'.repeat(100_000), version: '', linkVersion: 1 }
  for (let i = 0; i < 300; i += 1) far.send(bulk)
  let before = 0
  let same = 0
  await until(() => {
    same = far.queuedBytes() === before ? same + 1 : 0
    before = far.queuedBytes()
    return same > 20
  }, 'the network to fill up')
  expect(far.queuedBytes()).toBeGreaterThan(15_000_000)
  expect(farEnd.drains).toBe(drains)
  far.destroy({ code: 'overloaded', message: 'too slow' })
  await until(() => farEnd.closed !== undefined, 'the end')
  expect(farEnd.closed?.reason?.code).toBe('overloaded')
  // Others are served as before.
  const other = stage.client([server.address], () => enrolledHost(server.cluster, 'h2').identity)
  expect(codeOf(await answerOf((reply) => other.read(readLeader(), reply)))).toBe('ok')
  expect(server.cluster.metrics.counts.get('mesh_rpc_internal_errors_total')).toBeUndefined()
})

test('a receiver that reads lets the queue run empty, which is told', async () => {
  const { far, farEnd, nearEnd } = await opened()
  const bulk: ServerFrame = { kind: 'welcome', server: 'x'.repeat(100_000), version: '', linkVersion: 1 }
  for (let i = 0; i < 100; i += 1) far.send(bulk)
  await until(() => nearEnd.frames.length === 100 && far.queuedBytes() === 0, 'everything to arrive')
  expect(farEnd.drains).toBeGreaterThan(0)
})

test('an event is encoded once for all the streams it goes to', async () => {
  const server = await stage.server()
  let encoded = 0
  const body = {
    topic: 'intentions',
    defaultAction: 'deny',
    get rules() {
      encoded += 1
      return []
    },
  }
  const bodies = [body]
  const frame = { kind: 'event', subject, index: 3, bodies } as unknown as ServerFrame
  const ends: End<ServerFrame>[] = []
  for (let i = 0; i < 5; i += 1) {
    const { identity } = enrolledHost(server.cluster, `many-${i}`)
    const client = stage.client([server.address], () => identity)
    ends.push(listen<AgentFrame, ServerFrame>(client.control()))
    const far = await serverSide(server, i)
    far.send({ ...frame })
  }
  await until(() => ends.every((end) => end.frames.length === 1), 'the event everywhere')
  for (const end of ends) expect(end.frames[0]).toMatchObject({ kind: 'event', index: 3 })
  expect(encoded).toBe(1)
})

test('an end is told as an end, a destruction with its reason', async () => {
  const first = await opened()
  first.far.send({ kind: 'pong', nonce: 1 })
  first.far.end()
  await until(() => first.nearEnd.closed !== undefined && first.farEnd.closed !== undefined, 'the end')
  expect(first.nearEnd.frames).toEqual([{ kind: 'pong', nonce: 1 }])
  expect(first.nearEnd.closed).toEqual({ reason: undefined })
  expect(first.farEnd.closed).toEqual({ reason: undefined })
  const second = await opened()
  second.far.destroy({ code: 'host-evicted', message: 'gone' })
  await until(() => second.nearEnd.closed !== undefined, 'the end')
  expect(second.nearEnd.closed?.reason).toEqual({ code: 'host-evicted', message: 'gone' })
  const third = await opened()
  third.near.end()
  await until(() => third.farEnd.closed !== undefined && third.nearEnd.closed !== undefined, 'the end')
  expect(third.farEnd.closed).toEqual({ reason: undefined })
  const fourth = await opened()
  fourth.near.destroy({ code: 'overloaded', message: 'mine' })
  await until(() => fourth.farEnd.closed !== undefined && fourth.nearEnd.closed !== undefined, 'the end')
  expect(fourth.nearEnd.closed?.reason?.code).toBe('overloaded')
})

test('a cut connection is told as a loss at both ends', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const relay = await relayTo(server.port)
  const client = stage.client([relay.address], () => identity)
  const near = listen<AgentFrame, ServerFrame>(client.control())
  const far = listen<ServerFrame, AgentFrame>(await serverSide(server, 0))
  relay.cut()
  await until(() => far.closed !== undefined && near.closed !== undefined, 'the loss')
  expect(far.closed?.reason?.code).toBe('no-server')
  expect(near.closed?.reason?.code).toBe('no-server')
})

test('new certificates on both sides leave the open stream alone', async () => {
  const { server, host, client, near, nearEnd, far, farEnd, change } = await opened()
  const csr = createCertificateRequest(host.key)
  const renewed = await answerOf<HostCertificate>((reply) => client.renewHost({ csr }, reply))
  if (!renewed.ok) throw new Error(renewed.failure.message)
  server.listener?.setIdentity(server.serverIdentity())
  change(hostIdentity(renewed.value, host.key))
  const next = client.control()
  listen<AgentFrame, ServerFrame>(next)
  next.send({ kind: 'ping', nonce: 2 })
  const farNext = await serverSide(server, 1)
  listen<ServerFrame, AgentFrame>(farNext)
  near.send({ kind: 'ping', nonce: 1 })
  far.send({ kind: 'pong', nonce: 1 })
  await until(() => farEnd.frames.length === 1 && nearEnd.frames.length === 1, 'frames on the old stream')
  expect(nearEnd.closed).toBeUndefined()
  // Calls made from now on come with the new certificate.
  const shown = (): string | undefined => {
    const der = server.controls.at(-1)?.peer.certificates[0]
    return der === undefined ? undefined : Buffer.from(der).toString('base64').slice(0, 60)
  }
  await until(() => {
    const again = client.control()
    listen<AgentFrame, ServerFrame>(again)
    return shown() === renewed.value.certificatePem.split('\n')[1]?.slice(0, 60)
  }, 'the new certificate to be shown')
  expect(nearEnd.closed).toBeUndefined()
})

test('a frame that is none ends the stream with a reason, and only the stream', async () => {
  const { server, client, nearEnd, near, farEnd } = await opened()
  near.send({ kind: 'subscribe', subject: { topic: 'weather', key: '' }, cursor: 0 } as unknown as AgentFrame)
  await until(() => nearEnd.closed !== undefined, 'the end')
  expect(nearEnd.closed?.reason?.code).toBe('bad-request')
  expect(farEnd.closed?.reason?.code).toBe('bad-request')
  expect(farEnd.frames).toEqual([])
  expect(codeOf(await answerOf((reply) => client.read(readLeader(), reply)))).toBe('ok')
  expect(server.controls).toHaveLength(1)
})
