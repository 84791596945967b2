// One HTTP/2 connection that makes unary gRPC calls and nothing else, written for a load generator: a call is one buffer
// with two frames, and an answer is only looked at as far as it takes to know that it is one. A library's client costs
// several times what the server under test does, and then measures itself. RFC 9113; the header block is always the same
// bytes (RFC 7541 without its table), so it is made once.
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type SecureContextOptions } from 'node:tls'
import type { Connection, Outcome } from './connection.ts'

export interface Http2Target {
  readonly host: string
  readonly port: number
  /** Absent: without TLS. The peer is not verified: it is the server that this process started. */
  readonly tls?: SecureContextOptions
  /** Such as /etcdserverpb.KV/Put. */
  readonly path: string
}

export const frame = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
} as const
export const endStream = 1
const ack = 1
export const headerBytes = 9
export const largestWindow = 2 ** 31 - 1
export const windowAtStart = 65_535
/** What the other side may send before it hears from us again. */
const refillBelow = 2 ** 30

export class Http2Connection implements Connection {
  private readonly socket: Socket
  private readonly headers: Buffer
  private readonly open = new Map<number, (outcome: Outcome) => void>()
  private readonly answered = new Set<number>()
  private readonly waiting: (() => void)[] = []
  private rest: Buffer = Buffer.alloc(0)
  private nextStream = 1
  private sendWindow = windowAtStart
  private receiveWindow = largestWindow
  private isLost = false

  private constructor(socket: Socket, target: Http2Target) {
    this.socket = socket
    this.headers = headerBlock(target)
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.take(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => this.lose())
    socket.write(preface())
  }

  static open(target: Http2Target): Promise<Http2Connection> {
    return new Promise((resolve, reject) => {
      const { host, port, tls } = target
      const socket =
        tls === undefined
          ? connectTcp({ host, port }, () => resolve(new Http2Connection(socket, target)))
          : connectTls({ host, port, ...tls, ALPNProtocols: ['h2'], rejectUnauthorized: false }, () =>
              resolve(new Http2Connection(socket, target)),
            )
      socket.once('error', reject)
    })
  }

  /** Sends one message; `done` is called once. */
  call(message: Buffer, done: (outcome: Outcome) => void): void {
    const bytes = message.length + 5
    if (this.isLost) done('lost')
    else if (this.sendWindow < bytes) this.waiting.push(() => this.call(message, done))
    else {
      this.sendWindow -= bytes
      const stream = this.nextStream
      this.nextStream += 2
      this.open.set(stream, done)
      this.socket.write(this.request(stream, message))
    }
  }

  close(): void {
    this.socket.destroy()
  }

  private request(stream: number, message: Buffer): Buffer {
    const { headers } = this
    const bytes = Buffer.allocUnsafe(headerBytes + headers.length + headerBytes + 5 + message.length)
    let at = writeFrameHead(bytes, 0, { length: headers.length, type: frame.headers, flags: 4, stream })
    at += headers.copy(bytes, at)
    const length = 5 + message.length
    at = writeFrameHead(bytes, at, { length, type: frame.data, flags: endStream, stream })
    bytes[at] = 0
    bytes.writeUInt32BE(message.length, at + 1)
    message.copy(bytes, at + 5)
    return bytes
  }

  private take(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    let at = 0
    while (bytes.length - at >= headerBytes) {
      const length = bytes.readUIntBE(at, 3)
      if (bytes.length - at < headerBytes + length) break
      this.frame(bytes, at, length)
      at += headerBytes + length
    }
    this.rest = bytes.subarray(at)
  }

  private frame(bytes: Buffer, at: number, length: number): void {
    const type = bytes[at + 3] ?? 0
    const flags = bytes[at + 4] ?? 0
    const stream = bytes.readUInt32BE(at + 5) & 0x7fffffff
    const body = at + headerBytes
    if (type === frame.data) this.onData(stream, length)
    else if (type === frame.reset) this.finish(stream, 'refused')
    else if (type === frame.settings && (flags & ack) === 0) this.write(frame.settings, ack)
    else if (type === frame.ping && (flags & ack) === 0)
      this.write(frame.ping, ack, bytes.subarray(body, body + length))
    else if (type === frame.goaway) this.close()
    else if (type === frame.windowUpdate && stream === 0) this.onWindow(bytes.readUInt32BE(body))
    if ((type === frame.data || type === frame.headers) && (flags & endStream) !== 0)
      this.finish(stream, this.answered.delete(stream) ? 'accepted' : 'refused')
  }

  /** A unary call that fails has no message, only a status; so one with a message went well. */
  private onData(stream: number, length: number): void {
    if (length >= 5) this.answered.add(stream)
    this.receiveWindow -= length
    if (this.receiveWindow > refillBelow) return
    const increment = Buffer.alloc(4)
    increment.writeUInt32BE(largestWindow - this.receiveWindow)
    this.receiveWindow = largestWindow
    this.write(frame.windowUpdate, 0, increment)
  }

  private onWindow(increment: number): void {
    this.sendWindow += increment
    for (const retry of this.waiting.splice(0)) retry()
  }

  private finish(stream: number, outcome: Outcome): void {
    const done = this.open.get(stream)
    this.open.delete(stream)
    done?.(outcome)
  }

  private write(type: number, flags: number, body: Buffer = Buffer.alloc(0)): void {
    const bytes = Buffer.alloc(headerBytes + body.length)
    writeFrameHead(bytes, 0, { length: body.length, type, flags, stream: 0 })
    body.copy(bytes, headerBytes)
    this.socket.write(bytes)
  }

  private lose(): void {
    this.isLost = true
    for (const stream of [...this.open.keys()]) this.finish(stream, 'lost')
    for (const retry of this.waiting.splice(0)) retry()
  }
}

interface FrameHead {
  readonly length: number
  readonly type: number
  readonly flags: number
  readonly stream: number
}

export function writeFrameHead(into: Buffer, at: number, { length, type, flags, stream }: FrameHead): number {
  into.writeUIntBE(length, at, 3)
  into[at + 3] = type
  into[at + 4] = flags
  return into.writeUInt32BE(stream, at + 5)
}

/** The magic words, SETTINGS (no header table, no push, large windows), and room for answers on the connection. */
export function preface(): Buffer {
  const settings = [
    [1, 0],
    [2, 0],
    [4, largestWindow],
  ] as const
  const bytes = Buffer.alloc(headerBytes + settings.length * 6 + headerBytes + 4)
  let at = writeFrameHead(bytes, 0, {
    length: settings.length * 6,
    type: frame.settings,
    flags: 0,
    stream: 0,
  })
  for (const [name, value] of settings) at = bytes.writeUInt32BE(value, bytes.writeUInt16BE(name, at))
  at = writeFrameHead(bytes, at, { length: 4, type: frame.windowUpdate, flags: 0, stream: 0 })
  bytes.writeUInt32BE(largestWindow - windowAtStart, at)
  return Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), bytes])
}

/** RFC 7541: indexed fields of the static table, the rest as literals that enter no table. */
export function headerBlock({ host, port, path, tls }: Http2Target): Buffer {
  const literal = (name: Buffer, value: string): Buffer =>
    Buffer.concat([name, Buffer.from([value.length]), Buffer.from(value)])
  const named = (name: string): Buffer => Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name)])
  return Buffer.concat([
    Buffer.from([0x83, tls === undefined ? 0x86 : 0x87]),
    literal(Buffer.from([0x04]), path),
    literal(Buffer.from([0x01]), `${host}:${port}`),
    literal(Buffer.from([0x0f, 0x10]), 'application/grpc'),
    literal(named('te'), 'trailers'),
  ])
}
