// A mesh of real processes and a caller that has none of our programs: openssl with a leaf from the agent's API, as any
// library of Consul's would get it. Beside it the keys of the ways in and out, from a file to the wire.
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { leafFile, type OpensslPeer, opensslClient } from '../unit/proxy/openssl.ts'
import { attempt } from './client.ts'
import { backendHcl, operate, planMesh, ports, until, webHcl } from './fixture.ts'
import { leafOf } from './leaf-request.ts'

const plan = planMesh()
const { mesh } = plan
const alpha = mesh.host('alpha')
const beta = mesh.host('beta')
const ownUid = process.getuid?.() ?? -1
const peers: OpensslPeer[] = []
let service: net.Server

beforeAll(async () => {
  service = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => {
    service.listen(ports.backend, plan.backend.address, resolve)
  })
  await mesh.start()
  await operate(plan, ['intention', 'allow', 'web', 'backend'])
  await until('the first connection through the mesh', reaches)
}, 60_000)

afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.stop()
})

afterAll(async () => {
  service?.close()
  await plan.close()
})

const reaches = async (): Promise<true | undefined> =>
  (await attempt(plan.web.address, ports.upstream, 'hello')).kind === 'echoed' ? true : undefined

/** A caller with the leaf of web, at the public port of backend. */
async function openssl(): Promise<OpensslPeer> {
  const leaf = await leafOf(alpha, 'web')
  const file = leafFile(alpha.run, { certificatePem: leaf.CertPEM, privateKeyPem: leaf.PrivateKeyPEM })
  const peer = opensslClient(ports.sidecar, ['-cert', file, '-key', file], plan.backend.address)
  peers.push(peer)
  return peer
}

async function rewrite(host: typeof alpha, file: string, text: string): Promise<void> {
  writeFileSync(join(host.configuration, file), text)
  await mesh.cli(['reload'], mesh.hostEnvironment(host))
}

test('openssl with a leaf from the API talks to a service, until an intention denies it', async () => {
  const peer = await openssl()
  peer.say('no mesh here')
  await until('the echo', () => (peer.output().includes('no mesh here') ? true : undefined))
  await operate(plan, ['intention', 'deny', 'web', 'backend'])
  await peer.ended
  const again = await openssl()
  again.say('once more')
  expect(await again.ended).not.toContain('once more')
  await operate(plan, ['intention', 'allow', 'web', 'backend'])
  await until('connections again', reaches)
})

test('a service whose file says so is told who calls', async () => {
  const told = backendHcl(plan.backend.address).replace(
    'proxy {',
    'proxy {\n config { local_proxy_protocol = "v2" }',
  )
  await rewrite(beta, 'backend.hcl', told)
  const caller = await until('a header before the bytes', async () => {
    const peer = await openssl()
    peer.say('hello')
    await until('the echo', () => (peer.output().includes('hello') ? true : undefined))
    return peer.output().includes('spiffe://') ? peer.output() : undefined
  })
  expect(caller).toMatch(/spiffe:\/\/[^/]+\/ns\/default\/dc\/dc1\/svc\/web/)
  await rewrite(beta, 'backend.hcl', backendHcl(plan.backend.address))
  await until('bytes alone again', reaches)
})

test('an upstream whose file names users is for them alone', async () => {
  const forUser = (uid: number): string =>
    webHcl(plan.web.address).replace('upstreams {', `upstreams {\n config { allowed_uids = [${uid}] }`)
  await rewrite(alpha, 'web.hcl', forUser(ownUid + 1))
  await until('a reset', async () =>
    (await attempt(plan.web.address, ports.upstream, 'hello')).kind === 'echoed' ? undefined : true,
  )
  await rewrite(alpha, 'web.hcl', forUser(ownUid))
  await until('a way in', reaches)
})
