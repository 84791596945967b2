// One HTTP/1.1 keep-alive connection with one request at a time, over a bare socket, for a load generator: the head is
// made once, and of an answer only the status line and where it ends are read.
import { connect, type Socket } from 'node:net'
import type { Connection, Outcome } from './connection.ts'

export interface Http1Target {
  readonly host: string
  readonly port: number
}

export class Http1Connection implements Connection {
  private readonly socket: Socket
  private received: Buffer = Buffer.alloc(0)
  private done: ((outcome: Outcome) => void) | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.take(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => this.finish('lost'))
  }

  static open(target: Http1Target): Promise<Http1Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(target, () => resolve(new Http1Connection(socket)))
      socket.once('error', reject)
    })
  }

  /** `message` is a whole request, made by `httpRequest`. */
  call(message: Buffer, done: (outcome: Outcome) => void): void {
    if (this.socket.destroyed) {
      done('lost')
      return
    }
    this.done = done
    this.socket.write(message)
  }

  close(): void {
    this.socket.destroy()
  }

  private take(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk])
    const head = this.received.indexOf('\r\n\r\n')
    if (head < 0 || this.received.length < this.end(head + 4)) return
    const status = this.received.toString('latin1', 9, 12)
    this.received = Buffer.alloc(0)
    this.finish(status === '200' ? 'accepted' : 'refused')
  }

  /** Bytes of the whole answer as far as it is known, Infinity while more must come. */
  private end(body: number): number {
    const head = this.received.toString('latin1', 0, body).toLowerCase()
    const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1]
    if (length !== undefined) return body + Number(length)
    return this.received.toString('latin1', this.received.length - 5) === '0\r\n\r\n'
      ? 0
      : Number.POSITIVE_INFINITY
  }

  private finish(outcome: Outcome): void {
    const { done } = this
    this.done = undefined
    done?.(outcome)
  }
}

export function httpRequest(line: string, headers: Readonly<Record<string, string>>, body: Buffer): Buffer {
  const fields = Object.entries({ Host: 'bench', ...headers, 'Content-Length': String(body.length) })
  const head = `${line} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  return Buffer.concat([Buffer.from(head), body])
}
