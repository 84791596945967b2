// The access log as a file, written by two real workers, over a log rotation.
import { readFileSync, renameSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/platform/clock.ts'
import { openLineFile } from '../../../src/platform/line-file.ts'
import { TestAuthority } from './authority.ts'
import {
  endpoint,
  endpoints,
  exchange,
  freePort,
  inbound,
  outbound,
  policy,
  recordLog,
  startHost,
  startService,
  temporaryFolder,
  until,
} from './lab.ts'

type Line = Readonly<Record<string, unknown>>

function linesOf(path: string): readonly Line[] {
  try {
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    return lines.map((line): Line => JSON.parse(line))
  } catch {
    return []
  }
}

test('both proxies write one line per connection that can be laid side by side, and a draining worker follows a rotation', async () => {
  const authority = new TestAuthority()
  const folder = temporaryFolder()
  const path = (name: string): string => join(folder.path, `${name}.log`)
  const file = (name: string) => openLineFile({ path: path(name), clock: systemClock, log: recordLog() })
  const [service, upstreamPort, publicPort] = [await startService(), await freePort(), await freePort()]
  const web = await startHost(folder.path, { accessFile: file('web') })
  const backend = await startHost(folder.path, { accessFile: file('backend') })
  const rooted = authority.rootsResource()
  await backend.publish([
    ...[rooted, authority.leafResource('backend'), policy('backend', 'allow')],
    inbound('backend', publicPort, service.port),
  ])
  await web.publish([
    ...[rooted, authority.leafResource('web'), endpoints('backend', [endpoint('beta/b1', publicPort)])],
    outbound('web', 'backend', upstreamPort),
  ])
  expect(await exchange(upstreamPort, 'hello')).toBe('hello')
  const [out] = await until(
    'the caller’s line',
    () => linesOf(path('web')).length === 1 && linesOf(path('web')),
  )
  const [into] = await until(
    'the service’s line',
    () => linesOf(path('backend')).length === 1 && linesOf(path('backend')),
  )
  const common = {
    ...{ event: 'ended', protocol: 'tcp', tls: true, tlsVersion: 'TLSv1.3', source: 'web' },
    ...{ destination: 'backend', code: 'closed', bytesToDestination: 5, bytesToSource: 5 },
  }
  expect(out).toMatchObject({ ...common, direction: 'outbound', instance: 'beta/b1' })
  expect(into).toMatchObject({
    ...common,
    direction: 'inbound',
    peerUri: expect.stringContaining('/svc/web'),
  })
  expect(web.log.lines.map((line) => line.message)).not.toContain('connection ended')

  const open = net.connect(upstreamPort, '127.0.0.1')
  await until('the connection', () => service.sockets.size === 1)
  renameSync(path('web'), path('web.1'))
  const stopped = new Promise<void>((resolve) => {
    web.worker.stop(10_000, resolve)
  })
  open.end('bye')
  open.resume()
  await stopped
  expect(linesOf(path('web.1'))).toHaveLength(1)
  expect(linesOf(path('web'))).toMatchObject([{ event: 'ended', bytesToDestination: 3 }])
  await Promise.all([web.link.close(), backend.stop(), service.close()])
  folder.remove()
})
