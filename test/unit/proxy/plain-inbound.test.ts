// Peers without the tunnel at a public listener: the real openssl with a leaf of the mesh, as Envoy would come.
import { isDeepStrictEqual } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ProxyResource } from '../../../src/model/proxy-config.ts'
import { type IssuedLeaf, TestAuthority } from './authority.ts'
import {
  type CountingService,
  freePort,
  inbound,
  type LabHost,
  type LogLine,
  policy,
  startHost,
  startService,
  temporaryFolder,
  until,
} from './lab.ts'
import { leafFile, type OpensslPeer, opensslClient } from './openssl.ts'

const authority = new TestAuthority()
const folder = temporaryFolder()
const leaf = authority.leafResource('backend')
const allowWeb = policy('backend', 'deny', [
  { sourceName: 'web', destinationName: 'backend', action: 'allow' },
])
let backend: LabHost
let service: CountingService
let port: number
const peers: OpensslPeer[] = []

function resources(more: Parameters<typeof inbound>[3] = {}, rules = allowWeb): readonly ProxyResource[] {
  return [authority.rootsResource(), leaf, rules, inbound('backend', port, service.port, more)]
}

let published: readonly ProxyResource[] = []

/** An agent sends nothing where nothing changed. */
async function publish(wanted: readonly ProxyResource[]): Promise<void> {
  if (isDeepStrictEqual(wanted, published)) return
  published = wanted
  await backend.publish(wanted)
}

beforeAll(async () => {
  backend = await startHost(folder.path)
  service = await startService()
  port = await freePort()
})

afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.stop()
})

afterAll(async () => {
  await backend.stop()
  await service.close()
  folder.remove()
})

const sni = `backend.default.dc1.internal.${authority.trustDomain}`

function client(from: IssuedLeaf | undefined, args: readonly string[] = ['-servername', sni]): OpensslPeer {
  const own = from === undefined ? '' : leafFile(folder.path, from)
  const peer = opensslClient(port, [...(own === '' ? [] : ['-cert', own, '-key', own]), ...args])
  peers.push(peer)
  return peer
}

async function refusalOf(from: IssuedLeaf | undefined, args?: readonly string[]): Promise<LogLine> {
  const before = backend.log.lines.length
  const served = service.connections
  const peer = client(from, args)
  peer.say('let me in')
  const line = await until('a refusal in the log', () =>
    backend.log.lines.slice(before).find((each) => each.message === 'connection refused'),
  )
  expect(await peer.ended).not.toContain('let me in')
  expect(service.connections).toBe(served)
  return line
}

for (const [what, args] of [
  ['with Consul’s SNI and no ALPN', ['-servername', sni]],
  ['without SNI', ['-noservername']],
  ['with the ALPN of a client for HTTP', ['-servername', sni, '-alpn', 'h2,http/1.1']],
] as const)
  test(`openssl ${what} talks to the service`, async () => {
    await publish(resources())
    const peer = client(authority.service('web'), args)
    peer.say('hello service')
    await until('the echo', () => peer.output().includes('hello service'))
  })

test('a connection is logged and counted with both names', async () => {
  await publish(resources())
  const before = backend.log.lines.length
  const peer = client(authority.service('web'))
  peer.say('counted')
  await until('the echo', () => peer.output().includes('counted'))
  await peer.stop()
  const line = await until('its end in the log', () =>
    backend.log.lines
      .slice(before)
      .find((each) => each.message === 'connection ended' && each['bytesToDestination'] === 8),
  )
  expect(line).toMatchObject({
    direction: 'inbound',
    source: 'web',
    destination: 'backend',
    peerUri: authority.service('web').uri,
    tlsVersion: 'TLSv1.3',
    bytesToSource: 8,
  })
})

test('each stranger is refused with its code and never reaches the service', async () => {
  await publish(resources())
  const other = new TestAuthority(authority.trustDomain)
  const hostPlane = new TestAuthority(`host.${authority.trustDomain}`)
  expect(await refusalOf(undefined)).toMatchObject({ code: 'no-certificate', source: '' })
  expect(await refusalOf(other.service('web'))).toMatchObject({ code: 'untrusted-certificate' })
  expect(await refusalOf(authority.service('web', -60_000))).toMatchObject({ code: 'expired-certificate' })
  expect(await refusalOf(hostPlane.host('beta'))).toMatchObject({ code: 'wrong-plane' })
  expect(await refusalOf(authority.service('batch'))).toMatchObject({
    code: 'denied-by-default',
    source: 'batch',
  })
  const elsewhere = ['-servername', `db.default.dc1.internal.${authority.trustDomain}`]
  expect(await refusalOf(authority.service('web'), elsewhere)).toMatchObject({ code: 'wrong-identity' })
})

test('a tunnel of another version is not taken for bytes of the service', async () => {
  await publish(resources())
  const args = ['-servername', sni, '-alpn', 'mesh-tunnel/9']
  expect(await refusalOf(authority.service('web'), args)).toMatchObject({ code: 'handshake-failed' })
})

test('TLS 1.2 is refused unless the service lets it in', async () => {
  await publish(resources())
  const args = ['-servername', sni, '-tls1_2']
  expect(await refusalOf(authority.service('web'), args)).toMatchObject({ code: 'handshake-failed' })
  await publish(resources({ tlsMinVersion: 'TLSv1_2' }))
  const peer = client(authority.service('web'), args)
  peer.say('old but welcome')
  await until('the echo', () => peer.output().includes('old but welcome'))
  expect(await refusalOf(authority.service('batch'), args)).toMatchObject({ code: 'denied-by-default' })
  // The tunnel stays with 1.3.
  expect(await refusalOf(authority.service('web'), [...args, '-alpn', 'mesh-tunnel/1'])).toMatchObject({
    code: 'handshake-failed',
  })
})

test('a policy that denies cuts what is open, and so does the removal of the peer’s root', async () => {
  await publish(resources())
  const first = client(authority.service('web'))
  first.say('open')
  await until('the echo', () => first.output().includes('open'))
  await publish(resources({}, policy('backend', 'deny', [], 2)))
  await first.ended
  expect(backend.log.refusals('denied-by-default').at(-1)).toMatchObject({ source: 'web' })

  const old = new TestAuthority(authority.trustDomain)
  const both = { ...authority.rootsResource(), pems: [authority.rootPem, old.rootPem] }
  await publish([both, ...resources().slice(1)])
  const second = client(old.service('web'))
  second.say('still here')
  await until('the echo', () => second.output().includes('still here'))
  await publish(resources())
  await second.ended
  expect(backend.log.refusals('untrusted-certificate').at(-1)).toMatchObject({ source: 'web' })
})
