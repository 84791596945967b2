// Callers that have not proved to belong to the cluster get little room, and none of that of its members.
import { type ClientHttp2Session, connect } from 'node:http2'
import { afterAll, expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import type { TlsIdentity } from '../../../src/rpc/tls.ts'
import { generateKey } from '../../../src/wire/x509/keys.ts'
import { createCertificateRequest } from '../../../src/wire/x509/request.ts'
import { answerOf, codeOf, enrolledHost, readLeader, Stage, type TestServer } from './harness.ts'

const stage = new Stage()
afterAll(() => stage.close())

/** The session once the server has said its limits, or undefined where it closed the connection. */
function open(server: TestServer, identity?: TlsIdentity): Promise<ClientHttp2Session | undefined> {
  const session = connect(`https://${server.address}`, {
    rejectUnauthorized: false,
    ...(identity === undefined ? {} : { cert: identity.certificatePem, key: identity.privateKeyPem }),
  })
  stage.later(() => session.destroy())
  return new Promise((resolve) => {
    session.on('error', () => undefined)
    session.once('remoteSettings', () => resolve(session))
    session.once('close', () => resolve(undefined))
  })
}

const callsOf = (session: ClientHttp2Session | undefined): number | undefined =>
  session?.remoteSettings.maxConcurrentStreams

const enrollment = (server: TestServer, node: string) => ({
  secret: server.cluster.makeToken().secret,
  node,
  nodeId: '0f0f0f0f-0000-4000-8000-000000000002',
  csr: createCertificateRequest(generateKey()),
})

test('a stranger may open few calls at once, a member as many as an agent needs', async () => {
  const server = await stage.server()
  const member = enrolledHost(server.cluster).identity.tls
  const elsewhere = enrolledHost((await stage.server()).cluster).identity.tls
  expect(callsOf(await open(server))).toBe(limits.rpcStrangerCalls)
  expect(callsOf(await open(server, elsewhere)), 'another cluster’s host').toBe(limits.rpcStrangerCalls)
  expect(callsOf(await open(server, member))).toBe(limits.rpcCallsPerConnection)
})

test('a request that only members may send is not taken in from a stranger', async () => {
  const server = await stage.server()
  const pin = server.cluster.state.roots('host')[0]?.id ?? ''
  const stranger = stage.client([server.address], () => ({ kind: 'pinned', pin }))
  const large = { ...enrollment(server, 'h1'), node: 'x'.repeat(limits.rpcStrangerRequestBytes) }
  expect(codeOf(await answerOf((reply) => stranger.enroll(large, reply)))).toBe('too-large')
  expect(codeOf(await answerOf((reply) => stranger.enroll(enrollment(server, 'h1'), reply)))).toBe('ok')
})

test('strangers that fill their places keep no member out, and the next one gets in when one leaves', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const sessions = await Promise.all(Array.from({ length: limits.rpcStrangers }, () => open(server)))
  expect(sessions).not.toContain(undefined)
  expect(await open(server)).toBe(undefined)
  expect(server.cluster.metrics.counts.get('mesh_rpc_connections_refused_total')).toBe(1)
  const client = stage.client([server.address], () => identity)
  expect(codeOf(await answerOf((reply) => client.read(readLeader(), reply)))).toBe('ok')
  sessions[0]?.destroy()
  const end = performance.now() + 10_000
  let latest: ClientHttp2Session | undefined
  while (latest === undefined && performance.now() < end) latest = await open(server)
  expect(callsOf(latest)).toBe(limits.rpcStrangerCalls)
})
