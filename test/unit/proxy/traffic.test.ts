// Traffic from one worker to another over the tunnel, with everything real but the processes.
import { createHash, randomBytes } from 'node:crypto'
import net from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TestAuthority } from './authority.ts'
import {
  type CountingService,
  endpoint,
  endpoints,
  exchange,
  freePort,
  inbound,
  type LabHost,
  outbound,
  policy,
  startHost,
  startService,
  temporaryFolder,
  until,
} from './lab.ts'

const authority = new TestAuthority()
const folder = { path: '', remove: (): void => {} }
let web: LabHost
let backend: LabHost
let service: CountingService
let upstreamPort: number
let publicPort: number

beforeEach(async () => {
  Object.assign(folder, temporaryFolder())
  ;[web, backend, service] = await Promise.all([
    startHost(folder.path),
    startHost(folder.path),
    startService(),
  ])
  upstreamPort = await freePort()
  publicPort = await freePort()
})

afterEach(async () => {
  await Promise.all([web.stop(), backend.stop(), service.close()])
  folder.remove()
})

const webResources = () => [
  authority.rootsResource(),
  authority.leafResource('web'),
  endpoints('backend', [endpoint('beta/backend', publicPort)]),
  outbound('web', 'backend', upstreamPort),
]

const backendResources = (localPort: number) => [
  authority.rootsResource(),
  authority.leafResource('backend'),
  policy('backend', 'deny', [{ sourceName: 'web', destinationName: 'backend', action: 'allow' }]),
  inbound('backend', publicPort, localPort),
]

async function configure(localPort = service.port): Promise<void> {
  await backend.publish(backendResources(localPort))
  await web.publish(webResources())
}

test('a request passes over mTLS and both access logs name the peers, the TLS version and the bytes', async () => {
  await configure()
  expect(await exchange(upstreamPort, 'hello mesh')).toBe('hello mesh')
  const ended = (host: LabHost) =>
    until('the access log', () => host.log.lines.find((line) => line.message === 'connection ended'))
  expect(await ended(web)).toMatchObject({
    direction: 'outbound',
    source: 'web',
    destination: 'backend',
    instance: 'beta/backend',
    peerUri: `spiffe://${authority.trustDomain}/ns/default/dc/dc1/svc/backend`,
    tlsVersion: 'TLSv1.3',
    bytesToDestination: 10,
    bytesToSource: 10,
    code: 'closed',
  })
  expect(await ended(backend)).toMatchObject({
    direction: 'inbound',
    listener: 'backend-sidecar-proxy',
    source: 'web',
    destination: 'backend',
    instance: 'beta/backend',
    peerUri: `spiffe://${authority.trustDomain}/ns/default/dc/dc1/svc/web`,
    tlsVersion: 'TLSv1.3',
    bytesToDestination: 10,
    bytesToSource: 10,
    code: 'closed',
  })
})

/** Reads a socket to its end, resting between chunks, and hashes. */
function hashSlowly(socket: net.Socket, restEvery: number): Promise<{ hash: string; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  let untilRest = restEvery
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      hash.update(chunk)
      bytes += chunk.length
      untilRest -= chunk.length
      if (untilRest > 0) return
      untilRest = restEvery
      socket.pause()
      setTimeout(() => socket.resume(), 2)
    })
    socket.on('error', reject)
    socket.on('end', () => resolve({ hash: hash.digest('hex'), bytes }))
  })
}

/** Sends, half-closes, and can tell the digest of what was sent once the other side has seen the end. */
function sendRandom(socket: net.Socket, bytes: number): { digest(): string } {
  const hash = createHash('sha256')
  const block = randomBytes(1_000_003)
  let left = bytes
  const more = (): void => {
    while (left > 0) {
      const chunk = block.subarray(0, Math.min(left, 1 + (left % block.length)))
      hash.update(chunk)
      left -= chunk.length
      if (!socket.write(chunk)) {
        socket.once('drain', more)
        return
      }
    }
    socket.end()
  }
  more()
  return { digest: () => hash.digest('hex') }
}

test('bulk data of several connections, both ways at once, arrives unchanged through slow readers and half-closes', async () => {
  const clients = 5
  const upBytes = 5_000_005
  const downBytes = 6_000_017
  const received: ReturnType<typeof hashSlowly>[] = []
  const sent: ReturnType<typeof sendRandom>[] = []
  const bulk = await startService((socket) => {
    received.push(hashSlowly(socket, 1_000_000))
    sent.push(sendRandom(socket, downBytes))
  })
  await configure(bulk.port)
  const sockets = Array.from({ length: clients }, () =>
    net.connect({ port: upstreamPort, host: '127.0.0.1', allowHalfOpen: true }),
  )
  const down = sockets.map((socket, n) => hashSlowly(socket, 300_000 * (n + 1)))
  const up = sockets.map((socket) => sendRandom(socket, upBytes))
  const downloaded = await Promise.all(down)
  const uploaded = await Promise.all(received)
  const byHash = (a: { hash: string }, b: { hash: string }): number => (a.hash < b.hash ? -1 : 1)
  const facts = (digests: readonly { digest(): string }[], bytes: number) =>
    digests.map((each) => ({ hash: each.digest(), bytes })).sort(byHash)
  expect(downloaded.sort(byHash)).toEqual(facts(sent, downBytes))
  expect(uploaded.sort(byHash)).toEqual(facts(up, upBytes))
  for (const socket of sockets) socket.destroy()
  await bulk.close()
}, 60_000)

test('a client that ends first still gets the whole answer', async () => {
  const lazy = await startService((socket) => {
    const parts: Buffer[] = []
    socket.on('data', (bytes) => parts.push(bytes))
    socket.on('end', () => socket.end(`got ${Buffer.concat(parts).toString()}`.repeat(50_000)))
  })
  await configure(lazy.port)
  expect(await exchange(upstreamPort, 'question')).toBe('got question'.repeat(50_000))
  await lazy.close()
})

test('a service that speaks first is heard', async () => {
  const greeter = await startService((socket) => socket.end('welcome'))
  await configure(greeter.port)
  const socket = net.connect(upstreamPort, '127.0.0.1')
  const greeting = await new Promise((resolve) => socket.once('data', (bytes) => resolve(bytes.toString())))
  expect(greeting).toBe('welcome')
  socket.destroy()
  await greeter.close()
})

test('a reset on either side arrives as a reset on the other', async () => {
  await configure()
  const client = net.connect(upstreamPort, '127.0.0.1')
  client.write('x')
  const [atService] = await until('the connection', () =>
    service.bytes > 0 ? [...service.sockets] : undefined,
  )
  const lost = new Promise((resolve) =>
    atService?.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
  )
  client.resetAndDestroy()
  expect(await lost).toBe('ECONNRESET')

  const second = net.connect(upstreamPort, '127.0.0.1')
  second.write('y')
  const error = new Promise((resolve) => second.once('error', (e: NodeJS.ErrnoException) => resolve(e.code)))
  const [other] = await until('the second connection', () =>
    service.bytes > 1 ? [...service.sockets] : undefined,
  )
  other?.resetAndDestroy()
  expect(await error).toBe('ECONNRESET')
})

test('a deny cuts the open connection before it is acknowledged, and no byte of 1,000 later attempts arrives', async () => {
  await configure()
  const client = net.connect(upstreamPort, '127.0.0.1')
  client.write('x')
  await until('the connection', () => service.bytes === 1)
  const cut = new Promise((resolve) => client.once('error', (e: NodeJS.ErrnoException) => resolve(e.code)))
  const denied = [...backendResources(service.port).filter((r) => r.kind !== 'policy')]
  let cutAtAck: number | undefined
  backend.link.onEnforced((byDestination) => {
    if (byDestination.get('backend')?.[0] === 2)
      cutAtAck ??= backend.log.lines.filter(
        (line) => line.message === 'connection ended' && line['code'] === 'denied-by-intention',
      ).length
  })
  await backend.publish([
    ...denied,
    policy('backend', 'allow', [{ sourceName: 'web', destinationName: 'backend', action: 'deny' }], 2),
  ])
  expect(cutAtAck).toBe(1)
  expect(await cut).toBe('ECONNRESET')
  await until('the service sees the cut', () => service.sockets.size === 0)
  const before = { bytes: service.bytes, connections: service.connections }
  const answers = new Set<string>()
  for (let round = 0; round < 20; round += 1)
    for (const answer of await Promise.all(
      Array.from({ length: 50 }, () => exchange(upstreamPort, 'secret')),
    ))
      answers.add(answer)
  expect([...answers]).toEqual(['ECONNRESET'])
  expect({ bytes: service.bytes, connections: service.connections }).toEqual(before)
  // The log has a sample of them, the counters have all.
  const counted = (host: LabHost): unknown => host.worker.counters.all().map((row) => row.refusals)
  expect(counted(backend)).toEqual([{ 'denied-by-intention': 1_001 }])
  expect(counted(web)).toEqual([{ 'denied-by-intention': 1_000 }])

  await backend.publish([...denied, policy('backend', 'allow', [], 3)])
  expect(await exchange(upstreamPort, 'again')).toBe('again')
}, 60_000)

test('connections that a new policy still allows stay open', async () => {
  await configure()
  const client = net.connect(upstreamPort, '127.0.0.1')
  client.write('x')
  await until('the connection', () => service.bytes === 1)
  await backend.publish([
    ...backendResources(service.port).filter((r) => r.kind !== 'policy'),
    policy('backend', 'deny', [{ sourceName: 'web', destinationName: '*', action: 'allow' }], 2),
  ])
  client.write('y')
  await until('more bytes', () => service.bytes === 2)
  client.destroy()
})

test('a renewed leaf is used by new connections and cuts no open one', async () => {
  await configure()
  const client = net.connect(upstreamPort, '127.0.0.1')
  client.write('x')
  await until('the connection', () => service.bytes === 1)
  await backend.publish(backendResources(service.port))
  await web.publish(webResources())
  client.write('y')
  await until('more bytes', () => service.bytes === 2)
  expect(await exchange(upstreamPort, 'new')).toBe('new')
  client.destroy()
})

test('counters of both directions reach the agents', async () => {
  await configure()
  await exchange(upstreamPort, 'hello')
  await exchange(upstreamPort, 'hello')
  const pair = { source: 'web', destination: 'backend' }
  await until('the metrics', () => {
    const labels = { ...pair, direction: 'inbound' }
    return backend.metrics.value('mesh_proxy_bytes_to_destination_total', labels) === 10
  })
  expect(backend.metrics.value('mesh_proxy_connections_total', { ...pair, direction: 'inbound' })).toBe(2)
  expect(web.metrics.value('mesh_proxy_bytes_to_source_total', { ...pair, direction: 'outbound' })).toBe(10)
})
