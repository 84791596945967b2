// Outbound listeners: where a connection goes, what a client sees when it cannot.

import { statSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defaultBalance } from '../../../src/model/balance.ts'
import type { ProxyResource } from '../../../src/model/proxy-config.ts'
import { FrameBytes, putAck, putHello } from '../../../src/wire/tunnel/encode.ts'
import { tunnelAlpn } from '../../../src/wire/tunnel/frame.ts'
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

const webWith = (...more: readonly ProxyResource[]): readonly ProxyResource[] => [
  authority.rootsResource(),
  authority.leafResource('web'),
  ...more,
]

const backendWith = (...more: readonly ProxyResource[]): readonly ProxyResource[] => [
  authority.rootsResource(),
  authority.leafResource('backend'),
  policy('backend', 'allow'),
  ...more,
]

test('instances take turns, and one that cannot serve is passed over without the client noticing', async () => {
  const second = await startService()
  const [secondPort, deadService, closedPort] = [await freePort(), await freePort(), await freePort()]
  await backend.publish(
    backendWith(
      inbound('backend', publicPort, service.port),
      inbound('backend', secondPort, second.port, { name: 'b2' }),
      inbound('backend', deadService, await freePort(), { name: 'b3' }),
    ),
  )
  await web.publish(
    webWith(
      endpoints('backend', [
        endpoint('beta/b1', publicPort),
        endpoint('beta/b2', secondPort),
        endpoint('beta/b3', deadService),
        endpoint('beta/b4', closedPort),
        endpoint('beta/b5', 1, { health: 'critical' }),
      ]),
      outbound('web', 'backend', upstreamPort),
    ),
  )
  for (let i = 0; i < 12; i += 1) expect(await exchange(upstreamPort, `request ${i}`)).toBe(`request ${i}`)
  expect(service.connections).toBeGreaterThan(2)
  expect(second.connections).toBeGreaterThan(2)
  // The dead one was tried and said so; the client's side of it is not an end of a connection.
  expect(backend.log.refusals('local-connect-failed').length).toBeGreaterThan(0)
  expect(web.log.refusals('local-connect-failed')).toEqual([])
  await second.close()
})

test.each<[string, () => readonly ProxyResource[], string]>([
  [
    'nothing listens at the only instance',
    () =>
      webWith(
        endpoints('backend', [endpoint('beta/b1', publicPort)]),
        outbound('web', 'backend', upstreamPort),
      ),
    'connect-failed',
  ],
  [
    'there is no instance',
    () => webWith(endpoints('backend', []), outbound('web', 'backend', upstreamPort)),
    'no-healthy-instance',
  ],
  [
    'only critical instances are left',
    () =>
      webWith(
        endpoints('backend', [endpoint('beta/b1', publicPort, { health: 'critical' })]),
        outbound('web', 'backend', upstreamPort),
      ),
    'no-healthy-instance',
  ],
  [
    'the caller has no certificate',
    () => [
      authority.rootsResource(),
      endpoints('backend', [endpoint('beta/b1', publicPort)]),
      outbound('web', 'backend', upstreamPort),
    ],
    'not-ready',
  ],
])('where %s the client sees a reset and the log says why', async (_where, resources, code) => {
  await web.publish(resources())
  expect(await exchange(upstreamPort, 'x')).toBe('ECONNRESET')
  expect(web.log.refusals(code)).toHaveLength(1)
  expect(web.log.refusals(code)[0]).toMatchObject({
    direction: 'outbound',
    source: 'web',
    destination: 'backend',
  })
})

test('another service at the instance’s address is found out: wrong-identity, and no byte reaches it', async () => {
  await backend.publish([
    authority.rootsResource(),
    authority.leafResource('other'),
    policy('other', 'allow'),
    inbound('other', publicPort, service.port),
  ])
  await web.publish(
    webWith(
      endpoints('backend', [endpoint('beta/b1', publicPort)]),
      outbound('web', 'backend', upstreamPort),
    ),
  )
  expect(await exchange(upstreamPort, 'x')).toBe('ECONNRESET')
  expect(web.log.refusals('wrong-identity')).toHaveLength(1)
  expect(service.bytes).toBe(0)
})

test('a far end that would accept everything is told nothing when its certificate names another service', async () => {
  const leaf = authority.service('other')
  const heard: Buffer[] = []
  const server = tls.createServer(
    { cert: leaf.certificatePem, key: leaf.privateKeyPem, ALPNProtocols: [tunnelAlpn] },
    (socket) => {
      socket.on('error', () => {})
      socket.on('data', (bytes: Buffer) => heard.push(bytes))
      const frames = new FrameBytes()
      putHello(frames)
      putAck(frames, 1, 65_536)
      socket.write(Buffer.from(frames.bytes()))
    },
  )
  await new Promise<void>((resolve) => {
    server.listen(publicPort, '127.0.0.1', resolve)
  })
  await web.publish(
    webWith(
      endpoints('backend', [endpoint('beta/b1', publicPort)]),
      outbound('web', 'backend', upstreamPort),
    ),
  )
  expect(await exchange(upstreamPort, 'secret')).toBe('ECONNRESET')
  expect(web.log.refusals('wrong-identity')[0]).toMatchObject({ peerUri: '', instance: 'beta/b1' })
  expect(heard).toEqual([])
  server.close()
})

test('a far proxy of a foreign authority is not trusted', async () => {
  const foreign = new TestAuthority(authority.trustDomain)
  await backend.publish([
    foreign.rootsResource(),
    foreign.leafResource('backend'),
    policy('backend', 'allow'),
    inbound('backend', publicPort, service.port),
  ])
  await web.publish(
    webWith(
      endpoints('backend', [endpoint('beta/b1', publicPort)]),
      outbound('web', 'backend', upstreamPort),
    ),
  )
  expect(await exchange(upstreamPort, 'x')).toBe('ECONNRESET')
  expect(web.log.refusals('untrusted-certificate')).toHaveLength(1)
  expect(service.bytes).toBe(0)
})

test('a server that never answers the handshake: connect-timeout within the upstream’s limit', async () => {
  const silent = await startService((socket) => socket.on('end', () => socket.end()))
  await web.publish(
    webWith(
      endpoints('backend', [endpoint('beta/b1', silent.port)]),
      outbound('web', 'backend', upstreamPort, { connectTimeoutMs: 150 }),
    ),
  )
  expect(await exchange(upstreamPort, 'x')).toBe('ECONNRESET')
  expect(web.log.refusals('connect-timeout')).toHaveLength(1)
  await until('the far connection to be given up', () => silent.sockets.size === 0)
  await silent.close()
})

test('a unix socket with its mode leads to the same place', async () => {
  const path = join(folder.path, 'backend.sock')
  await backend.publish(backendWith(inbound('backend', publicPort, service.port)))
  const atSocket = { bindPort: 0, bindSocketPath: path, bindSocketMode: '0620' }
  await web.publish(
    webWith(endpoints('backend', [endpoint('beta/b1', publicPort)]), outbound('web', 'backend', 0, atSocket)),
  )
  expect(statSync(path).mode & 0o777).toBe(0o620)
  const socket = net.connect(path)
  socket.write('over a file')
  const answer = await new Promise((resolve) => socket.once('data', (bytes) => resolve(bytes.toString())))
  expect(answer).toBe('over a file')
  socket.destroy()
})

test('a local service on a unix socket is served', async () => {
  const path = join(folder.path, 'service.sock')
  const server = net.createServer((socket) => socket.end('from a file')).listen(path)
  const atSocket = { localSocketPath: path, localPort: 0 }
  await backend.publish(backendWith(inbound('backend', publicPort, 0, atSocket)))
  await web.publish(
    webWith(
      endpoints('backend', [endpoint('beta/b1', publicPort)]),
      outbound('web', 'backend', upstreamPort),
    ),
  )
  expect(await exchange(upstreamPort, '')).toBe('from a file')
  server.close()
})

test('connections beyond the worker’s limit are refused with their code', async () => {
  const small = await startHost(folder.path, { maxConnections: 2 })
  await backend.publish(backendWith(inbound('backend', publicPort, service.port)))
  const port = await freePort()
  await small.publish(
    webWith(endpoints('backend', [endpoint('beta/b1', publicPort)]), outbound('web', 'backend', port)),
  )
  const held = [net.connect(port, '127.0.0.1'), net.connect(port, '127.0.0.1')]
  for (const socket of held) socket.write('x')
  await until('two connections', () => service.bytes === 2)
  expect(await exchange(port, 'x')).toBe('ECONNRESET')
  expect(small.log.refusals('too-many-connections')).toHaveLength(1)
  for (const socket of held) socket.destroy()
  await until('the places to be free', () => small.worker.connections() === 0)
  expect(await exchange(port, 'y')).toBe('y')
  await small.stop()
})

test('beyond max_connections of an upstream a client is cut with the limit’s name, until another one is over', async () => {
  await backend.publish(backendWith(inbound('backend', publicPort, service.port)))
  await web.publish(
    webWith(
      endpoints('backend', [endpoint('beta/b1', publicPort)]),
      outbound('web', 'backend', upstreamPort, { balance: { ...defaultBalance, maxConnections: 1 } }),
    ),
  )
  const first = net.connect(upstreamPort, '127.0.0.1')
  first.on('error', () => {})
  await until('the first connection', () => service.sockets.size === 1)
  expect(await exchange(upstreamPort, 'hello')).toBe('ECONNRESET')
  expect(web.log.refusals('too-many-connections').map((line) => line['text'])).toEqual([
    'max_connections = 1 of the upstream is reached',
  ])
  first.destroy()
  await until('its end', () => web.worker.connections() === 0)
  expect(await exchange(upstreamPort, 'hello')).toBe('hello')
})

test('connections that stay open spread by how many there are, and an instance that keeps failing is left alone', async () => {
  const second = await startService()
  const [secondPort, deadPort] = [await freePort(), await freePort()]
  await backend.publish(
    backendWith(
      inbound('backend', publicPort, service.port),
      inbound('backend', secondPort, second.port, { name: 'b2' }),
    ),
  )
  const ejection = { ...defaultBalance.ejection, maxFailures: 2 }
  const balance = { ...defaultBalance, policy: 'least-connections', ejection } as const
  const instances = [['beta/b1', publicPort] as const, ['beta/b2', secondPort] as const]
  await web.publish(
    webWith(
      endpoints('backend', [
        ...instances.map(([id, port]) => endpoint(id, port)),
        endpoint('beta/dead', deadPort),
      ]),
      outbound('web', 'backend', upstreamPort, { balance }),
    ),
  )
  const sockets = Array.from({ length: 20 }, () => net.connect(upstreamPort, '127.0.0.1'))
  await until('all connections', () => service.sockets.size + second.sockets.size === 20)
  expect(Math.abs(service.sockets.size - second.sockets.size)).toBeLessThanOrEqual(4)
  expect(web.log.lines.filter((line) => line['instance'] === 'beta/dead' && 'forMs' in line)).toHaveLength(1)
  for (const socket of sockets) socket.destroy()
  await second.close()
})

test('beyond max_inbound_connections of one instance connections go to the next, and a place is free again after an end', async () => {
  const second = await startService()
  const secondPort = await freePort()
  const one = { maxConnections: 1 }
  await backend.publish(
    backendWith(
      inbound('backend', publicPort, service.port, one),
      inbound('backend', secondPort, second.port, { ...one, name: 'b2' }),
    ),
  )
  const instances = [endpoint('beta/b1', publicPort), endpoint('beta/b2', secondPort)]
  await web.publish(webWith(endpoints('backend', instances), outbound('web', 'backend', upstreamPort)))
  const sockets = [net.connect(upstreamPort, '127.0.0.1'), net.connect(upstreamPort, '127.0.0.1')]
  await until('one connection each', () => service.sockets.size === 1 && second.sockets.size === 1)
  expect(await exchange(upstreamPort, 'third')).toBe('ECONNRESET')
  expect(backend.log.refusals('too-many-connections').map((line) => line['text'])).toContain(
    'max_inbound_connections = 1 is reached',
  )
  sockets[0]?.destroy()
  await until('a free place', () => service.sockets.size + second.sockets.size === 1)
  expect(await exchange(upstreamPort, 'again')).toBe('again')
  sockets[1]?.destroy()
  await second.close()
})
