// The caller's side of a test: plain sockets to an upstream port, with what became of them.
import { connect, type Socket } from 'node:net'

export type Outcome =
  | { readonly kind: 'echoed' }
  /** Closed or reset before the echo came. */
  | { readonly kind: 'cut'; readonly received: number }
  /** The upstream port itself did not accept. */
  | { readonly kind: 'refused' }

/** One connection that stays open and can be asked to echo at any time. */
export class Conversation {
  readonly socket: Socket
  closed = false
  private received = Buffer.alloc(0)
  private waiting: (() => void) | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk])
      this.waiting?.()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.closed = true
      this.waiting?.()
    })
  }

  static open(host: string, port: number): Promise<Conversation | undefined> {
    return new Promise((resolve) => {
      const socket = connect({ host, port })
      socket.once('connect', () => resolve(new Conversation(socket)))
      socket.once('error', () => resolve(undefined))
    })
  }

  /** Sends `text` and resolves true when it came back, false when the connection ended instead. */
  echo(text: string): Promise<boolean> {
    this.received = Buffer.alloc(0)
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.received.length >= Buffer.byteLength(text)) resolve(this.received.toString() === text)
        else if (this.closed) resolve(false)
        else return
        this.waiting = undefined
      }
      this.waiting = look
      if (!this.closed) this.socket.write(text)
      look()
    })
  }

  close(): void {
    this.socket.destroy()
  }
}

/** One short connection: connect, send, wait for the echo or the end. */
export function attempt(host: string, port: number, text: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    let received = 0
    let connected = false
    socket.on('connect', () => {
      connected = true
      socket.write(text)
    })
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length
      if (received >= Buffer.byteLength(text)) {
        resolve({ kind: 'echoed' })
        socket.destroy()
      }
    })
    // A reset can come before the caller has heard of its connection: that is a cut too.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      connected ||= error.code === 'ECONNRESET'
    })
    socket.on('close', () => resolve(connected ? { kind: 'cut', received } : { kind: 'refused' }))
  })
}
