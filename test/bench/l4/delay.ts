// A way with a delay: a relay that passes everything on `delayMs` later, in a process of its own. Takes what comes as fast
// as it comes, so that only the two ends decide how much is under way.
//
//   node delay.ts FROM_HOST FROM_PORT TO_HOST TO_PORT DELAY_MS
import net from 'node:net'

const [fromHost = '', fromPort = '', toHost = '', toPort = '', delayMs = ''] = process.argv.slice(2)

function pass(from: net.Socket, to: net.Socket): void {
  from.on('data', (bytes: Buffer) => setTimeout(() => to.write(bytes), Number(delayMs)))
  from.on('end', () => setTimeout(() => to.end(), Number(delayMs)))
  from.on('error', () => to.destroy())
  from.on('close', () => setTimeout(() => to.destroy(), 2 * Number(delayMs)))
}

const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  const far = net.connect({ host: toHost, port: Number(toPort), allowHalfOpen: true, noDelay: true })
  pass(near, far)
  pass(far, near)
})
server.listen(Number(fromPort), fromHost)
