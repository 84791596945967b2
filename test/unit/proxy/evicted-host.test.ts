// What becomes of sessions whose peer's host was evicted: on the accepting side and on the dialling one, open and new, with the
// tunnel and without; and of everybody else, nothing.
import net from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LeafResource, ProxyResource, RootsResource } from '../../../src/model/proxy-config.ts'
import { hostTagOf } from '../../../src/wire/x509/host-tag.ts'
import { generateKey, publicKeyInfo } from '../../../src/wire/x509/keys.ts'
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
const newTag = (): string => hostTagOf(publicKeyInfo(generateKey()))
const [alpha, beta, gamma] = [newTag(), newTag(), newTag()]
const folder = { path: '', remove: (): void => {} }
let near: LabHost
let far: LabHost
let service: CountingService
let upstreamPort: number
let publicPort: number

beforeEach(async () => {
  Object.assign(folder, temporaryFolder())
  ;[near, far, service] = await Promise.all([startHost(folder.path), startHost(folder.path), startService()])
  ;[upstreamPort, publicPort] = [await freePort(), await freePort()]
})

afterEach(async () => {
  await Promise.all([near.stop(), far.stop(), service.close()])
  folder.remove()
})

const trust = (...evicted: readonly string[]): RootsResource => ({ ...authority.rootsResource(), evicted })

const nearWith = (roots: RootsResource, leaf: LeafResource): readonly ProxyResource[] => [
  roots,
  leaf,
  endpoints('backend', [endpoint('beta/backend', publicPort)]),
  outbound('web', 'backend', upstreamPort),
]

const farWith = (roots: RootsResource, leaf: LeafResource): readonly ProxyResource[] => [
  roots,
  leaf,
  policy('backend', 'allow'),
  inbound('backend', publicPort, service.port),
]

/** A connection through the mesh that was answered once, and how it ends. */
async function open(): Promise<{ readonly ended: Promise<string>; readonly socket: net.Socket }> {
  const socket = net.connect(upstreamPort, '127.0.0.1')
  const ended = new Promise<string>((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.once('end', () => resolve('end'))
  })
  const answer = new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(String(bytes))))
  socket.write('hello')
  expect(await Promise.race([answer, ended])).toBe('hello')
  return { ended, socket }
}

test('a listener ends the sessions of an evicted host and lets no new one in, each with the code; others go on', async () => {
  const web = authority.leafOfHost('web', alpha)
  const backend = authority.leafOfHost('backend', beta)
  await near.publish(nearWith(trust(), web))
  await far.publish(farWith(trust(), backend))
  const held = await open()
  await far.publish(farWith(trust(gamma), backend))
  const answer = new Promise<string>((resolve) => held.socket.once('data', (bytes) => resolve(String(bytes))))
  held.socket.write('still here')
  expect(await answer, 'another host was evicted').toBe('still here')
  await far.publish(farWith(trust(gamma, alpha), backend))
  expect(await held.ended).toBe('ECONNRESET')
  expect(far.log.refusals('host-evicted')).toMatchObject([
    { source: 'web', destination: 'backend', text: 'the host of the peer was evicted' },
  ])
  const { connections } = service
  expect(await exchange(upstreamPort, 'again')).toBe('ECONNRESET')
  expect(service.connections).toBe(connections)
  await until('its reason in the near log', () =>
    near.log.lines.find(({ code, level }) => code === 'host-evicted' && level !== 'debug'),
  )
  // The same service on another host, under a leaf of its own.
  await near.publish(nearWith(trust(), authority.leafOfHost('web', beta)))
  expect(await exchange(upstreamPort, 'from beta')).toBe('from beta')
})

test('a dialler ends its sessions to an evicted host and dials no new one', async () => {
  const web = authority.leafOfHost('web', alpha)
  await near.publish(nearWith(trust(), web))
  await far.publish(farWith(trust(), authority.leafOfHost('backend', beta)))
  const held = await open()
  await near.publish(nearWith(trust(beta), web))
  expect(await held.ended).toBe('ECONNRESET')
  const { connections } = service
  expect(await exchange(upstreamPort, 'again')).toBe('ECONNRESET')
  expect(service.connections).toBe(connections)
  expect(near.log.refusals('host-evicted').length).toBeGreaterThan(0)
})

test('a leaf that says nothing of a host is judged by its root alone', async () => {
  await near.publish(nearWith(trust(alpha, beta), authority.leafResource('web')))
  await far.publish(farWith(trust(alpha, beta), authority.leafResource('backend')))
  expect(await exchange(upstreamPort, 'hello')).toBe('hello')
})
