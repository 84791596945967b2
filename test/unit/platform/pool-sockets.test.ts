// The sockets of a gossip pool on the real machine: one port for both kinds, IPv6 with and without IPv4 beside it, and
// words for what goes wrong.
import { createSocket } from 'node:dgram'
import { afterEach, expect, test } from 'vitest'
import { systemHostNames } from '../../../src/platform/host-names.ts'
import { systemPoolSockets } from '../../../src/platform/pool-sockets.ts'
import type {
  ByteStream,
  PoolSocket,
  PoolSocketListener,
  StreamListener,
} from '../../../src/platform/ports.ts'

const open: PoolSocket[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.close()
})

const deaf: PoolSocketListener = { onPacket: () => undefined, onStream: () => undefined }

async function opened(
  address: string,
  listener: Partial<PoolSocketListener> = {},
  port = 0,
): Promise<PoolSocket> {
  const socket = await new Promise<PoolSocket>((resolve, reject) =>
    systemPoolSockets.open({ address, port }, { ...deaf, ...listener }, (made, error) =>
      made === undefined ? reject(new Error(error)) : resolve(made),
    ),
  )
  open.push(socket)
  return socket
}

/** Answers with everything it got, once the other side has ended. */
function echo(stream: ByteStream): StreamListener {
  const pieces: Uint8Array[] = []
  return {
    onBytes: (piece) => pieces.push(piece),
    onEnd: () => {
      stream.write(Buffer.concat(pieces))
      stream.end()
    },
  }
}

test.each([
  ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
  ['::1', '::1', '::1'],
  ['::', '127.0.0.1', '127.0.0.1'],
  ['::', '::1', '::1'],
])('a socket at %s is reached at %s by datagrams and streams on one port', async (at, to, seenFrom) => {
  const packets: { text: string; address: string }[] = []
  const remotes: string[] = []
  const near = await opened(at, {
    onPacket: (packet, { address }) => packets.push({ text: Buffer.from(packet).toString(), address }),
    onStream: (stream) => {
      remotes.push(stream.remote.address)
      return echo(stream)
    },
  })
  const far = await opened(to)
  await expect
    .poll(
      () => {
        far.send(Buffer.from('hello'), { address: to, port: near.port })
        return packets[0]
      },
      { timeout: 5_000 },
    )
    .toEqual({ text: 'hello', address: seenFrom })
  const large = Buffer.alloc(3_000_000, 7)
  const got = await new Promise<Buffer>((resolve, reject) => {
    const pieces: Uint8Array[] = []
    const stream = far.connect(
      { address: to, port: near.port },
      {
        onBytes: (piece) => pieces.push(piece),
        onEnd: (error) => (error === undefined ? resolve(Buffer.concat(pieces)) : reject(new Error(error))),
      },
    )
    stream.write(large)
    stream.end()
  })
  expect(got.equals(large)).toBe(true)
  expect(remotes).toEqual([seenFrom])
})

test('a socket of all IPv6 addresses answers IPv4 hosts', async () => {
  const near = await opened('::')
  const host = createSocket('udp4')
  await new Promise<void>((resolve) => host.bind(0, '127.0.0.1', resolve))
  const { port } = host.address()
  const heard = new Promise<string>((resolve) => host.once('message', (packet) => resolve(packet.toString())))
  expect(near.send(Buffer.from('to IPv4'), { address: '127.0.0.1', port })).toBe(true)
  expect(await heard).toBe('to IPv4')
  host.close()
})

test('what goes wrong is said in words', async () => {
  const taken = await opened('127.0.0.1')
  await expect(opened('127.0.0.1', {}, taken.port)).rejects.toThrow(
    `cannot listen on 127.0.0.1:${taken.port}: another process uses it`,
  )
  await expect(opened('203.0.113.9')).rejects.toThrow('this host does not have the address')
  const free = await opened('127.0.0.1')
  const { port } = free
  free.close()
  const error = await new Promise((resolve) =>
    taken.connect({ address: '127.0.0.1', port }, { onBytes: () => undefined, onEnd: resolve }),
  )
  expect(error).toBe('connection refused: nothing listens there')
})

test('port 0, which any packet may name as the place to answer to, costs that packet only', async () => {
  const near = await opened('127.0.0.1')
  const nowhere = { address: '127.0.0.1', port: 0 }
  expect(near.send(Buffer.from('x'), nowhere)).toBe(false)
  const error = await new Promise((resolve) =>
    near.connect(nowhere, { onBytes: () => undefined, onEnd: resolve }),
  )
  expect(error).toEqual(expect.any(String))
})

test('nothing is sent or told after it was closed', async () => {
  const packets: string[] = []
  const near = await opened('127.0.0.1', { onPacket: (packet) => packets.push(String(packet.length)) })
  const far = await opened('127.0.0.1')
  near.close()
  near.close()
  expect(near.send(Buffer.from('x'), { address: '127.0.0.1', port: far.port })).toBe(false)
  expect(far.send(Buffer.from('x'), { address: '127.0.0.1', port: near.port })).toBe(true)
  expect(packets).toEqual([])
})

test('names of this machine are found, others are not', async () => {
  const resolve = (name: string): Promise<readonly string[]> =>
    new Promise((done) => systemHostNames.resolve(name, done))
  expect(await resolve('localhost')).toEqual(
    expect.arrayContaining([expect.stringMatching(/^(127\.0\.0\.1|::1)$/)]),
  )
  expect(await resolve('127.0.0.9')).toEqual(['127.0.0.9'])
  expect(await resolve('nobody.invalid')).toEqual([])
})
