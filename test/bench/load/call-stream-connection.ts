// One HTTP/2 connection with one gRPC stream that carries call after call, as our agents hold it to their server
// (src/rpc/call-frame.ts), written for a load generator like http2-connection.ts beside it.
import { connect, type TLSSocket } from 'node:tls'
import type { Connection, Outcome } from './connection.ts'
import {
  endStream,
  frame,
  type Http2Target,
  headerBlock,
  headerBytes,
  largestWindow,
  preface,
  windowAtStart,
  writeFrameHead,
} from './http2-connection.ts'

const stream = 1
const endHeaders = 4
const ack = 1
/** gRPC puts a flag and the length before each message. */
const prefixBytes = 5
/** Fields of CallAnswer, as their tags stand on the wire: number and wire type. */
const tag = { id: 0x08, ready: 0x12, answer: 0x1a } as const

export class CallStreamConnection implements Connection {
  private readonly socket: TLSSocket
  private readonly onReady: () => void
  private frames: Buffer = Buffer.alloc(0)
  private messages: Buffer = Buffer.alloc(0)
  private readonly open = new Map<number, (outcome: Outcome) => void>()
  private connectionWindow = windowAtStart
  private streamWindow = windowAtStart
  private readonly waiting: Buffer[] = []

  private constructor(socket: TLSSocket, target: Http2Target, onReady: () => void) {
    this.socket = socket
    this.onReady = onReady
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.take(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => this.lose())
    const block = headerBlock(target)
    const head = Buffer.alloc(headerBytes)
    writeFrameHead(head, 0, { length: block.length, type: frame.headers, flags: endHeaders, stream })
    socket.write(Buffer.concat([preface(), head, block]))
  }

  /** Resolves when the server takes calls on the stream. */
  static open(target: Http2Target): Promise<CallStreamConnection> {
    return new Promise((resolve, reject) => {
      const { host, port, tls } = target
      const socket = connect({ host, port, ...tls, ALPNProtocols: ['h2'], rejectUnauthorized: false }, () => {
        const connection = new CallStreamConnection(socket, target, () => resolve(connection))
      })
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('the server takes no calls on a stream')))
    })
  }

  /** `message` is an encoded CallRequest. */
  call(message: Buffer, done: (outcome: Outcome) => void): void {
    if (this.socket.destroyed) {
      done('lost')
      return
    }
    this.open.set(readId(message).id, done)
    this.send(message)
  }

  close(): void {
    this.socket.destroy()
  }

  private send(message: Buffer): void {
    const length = prefixBytes + message.length
    if (Math.min(this.connectionWindow, this.streamWindow) < length) {
      this.waiting.push(message)
      return
    }
    this.connectionWindow -= length
    this.streamWindow -= length
    const bytes = Buffer.allocUnsafe(headerBytes + length)
    const at = writeFrameHead(bytes, 0, { length, type: frame.data, flags: 0, stream })
    bytes[at] = 0
    bytes.writeUInt32BE(message.length, at + 1)
    message.copy(bytes, at + prefixBytes)
    this.socket.write(bytes)
  }

  private take(chunk: Buffer): void {
    const bytes = this.frames.length === 0 ? chunk : Buffer.concat([this.frames, chunk])
    let at = 0
    while (bytes.length - at >= headerBytes) {
      const length = bytes.readUIntBE(at, 3)
      if (bytes.length - at < headerBytes + length) break
      this.frame(
        bytes.subarray(at, at + headerBytes),
        bytes.subarray(at + headerBytes, at + headerBytes + length),
      )
      at += headerBytes + length
    }
    this.frames = bytes.subarray(at)
  }

  private frame(head: Buffer, body: Buffer): void {
    const type = head[3] ?? 0
    const flags = head[4] ?? 0
    const of = head.readUInt32BE(5) & largestWindow
    if (type === frame.data) this.takeMessages(body)
    else if (type === frame.settings && (flags & ack) === 0) this.write(frame.settings, Buffer.alloc(0))
    else if (type === frame.ping && (flags & ack) === 0) this.write(frame.ping, body)
    else if (type === frame.windowUpdate) this.grow(of, body.readUInt32BE(0))
    else if (type === frame.goaway || type === frame.reset) this.close()
    if ((type === frame.data || type === frame.headers) && (flags & endStream) !== 0) this.close()
  }

  private takeMessages(body: Buffer): void {
    const bytes = this.messages.length === 0 ? body : Buffer.concat([this.messages, body])
    let at = 0
    while (bytes.length - at >= prefixBytes) {
      const length = bytes.readUInt32BE(at + 1)
      if (bytes.length - at < prefixBytes + length) break
      this.answered(bytes.subarray(at + prefixBytes, at + prefixBytes + length))
      at += prefixBytes + length
    }
    this.messages = bytes.subarray(at)
  }

  private answered(message: Buffer): void {
    const { id, end } = readId(message)
    if (message[end] === tag.ready) this.onReady()
    else this.finish(id, message[end] === tag.answer ? 'accepted' : 'refused')
  }

  private grow(of: number, by: number): void {
    if (of === 0) this.connectionWindow += by
    else this.streamWindow += by
    for (const message of this.waiting.splice(0)) this.send(message)
  }

  private finish(id: number, outcome: Outcome): void {
    const done = this.open.get(id)
    this.open.delete(id)
    done?.(outcome)
  }

  private lose(): void {
    for (const id of [...this.open.keys()]) this.finish(id, 'lost')
  }

  private write(type: number, body: Buffer): void {
    const bytes = Buffer.alloc(headerBytes + body.length)
    writeFrameHead(bytes, 0, { length: body.length, type, flags: ack, stream: 0 })
    body.copy(bytes, headerBytes)
    this.socket.write(bytes)
  }
}

/** The first field, a varint; 0 where it is not there. */
function readId(message: Buffer): { readonly id: number; readonly end: number } {
  if (message[0] !== tag.id) return { id: 0, end: 0 }
  let [id, end] = [0, 1]
  for (let scale = 1; ; scale *= 128) {
    const byte = message[end++] ?? 0
    id += (byte & 0x7f) * scale
    if (byte < 0x80) return { id, end }
  }
}
