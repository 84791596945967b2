// Asks a DNS server over real sockets, and plays one that others ask.
import { createSocket } from 'node:dgram'
import { connect, createServer, type Socket } from 'node:net'
import dnsPacket from 'dns-packet'
import type { Recursor } from '../../../src/config/dns-settings.ts'
import { decoded, type Packet } from './world.ts'

/** One question over UDP; rejects where nothing comes. */
export async function askUdp(
  port: number,
  bytes: Buffer,
  timeoutMs = 5_000,
  address = '127.0.0.1',
): Promise<Packet> {
  const socket = createSocket('udp4')
  try {
    return await new Promise<Packet>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no answer over UDP')), timeoutMs)
      socket.on('message', (answer) => {
        clearTimeout(timer)
        resolve(decoded(answer))
      })
      socket.send(bytes, port, address)
    })
  } finally {
    socket.close()
  }
}

/** Questions over one TCP connection, sent in pieces of `pieceBytes`; answers in the order in which they came. */
export async function askTcp(
  port: number,
  questions: readonly Buffer[],
  pieceBytes = 65_536,
): Promise<readonly Packet[]> {
  const socket = connect({ host: '127.0.0.1', port })
  try {
    return await new Promise<readonly Packet[]>((resolve, reject) => {
      const answers: Packet[] = []
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('the connection ended')))
      readFrames(socket, (frame) => {
        answers.push(decoded(frame))
        if (answers.length === questions.length) resolve(answers)
      })
      const all = Buffer.concat(questions.map(framed))
      for (let from = 0; from < all.length; from += pieceBytes)
        socket.write(all.subarray(from, from + pieceBytes))
    })
  } finally {
    socket.removeAllListeners('close')
    socket.destroy()
  }
}

export function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

function readFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let received: Buffer = Buffer.alloc(0)
  socket.on('data', (piece) => {
    received = Buffer.concat([received, piece])
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0)
      take(received.subarray(2, end))
      received = received.subarray(end)
    }
  })
}

type Play = (query: Packet, transport: 'udp' | 'tcp') => Partial<dnsPacket.Packet> | undefined

/** A name server that answers as `play` says; undefined: not at all. */
export class NameServer {
  readonly queries: string[] = []
  private readonly udp = createSocket('udp4')
  private readonly tcp = createServer()
  private port = 0

  constructor(play: Play) {
    const answer = (bytes: Buffer, transport: 'udp' | 'tcp'): Buffer | undefined => {
      const query = decoded(bytes)
      this.queries.push(`${transport} ${query.questions?.[0]?.type} ${query.questions?.[0]?.name}`)
      const played = play(query, transport)
      if (played === undefined) return undefined
      const { id = 0, questions = [] } = query
      return dnsPacket.encode({ type: 'response', id, questions, ...played })
    }
    this.udp.on('message', (bytes, from) => {
      const bytesBack = answer(bytes, 'udp')
      if (bytesBack !== undefined) this.udp.send(bytesBack, from.port, from.address)
    })
    this.tcp.on('connection', (socket) => {
      socket.on('error', () => socket.destroy())
      readFrames(socket, (frame) => {
        const bytesBack = answer(frame, 'tcp')
        if (bytesBack !== undefined) socket.write(framed(bytesBack))
      })
    })
  }

  async start(): Promise<Recursor> {
    await new Promise<void>((resolve) => this.tcp.listen(0, '127.0.0.1', resolve))
    const address = this.tcp.address()
    this.port = typeof address === 'object' && address !== null ? address.port : 0
    await new Promise<void>((resolve) => this.udp.bind(this.port, '127.0.0.1', resolve))
    return { address: '127.0.0.1', port: this.port }
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.udp.close(() => resolve()))
    await new Promise<void>((resolve) => this.tcp.close(() => resolve()))
  }
}
