// Servers of one cluster over real sockets and TLS: who is let in, by which key, and that nothing urgent waits behind bulk.
import { afterAll, afterEach, expect, test } from 'vitest'
import type { ClusterServer } from '../../../src/model/cluster.ts'
import type { Result } from '../../../src/model/errors.ts'
import { logIndex, type NodeId, nodeId, term } from '../../../src/model/ids.ts'
import { limits } from '../../../src/model/limits.ts'
import type { RaftMessage } from '../../../src/model/raft-message.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import type { Clock } from '../../../src/platform/ports.ts'
import { listenTls, type TlsListener } from '../../../src/rpc/listener.ts'
import { channelOf } from '../../../src/rpc/raft-frame.ts'
import { GrpcRaftTransport } from '../../../src/rpc/raft-transport.ts'
import type { TlsIdentity } from '../../../src/rpc/tls.ts'
import { Authority } from '../../../src/server/ca/authority.ts'
import { PeerServers } from '../../../src/server/ca/peer-servers.ts'
import { encodeRaftMessage } from '../../../src/wire/raft-message.ts'
import { generateKey, privateKeyPem, publicKeyInfo, publicKeyPem } from '../../../src/wire/x509/keys.ts'
import { type Cluster, makeCluster } from '../ca/cluster.ts'
import { Counters, RecordingLog, TestRandom } from '../ca/ports.ts'
import { enrolledHost, until } from './harness.ts'

const ids = {
  a: nodeId('aaaaaaaa-0000-4000-8000-000000000001'),
  b: nodeId('bbbbbbbb-0000-4000-8000-000000000002'),
  c: nodeId('cccccccc-0000-4000-8000-000000000003'),
} as const
type Name = keyof typeof ids

const yearMs = 365 * 24 * 3_600_000
const later: Clock = { ...systemClock, wallMs: () => systemClock.wallMs() + yearMs }
const now: Clock = systemClock

const open: Node[] = []
afterEach(async () => {
  for (const node of open.splice(0)) await node.close()
})

/** A server as far as the transport knows it. */
class Node {
  readonly name: Name
  readonly cluster: Cluster
  readonly metrics = new Counters()
  readonly log = new RecordingLog()
  readonly received: { readonly from: NodeId; readonly message: RaftMessage }[] = []
  readonly key = generateKey()
  identity: TlsIdentity
  configuration: readonly ClusterServer[] = []
  transport: GrpcRaftTransport
  listener: TlsListener | undefined
  readonly clock: Clock
  port = 0

  constructor(name: Name, cluster: Cluster, clock: Clock = now) {
    this.name = name
    this.cluster = cluster
    this.clock = clock
    this.identity = this.certificate(now)
    this.transport = this.#transport()
    open.push(this)
  }

  /** Signed at the time of `clock`, for this server's key or another one. */
  certificate(clock: Clock, key = this.key): TlsIdentity {
    const { clusterKey, state } = this.cluster
    const authority = new Authority({
      clusterKey,
      view: () => state,
      clock,
      random: new TestRandom(),
      leafTtlMs: 1,
    })
    const names = { node: this.name, dnsNames: [], ipAddresses: ['127.0.0.1'] }
    const signed = authority.signServer(names, publicKeyInfo(key))
    if (!signed.ok) throw new Error(signed.failure.message)
    return { certificatePem: signed.value.chainPem, privateKeyPem: privateKeyPem(key) }
  }

  get row(): ClusterServer {
    const publicKey = publicKeyPem(this.key)
    return { id: ids[this.name], address: `127.0.0.1:${this.port}`, suffrage: 'voter', publicKey }
  }

  async listen(): Promise<this> {
    const { log, metrics } = this
    const result = await new Promise<Result<TlsListener>>((done) =>
      listenTls(
        {
          api: {} as never,
          clock: systemClock,
          log,
          metrics,
          host: '127.0.0.1',
          port: this.port,
          identity: this.identity,
          audienceOf: (peer) => (this.peers.isServer(peer) ? 'servers' : 'strangers'),
          raft: (peer, channel, stream) => this.transport.accept(peer, channel, stream),
        },
        done,
      ),
    )
    if (!result.ok) throw new Error(result.failure.message)
    this.listener = result.value
    this.port = result.value.port
    this.transport = this.#transport()
    return this
  }

  readonly peers = new PeerServers({
    view: () => this.cluster.state,
    files: () => undefined,
    servers: () => this.configuration,
    clock: { wallMs: () => this.clock.wallMs() },
  })

  #transport(): GrpcRaftTransport {
    const transport = new GrpcRaftTransport({
      id: ids[this.name],
      address: `127.0.0.1:${this.port}`,
      version: '1.0.0',
      featureLevel: 7,
      identity: () => this.identity,
      judge: this.peers.judge,
      clock: systemClock,
      random: new TestRandom(),
      log: this.log,
      metrics: this.metrics,
    })
    transport.onMessage((from, message) => this.received.push({ from, message }))
    return transport
  }

  know(...others: readonly Node[]): void {
    this.configuration = [this, ...others].map((node) => node.row)
    this.transport.setServers(this.configuration)
  }

  async close(): Promise<void> {
    this.transport.close()
    const { listener } = this
    this.listener = undefined
    if (listener !== undefined) await new Promise<void>((done) => listener.close(done))
  }

  refusals(reason: string): number {
    return this.metrics.counts.get(`mesh_raft_peers_refused_total ${reason}`) ?? 0
  }
}

const clusters: Cluster[] = []
const newCluster = (): Cluster => {
  const cluster = makeCluster({ clock: now })
  clusters.push(cluster)
  return cluster
}
afterAll(() => clusters.splice(0))

async function pair(cluster = newCluster()): Promise<readonly [Node, Node]> {
  return [await new Node('a', cluster).listen(), await new Node('b', cluster).listen()]
}

const heartbeat = (round: number): RaftMessage => ({
  type: 'heartbeat',
  term: term(3),
  commit: logIndex(4),
  round,
})
const append = (bytes: number, first = 1): RaftMessage => ({
  type: 'append',
  term: term(3),
  previous: { index: logIndex(first - 1), term: term(3) },
  commit: logIndex(0),
  entries: [{ index: logIndex(first), term: term(3), kind: 'command', data: new Uint8Array(bytes).fill(7) }],
})
const chunk = (bytes: number): RaftMessage => ({
  type: 'snapshot-chunk',
  term: term(3),
  last: { index: logIndex(9), term: term(2) },
  fileBytes: bytes,
  offset: 0,
  checksum: 1,
  data: new Uint8Array(bytes).fill(1),
})

test('messages of every channel arrive as they were sent, with the sender that the key proves', async () => {
  const [a, b] = await pair()
  a.know(b)
  b.know(a)
  const sent = [heartbeat(1), append(300), chunk(limits.snapshotChunkBytes)]
  for (const message of sent) a.transport.send(ids.b, message)
  await until(() => b.received.length === 3, 'three messages')
  const asSent = (from: NodeId, message: RaftMessage): string =>
    `${from} ${Buffer.from(encodeRaftMessage(message)).toString('base64')}`
  expect(b.received.map(({ from, message }) => asSent(from, message)).sort()).toEqual(
    sent.map((message) => asSent(ids.a, message)).sort(),
  )
  b.transport.send(ids.a, { type: 'append-accepted', term: term(3), match: logIndex(1) })
  await until(() => a.received.length === 1, 'the answer')
  expect(a.received[0]?.from).toBe(ids.b)
  expect(a.transport.reports()).toMatchObject([
    { id: ids.b, isConnected: true, reason: '', version: '1.0.0', featureLevel: 7 },
  ])
})

test('a heartbeat passes a receiver’s backlog of snapshot chunks and appends', async () => {
  const [a, b] = await pair()
  a.know(b)
  b.know(a)
  a.transport.send(ids.b, heartbeat(1))
  a.transport.send(ids.b, append(10))
  a.transport.send(ids.b, chunk(10))
  await until(() => b.received.length === 3, 'the connections')
  b.received.length = 0
  for (let i = 0; i < 12; i += 1) a.transport.send(ids.b, chunk(limits.snapshotChunkBytes))
  for (let i = 0; i < 12; i += 1) a.transport.send(ids.b, append(limits.appendBytes, i + 1))
  a.transport.send(ids.b, heartbeat(2))
  await until(() => b.received.length === 25, 'everything', 20_000)
  const order = b.received.map(({ message }) => channelOf(message))
  expect(order.indexOf('heartbeats')).toBeLessThan(order.lastIndexOf('appends'))
  expect(order.indexOf('heartbeats')).toBeLessThan(order.lastIndexOf('snapshots'))
})

test('a year later, with certificates that have all expired, the recorded keys still let everybody in', async () => {
  const cluster = newCluster()
  const a = await new Node('a', cluster, later).listen()
  const b = await new Node('b', cluster, later).listen()
  a.know(b)
  b.know(a)
  a.transport.send(ids.b, heartbeat(1))
  b.transport.send(ids.a, heartbeat(2))
  await until(() => a.received.length === 1 && b.received.length === 1, 'both directions')
})

test('an expired certificate whose key is recorded nowhere is refused', async () => {
  const cluster = newCluster()
  const a = await new Node('a', cluster, later).listen()
  const b = await new Node('b', cluster, later).listen()
  a.know(b)
  b.know()
  a.transport.send(ids.b, heartbeat(1))
  await until(() => a.transport.reports()[0]?.reason !== '', 'the refusal')
  expect(b.received).toEqual([])
})

test('a valid certificate with another key than the recorded one is refused, with reason and counter, on either side', async () => {
  const [a, b] = await pair()
  a.identity = a.certificate(now, generateKey())
  a.listener?.setIdentity(a.identity)
  b.configuration = [a.row, b.row]
  b.transport.setServers([{ ...a.row, address: '127.0.0.1:1' }, b.row])
  a.know(b)
  a.transport.send(ids.b, heartbeat(1))
  await until(() => b.refusals('wrong-key') > 0, 'the acceptor to refuse')
  expect(b.log.lines.join('\n')).toContain('another key than the one that is recorded')
  expect(b.received).toEqual([])
  a.transport.close()
  const before = b.refusals('wrong-key')
  b.know(a)
  b.transport.send(ids.a, heartbeat(1))
  await until(() => b.refusals('wrong-key') > before, 'the dialler to refuse')
  expect(a.received).toEqual([])
  await until(() => b.transport.reports()[0]?.reason.includes('another key') === true, 'the report')
})

test('a host of the mesh and a server of another cluster are refused', async () => {
  const [a, b] = await pair()
  a.identity = enrolledHost(a.cluster).identity.tls
  a.know(b)
  a.transport.send(ids.b, heartbeat(1))
  await until(() => a.transport.reports()[0]?.reason !== '', 'the host to be refused')
  const foreign = new Node('a', newCluster())
  a.identity = foreign.identity
  await until(
    () => (a.metrics.counts.get('mesh_raft_connects_failed_total heartbeats unsupported-feature') ?? 0) > 2,
    'more attempts',
  )
  expect(b.received).toEqual([])
})

test('a server that was given another one’s address is told so, and nothing is delivered', async () => {
  const cluster = newCluster()
  const a = await new Node('a', cluster).listen()
  const b = await new Node('b', cluster).listen()
  const c = new Node('c', cluster)
  c.port = b.port
  a.know(c)
  b.know(a)
  a.transport.send(ids.c, heartbeat(1))
  await until(() => a.refusals('wrong-key') > 0, 'the key to be compared')
  expect(b.received).toEqual([])
})

test('a server that no configuration names is forgotten once it speaks no more', async () => {
  const [a, b] = await pair()
  a.know(b)
  a.transport.send(ids.b, heartbeat(1))
  await until(() => b.received.length === 1, 'the message')
  b.transport.send(ids.a, heartbeat(2))
  const dropped = (): number => b.metrics.counts.get('raft_messages_dropped_total unknown') ?? 0
  expect(dropped(), 'it is answered while it speaks').toBe(0)
  a.transport.close()
  await until(() => {
    b.transport.send(ids.a, heartbeat(3))
    return dropped() > 0
  }, 'it is forgotten')
})

test('a server that joins is heard by its valid certificate and answered where it says it is', async () => {
  const [a, b] = await pair()
  a.know(b)
  // b has no configuration yet.
  a.transport.send(ids.b, append(10))
  await until(() => b.received.length === 1, 'the first append')
  b.transport.send(ids.a, {
    type: 'append-rejected',
    term: term(3),
    previous: logIndex(0),
    hint: { index: logIndex(0), term: term(0) },
  })
  await until(() => a.received.length === 1, 'the answer')
  expect(b.transport.reports()).toEqual([])
})

test('a server that was away is connected again soon, without a message being needed', async () => {
  const [a, b] = await pair()
  a.know(b)
  b.know(a)
  a.transport.send(ids.b, heartbeat(1))
  await until(() => a.transport.reports()[0]?.isConnected === true, 'a connection')
  await new Promise<void>((done) => b.listener?.close(done))
  await until(() => a.transport.reports()[0]?.isConnected === false, 'the loss to be noticed')
  await b.listen()
  b.know(a)
  await until(() => a.transport.reports()[0]?.isConnected === true, 'the connection to be back')
  const before = b.received.length
  a.transport.send(ids.b, heartbeat(2))
  await until(() => b.received.length > before, 'messages to flow again')
})

test('what waits for a server that is away is bounded', async () => {
  const cluster = newCluster()
  const a = await new Node('a', cluster).listen()
  const b = new Node('b', cluster)
  b.port = 1
  a.know(b)
  for (let i = 0; i < 200; i += 1) a.transport.send(ids.b, append(limits.appendBytes))
  const fits = limits.raftAppendsQueuedBytes / limits.appendBytes
  expect(a.metrics.counts.get('raft_messages_dropped_total appends')).toBeGreaterThanOrEqual(200 - fits)
})
