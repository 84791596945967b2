// Who is let in over real TLS: enrollment by pin, mutual authentication, renewal, and the ways in that must not exist.
import { connect as connectTls } from 'node:tls'
import { afterAll, expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import type { Clock } from '../../../src/platform/ports.ts'
import type { HostCertificate, LeafCertificate } from '../../../src/rpc/contract.ts'
import { generateKey } from '../../../src/wire/x509/keys.ts'
import { createCertificateRequest } from '../../../src/wire/x509/request.ts'
import { serviceNamed } from '../ca/fake-state.ts'
import { answerOf, codeOf, deregister, enrolledHost, hostIdentity, readLeader, Stage } from './harness.ts'

const stage = new Stage()
afterAll(() => stage.close())

const nodeId = '0f0f0f0f-0000-4000-8000-000000000001'

const request = (secret: string, node = 'h1', key = generateKey()) => ({
  secret,
  node,
  nodeId,
  csr: createCertificateRequest(key),
})

test('a host enrolls once with a token, and then works with what it got', async () => {
  const server = await stage.server()
  const token = server.cluster.makeToken()
  const pinned = stage.client([server.address], () => ({ kind: 'pinned', pin: token.pin }))
  const key = generateKey()
  const answer = await answerOf<HostCertificate>((reply) =>
    pinned.enroll(request(token.secret, 'h1', key), reply),
  )
  if (!answer.ok) throw new Error(answer.failure.message)
  expect(codeOf(await answerOf((reply) => pinned.enroll(request(token.secret, 'h2'), reply)))).toBe(
    'token-used',
  )
  const client = stage.client([server.address], () => hostIdentity(answer.value, key))
  server.cluster.state.services.set('h1', [serviceNamed('web')])
  const csr = createCertificateRequest(generateKey())
  const leaf = await answerOf<LeafCertificate>((reply) => client.signLeaf({ service: 'web', csr }, reply))
  expect(leaf.ok ? leaf.value.certificatePem : '').toContain('BEGIN CERTIFICATE')
  const written = await answerOf((reply) => client.write({ command: deregister('h1'), token: '' }, reply))
  expect(written).toEqual({ ok: true, value: { ok: true, index: 1, value: { kind: 'done' } } })
})

test('a server that is not of the pinned authority gets no secret', async () => {
  const real = await stage.server()
  const impostor = await stage.server()
  const token = real.cluster.makeToken()
  const options = { holdTimeoutMs: 30_000 }
  const client = stage.client([impostor.address], () => ({ kind: 'pinned', pin: token.pin }), options)
  const answer = await answerOf((reply) => client.enroll(request(token.secret), reply))
  expect(codeOf(answer)).toBe('wrong-cluster')
  expect(answer.ok ? '' : answer.failure.message).toContain('pins')
  expect(impostor.cluster.admission.written).toEqual([])
  expect([...impostor.cluster.metrics.counts.keys()].filter((key) => key.includes('refused'))).toEqual([])
})

test('a pinned client passes over a false server and enrolls with the true one', async () => {
  const real = await stage.server()
  const impostor = await stage.server()
  const token = real.cluster.makeToken()
  const client = stage.client([impostor.address, real.address], () => ({ kind: 'pinned', pin: token.pin }))
  expect(codeOf(await answerOf((reply) => client.enroll(request(token.secret), reply)))).toBe('ok')
})

test('without a certificate nothing but enrollment is open', async () => {
  const server = await stage.server()
  const { pin } = server.cluster.makeToken()
  const client = stage.client([server.address], () => ({ kind: 'pinned', pin }))
  const csr = createCertificateRequest(generateKey())
  expect(codeOf(await answerOf((reply) => client.signLeaf({ service: 'web', csr }, reply)))).toBe(
    'not-enrolled',
  )
  expect(codeOf(await answerOf((reply) => client.renewHost({ csr }, reply)))).toBe('not-enrolled')
  const write = { command: deregister('h1'), token: '' }
  expect(codeOf(await answerOf((reply) => client.write(write, reply)))).toBe('not-enrolled')
  expect(codeOf(await answerOf((reply) => client.read(readLeader(), reply)))).toBe('not-enrolled')
  const stream = client.control()
  const reason = await new Promise((resolve) =>
    stream.listen({ onFrame: () => undefined, onDrain: () => undefined, onClose: resolve }),
  )
  expect(reason).toMatchObject({ code: 'not-enrolled' })
  expect(server.written).toEqual([])
  expect(server.controls).toEqual([])
})

test('a host of another cluster does not trust this server, and is not trusted by it', async () => {
  const ours = await stage.server()
  const theirs = await stage.server()
  const stranger = enrolledHost(theirs.cluster)
  const shy = stage.client([ours.address], () => stranger.identity, { holdTimeoutMs: 30_000 })
  expect(codeOf(await answerOf((reply) => shy.read(readLeader(), reply)))).toBe('wrong-cluster')
  // The same certificate behind a client that trusts ours: the server refuses it.
  const { trust } = enrolledHost(ours.cluster, 'h2').identity
  const bold = stage.client([ours.address], () => ({ ...stranger.identity, trust }))
  const refused = await answerOf((reply) => bold.read(readLeader(), reply))
  expect(codeOf(refused)).toBe('wrong-cluster')
  expect(refused.ok ? '' : refused.failure.message).toContain('authority')
})

test('a host that poses as a server is not talked to', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const roots = server.cluster.state.roots('host').map((root) => root.certificatePem)
  const certificatePem = identity.tls.certificatePem + roots.join('')
  server.listener?.setIdentity({ ...identity.tls, certificatePem })
  const client = stage.client([server.address], () => identity, { holdTimeoutMs: 30_000 })
  const answer = await answerOf((reply) => client.read(readLeader(), reply))
  expect(codeOf(answer)).toBe('wrong-cluster')
  expect(answer.ok ? '' : answer.failure.message).toContain('not a server')
})

test('a server of another datacenter is not talked to', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const client = stage.client([server.address], () => ({ ...identity, datacenter: 'dc2' }), {
    holdTimeoutMs: 400,
  })
  expect(codeOf(await answerOf((reply) => client.read(readLeader(), reply)))).toBe('wrong-cluster')
})

test('an expired host certificate renews over the wire and does nothing else', async () => {
  let offsetMs = -limits.hostCertificateTtlMs - 3_600_000
  const clock: Clock = { ...systemClock, wallMs: () => systemClock.wallMs() + offsetMs }
  const server = await stage.server(clock)
  const { identity, key } = enrolledHost(server.cluster)
  offsetMs = 0
  // The server was away as long as the host: its own certificate is new, as after its start.
  server.listener?.setIdentity(server.serverIdentity())
  let current = identity
  const client = stage.client([server.address], () => current)
  expect(codeOf(await answerOf((reply) => client.read(readLeader(), reply)))).toBe('not-enrolled')
  const write = { command: deregister('h1'), token: '' }
  expect(codeOf(await answerOf((reply) => client.write(write, reply)))).toBe('not-enrolled')
  const csr = createCertificateRequest(key)
  const renewed = await answerOf<HostCertificate>((reply) => client.renewHost({ csr }, reply))
  if (!renewed.ok) throw new Error(renewed.failure.message)
  current = hostIdentity(renewed.value, key)
  client.identityChanged()
  let last = ''
  for (let i = 0; i < 200 && last !== 'ok'; i += 1)
    last = codeOf(await answerOf((reply) => client.read(readLeader(), reply)))
  expect(last).toBe('ok')
})

test('a client that shows a certificate whose key it does not hold is not connected', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const other = enrolledHost(server.cluster, 'h2').identity
  const mixed = { ...identity, tls: { ...identity.tls, privateKeyPem: other.tls.privateKeyPem } }
  const client = stage.client([server.address], () => mixed, { holdTimeoutMs: 300 })
  expect(codeOf(await answerOf((reply) => client.read(readLeader(), reply)))).toBe('no-server')
})

test('older TLS is refused, and sessions cannot be resumed', async () => {
  const server = await stage.server()
  const { tls } = enrolledHost(server.cluster).identity
  const dial = (more: object) =>
    new Promise<string>((resolve) => {
      const socket = connectTls({
        host: '127.0.0.1',
        port: server.port,
        cert: tls.certificatePem,
        key: tls.privateKeyPem,
        rejectUnauthorized: false,
        ALPNProtocols: ['h2'],
        ...more,
      })
      stage.later(() => void socket.destroy())
      socket.once('error', (error) => resolve(error.message))
      const resumed = 'session' in more
      socket.once('secureConnect', () => {
        if (resumed) resolve(`${socket.getProtocol()} resumed: ${socket.isSessionReused()}`)
      })
      // The ticket comes after the handshake; OpenSSL sends one that is good for nothing.
      socket.once('session', (session) => {
        if (!resumed) resolve(dial({ session }))
      })
    })
  expect(await dial({ maxVersion: 'TLSv1.2' })).toMatch(/alert protocol version|unsupported protocol/i)
  expect(await dial({})).toBe('TLSv1.3 resumed: false')
})

test('a client that speaks no HTTP/2 is cut off', async () => {
  const server = await stage.server()
  const closed = await new Promise<string>((resolve) => {
    const socket = connectTls({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false })
    stage.later(() => void socket.destroy())
    socket.once('error', () => resolve('closed'))
    socket.once('close', () => resolve('closed'))
    socket.resume()
  })
  expect(closed).toBe('closed')
})
