// What a public listener says to peers that may not come in, asked with the real openssl.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import type { Clock } from '../../../src/platform/ports.ts'
import { tunnelAlpn } from '../../../src/wire/tunnel/frame.ts'
import { type IssuedLeaf, TestAuthority } from './authority.ts'
import { describeFrames, opening } from './frames.ts'
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

const authority = new TestAuthority()
const folder = temporaryFolder()
let backend: LabHost
let service: CountingService
let port: number

beforeAll(async () => {
  // Time to open a stream: short, and only that.
  const after: Clock['after'] = (delayMs, callback) =>
    systemClock.after(delayMs === limits.openTimeoutMs ? 300 : delayMs, callback)
  backend = await startHost(folder.path, { clock: { ...systemClock, after } })
  service = await startService()
  port = await freePort()
  await backend.publish([
    authority.rootsResource(),
    authority.leafResource('backend'),
    policy('backend', 'deny', [
      { sourceName: 'web', destinationName: 'backend', action: 'allow' },
      { sourceName: 'batch', destinationName: 'backend', action: 'deny' },
    ]),
    inbound('backend', port, service.port),
  ])
})

afterAll(async () => {
  await backend.stop()
  await service.close()
  folder.remove()
})

let files = 0

interface Client {
  readonly leaf?: IssuedLeaf
  readonly args?: readonly string[]
  readonly send?: Buffer
}

/** Runs `openssl s_client` until the listener ends the connection; what it received. */
function openssl(client: Client): Promise<Buffer> {
  const args = [
    's_client',
    '-connect',
    `127.0.0.1:${port}`,
    '-quiet',
    ...(client.args ?? ['-alpn', tunnelAlpn]),
  ]
  if (client.leaf !== undefined) {
    files += 1
    const pem = join(folder.path, `client-${files}.pem`)
    writeFileSync(pem, client.leaf.certificatePem + client.leaf.privateKeyPem)
    args.push('-cert', pem, '-key', pem)
  }
  const child = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'ignore'] })
  if (client.send !== undefined) child.stdin.write(client.send)
  const parts: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => parts.push(bytes))
  return new Promise((resolve) => {
    child.on('close', () => resolve(Buffer.concat(parts)))
  })
}

/** The refusal that `attempt` brings into the log. */
async function refusalOf(
  attempt: () => Promise<Buffer>,
): Promise<{ frames: readonly string[]; line: object }> {
  const before = backend.log.lines.length
  const frames = describeFrames(await attempt())
  const line = await until('a refusal in the log', () =>
    backend.log.lines.slice(before).find((each) => each.message === 'connection refused'),
  )
  return { frames, line }
}

const uriOf = (name: string): string => `spiffe://${authority.trustDomain}/ns/default/dc/dc1/svc/${name}`

test('without a certificate: no-certificate', async () => {
  const { frames, line } = await refusalOf(() => openssl({}))
  expect(frames).toEqual(['hello', 'goaway no-certificate'])
  expect(line).toMatchObject({ code: 'no-certificate', source: '', destination: 'backend', peerUri: '' })
})

test('with a certificate of another authority under the same trust domain: untrusted-certificate', async () => {
  const other = new TestAuthority(authority.trustDomain)
  const { frames, line } = await refusalOf(() => openssl({ leaf: other.service('web') }))
  expect(frames).toEqual(['hello', 'goaway untrusted-certificate'])
  expect(line).toMatchObject({ code: 'untrusted-certificate', peerUri: uriOf('web'), tlsVersion: 'TLSv1.3' })
})

test('with an expired leaf: expired-certificate', async () => {
  const { frames, line } = await refusalOf(() => openssl({ leaf: authority.service('web', -60_000) }))
  expect(frames).toEqual(['hello', 'goaway expired-certificate'])
  expect(line).toMatchObject({ code: 'expired-certificate', peerUri: uriOf('web') })
})

test('with a host-plane certificate: wrong-plane', async () => {
  const hostPlane = new TestAuthority(`host.${authority.trustDomain}`)
  const { frames, line } = await refusalOf(() => openssl({ leaf: hostPlane.host('beta') }))
  expect(frames).toEqual(['hello', 'goaway wrong-plane'])
  expect(line).toMatchObject({ code: 'wrong-plane' })
})

test('with a tunnel that we do not know: handshake-failed', async () => {
  const args = ['-alpn', 'mesh-tunnel/2']
  const { frames, line } = await refusalOf(() => openssl({ leaf: authority.service('web'), args }))
  expect(frames).toEqual([])
  expect(line).toMatchObject({ code: 'handshake-failed' })
})

test('with TLS 1.2: handshake-failed', async () => {
  const { line } = await refusalOf(() => openssl({ leaf: authority.service('web'), args: ['-tls1_2'] }))
  expect(line).toMatchObject({ code: 'handshake-failed' })
})

test('asking for another service by SNI: wrong-identity', async () => {
  const { frames, line } = await refusalOf(() =>
    openssl({ leaf: authority.service('web'), args: ['-alpn', tunnelAlpn, '-servername', 'other.example'] }),
  )
  expect(frames).toEqual(['hello', 'goaway wrong-identity'])
  expect(line).toMatchObject({ code: 'wrong-identity', source: 'web' })
})

const metadata = { source: 'web', target: 'backend', datacenter: 'dc1', instance: 'beta/backend' }

/** A peer that stays after a refused stream; closed when the refusal has come. */
async function rawOpen(
  leaf: IssuedLeaf,
  bytes: Buffer,
  enough: (frames: readonly string[]) => boolean,
): Promise<readonly string[]> {
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    cert: leaf.certificatePem,
    key: leaf.privateKeyPem,
    rejectUnauthorized: false,
    ALPNProtocols: [tunnelAlpn],
  })
  socket.on('error', () => {})
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  socket.write(bytes)
  const frames = await until('frames of the listener', () => {
    const seen = describeFrames(Buffer.concat(parts))
    return enough(seen) ? seen : undefined
  })
  socket.destroy()
  return frames
}

const has =
  (text: string) =>
  (frames: readonly string[]): boolean =>
    frames.includes(text)

test('another service’s leaf is denied by its intention, or by default where it has none', async () => {
  const before = { ...service }
  const denied = authority.service('batch')
  expect(
    await rawOpen(denied, opening({ ...metadata, source: 'batch' }), has('refused denied-by-intention')),
  ).toEqual(['hello', 'refused denied-by-intention'])
  expect(
    await rawOpen(
      authority.service('nobody'),
      opening({ ...metadata, source: 'nobody' }),
      has('refused denied-by-default'),
    ),
  ).toEqual(['hello', 'refused denied-by-default'])
  expect(backend.log.refusals('denied-by-intention').at(-1)).toMatchObject({
    source: 'batch',
    peerUri: uriOf('batch'),
  })
  expect(service.connections).toBe(before.connections)
})

test('an opening whose source is not the certificate’s service is refused, however allowed that source is', async () => {
  const leaf = authority.service('batch')
  expect(await rawOpen(leaf, opening(metadata), has('refused wrong-identity'))).toEqual([
    'hello',
    'refused wrong-identity',
  ])
  expect(backend.log.refusals('wrong-identity').at(-1)).toMatchObject({ source: 'batch' })
})

test('an opening for another target is refused', async () => {
  const leaf = authority.service('web')
  for (const wrong of [{ target: 'other' }, { datacenter: 'dc2' }])
    expect(await rawOpen(leaf, opening({ ...metadata, ...wrong }), has('refused wrong-identity'))).toEqual([
      'hello',
      'refused wrong-identity',
    ])
})

test('an opening of an unknown version is refused with its code', async () => {
  const frames = await rawOpen(
    authority.service('web'),
    opening(metadata, 9),
    has('refused version-mismatch'),
  )
  expect(frames).toEqual(['hello', 'refused version-mismatch'])
})

test('bytes that are no frames end the session with protocol-error, in the log too', async () => {
  const frames = await rawOpen(
    authority.service('web'),
    Buffer.from('GET / HTTP/1.1\r\nHost: backend\r\n\r\n'),
    has('goaway protocol-error'),
  )
  expect(frames).toEqual(['hello', 'goaway protocol-error'])
  expect(backend.log.refusals('protocol-error').at(-1)).toMatchObject({ source: 'web' })
})

test('an allowed peer is accepted and its bytes arrive: the refusals above had a reason', async () => {
  const frames = await rawOpen(authority.service('web'), opening(metadata), (seen) => seen.length >= 2)
  expect(frames).toEqual(['hello', 'ack'])
})

test('a port check that connects and leaves is no refusal', async () => {
  const refusals = (): readonly LogLine[] =>
    backend.log.lines.filter((line) => line.message === 'connection refused')
  const before = refusals().length
  const socket = net.connect(port, '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.destroy()
  await closed
  // Something that surely comes after it is in the log, and the check is not.
  await openssl({})
  await until('the later refusal', () => refusals().length > before)
  expect(
    refusals()
      .slice(before)
      .map((line) => line['code']),
  ).toEqual(['no-certificate'])
})

test('a peer that opens nothing is sent away in time', async () => {
  const frames = await rawOpen(
    authority.service('web'),
    opening(metadata).subarray(0, 10),
    has('goaway idle-timeout'),
  )
  expect(frames).toEqual(['hello', 'goaway idle-timeout'])
  expect(backend.log.refusals('idle-timeout').at(-1)).toMatchObject({ source: 'web' })
})
