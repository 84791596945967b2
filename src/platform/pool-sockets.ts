/**
 * The sockets of a gossip pool behind the `PoolSockets` port: UDP and TCP at one address and port. Refuses to know what
 * is sent. Addresses of IPv4 hosts on an IPv6 socket are told and taken as IPv4.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { connect, createServer, isIPv4, isIPv6, type Server, type Socket } from 'node:net'
import { limits } from '../model/limits.ts'
import type {
  ByteStream,
  PoolSocket,
  PoolSocketListener,
  PoolSockets,
  SocketEndpoint,
  StreamListener,
} from './ports.ts'

/** A pool's news comes in bursts; the kernel's default holds some hundred packets. */
const receiveBufferBytes = 2 * 1024 * 1024
/** The port that TCP got may be taken for UDP: then both try another one. */
const portTries = 8

export const systemPoolSockets: PoolSockets = {
  open(at, listener, done) {
    void open(at, listener).then(
      (socket) => done(socket, ''),
      (error: unknown) => done(undefined, `cannot listen on ${textOf(at)}: ${reasonOf(error)}`),
    )
  },
}

async function open(at: SocketEndpoint, listener: PoolSocketListener): Promise<PoolSocket> {
  for (let tries = 1; ; tries += 1) {
    const streams = createServer({ allowHalfOpen: true })
    await listening(streams, at)
    const bound = streams.address()
    const port = typeof bound === 'object' && bound !== null ? bound.port : at.port
    const packets = createSocket({ type: isIPv6(at.address) ? 'udp6' : 'udp4' })
    try {
      await binding(packets, { ...at, port })
      return new SystemPoolSocket({ streams, packets, at: { ...at, port } }, listener)
    } catch (error) {
      packets.close()
      streams.close()
      if (at.port !== 0 || tries >= portTries) throw error
    }
  }
}

const listening = (server: Server, { address, port }: SocketEndpoint): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => {
      server.off('error', reject)
      resolve()
    })
  })

const binding = (socket: UdpSocket, { address, port }: SocketEndpoint): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, address, () => {
      socket.off('error', reject)
      resolve()
    })
  })

interface Sockets {
  readonly streams: Server
  readonly packets: UdpSocket
  readonly at: SocketEndpoint
}

class SystemPoolSocket implements PoolSocket {
  readonly port: number
  readonly #sockets: Sockets
  readonly #open = new Set<Socket>()
  /** Outgoing streams come from the address that others know; a wildcard has none. */
  readonly #localAddress: string | undefined
  #isClosed = false

  constructor(sockets: Sockets, listener: PoolSocketListener) {
    const { at, packets, streams } = sockets
    this.port = at.port
    this.#sockets = sockets
    this.#localAddress = at.address === '0.0.0.0' || at.address === '::' ? undefined : at.address
    streams.maxConnections = 2 * limits.gossipStreamsServed
    streams.on('connection', (socket) => this.#accept(socket, listener))
    packets.setRecvBufferSize(receiveBufferBytes)
    packets.on('message', (packet, { address, port }) => {
      if (!this.#isClosed) listener.onPacket(packet, { address: plain(address), port })
    })
    // An error of one packet or of one accept is that packet's loss; the sockets go on.
    packets.on('error', ignore)
    streams.on('error', ignore)
  }

  send(packet: Uint8Array, { address, port }: SocketEndpoint): boolean {
    const { packets, at } = this.#sockets
    // Node throws at port 0, which any stranger may name as the place to answer to.
    if (port === 0) return false
    if (this.#isClosed || packets.getSendQueueSize() > limits.gossipSendQueueBytes) return false
    const isMapped = isIPv6(at.address) && isIPv4(address)
    if (!isMapped && isIPv6(at.address) !== isIPv6(address)) return false
    packets.send(packet, port, isMapped ? `::ffff:${address}` : address, ignore)
    return true
  }

  connect({ address, port }: SocketEndpoint, listener: StreamListener): ByteStream {
    const from = this.#localAddress
    const isSameKind = from !== undefined && isIPv6(from) === isIPv6(address)
    const socket = connect({
      host: address,
      port,
      allowHalfOpen: true,
      noDelay: true,
      ...(isSameKind ? { localAddress: from } : {}),
    })
    return this.#follow(socket, { address, port }, () => listener)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const socket of this.#open) socket.destroy()
    this.#sockets.packets.close()
    this.#sockets.streams.close()
  }

  #accept(socket: Socket, listener: PoolSocketListener): void {
    const remote = { address: plain(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 }
    this.#follow(socket, remote, (stream) => listener.onStream(stream))
  }

  #follow(
    socket: Socket,
    remote: SocketEndpoint,
    listenerOf: (stream: ByteStream) => StreamListener | undefined,
  ): ByteStream {
    let isOver = false
    this.#open.add(socket)
    const stream: ByteStream = {
      remote,
      write: (bytes) => void socket.write(bytes),
      end: () => void socket.end(),
      destroy: () => {
        isOver = true
        socket.destroy()
      },
    }
    const listener = listenerOf(stream)
    const end = (error: string | undefined): void => {
      if (isOver) return
      isOver = true
      listener?.onEnd(error)
    }
    socket.on('data', (piece) => {
      if (!isOver && typeof piece !== 'string') listener?.onBytes(piece)
    })
    socket.on('end', () => end(undefined))
    socket.on('error', (error) => end(reasonOf(error)))
    socket.on('close', () => {
      this.#open.delete(socket)
      end('the connection was closed')
    })
    if (listener === undefined) stream.destroy()
    return stream
  }
}

const ignore = (): void => undefined

const plain = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address)

const textOf = ({ address, port }: SocketEndpoint): string =>
  isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: nothing listens there',
  EHOSTUNREACH: 'no way to that host',
  ENETUNREACH: 'no way to that network',
  ECONNRESET: 'the other side broke the connection',
  EPIPE: 'the other side broke the connection',
  ETIMEDOUT: 'the other side did not answer',
  EADDRINUSE: 'another process uses it',
  EADDRNOTAVAIL: 'this host does not have the address',
  EACCES: 'not permitted',
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return reasons[code ?? ''] ?? message
}
