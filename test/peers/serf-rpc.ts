// Serf's own control protocol over TCP, as far as a measurement needs it: its command line would first start a process, and
// that would count as serf's time.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { MsgpackWriter } from '../../src/wire/gossip/msgpack-writer.ts'

const protocolVersion = 1
const waitMs = 20

export class SerfRpc {
  readonly #socket: Socket
  #sequence = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.resume()
    socket.on('error', () => undefined)
  }

  /** Waits until the agent answers there. */
  static async open(address: string, withinMs = 10_000): Promise<SerfRpc> {
    const deadline = performance.now() + withinMs
    for (;;) {
      const socket = connect({ host: address, port: 7_373, noDelay: true })
      try {
        await once(socket, 'connect')
        const rpc = new SerfRpc(socket)
        await rpc.#ask('handshake', (body) => body.map(1).text('Version').unsigned(protocolVersion))
        return rpc
      } catch (error) {
        socket.destroy()
        if (performance.now() > deadline) throw error
        await new Promise((resolve) => setTimeout(resolve, waitMs))
      }
    }
  }

  /** Resolves when it has answered, whatever it said. */
  async join(address: string): Promise<void> {
    await this.#ask('join', (body) =>
      body.map(2).text('Existing').array(1).text(address).text('Replay').boolean(false),
    )
  }

  close(): void {
    this.#socket.destroy()
  }

  async #ask(command: string, writeBody: (body: MsgpackWriter) => MsgpackWriter): Promise<void> {
    const header = new MsgpackWriter().map(2).text('Command').text(command)
    header.text('Seq').unsigned(this.#sequence)
    this.#sequence += 1
    const answered = once(this.#socket, 'data')
    this.#socket.write(Buffer.concat([header.result(), writeBody(new MsgpackWriter()).result()]))
    await answered
  }
}
