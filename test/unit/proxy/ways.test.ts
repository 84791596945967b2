// Ways in and out on one host: who may use an upstream, and what a service is told of its callers.
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { InboundResource, OutboundResource } from '../../../src/model/proxy-config.ts'
import { createSocketOwners } from '../../../src/platform/socket-owners.ts'
import { encodeProxyHeader } from '../../../src/wire/proxy-protocol.ts'
import { debianProgram } from '../../peers/debian.ts'
import { TestAuthority } from './authority.ts'
import { startHaproxy } from './haproxy.ts'
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
} from './lab.ts'
import { leafFile, opensslClient } from './openssl.ts'

const authority = new TestAuthority()
const folder = temporaryFolder()
const leaves = [authority.leafResource('web'), authority.leafResource('backend')]
const localPort = await freePort()
const publicPort = await freePort()
const ownUid = process.getuid?.() ?? -1
const cleanups: (() => unknown)[] = []
let host: LabHost
let service: CountingService

beforeAll(async () => {
  host = await startHost(folder.path)
  service = await startService()
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

afterAll(async () => {
  await host.stop()
  await service.close()
  folder.remove()
})

const configure = (
  upstream: Partial<OutboundResource>,
  public_: Partial<InboundResource> = {},
  servicePort = service.port,
): Promise<unknown> =>
  host.publish([
    authority.rootsResource(),
    ...leaves,
    policy('backend', 'allow'),
    inbound('backend', publicPort, servicePort, public_),
    endpoints('backend', [endpoint('beta/backend', publicPort)]),
    outbound('web', 'backend', localPort, upstream),
  ])

test('an upstream with allowed_uids serves those users, and refuses others with a code', async () => {
  await configure({ allowedUids: [ownUid + 1, ownUid] })
  expect(await exchange(localPort, 'mine')).toBe('mine')
  await configure({ allowedUids: [ownUid + 1] })
  const before = service.connections
  expect(await exchange(localPort, 'mine no more')).toBe('ECONNRESET')
  expect(service.connections).toBe(before)
  expect(host.log.refusals('caller-not-allowed').at(-1)).toMatchObject({
    direction: 'outbound',
    source: 'web',
    destination: 'backend',
    text: `user ${ownUid}`,
  })
  await configure({ allowedUids: [] })
  expect(await exchange(localPort, 'nobody')).toBe('ECONNRESET')
})

test('many clients at once are each judged by their own user', async (context) => {
  if (ownUid !== 0) return context.skip('only root can start a client as another user')
  await configure({ allowedUids: [65_534] })
  const ask = `exec 3<>/dev/tcp/127.0.0.1/${localPort}; echo hello >&3; head -n 1 <&3`
  const asNobody = (): Promise<string> =>
    promisify(execFile)('bash', ['-c', ask], { uid: 65_534 }).then(({ stdout }) => stdout)
  const answers = await Promise.all([
    ...Array.from({ length: 5 }, asNobody),
    ...Array.from({ length: 20 }, () => exchange(localPort, 'x')),
  ])
  expect(answers.slice(0, 5)).toEqual(Array(5).fill('hello\n'))
  expect(answers.slice(5)).toEqual(Array(20).fill('ECONNRESET'))
})

const ends = { remoteAddress: '127.0.0.1', remotePort: 50_000, localAddress: '127.0.0.1', localPort: 9_191 }
const uidFrom = (tcp: string, tcp6: string, at = ends): Promise<number | undefined> => {
  const proc = join(folder.path, `proc-${Math.trunc(performance.now() * 1_000)}`)
  mkdirSync(proc)
  const title =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
  writeFileSync(join(proc, 'tcp'), title + tcp)
  writeFileSync(join(proc, 'tcp6'), title + tcp6)
  return new Promise((resolve) => createSocketOwners(proc).ownerOf(at, resolve))
}
const row = (
  [local, remote]: readonly [string, string],
  { state, uid, inode }: { readonly state: string; readonly uid: number; readonly inode: number },
): string =>
  `   1: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0000 20 4 30 10 -1\n`

test('the owner is read from the client’s own row, also behind a socket of IPv6', async () => {
  const client = ['0100007F:C350', '0100007F:23E7'] as const
  const ours = row([client[1], client[0]], { state: '01', uid: 7, inode: 11 })
  expect(await uidFrom(ours + row(client, { state: '01', uid: 1_000, inode: 12 }), '')).toBe(1_000)
  const mapped = ['0000000000000000FFFF00000100007F:C350', '0000000000000000FFFF00000100007F:23E7'] as const
  expect(await uidFrom(ours, row(mapped, { state: '01', uid: 1_001, inode: 12 }))).toBe(1_001)
  const six = { ...ends, remoteAddress: '::1', localAddress: '::1' }
  const loop = ['00000000000000000000000001000000:C350', '00000000000000000000000001000000:23E7'] as const
  expect(await uidFrom('', row(loop, { state: '01', uid: 1_002, inode: 12 }), six)).toBe(1_002)
})

test('a connection that nobody holds any more has no owner, though its row says root', async () => {
  const client = ['0100007F:C350', '0100007F:23E7'] as const
  expect(await uidFrom(row(client, { state: '06', uid: 0, inode: 0 }), '')).toBeUndefined()
  expect(await uidFrom(row(client, { state: '05', uid: 0, inode: 0 }), '')).toBeUndefined()
  expect(await uidFrom('', '')).toBeUndefined()
})

test('the header of the PROXY protocol has the bytes of its specification', () => {
  const facts = {
    sourceAddress: '::ffff:10.0.0.1',
    sourcePort: 258,
    destinationAddress: '10.0.0.2',
    destinationPort: 772,
    uri: 'spiffe://a',
    tlsVersion: 'TLSv1.3',
  }
  const signature = '0d0a0d0a000d0a515549540a'
  const tls = '20000f0300000000210007'
  const fields = `${tls}${Buffer.from('TLSv1.3').toString('hex')}e0000a${Buffer.from('spiffe://a').toString('hex')}`
  expect(encodeProxyHeader(facts).toString('hex')).toBe(
    `${signature}2111002b0a0000010a00000201020304${fields}`,
  )
  const six = encodeProxyHeader({ ...facts, destinationAddress: 'fe80::2%eth0' }).toString('hex')
  expect(six).toBe(
    `${signature}21210043${'0'.repeat(20)}ffff0a000001fe80${'0'.repeat(26)}0201020304${fields}`,
  )
})

test('a service that asks for it gets the PROXY header ahead of the bytes, over the tunnel and without it', async () => {
  const got: Buffer[] = []
  const listening = await startService((socket) => {
    const parts: Buffer[] = []
    socket.on('data', (bytes) => parts.push(bytes))
    socket.on('end', () => {
      got.push(Buffer.concat(parts))
      socket.end('thanks')
    })
  })
  cleanups.push(() => listening.close())
  await configure({}, { localProxyProtocol: 'v2' }, listening.port)
  expect(await exchange(localPort, 'payload')).toBe('thanks')
  const bytes = got[0] ?? Buffer.alloc(0)
  expect(bytes.subarray(0, 12).toString('hex')).toBe('0d0a0d0a000d0a515549540a')
  const headerBytes = 16 + bytes.readUInt16BE(14)
  expect(bytes.subarray(headerBytes).toString()).toBe('payload')
  expect(bytes.subarray(0, headerBytes).toString('latin1')).toContain(leaves[0]?.uri)
  expect(bytes.readUInt16BE(26)).toBe(publicPort)
})

test('HAProxy reads our PROXY header', async (context) => {
  const haproxy = debianProgram('haproxy', 'haproxy')
  if (haproxy === undefined) return context.skip('the package haproxy cannot be had')
  const port = await freePort()
  const running = await startHaproxy(haproxy, folder.path, port)
  cleanups.push(() => running.stop())
  await configure({}, { localProxyProtocol: 'v2' }, port)
  const answer = await exchange(localPort, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  expect(answer).toMatch(new RegExp(`src=127\\.0\\.0\\.1 dst=127\\.0\\.0\\.1:${publicPort}$`))
  const own = leafFile(folder.path, authority.service('web'))
  const plain = opensslClient(publicPort, ['-cert', own, '-key', own, '-ign_eof'])
  cleanups.push(() => plain.stop())
  plain.say('GET / HTTP/1.0\r\n\r')
  expect(await plain.ended).toContain(`dst=127.0.0.1:${publicPort}`)
})

test('a service without that key gets nothing but the bytes', async () => {
  await configure({})
  expect(await exchange(localPort, 'only this')).toBe('only this')
})
