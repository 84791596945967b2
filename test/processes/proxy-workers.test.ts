// Workers that are swapped and killed under load: 500 requests a second, each on its own connection, and 50 connections that
// stay open. MESH_WORKER_ROUNDS says how many swaps and kills; 10 for the whole measure.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ProxyResource } from '../../src/model/proxy-config.ts'
import { TestAuthority } from '../unit/proxy/authority.ts'
import {
  type CountingService,
  endpoint,
  endpoints,
  freePort,
  inbound,
  outbound,
  policy,
  startService,
  until,
} from '../unit/proxy/lab.ts'
import { Load, openLong, ProxyHost } from './proxy-host.ts'

const rounds = Number(process.env['MESH_WORKER_ROUNDS'] ?? 3)
const perSecond = 500
const longConnections = 50
/** Longer than any test. */
const drainMs = 600_000

const authority = new TestAuthority()
let host: ProxyHost
let service: CountingService
let upstreamPort: number

beforeEach(async () => {
  service = await startService()
  upstreamPort = await freePort()
  const publicPort = await freePort()
  host = await ProxyHost.start()
  const resources: readonly ProxyResource[] = [
    authority.rootsResource(),
    authority.leafResource('web'),
    authority.leafResource('backend'),
    policy('backend', 'allow'),
    endpoints('backend', [endpoint('alpha/backend', publicPort)]),
    inbound('backend', publicPort, service.port),
    outbound('web', 'backend', upstreamPort),
  ]
  await host.publish(resources)
})

afterEach(async () => {
  await host.stop()
  await service.close()
})

const worker = async (): Promise<number> => (await host.workers()).get('host') ?? 0

test(`${rounds} swaps: no request fails, and all connections that stay open live on`, async () => {
  const load = new Load(upstreamPort, perSecond)
  const long = await openLong(upstreamPort, longConnections)
  const seen = new Set([await worker()])
  for (let round = 0; round < rounds; round += 1) {
    const before = await worker()
    const answer = await host.ask({ ask: 'upgrade', drainMs })
    const after = await worker()
    expect(answer).toEqual({
      kind: 'upgraded',
      workers: [{ worker: 'host', kind: 'replaced', oldPid: before, pid: after }],
    })
    seen.add(after)
    await load.more(perSecond / 2)
    await Promise.all(long.map((each) => each.echo()))
  }
  expect(seen.size).toBe(rounds + 1)
  expect([...(await load.stop()).keys()]).toEqual(['ok'])
  for (const each of long) each.close()
}, 240_000)

test('connections that stay open are cut when the time of a swap is over, and then the old worker is gone', async () => {
  const long = await openLong(upstreamPort, longConnections)
  const old = await worker()
  expect(await host.ask({ ask: 'upgrade', drainMs: 300 })).toMatchObject({ kind: 'upgraded' })
  await until('the end of the long connections', () => long.every(({ closed }) => closed))
  await until('the end of the old worker', () =>
    host.lines.some(({ message, pid }) => message === 'proxy worker ended' && pid === old),
  )
  for (const each of await openLong(upstreamPort, 2)) each.close()
})

test(`${rounds} kills: what was open breaks, and nobody is refused`, async () => {
  const load = new Load(upstreamPort, perSecond)
  for (let round = 0; round < rounds; round += 1) {
    const long = await openLong(upstreamPort, longConnections)
    const before = await worker()
    process.kill(before, 'SIGKILL')
    await until('the end of the long connections', () => long.every(({ closed }) => closed))
    await load.more(perSecond / 2)
    expect(await worker()).not.toBe(before)
  }
  const outcomes = await load.stop()
  const broken = ['ok', 'ECONNRESET', 'EPIPE', 'ended early']
  expect([...outcomes.keys()].filter((outcome) => !broken.includes(outcome))).toEqual([])
}, 240_000)
