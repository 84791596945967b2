// An instance on its way out, between two real workers: new connections go elsewhere, open ones live, and then are cut.
import net from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { InboundDrain } from '../../../src/model/proxy-config.ts'
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

const authority = new TestAuthority()
const folder = { path: '', remove: (): void => {} }
let web: LabHost
let hosts: readonly [LabHost, LabHost]
let services: readonly [CountingService, CountingService]
let publicPorts: readonly [number, number]
let upstreamPort: number

beforeEach(async () => {
  Object.assign(folder, temporaryFolder())
  web = await startHost(folder.path)
  hosts = [await startHost(folder.path), await startHost(folder.path)]
  services = [await startService(), await startService()]
  publicPorts = [await freePort(), await freePort()]
  upstreamPort = await freePort()
  await serve(0)
  await serve(1)
  await call(['a', 'b'])
})

afterEach(async () => {
  await Promise.all([
    web.stop(),
    ...hosts.map((host) => host.stop()),
    ...services.map((each) => each.close()),
  ])
  folder.remove()
})

const rules = policy('backend', 'deny', [{ sourceName: 'web', destinationName: 'backend', action: 'allow' }])

async function serve(at: 0 | 1, drain?: InboundDrain): Promise<void> {
  await hosts[at].publish([
    authority.rootsResource(),
    authority.leafResource('backend'),
    rules,
    inbound('backend', publicPorts[at], services[at].port, drain === undefined ? {} : { drain }),
  ])
}

async function call(instances: readonly ('a' | 'b')[]): Promise<void> {
  const list = instances.map((id) => endpoint(id, publicPorts[id === 'a' ? 0 : 1]))
  await web.publish([
    authority.rootsResource(),
    authority.leafResource('web'),
    endpoints('backend', list),
    outbound('web', 'backend', upstreamPort),
  ])
}

/** A connection that stays open, and what came back on it. */
async function open(): Promise<{ readonly socket: net.Socket; echo(text: string): Promise<string> }> {
  const socket = net.connect(upstreamPort, '127.0.0.1')
  socket.on('error', () => {})
  let received = ''
  socket.on('data', (piece: Buffer) => {
    received += piece.toString()
  })
  const echo = async (text: string): Promise<string> => {
    received = ''
    socket.write(text)
    await until('the echo', () => received.length >= text.length || socket.destroyed)
    return received
  }
  await echo('hello')
  return { socket, echo }
}

/** One open connection to the first instance, the second left alone. */
async function openToFirst(): ReturnType<typeof open> {
  await call(['a'])
  const connection = await open()
  await call(['a', 'b'])
  return connection
}

test('an instance that refuses new connections loses none: they go to the other one, and its open one lives', async () => {
  const connection = await openToFirst()
  await serve(0, 'refuse')
  const before = services[0].connections
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => exchange(upstreamPort, `x${i}`)))
  expect(answers).toEqual(Array.from({ length: 50 }, (_, i) => `x${i}`))
  expect(services[0].connections).toBe(before)
  expect(services[1].connections).toBe(50)
  expect(await connection.echo('still here')).toBe('still here')
  expect(hosts[0].log.refusals('draining').length).toBeGreaterThan(0)
  connection.socket.destroy()
})

test('the agent sees how many connections an instance still has, once it takes no new ones', async () => {
  const name = 'backend-sidecar-proxy'
  const { link } = hosts[0]
  const connection = await openToFirst()
  expect(link.draining(name)).toEqual({ proxies: 1, refusing: 0, open: 0 })
  await serve(0, 'refuse')
  await until('the count', () => link.draining(name).refusing === 1)
  expect(link.draining(name)).toEqual({ proxies: 1, refusing: 1, open: 1 })
  connection.socket.destroy()
  await until('none to be open', () => link.draining(name).open === 0)
  await serve(0)
  await until('it to be in use', () => link.draining(name).refusing === 0)
})

test('at the deadline what is open is cut with a code, and the instance goes on saying that it is out', async () => {
  const connection = await openToFirst()
  await serve(0, 'refuse')
  await serve(0, 'cut')
  await until('the cut', () => connection.socket.destroyed)
  const ended = await until('the access log', () =>
    hosts[0].log.lines.find((line) => line.message === 'connection ended'),
  )
  expect(ended['code']).toBe('draining')
  expect(await exchange(upstreamPort, 'elsewhere')).toBe('elsewhere')
  await call(['a'])
  expect(await exchange(upstreamPort, 'nowhere')).not.toBe('nowhere')
  await serve(0)
  expect(await exchange(upstreamPort, 'back')).toBe('back')
})
