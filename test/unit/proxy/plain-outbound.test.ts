// Our dialling side against peers without the tunnel: the real openssl, and TLS servers of this process that can do more.
import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import type { ProxyResource } from '../../../src/model/proxy-config.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { tunnelAlpn } from '../../../src/wire/tunnel/frame.ts'
import { type IssuedLeaf, TestAuthority } from './authority.ts'
import {
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
} from './lab.ts'
import { leafFile, opensslServer } from './openssl.ts'

const authority = new TestAuthority()
const folder = temporaryFolder()
const webLeaf = authority.leafResource('web')
const root = authority.rootsResource()
const localPort = await freePort()
const cleanups: (() => unknown)[] = []
let web: LabHost
let skewMs = 0

beforeAll(async () => {
  const monotonicMs = (): number => systemClock.monotonicMs() + skewMs
  web = await startHost(folder.path, { clock: { ...systemClock, monotonicMs } })
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

afterAll(async () => {
  await web.stop()
  folder.remove()
})

/** Leads the upstream of web to a port of this host. */
async function leadTo(port: number, roots: ProxyResource = root): Promise<void> {
  await web.publish([
    roots,
    webLeaf,
    policy('web', 'deny'),
    endpoints('backend', [endpoint(`beta/backend-${port}`, port)]),
    outbound('web', 'backend', localPort),
  ])
}

interface PlainPeer {
  readonly port: number
  /** Names that its clients asked for. */
  readonly names: string[]
  readonly sockets: tls.TLSSocket[]
}

/** A TLS server with a leaf of backend that knows nothing of the tunnel. */
async function plainPeer(
  serve: (socket: tls.TLSSocket) => void,
  leaf: IssuedLeaf = authority.service('backend'),
): Promise<PlainPeer> {
  const names: string[] = []
  const sockets: tls.TLSSocket[] = []
  const options = {
    cert: leaf.certificatePem,
    key: leaf.privateKeyPem,
    requestCert: true,
    rejectUnauthorized: false,
    allowHalfOpen: true,
  }
  const server = tls.createServer(options, (socket) => {
    sockets.push(socket)
    const { servername } = socket as tls.TLSSocket & { readonly servername?: string }
    names.push(servername ?? '')
    socket.on('error', () => {})
    serve(socket)
  })
  // Also those whose handshake is never finished.
  const raws: net.Socket[] = []
  server.on('connection', (socket: net.Socket) => raws.push(socket))
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  cleanups.push(() => {
    for (const socket of raws) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return { port: (server.address() as net.AddressInfo).port, names, sockets }
}

const echo = (socket: tls.TLSSocket): void => {
  socket.pipe(socket)
}

/** Sends a line and waits for one, or for how the connection ends. */
function ask(line: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(localPort, '127.0.0.1')
    let got = ''
    socket.on('data', (bytes) => {
      got += bytes.toString()
      if (!got.includes('\n')) return
      socket.destroy()
      resolve(got)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    socket.on('end', () => resolve(`ended after ${JSON.stringify(got)}`))
    socket.write(`${line}\n`)
  })
}

for (const [what, more] of [
  ['that knows no ALPN', []],
  ['that insists on another ALPN', ['-alpn', 'h2']],
] as const)
  test(`an upstream reaches an openssl s_server ${what}`, async () => {
    const port = await freePort()
    const own = leafFile(folder.path, authority.service('backend'))
    const authorityFile = join(folder.path, 'root.pem')
    writeFileSync(authorityFile, authority.rootPem)
    const sni = `backend.default.dc1.internal.${authority.trustDomain}`
    const server = await opensslServer(port, [
      ...['-cert', own, '-key', own, '-Verify', '2', '-CAfile', authorityFile, '-verify_return_error'],
      // Ends the handshake of a client that asks for another name.
      ...['-servername', sni, '-servername_fatal', '-cert2', own, '-key2', own],
      ...more,
    ])
    cleanups.push(() => server.stop())
    await leadTo(port)
    expect(await ask('stressed')).toBe('desserts\n')
    expect(await ask('drawer')).toBe('reward\n')
  })

test('a far side with the leaf of another service, or of another authority, is refused', async () => {
  const other = await plainPeer(echo, authority.service('other'))
  await leadTo(other.port)
  expect(await ask('hello')).toBe('ECONNRESET')
  expect(web.log.refusals('wrong-identity')).toHaveLength(1)

  const stranger = await plainPeer(echo, new TestAuthority(authority.trustDomain).service('backend'))
  await leadTo(stranger.port)
  expect(await ask('hello')).toBe('ECONNRESET')
  expect(web.log.refusals('untrusted-certificate')).toHaveLength(1)
})

test('clients that come at the same time each get a connection of their own', async () => {
  const peer = await plainPeer(echo)
  await leadTo(peer.port)
  const texts = Array.from({ length: 20 }, (_, at) => `client ${at}`)
  expect(await Promise.all(texts.map((text) => exchange(localPort, text)))).toEqual(texts)
  expect(peer.sockets).toHaveLength(20)
  expect([...new Set(peer.names)]).toEqual([`backend.default.dc1.internal.${authority.trustDomain}`])
})

test('large data crosses whole in both directions, also to a reader that stops again and again', async () => {
  const sent = randomBytes(6_000_000)
  const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
  const peer = await plainPeer((socket) => {
    const parts: Buffer[] = []
    socket.on('data', (bytes: Buffer) => {
      parts.push(bytes)
      if (parts.length % 16 !== 0) return
      socket.pause()
      setImmediate(() => socket.resume())
    })
    socket.on('end', () => socket.end(Buffer.concat(parts)))
  })
  await leadTo(peer.port)
  const back = await new Promise<Buffer>((resolve, reject) => {
    const socket = net.connect({ port: localPort, host: '127.0.0.1', allowHalfOpen: true })
    const parts: Buffer[] = []
    socket.on('data', (bytes: Buffer) => {
      parts.push(bytes)
      if (parts.length % 8 !== 0) return
      socket.pause()
      setImmediate(() => socket.resume())
    })
    socket.on('error', reject)
    socket.on('end', () => resolve(Buffer.concat(parts)))
    socket.end(sent)
  })
  expect(back.length).toBe(sent.length)
  expect(hash(back)).toBe(hash(sent))
})

test('a reset crosses the mesh in both directions', async () => {
  const errors: string[] = []
  const raws: net.Socket[] = []
  const peer = await plainPeer((socket) => {
    socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? ''))
    echo(socket)
  })
  // Between the two, to reset what TLS cannot.
  const wire = net.createServer((socket) => {
    raws.push(socket)
    const onward = net.connect(peer.port, '127.0.0.1')
    for (const [one, two] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      one.on('data', (bytes) => two.write(bytes))
      one.on('end', () => two.end())
      one.on('error', () => two.resetAndDestroy())
    }
  })
  await new Promise<void>((resolve) => {
    wire.listen(0, '127.0.0.1', resolve)
  })
  cleanups.push(() => new Promise((resolve) => wire.close(resolve)))
  await leadTo((wire.address() as net.AddressInfo).port)

  const open = async (): Promise<net.Socket> => {
    const client = net.connect(localPort, '127.0.0.1')
    let got = ''
    client.on('data', (bytes) => {
      got += bytes.toString()
    })
    client.write('x')
    await until('the echo', () => got === 'x')
    return client
  }
  const first = await open()
  let seen = ''
  first.on('error', (error: NodeJS.ErrnoException) => {
    seen = error.code ?? ''
  })
  raws.at(-1)?.resetAndDestroy()
  await until('the client sees the reset', () => seen === 'ECONNRESET')

  const second = await open()
  second.resetAndDestroy()
  await until('the far side sees the reset', () => errors.includes('ECONNRESET'))
})

test('a far side that learns the tunnel gets it after a while, and until then is not asked for it', async () => {
  const service = await startService()
  cleanups.push(() => service.close())
  const port = await freePort()
  const offered: (readonly string[])[] = []
  const leaf = authority.service('backend')
  const old = tls.createServer(
    {
      cert: leaf.certificatePem,
      key: leaf.privateKeyPem,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNCallback: ({ protocols }) => {
        offered.push(protocols)
        return undefined
      },
    },
    echo,
  )
  await new Promise<void>((resolve) => {
    old.listen(port, '127.0.0.1', resolve)
  })
  await leadTo(port)
  expect(await exchange(localPort, 'one')).toBe('one')
  expect(await exchange(localPort, 'two')).toBe('two')
  expect(offered).toEqual([[tunnelAlpn]])
  await new Promise((resolve) => old.close(resolve))

  const backend = await startHost(folder.path)
  cleanups.push(() => backend.stop())
  await backend.publish([
    root,
    authority.leafResource('backend'),
    policy('backend', 'allow'),
    inbound('backend', port, service.port),
  ])
  // A plain connection to a listener of ours is as good.
  expect(await exchange(localPort, 'three')).toBe('three')
  expect(backend.log.lines.find((line) => line.message === 'connection ended')).toMatchObject({
    instance: '',
  })
  skewMs += limits.plainBelievedMs + 1
  expect(await exchange(localPort, 'four')).toBe('four')
  const ended = await until('its end in the log', () =>
    backend.log.lines.filter((line) => line.message === 'connection ended').at(1),
  )
  // Only the tunnel names the instance.
  expect(ended).toMatchObject({ instance: `beta/backend-${port}` })
})

test('instances with the tunnel and without it stand behind one upstream', async () => {
  const named = (name: string) => (socket: net.Socket) =>
    socket.on('data', () => socket.end(name)).on('error', () => {})
  const peer = await plainPeer(named('plain'))
  const service = await startService(named('tunnel'))
  cleanups.push(() => service.close())
  const port = await freePort()
  const backend = await startHost(folder.path)
  cleanups.push(() => backend.stop())
  await backend.publish([
    root,
    authority.leafResource('backend'),
    policy('backend', 'allow'),
    inbound('backend', port, service.port),
  ])
  await web.publish([
    root,
    webLeaf,
    endpoints('backend', [endpoint('beta/a', peer.port), endpoint('beta/b', port)]),
    outbound('web', 'backend', localPort),
  ])
  const answers = []
  for (let at = 0; at < 6; at += 1) answers.push(await exchange(localPort, 'who?'))
  expect(answers.toSorted()).toEqual(['plain', 'plain', 'plain', 'tunnel', 'tunnel', 'tunnel'])
})

test('when the far side’s root is removed its open connections are cut', async () => {
  const old = new TestAuthority(authority.trustDomain)
  const peer = await plainPeer(echo, old.service('backend'))
  await leadTo(peer.port, { ...root, pems: [authority.rootPem, old.rootPem] } as ProxyResource)
  const client = net.connect(localPort, '127.0.0.1')
  let got = ''
  let end = ''
  client.on('data', (bytes) => {
    got += bytes.toString()
  })
  client.on('error', (error: NodeJS.ErrnoException) => {
    end = error.code ?? ''
  })
  client.write('here')
  await until('the echo', () => got === 'here')
  await leadTo(peer.port)
  await until('the client sees a reset', () => end === 'ECONNRESET')
})
