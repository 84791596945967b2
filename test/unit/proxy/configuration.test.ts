// How a worker takes a configuration: all or nothing, addresses that are taken, what is kept on disk.
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import type { ProxyResource } from '../../../src/model/proxy-config.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { systemRandom } from '../../../src/platform/random.ts'
import { createSocketOwners } from '../../../src/platform/socket-owners.ts'
import { createStateFiles } from '../../../src/platform/state-files.ts'
import { startWorker } from '../../../src/proxy/worker/worker.ts'
import { TestAuthority } from './authority.ts'
import {
  type CountingService,
  endpoint,
  endpoints,
  exchange,
  freePort,
  inbound,
  outbound,
  ownHandles,
  policy,
  recordLog,
  startHost,
  startService,
  temporaryFolder,
  until,
} from './lab.ts'

const authority = new TestAuthority()
const folder = { path: '', remove: (): void => {} }
let service: CountingService
let upstreamPort: number
let publicPort: number

beforeEach(async () => {
  Object.assign(folder, temporaryFolder())
  service = await startService()
  upstreamPort = await freePort()
  publicPort = await freePort()
})

afterEach(async () => {
  await service.close()
  folder.remove()
})

/** Both ends in one worker: `web` calls `backend` on the same host. */
const everything = (more: readonly ProxyResource[] = []): readonly ProxyResource[] => [
  authority.rootsResource(),
  authority.leafResource('web'),
  authority.leafResource('backend'),
  policy('backend', 'allow'),
  endpoints('backend', [endpoint('alpha/backend', publicPort)]),
  inbound('backend', publicPort, service.port),
  outbound('web', 'backend', upstreamPort),
  ...more,
]

test.each<[string, ProxyResource, string]>([
  [
    'a key that does not belong to its certificate',
    { ...authority.leafResource('web'), privateKeyPem: authority.service('web').privateKeyPem },
    'leaf/web',
  ],
  [
    'a certificate of another service',
    { ...authority.leafResource('db'), name: 'db2', uri: authority.leafResource('db2').uri } as ProxyResource,
    'leaf/db2',
  ],
  [
    'a root that is none',
    { ...authority.rootsResource(), pems: [authority.service('web').certificatePem] },
    'trust domain',
  ],
])('%s is refused whole, and the state before stays in force', async (_what, bad, named) => {
  const host = await startHost(folder.path)
  await host.publish(everything())
  const status = await host.publish([
    ...everything().filter((r) => r.name !== bad.name || r.kind !== bad.kind),
    bad,
    policy('backend', 'deny', [], 9),
  ])
  expect(status).toMatchObject({ acknowledged: 1 })
  expect(status.refused).toContain(named)
  expect(status.refused).not.toContain('PRIVATE')
  expect(await exchange(upstreamPort, 'still allowed')).toBe('still allowed')
  const after = await host.publish(everything())
  expect(after).toMatchObject({ refused: '' })
  await host.stop()
})

test('a taken address is named, holds up nothing else, and is opened when it is free', async () => {
  // The retry is quick here, and only that.
  const after: typeof systemClock.after = (delayMs, callback) =>
    systemClock.after(delayMs === limits.bindRetryMs ? 50 : delayMs, callback)
  const host = await startHost(folder.path, { clock: { ...systemClock, after } })
  const takenPort = await freePort()
  const squatter = net.createServer()
  await new Promise<void>((resolve) => {
    squatter.listen(takenPort, '127.0.0.1', resolve)
  })
  const status = await host.publish(
    everything([outbound('web', 'backend', takenPort, { name: 'web/second' })]),
  )
  expect(status.refused).toContain(`outbound/web/second: cannot listen on 127.0.0.1:${takenPort}`)
  expect(await exchange(upstreamPort, 'the other listener')).toBe('the other listener')
  const [proxy] = host.link.proxies()
  expect(proxy?.acknowledged).toBe(1)
  await new Promise((resolve) => {
    squatter.close(resolve)
  })
  await until('the address to be opened', () => host.link.proxies()[0]?.refused === '')
  expect(await exchange(takenPort, 'free now')).toBe('free now')
  await host.stop()
})

test('two resources on one address: the second is named as the problem', async () => {
  const host = await startHost(folder.path)
  const status = await host.publish(
    everything([outbound('web', 'backend', upstreamPort, { name: 'web/second' })]),
  )
  expect(status.refused).toContain('outbound/web/second')
  expect(status.refused).toContain('belongs to web-sidecar-proxy/backend')
  await host.stop()
})

test('a listener that is not wanted any more is closed, its open connections go on', async () => {
  const host = await startHost(folder.path)
  await host.publish(everything())
  const client = net.connect(upstreamPort, '127.0.0.1')
  client.write('x')
  await until('the connection', () => service.bytes === 1)
  await host.publish(everything().filter((resource) => resource.kind !== 'outbound'))
  expect(await exchange(upstreamPort, 'x')).toBe('ECONNREFUSED')
  client.write('y')
  await until('more bytes', () => service.bytes === 2)
  client.destroy()
  await host.stop()
})

test('an inbound service that is gone has its connections cut: nothing watches over them any more', async () => {
  const host = await startHost(folder.path)
  await host.publish(everything())
  const client = net.connect(upstreamPort, '127.0.0.1')
  client.write('x')
  await until('the connection', () => service.bytes === 1)
  const cut = new Promise((resolve) =>
    client.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
  )
  await host.publish(everything().filter((resource) => resource.kind !== 'inbound'))
  expect(await cut).toBe('ECONNRESET')
  await host.stop()
})

function aloneWorker(state: string) {
  const log = recordLog()
  const worker = startWorker({
    clock: systemClock,
    random: systemRandom,
    log,
    files: createStateFiles(state),
    handles: ownHandles(),
    owners: createSocketOwners(),
    linkSocketPath: join(folder.path, 'nobody.sock'),
    pid: process.pid,
    version: 'test',
  })
  return {
    log,
    stop: () =>
      new Promise<void>((resolve) => {
        worker.stop(0, resolve)
      }),
  }
}

test('the last good state lies on disk, readable by its owner alone, and serves without an agent', async () => {
  const host = await startHost(folder.path)
  const resources = everything()
  await host.publish(resources)
  await host.stop()
  const kept = host.state
  const file = join(kept, 'last-good.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(kept).mode & 0o777).toBe(0o700)

  const alone = aloneWorker(kept)
  await until('the listener', () =>
    alone.log.lines.some((line) => line.message === 'serving from the last good state'),
  )
  expect(await exchange(upstreamPort, 'without agent')).toBe('without agent')
  await alone.stop()

  const damaged = readFileSync(file)
  const at = Math.floor(damaged.length / 2)
  damaged[at] = (damaged[at] ?? 0) ^ 1
  writeFileSync(file, damaged)
  const after = aloneWorker(kept)
  expect(after.log.lines.find((line) => line.message === 'no last good state')).toMatchObject({
    reason: 'the kept state is damaged',
  })
  await after.stop()
})

test('without any state nothing is served and nothing breaks', async () => {
  const alone = aloneWorker(join(folder.path, 'empty'))
  expect(alone.log.lines.map((line) => line.message)).toContain('no last good state')
  await alone.stop()
})
