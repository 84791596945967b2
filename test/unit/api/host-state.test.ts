// How a host stands in the mesh, in one answer of its own agent: enrollment, server, proxies, services, upstreams.
import { afterEach, expect, test } from 'vitest'
import type { Standing } from '../../../src/agent/contract.ts'
import type { ServiceEntry } from '../../../src/model/service.ts'
import type { HostStateJson } from '../../../src/wire/http-json/host-state.ts'
import { noStanding, startTestApi, type TestApi } from './fixture.ts'
import { answers } from './schemas.ts'
import { seed, sidecarOf } from './seed.ts'

let api: TestApi
afterEach(() => api.close())

async function hostState(standing: Partial<Standing>): Promise<HostStateJson> {
  api = await startTestApi({}, { standing: { ...noStanding, ...standing } })
  await seed(api)
  api.registry.register(
    {
      service: { ...sidecarOf('backend', 0), id: 'backend', name: 'backend', kind: '', port: 9090 },
      checks: [],
      sidecar: { service: sidecarOf('backend', 21_000), checks: [] },
    },
    { source: 'api', replaceChecks: true },
  )
  const asked = { service: 'backend', tags: [], nodeMeta: {} }
  const options = { consistency: 'default', minIndex: 0, waitMs: 0 } as const
  const entries = await new Promise<readonly ServiceEntry[]>((resolve, reject) => {
    const request = { name: 'catalog.mesh', args: asked, options, token: '' } as const
    api.cluster.read(request, (result) => (result.ok ? resolve(result.value.answer) : reject(result.failure)))
  })
  api.views.set({
    subject: { topic: 'mesh-health', key: 'db' },
    index: 7,
    bodies: entries.map((entry) => ({ topic: 'mesh-health', op: 'upsert', entry })),
    live: true,
  })
  const reply = await api.ask('GET', '/v1/mesh/host')
  expect(reply.status).toBe(200)
  return answers['/v1/mesh/host'].parse(reply.json) as HostStateJson
}

test('an enrolled host tells until when, which server it follows, and which proxies follow it', async () => {
  const state = await hostState({
    server: () => 's1',
    proxies: () => [{ pid: 12, version: '0.1.0', acknowledged: 3, refused: '' }],
  })
  expect(state).toMatchObject({
    Node: 'host-1',
    EnrolledUntil: '2027-01-01T00:00:00Z',
    ConnectedTo: 's1',
    Refused: null,
    Outage: null,
    Proxies: [{ Pid: 12, Version: '0.1.0', Refused: '' }],
  })
})

test('a host that is not let in tells the code of the refusal', async () => {
  const refusal = { code: 'token-used', message: 'the token was used' } as const
  const state = await hostState({ enrolledUntilMs: () => undefined, refusal: () => refusal })
  expect(state.EnrolledUntil).toBe('')
  expect(state.Refused).toEqual({ Code: 'token-used', Message: 'the token was used' })
})

test('a service tells its port, its proxy and why it has no certificate', async () => {
  const failure = { code: 'service-not-allowed', message: 'not for this host' } as const
  const { Services } = await hostState({ leafFailure: () => failure })
  expect(Services).toMatchObject([
    {
      Name: 'backend',
      Port: 9090,
      ProxyPort: 21_000,
      Status: 'passing',
      CertificateUntil: '',
      CertificateRefused: { Code: 'service-not-allowed', Message: 'not for this host' },
    },
  ])
})

test('an upstream tells how many instances there are and how many of them get traffic', async () => {
  const { Upstreams } = await hostState({ failedHosts: () => new Set(['host-2']) })
  expect(Upstreams[0]).toEqual({
    Service: 'backend',
    Destination: 'db',
    Datacenter: 'dc1',
    Listen: '127.0.0.1:9191',
    Instances: 2,
    Usable: 1,
  })
})
