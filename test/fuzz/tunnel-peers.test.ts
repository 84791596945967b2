// Damaged frame sequences over real TLS against both proxies of a road, while a connection of a peer that behaves goes on: it
// never loses or gains a byte, and nothing stays behind. MESH_TUNNEL_PEERS says how many sequences each side gets.
import dgram from 'node:dgram'
import net from 'node:net'
import tls from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tunnelAlpn } from '../../src/wire/tunnel/frame.ts'
import { TestAuthority } from '../unit/proxy/authority.ts'
import {
  type CountingService,
  endpoint,
  endpoints,
  exchange,
  freePort,
  inbound,
  type LabHost,
  outbound,
  policy,
  startHost,
  startService,
  temporaryFolder,
  until,
} from '../unit/proxy/lab.ts'
import { seeded, sequence } from './tunnel-sequences.ts'

const sequences = Number(process.env['MESH_TUNNEL_PEERS'] ?? 150)
const authority = new TestAuthority()
const folder = temporaryFolder()
/** Takes the datagrams of streams that are opened for them. */
const echo = dgram.createSocket('udp4')
let near: LabHost
let far: LabHost
let service: CountingService
let upstreamPort: number
let publicPort: number
/** An upstream whose far proxy is the test. */
let hostilePort: number
let hostile: tls.Server
let bystander: net.Socket
let heard = ''

beforeAll(async () => {
  ;[near, far, service] = await Promise.all([startHost(folder.path), startHost(folder.path), startService()])
  ;[upstreamPort, publicPort, hostilePort] = [await freePort(), await freePort(), await freePort()]
  await new Promise<void>((resolve) => {
    echo.bind(0, '127.0.0.1', resolve)
  })
  echo.on('message', (bytes, from) => echo.send(bytes, from.port, from.address))
  const farLeaf = authority.service('broken')
  let round = 0
  hostile = tls.createServer({
    cert: farLeaf.certificatePem,
    key: farLeaf.privateKeyPem,
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: [tunnelAlpn],
  })
  hostile.on('secureConnection', (socket) => {
    socket.on('error', () => {})
    round += 1
    socket.resume()
    socket.end(sequence('dialler', seeded(5_000 + round)))
  })
  await new Promise<void>((resolve) => {
    hostile.listen(0, '127.0.0.1', resolve)
  })
  await far.publish([
    authority.rootsResource(),
    authority.leafResource('backend'),
    policy('backend', 'allow'),
    inbound('backend', publicPort, service.port, { localUdpPort: echo.address().port }),
  ])
  await near.publish([
    authority.rootsResource(),
    authority.leafResource('web'),
    endpoints('backend', [endpoint('beta/backend', publicPort)]),
    endpoints('broken', [endpoint('beta/broken', (hostile.address() as net.AddressInfo).port)]),
    outbound('web', 'backend', upstreamPort),
    outbound('web', 'broken', hostilePort),
  ])
  bystander = net.connect(upstreamPort, '127.0.0.1')
  bystander.on('data', (bytes: Buffer) => {
    heard += bytes.toString()
  })
})

afterAll(async () => {
  bystander.destroy()
  hostile.close()
  echo.close()
  await Promise.all([near.stop(), far.stop()])
  await service.close()
  folder.remove()
})

let said = ''

/** Everything that the bystander ever said came back, and nothing else. */
async function bystanderIsWhole(word: string): Promise<void> {
  said += word
  bystander.write(word)
  await until('the bystander’s words', () => heard.length >= said.length)
  expect(heard === said).toBe(true)
}

/** One hostile dialler; resolves when the listener has ended it. */
function attack(round: number): Promise<void> {
  const leaf = authority.service('web')
  const socket = tls.connect({
    port: publicPort,
    host: '127.0.0.1',
    cert: leaf.certificatePem,
    key: leaf.privateKeyPem,
    rejectUnauthorized: false,
    ALPNProtocols: [tunnelAlpn],
  })
  socket.on('error', () => {})
  socket.resume()
  socket.end(sequence('acceptor', seeded(9_000 + round)))
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
  })
}

test(`${sequences} damaged sequences against a listener: the peer that behaves is served, and nothing stays behind`, async () => {
  await bystanderIsWhole('before')
  const open = far.worker.connections()
  for (let round = 0; round < sequences; round += 1) {
    await attack(round)
    if (round % 10 === 0) await bystanderIsWhole(`round ${round};`)
  }
  await bystanderIsWhole('after')
  await until('the end of what they opened', () => far.worker.connections() === open)
  await until('the end of their connections to the service', () => service.sockets.size === 1)
})

test(`${sequences} damaged answers to a dialler: each client gets an end, and the one that behaves is served`, async () => {
  const open = near.worker.connections()
  for (let round = 0; round < sequences; round += 1) {
    // Whatever it is: an end. A worker that hung or died would give none.
    await exchange(hostilePort, 'hello')
    if (round % 10 === 0) await bystanderIsWhole(`dialled ${round};`)
  }
  await bystanderIsWhole('after dialling')
  await until('the end of what was dialled', () => near.worker.connections() === open)
})
