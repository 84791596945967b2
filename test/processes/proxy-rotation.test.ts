// Certificates and roots that change under load: 250 requests a second, each on its own connection, and none may fail.
// MESH_LEAF_SECONDS and MESH_ROTATIONS make the whole measure of it: 60 and 40 take ten minutes.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ProxyResource, RootsResource } from '../../src/model/proxy-config.ts'
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

const leafLifeMs = 1_000 * Number(process.env['MESH_LEAF_SECONDS'] ?? 4)
const rotations = Number(process.env['MESH_ROTATIONS'] ?? 6)
const perSecond = 250

const first = new TestAuthority()
const second = new TestAuthority(first.trustDomain)
let near: ProxyHost
let far: ProxyHost
let service: CountingService
let upstreamPort: number
let publicPort: number

beforeEach(async () => {
  ;[service, near, far] = await Promise.all([startService(), ProxyHost.start(), ProxyHost.start()])
  upstreamPort = await freePort()
  publicPort = await freePort()
})

afterEach(async () => {
  await Promise.all([near.stop(), far.stop()])
  await service.close()
})

const rootsOf = (...authorities: readonly TestAuthority[]): RootsResource => ({
  kind: 'roots',
  name: first.trustDomain,
  pems: authorities.map(({ rootPem }) => rootPem),
})

/** What either proxy refused, to name the cause. */
const refusals = (): readonly string[] =>
  [...near.lines, ...far.lines]
    .filter(({ message }) => message === 'connection refused')
    .map(({ direction, code, text }) => `${direction}: ${code}: ${text}`)

interface Issue {
  readonly roots: RootsResource
  /** Signs the leaves. */
  readonly authority: TestAuthority
  readonly lifeMs?: number
}

const publishFar = ({ roots, authority, lifeMs }: Issue): Promise<void> =>
  far.publish([
    roots,
    authority.leafResource('backend', lifeMs),
    policy('backend', 'allow'),
    inbound('backend', publicPort, service.port),
  ] satisfies readonly ProxyResource[])

const publishNear = ({ roots, authority, lifeMs }: Issue): Promise<void> =>
  near.publish([
    roots,
    authority.leafResource('web', lifeMs),
    endpoints('backend', [endpoint('beta/backend', publicPort)]),
    outbound('web', 'backend', upstreamPort),
  ] satisfies readonly ProxyResource[])

test(`leaves of ${leafLifeMs / 1_000} s, renewed ${rotations} times: no request fails, and connections outlive their leaf`, async () => {
  const issue = { roots: rootsOf(first), authority: first, lifeMs: leafLifeMs }
  await publishFar(issue)
  await publishNear(issue)
  const load = new Load(upstreamPort, perSecond)
  const long = await openLong(upstreamPort, 10)
  for (let round = 0; round < rotations; round += 1) {
    // A quarter of the life, so that a slow machine has the time that renewal in earnest has, too.
    const renewAtMs = Date.now() + leafLifeMs / 4
    await until('the next renewal', () => Date.now() >= renewAtMs, leafLifeMs)
    // The two hosts renew one after the other.
    await publishFar(issue)
    await publishNear(issue)
  }
  await load.more(1)
  await Promise.all(long.map((each) => each.echo()))
  const failed = [...(await load.stop()).keys()].filter((outcome) => outcome !== 'ok')
  expect({ failed, refused: refusals() }).toEqual({ failed: [], refused: [] })
  for (const each of long) each.close()
}, 900_000)

test('a new root, then leaves under it, then the old root away: no request fails, and what stood on the old root is cut', async () => {
  const steps: readonly Issue[] = [
    { roots: rootsOf(first), authority: first },
    { roots: rootsOf(first, second), authority: first },
    { roots: rootsOf(first, second), authority: second },
    { roots: rootsOf(second), authority: second },
  ]
  const [start, ...changes] = steps
  if (start === undefined) throw new Error('no steps')
  await publishFar(start)
  await publishNear(start)
  const load = new Load(upstreamPort, perSecond)
  const onOld = await openLong(upstreamPort, 10)
  let onNew: typeof onOld = []
  for (const change of changes) {
    for (const each of onOld) expect(each.closed).toBe(false)
    onNew = await openLong(upstreamPort, 10)
    await publishNear(change)
    await load.more(perSecond / 5)
    await publishFar(change)
    await load.more(perSecond / 2)
  }
  await until('the end of what stood on the old root', () => onOld.every(({ closed }) => closed))
  await Promise.all(onNew.map((each) => each.echo()))
  const failed = [...(await load.stop()).keys()].filter((outcome) => outcome !== 'ok')
  expect({ failed, refused: refusals() }).toEqual({ failed: [], refused: [] })
  for (const each of onNew) each.close()
}, 60_000)
