// Connections of one service to one instance share a TLS session: seen from a relay between two workers that counts the
// TCP connections, and that can be cut, stalled or turned to another worker.
import net from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TestAuthority } from './authority.ts'
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
} from './lab.ts'

/** A relay between the two proxies. */
class Wire {
  /** Connections that were ever made. */
  made = 0
  port = 0
  /** Where new connections lead. */
  to = 0
  private readonly server: net.Server
  private readonly open = new Set<net.Socket>()

  constructor() {
    this.server = net.createServer((near) => {
      this.made += 1
      const far = net.connect(this.to, '127.0.0.1')
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.open.add(one)
        one.on('error', () => {})
        one.on('close', () => {
          this.open.delete(one)
          other.destroy()
        })
        one.pipe(other)
      }
    })
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.listen(port, '127.0.0.1', resolve)
    })
    this.port = (this.server.address() as net.AddressInfo).port
  }

  cut(): void {
    for (const socket of this.open) socket.destroy()
  }

  /** Bytes of the connections of now stay where they are. */
  stall(): void {
    for (const socket of this.open) socket.unpipe().pause()
  }

  close(): Promise<void> {
    this.cut()
    return new Promise((resolve) => {
      this.server.close(() => resolve())
    })
  }
}

const authority = new TestAuthority()
const folder = { path: '', remove: (): void => {} }
let near: LabHost
let far: LabHost
let service: CountingService
let wire: Wire
let upstreamPort: number
let apiPort: number

beforeEach(async () => {
  Object.assign(folder, temporaryFolder())
  wire = new Wire()
  ;[near, far, service] = await Promise.all([
    startHost(folder.path),
    startHost(folder.path),
    startService(),
    wire.listen(),
  ])
  ;[upstreamPort, apiPort] = [await freePort(), await freePort()]
  await serve(far)
  await near.publish(nearResources())
})

afterEach(async () => {
  await Promise.all([near.stop(), far.stop(), service.close(), wire.close()])
  folder.remove()
})

/** Makes `host` the far proxy of everybody who connects from now on. */
async function serve(host: LabHost): Promise<void> {
  const port = await freePort()
  await host.publish([
    authority.rootsResource(),
    authority.leafResource('backend'),
    policy('backend', 'allow'),
    inbound('backend', port, service.port),
  ])
  wire.to = port
}

const nearResources = () => [
  authority.rootsResource(),
  authority.leafResource('web'),
  authority.leafResource('api'),
  endpoints('backend', [endpoint('beta/backend', wire.port)]),
  outbound('web', 'backend', upstreamPort),
  outbound('api', 'backend', apiPort),
]

const exchangeMany = (count: number, port = upstreamPort): Promise<readonly string[]> =>
  Promise.all(Array.from({ length: count }, (_, at) => exchange(port, `word ${at}`)))

const wordsOf = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `word ${at}`)

/** A connection that stays open and was answered once. */
async function openOne(): Promise<net.Socket> {
  const socket = net.connect(upstreamPort, '127.0.0.1')
  socket.on('error', () => {})
  await new Promise((resolve) => {
    socket.once('data', resolve)
    socket.write('open')
  })
  return socket
}

test('many connections at once, and later ones, take one TLS session', async () => {
  expect(await exchangeMany(60)).toEqual(wordsOf(60))
  expect(await exchangeMany(60)).toEqual(wordsOf(60))
  expect(service.connections).toBe(120)
  expect(wire.made).toBe(1)
})

test('two local services never share a session', async () => {
  expect(await exchangeMany(5)).toEqual(wordsOf(5))
  expect(await exchangeMany(5, apiPort)).toEqual(wordsOf(5))
  expect(wire.made).toBe(2)
  const sources = far.log.lines.filter(({ message }) => message === 'connection ended')
  expect(new Set(sources.map((line) => line['source']))).toEqual(new Set(['web', 'api']))
})

test('a session that is lost cuts its connections, and the next ones get another at once', async () => {
  const open = await openOne()
  const closed = new Promise((resolve) => open.once('close', resolve))
  wire.cut()
  await closed
  expect(await exchangeMany(10)).toEqual(wordsOf(10))
  expect(wire.made).toBe(2)
})

test('when the far worker leaves, open connections go on there and new ones reach its successor', async () => {
  const open = await openOne()
  const successor = await startHost(folder.path)
  try {
    await serve(successor)
    let gone = false
    far.worker.stop(20_000, () => {
      gone = true
    })
    for (let round = 0; round < 20; round += 1) expect(await exchangeMany(5)).toEqual(wordsOf(5))
    expect(wire.made).toBe(2)
    const answer = new Promise<Buffer>((resolve) => open.once('data', resolve))
    open.write('still here')
    expect(String(await answer)).toBe('still here')
    open.end()
    await until('the old worker to end', () => gone)
  } finally {
    await successor.stop()
  }
})

test('a session that has fallen silent gets no new connections', async () => {
  await openOne()
  wire.stall()
  // Those that were given to the silent one wait for it; one that comes a second later does not.
  const lost = exchange(upstreamPort, 'lost')
  await until('a connection on another session', () =>
    wire.made > 1 ? true : void exchange(upstreamPort, 'x'),
  )
  expect(await exchange(upstreamPort, 'found')).toBe('found')
  expect(wire.made).toBe(2)
  expect(await lost).toBe('ECONNRESET')
})

test('while an instance cannot be reached clients are refused at once, and served as soon as it is there', async () => {
  const nobody = await freePort()
  await near.publish([
    ...nearResources().filter(({ kind }) => kind !== 'endpoints'),
    endpoints('backend', [endpoint('beta/backend', nobody)]),
  ])
  const refused = await Promise.all(Array.from({ length: 50 }, () => exchange(upstreamPort, 'x')))
  expect(new Set(refused)).toEqual(new Set(['ECONNRESET']))
  expect(near.log.refusals('connect-failed')).toHaveLength(50)
  const late = new Wire()
  late.to = wire.to
  await late.listen(nobody)
  try {
    for (let answer = ''; answer !== 'hello'; ) answer = await exchange(upstreamPort, 'hello')
  } finally {
    await late.close()
  }
})
