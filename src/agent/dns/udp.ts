/** DNS over UDP on one address: packets in, packets out. Nothing waits: an answer that cannot be sent is lost, as UDP is. */
import { createSocket, type Socket } from 'node:dgram'
import { failed, ok, type Result } from '../../model/errors.ts'
import type { Log } from '../../platform/ports.ts'
import type { Handler } from './handler.ts'

export interface UdpOptions {
  readonly address: string
  readonly port: number
  readonly handler: Handler
  readonly log: Log
}

export interface Listening {
  readonly port: number
  close(): Promise<void>
}

/** What the kernel keeps of a burst while this process is busy; it may grant less. */
const bufferBytes = 1024 * 1024

export function listenOnUdp({ address, port, handler, log }: UdpOptions): Promise<Result<Listening>> {
  const isIpv6 = address.includes(':')
  const socket = createSocket({
    type: isIpv6 ? 'udp6' : 'udp4',
    ipv6Only: isIpv6,
    recvBufferSize: bufferBytes,
    // Answers go to addresses; the usual look-up would cost each of them a turn of the event loop.
    lookup: (host, _, done) => done(null, host, isIpv6 ? 6 : 4),
  })
  socket.on('message', (bytes, from) => {
    if (from.port === 0) return
    const known = handler.repeated(bytes, 'udp')
    if (known !== undefined) {
      socket.send(known, 0, known.length, from.port, from.address)
      return
    }
    handler.handle(bytes, { transport: 'udp', address: from.address }, (answer) => {
      // The answer may come after the socket was closed.
      if (isOpen(socket)) socket.send(answer, 0, answer.length, from.port, from.address)
    })
  })
  return new Promise((resolve) => {
    socket.once('error', (error) =>
      resolve(failed('internal', `DNS cannot listen on ${address}, UDP port ${port}: ${error.message}`)),
    )
    socket.bind({ address, port }, () => {
      socket.removeAllListeners('error')
      // Such as "message too long" or "network unreachable" for one client; the next one is served all the same.
      socket.on('error', (error) => log.debug('A DNS answer could not be sent', { reason: error.message }))
      resolve(ok({ port: socket.address().port, close: () => closed(socket) }))
    })
  })
}

function isOpen(socket: Socket): boolean {
  return !closing.has(socket)
}

const closing = new WeakSet<Socket>()

function closed(socket: Socket): Promise<void> {
  closing.add(socket)
  return new Promise((resolve) => {
    socket.close(() => resolve())
  })
}
