// Sockets that read into memory of ours: what they deliver, that they stop when told, and that nobody's bytes are written over.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { readPlain, readRecords, sharedReadBuffer } from '../../../src/proxy/transport/read-buffer.ts'
import { TestAuthority } from './authority.ts'
import { until } from './lab.ts'

const closing: { destroy(): void }[] = []

afterEach(() => {
  for (const each of closing.splice(0)) each.destroy()
})

interface Pair {
  /** Dialled. */
  readonly near: net.Socket
  /** Accepted. */
  readonly far: net.Socket
}

async function pairOf(
  server: net.Server,
  accepted: string,
  dial: (port: number) => net.Socket,
): Promise<Pair> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = once(server, accepted)
  const near = dial((server.address() as net.AddressInfo).port)
  const [socket] = (await far) as [net.Socket]
  closing.push(near, socket)
  server.close()
  return { near, far: socket }
}

const plainPair = (): Promise<Pair> =>
  pairOf(net.createServer({ pauseOnConnect: true, allowHalfOpen: true }), 'connection', (port) =>
    net.connect(port, '127.0.0.1'),
  )

async function tlsPair(): Promise<{ readonly near: tls.TLSSocket; readonly far: tls.TLSSocket }> {
  const { certificatePem: cert, privateKeyPem: key } = new TestAuthority().service('backend')
  const server = tls.createServer({ cert, key, minVersion: 'TLSv1.3' })
  const pair = await pairOf(server, 'secureConnection', (port) => {
    const socket = net.connect(port, '127.0.0.1')
    return tls.connect({ socket, rejectUnauthorized: false, checkServerIdentity: () => undefined })
  })
  return pair as { near: tls.TLSSocket; far: tls.TLSSocket }
}

test('an accepted socket is read into the one buffer of all plain sockets, to its end', async () => {
  const { near, far } = await plainPair()
  const parts: string[] = []
  let ours = true
  readPlain(far, (bytes) => {
    ours = ours && bytes.buffer === sharedReadBuffer.buffer
    parts.push(bytes.toString())
    return true
  })
  near.end('hello mesh')
  await once(far, 'end')
  expect(parts.join('')).toBe('hello mesh')
  expect(ours).toBe(true)
})

test('a socket that was told to stop delivers nothing more until it is resumed', async () => {
  const { near, far } = await plainPair()
  const sent = randomBytes(3 * sharedReadBuffer.length)
  const hash = createHash('sha256')
  let calls = 0
  let received = 0
  readPlain(far, (bytes) => {
    calls += 1
    received += bytes.length
    hash.update(bytes)
    return false
  })
  near.end(sent)
  await until('the first bytes', () => calls > 0)
  // The other side's next answer comes after whatever the kernel had for us.
  const before = calls
  const other = await plainPair()
  other.near.end('x')
  await new Promise<void>((resolve) => {
    readPlain(other.far, () => {
      resolve()
      return true
    })
  })
  expect(calls).toBe(before)
  let ended = false
  far.once('end', () => {
    ended = true
  })
  await until('the rest', () => {
    far.resume()
    return ended
  })
  expect(received).toBe(sent.length)
  expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'))
})

test('bytes that came before the buffer did are delivered first', async () => {
  const { near, far } = await plainPair()
  near.write('early ')
  far.read(0)
  await until('early bytes', () => far.readableLength > 0)
  const parts: string[] = []
  readPlain(far, (bytes) => {
    parts.push(bytes.toString())
    return true
  })
  near.end('late')
  await once(far, 'end')
  expect(parts.join('')).toBe('early late')
})

test.each(['near', 'far'] as const)(
  'TLS records that are held (%s side) are not written over',
  async (side) => {
    const pair = await tlsPair()
    const [from, to] = side === 'near' ? [pair.far, pair.near] : [pair.near, pair.far]
    const sent = randomBytes(512 * 1024)
    const held: Buffer[] = []
    readRecords(to, (bytes) => {
      held.push(bytes)
      return 'held'
    })
    from.end(sent)
    await once(to, 'end')
    expect(Buffer.concat(held).equals(sent)).toBe(true)
  },
)

test('TLS records that nobody holds share one buffer', async () => {
  const { near, far } = await tlsPair()
  const sent = randomBytes(512 * 1024)
  const buffers = new Set<ArrayBufferLike>()
  const hash = createHash('sha256')
  readRecords(far, (bytes) => {
    buffers.add(bytes.buffer)
    hash.update(bytes)
    return 'done'
  })
  near.end(sent)
  await once(far, 'end')
  expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'))
  expect(buffers.size).toBe(1)
})
