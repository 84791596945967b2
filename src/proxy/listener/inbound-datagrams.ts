/**
 * A local service that is sent datagrams on behalf of one flow from the mesh: connected first, then joined to the flow's
 * stream. Who may ask for it was decided before; inbound-stream.ts does that.
 */
import type { EndCode } from '../../wire/tunnel/codes.ts'
import { type DatagramEnd, DatagramRelay } from '../transport/datagram-relay.ts'
import { dialLocalDatagrams } from '../transport/local-datagrams.ts'
import type { RelayMeter } from '../transport/relay.ts'
import type { ByteStream } from '../transport/transport.ts'

export interface DatagramServiceListener {
  onConnected(service: DatagramService): void
  /** It cannot be reached; not called once it is joined to a stream, which then is reset. */
  onFailed(text: string): void
}

export class DatagramService {
  private readonly end: DatagramEnd
  private relay: DatagramRelay | undefined

  constructor(
    at: { readonly address: string; readonly port: number },
    { onConnected, onFailed }: DatagramServiceListener,
  ) {
    this.end = dialLocalDatagrams(at, {
      onReady: () => onConnected(this),
      onMessage: (payload) => this.relay?.take(payload),
      onError: (error) => {
        const text = `udp ${at.address}:${at.port}: ${error.code ?? error.message}`
        if (this.relay === undefined) onFailed(text)
        else this.relay.cut('local-connect-failed', text)
      },
    })
  }

  /** `onDone` is called once, when the flow is over. */
  join(stream: ByteStream, meter: RelayMeter, onDone: (code: EndCode) => void): DatagramRelay {
    this.relay = new DatagramRelay({ stream, end: this.end, endIs: 'destination' }, meter, onDone)
    return this.relay
  }

  close(): void {
    this.end.close()
  }
}
