// Roots that change under open sessions: who is proven by a root that stays goes on, who is not is cut, on both sides.
import net from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LeafResource, ProxyResource, RootsResource } from '../../../src/model/proxy-config.ts'
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

const first = new TestAuthority()
const second = new TestAuthority(first.trustDomain)
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

const roots = (...authorities: readonly TestAuthority[]): RootsResource => ({
  kind: 'roots',
  name: first.trustDomain,
  pems: authorities.map(({ rootPem }) => rootPem),
})

const nearWith = (trusted: RootsResource, leaf: LeafResource): readonly ProxyResource[] => [
  trusted,
  leaf,
  endpoints('backend', [endpoint('beta/backend', publicPort)]),
  outbound('web', 'backend', upstreamPort),
]

const farWith = (trusted: RootsResource, leaf: LeafResource): readonly ProxyResource[] => [
  trusted,
  leaf,
  policy('backend', 'allow'),
  inbound('backend', publicPort, service.port),
]

interface Open {
  /** What `word` came back as, or how the connection ended. */
  echo(word: string): Promise<string>
  readonly ended: Promise<string>
}

/** A connection through the mesh that stays open and was answered once. */
async function open(): Promise<Open> {
  const socket = net.connect(upstreamPort, '127.0.0.1')
  const ended = new Promise<string>((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.once('end', () => resolve('end'))
  })
  const echo = (word: string): Promise<string> => {
    const answer = new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(String(bytes))))
    socket.write(word)
    return Promise.race([answer, ended])
  }
  expect(await echo('hello')).toBe('hello')
  return { echo, ended }
}

test('a listener that loses a peer’s root cuts its session and refuses new ones, each with the code', async () => {
  const leaf = first.leafResource('web')
  const backend = second.leafResource('backend')
  await near.publish(nearWith(roots(first, second), leaf))
  await far.publish(farWith(roots(first, second), backend))
  const held = await open()
  await far.publish(farWith(roots(second), backend))
  expect(await held.ended).toBe('ECONNRESET')
  expect(far.log.refusals('untrusted-certificate')).toMatchObject([
    { source: 'web', destination: 'backend', text: 'the root of the peer’s certificate was removed' },
  ])
  await until('the far code in the near log', () =>
    near.log.lines.find(
      ({ message, code }) => message === 'connection ended' && code === 'untrusted-certificate',
    ),
  )
  expect(await exchange(upstreamPort, 'again')).toBe('ECONNRESET')
  expect(near.log.refusals('untrusted-certificate')).toHaveLength(1)
})

test('a dialler that loses the far side’s root cuts its session and refuses the next client', async () => {
  const leaf = first.leafResource('web')
  await near.publish(nearWith(roots(first, second), leaf))
  await far.publish(farWith(roots(first, second), second.leafResource('backend')))
  const held = await open()
  await near.publish(nearWith(roots(first), leaf))
  expect(await held.ended).toBe('ECONNRESET')
  await until('its code in the log', () =>
    near.log.lines.find(
      ({ message, code }) => message === 'connection ended' && code === 'untrusted-certificate',
    ),
  )
  expect(await exchange(upstreamPort, 'again')).toBe('ECONNRESET')
  expect(near.log.refusals('untrusted-certificate')).toHaveLength(1)
})

test('a rotation in its order (new root, new leaves, old root away) cuts only what still stands on the old one', async () => {
  const old = { web: first.leafResource('web'), backend: first.leafResource('backend') }
  await near.publish(nearWith(roots(first), old.web))
  await far.publish(farWith(roots(first), old.backend))
  const onOld = await open()
  await Promise.all([
    near.publish(nearWith(roots(first, second), old.web)),
    far.publish(farWith(roots(first, second), old.backend)),
  ])
  expect(await onOld.echo('root added')).toBe('root added')
  const renewed = { web: second.leafResource('web'), backend: second.leafResource('backend') }
  await Promise.all([
    near.publish(nearWith(roots(first, second), renewed.web)),
    far.publish(farWith(roots(first, second), renewed.backend)),
  ])
  expect(await onOld.echo('leaves renewed')).toBe('leaves renewed')
  const onNew = await open()
  await Promise.all([
    near.publish(nearWith(roots(second), renewed.web)),
    far.publish(farWith(roots(second), renewed.backend)),
  ])
  expect(await onOld.ended).toBe('ECONNRESET')
  expect(await onNew.echo('still here')).toBe('still here')
  expect(await exchange(upstreamPort, 'and new')).toBe('and new')
})

test('a certificate that has run out does not end what it opened, whatever becomes of other roots', async () => {
  const lifeMs = 1_500
  const web = first.leafResource('web', lifeMs)
  const backend = first.leafResource('backend')
  await near.publish(nearWith(roots(first), web))
  await far.publish(farWith(roots(first), backend))
  const held = await open()
  await until('the end of the leaf', () => Date.now() > web.notAfterMs + 10)
  await far.publish(farWith(roots(first, second), backend))
  await far.publish(farWith(roots(second, first), backend))
  await near.publish(nearWith(roots(first, second), web))
  expect(await held.echo('still here')).toBe('still here')
  expect(await exchange(upstreamPort, 'new')).toBe('ECONNRESET')
  expect(far.log.refusals('expired-certificate').length).toBeGreaterThan(0)
})
