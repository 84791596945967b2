/**
 * A local service that takes datagrams: one connected socket per flow, so that the service sees each client as a port of its
 * own and the kernel keeps everybody else's datagrams out. Knows nothing of streams.
 */
import dgram from 'node:dgram'
import net from 'node:net'
import { limits } from '../../model/limits.ts'
import type { DatagramEnd } from './datagram-relay.ts'

export interface LocalDatagramsListener {
  /** Once: from here datagrams can be sent. */
  onReady(): void
  onMessage(payload: Buffer): void
  /** Nobody listens there, or the address is none. The socket is closed by whoever hears it. */
  onError(error: NodeJS.ErrnoException): void
}

/** `address` is an address or a name; nothing is called back after `close()`. */
export function dialLocalDatagrams(
  at: { readonly address: string; readonly port: number },
  listener: LocalDatagramsListener,
): DatagramEnd {
  const socket = dgram.createSocket(net.isIPv6(at.address) ? 'udp6' : 'udp4')
  let closed = false
  socket.on('message', (payload: Buffer) => {
    if (!closed) listener.onMessage(payload)
  })
  const onError = (error: NodeJS.ErrnoException | null): void => {
    // One that is too long for the way is lost alone; all others tell of the service.
    if (error !== null && !closed && error.code !== 'EMSGSIZE') listener.onError(error)
  }
  socket.on('error', onError)
  socket.connect(at.port, at.address, () => {
    if (!closed) listener.onReady()
  })
  return {
    send(payload) {
      if (closed || socket.getSendQueueSize() > limits.datagramQueueBytes) return false
      // The kernel may take it later.
      socket.send(Buffer.from(payload), onError)
      return true
    },
    close() {
      if (closed) return
      closed = true
      socket.close()
    },
  }
}
