// The service behind the mesh in tests: echoes, and counts what reached it, so that "denied" is judged by the one who
// would have been called.
import { createServer, type Server, type Socket } from 'node:net'

export class EchoService {
  connections = 0
  bytes = 0
  readonly open = new Set<Socket>()
  private readonly server: Server

  private constructor(server: Server) {
    this.server = server
  }

  static async listen(address: string, port: number): Promise<EchoService> {
    const server = createServer({ allowHalfOpen: true })
    const service = new EchoService(server)
    server.on('connection', (socket) => service.accept(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: address, port, backlog: 4_096 }, () => resolve())
    })
    return service
  }

  private accept(socket: Socket): void {
    this.connections += 1
    this.open.add(socket)
    socket.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length
      if (!socket.write(chunk)) {
        socket.pause()
        socket.once('drain', () => socket.resume())
      }
    })
    socket.on('end', () => socket.end())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.open.delete(socket))
  }

  resetCounts(): void {
    this.connections = 0
    this.bytes = 0
  }

  async close(): Promise<void> {
    for (const socket of this.open) socket.destroy()
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
  }
}
