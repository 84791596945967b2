// Many blocking queries of one client process: each has a connection of its own, sends one request and says when the answer came.
import { connect, type Socket } from 'node:net'

export interface Target {
  readonly host: string
  readonly port: number
}

export class Watcher {
  readonly socket: Socket
  status = ''
  answeredMs = 0
  private received = ''

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      if (this.answeredMs !== 0) return
      this.received += chunk.toString('latin1')
      if (!isWhole(this.received)) return
      this.answeredMs = performance.now()
      this.status = this.received.slice(9, 12)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (this.answeredMs === 0) this.status = 'lost'
    })
  }

  static open(target: Target): Promise<Watcher> {
    return new Promise((resolve, reject) => {
      const socket = connect(target, () => resolve(new Watcher(socket)))
      socket.once('error', reject)
    })
  }

  /** Asks anew; the last answer is forgotten. */
  ask(host: string, path: string): void {
    this.received = ''
    this.answeredMs = 0
    this.status = ''
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  }

  get isOver(): boolean {
    return this.status !== ''
  }
}

/** The head, and as many bytes behind it as it says. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1]
  return length !== undefined && text.length >= end + 4 + Number(length)
}
