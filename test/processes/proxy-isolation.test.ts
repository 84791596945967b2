// A worker process per service: what each is given, and what the end of one means for the others.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ProxyResource } from '../../src/model/proxy-config.ts'
import { scopeFolder } from '../../src/proxy/holder/scope.ts'
import { TestAuthority } from '../unit/proxy/authority.ts'
import {
  type CountingService,
  endpoint,
  endpoints,
  exchange,
  freePort,
  inbound,
  outbound,
  policy,
  startService,
  until,
} from '../unit/proxy/lab.ts'
import { openLong, ProxyHost, served } from './proxy-host.ts'

const authority = new TestAuthority()
const leaves = { web: authority.leafResource('web'), backend: authority.leafResource('backend') }
let host: ProxyHost
let service: CountingService
let upstreamPort: number
let publicPort: number

beforeEach(async () => {
  service = await startService()
  upstreamPort = await freePort()
  publicPort = await freePort()
  host = await ProxyHost.start('service')
})

afterEach(async () => {
  await host.stop()
  await service.close()
})

const resources = (action: 'allow' | 'deny', index = 1): readonly ProxyResource[] => [
  authority.rootsResource(),
  leaves.web,
  leaves.backend,
  policy('backend', action, [], index),
  endpoints('backend', [endpoint('alpha/backend', publicPort)]),
  inbound('backend', publicPort, service.port),
  outbound('web', 'backend', upstreamPort),
]

/** `guide`, `service backend` and `service web`. */
const allThree = 3

test('each service has a process of its own, with its own leaf and no other', async () => {
  await host.publish(resources('allow'), allThree)
  expect([...(await host.workers()).keys()].sort()).toEqual(['guide', 'service backend', 'service web'])
  expect(await exchange(upstreamPort, 'through both')).toBe('through both')
  const path = (name: 'web' | 'backend'): string =>
    join(host.state, scopeFolder({ kind: 'service', service: name }), 'last-good.json')
  await until('what both keep', () => existsSync(path('web')) && existsSync(path('backend')))
  const kept = (name: 'web' | 'backend'): string => readFileSync(path(name), 'utf8')
  expect(kept('web')).toContain(`"${leaves.web.uri}"`)
  expect(kept('web')).not.toContain(`"${leaves.backend.uri}"`)
  expect(kept('backend')).not.toContain(`"${leaves.web.uri}"`)
})

test('a change of policy is in force in the worker of its service, and cuts there what it denies', async () => {
  await host.publish(resources('allow'), allThree)
  const [held] = await openLong(upstreamPort, 1)
  await host.publish(resources('deny', 2), allThree)
  await until('the end of the open connection', () => held?.closed)
  expect(await exchange(upstreamPort, 'x')).toBe('ECONNRESET')
})

test('a worker that is killed leaves the others alone, and its service is served again', async () => {
  await host.publish(resources('allow'), allThree)
  const before = await host.workers()
  process.kill(before.get('service backend') ?? 0, 'SIGKILL')
  expect(await exchange(upstreamPort, 'waits in the queue')).toBe('waits in the queue')
  const after = await host.workers()
  expect(after.get('service web')).toBe(before.get('service web'))
  expect(after.get('guide')).toBe(before.get('guide'))
  expect(after.get('service backend')).not.toBe(before.get('service backend'))
})

test('a service that is taken away loses its worker and its address, and another one comes with its own', async () => {
  await host.publish(resources('allow'), allThree)
  const port = await freePort()
  await host.publish(
    [
      ...resources('allow').filter(({ kind, name }) => kind !== 'outbound' && name !== 'web'),
      authority.leafResource('cache'),
      outbound('cache', 'backend', port),
    ],
    allThree,
  )
  const names = ['guide', 'service backend', 'service cache']
  await served(port)
  expect(await exchange(upstreamPort, 'x')).toBe('ECONNREFUSED')
  expect([...(await host.workers()).keys()].sort()).toEqual(names)
})

test('an upgrade replaces every worker while connections stay open', async () => {
  await host.publish(resources('allow'), allThree)
  const long = await openLong(upstreamPort, 10)
  const before = await host.workers()
  const answer = await host.ask({ ask: 'upgrade', drainMs: 60_000 })
  expect(answer).toMatchObject({
    kind: 'upgraded',
    workers: [{ kind: 'replaced' }, { kind: 'replaced' }, { kind: 'replaced' }],
  })
  const after = await host.workers()
  for (const [name, pid] of before) expect(after.get(name)).not.toBe(pid)
  await Promise.all(long.map((each) => each.echo()))
  expect(await exchange(upstreamPort, 'through the new ones')).toBe('through the new ones')
  for (const each of long) each.close()
})
