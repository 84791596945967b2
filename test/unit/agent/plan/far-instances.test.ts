// Instances in another datacenter as a plan sees them: under whose roots, at which addresses, near nobody.
import { expect, test } from 'vitest'
import type { View } from '../../../../src/agent/contract.ts'
import { farInstances } from '../../../../src/agent/plan/far-instances.ts'
import { plan } from '../../../../src/agent/plan/plan.ts'
import type { PublicCaRoot } from '../../../../src/model/authority.ts'
import type { ProxyResource } from '../../../../src/model/proxy-config.ts'
import type { Service, ServiceEntry } from '../../../../src/model/service.ts'
import { type EventBody, type Subject, subjectKey } from '../../../../src/model/topic.ts'
import { aNode, aService, aSidecar } from '../../store/rows.ts'

const rowIndexes = { createIndex: 1, modifyIndex: 1 }
const root = (id: string): PublicCaRoot => ({
  id,
  plane: 'service',
  name: id,
  trustDomain: `${id}.consul`,
  certificatePem: `PEM of ${id}`,
  serialNumber: '01',
  signingKeyId: 'cc',
  notBeforeMs: 0,
  notAfterMs: 1,
  active: true,
  privateKeyType: 'ec',
  privateKeyBits: 256,
})

const entryOf = (
  node: string,
  rest: Partial<Service> = {},
  tagged: Record<string, string> = {},
): ServiceEntry => ({
  node: {
    ...aNode(node, { datacenter: 'dc2', address: '10.2.0.1', taggedAddresses: tagged }),
    ...rowIndexes,
  },
  service: { ...aSidecar('web', { port: 21_000, ...rest }), ...rowIndexes },
  checks: [],
})

class Views {
  readonly #views = new Map<string, View>()

  receive(subject: Subject, ...bodies: readonly EventBody[]): this {
    this.#views.set(subjectKey(subject), { subject, index: 3, bodies, live: true })
    return this
  }

  readonly view = (subject: Subject): View | undefined => this.#views.get(subjectKey(subject))
}

const rootsSubject: Subject = { topic: 'roots', key: '' }
const farSubject: Subject = { topic: 'datacenter-health', key: 'dc2/web' }
const own = { topic: 'roots', trustDomain: 'dc1.consul', roots: [root('dc1')] } as const
const federated = [{ datacenter: 'dc2', trustDomain: 'dc2.consul', roots: [root('dc2')] }]
const instance = (entry: ServiceEntry): EventBody => ({ topic: 'datacenter-health', op: 'upsert', entry })

function planned(views: Views): readonly ProxyResource[] {
  const caller = aSidecar('api', { port: 21_000 })
  const upstream = {
    destinationName: 'web',
    datacenter: 'dc2',
    localBindAddress: '127.0.0.1',
    localBindPort: 9_191,
    localBindSocketPath: '',
    localBindSocketMode: '',
    connectTimeoutMs: 1_000,
    config: {},
  }
  const proxy = caller.proxy === undefined ? undefined : { ...caller.proxy, upstreams: [upstream] }
  if (proxy === undefined) throw new Error('a sidecar has a proxy')
  return plan({
    services: [aService('api'), { ...caller, proxy }],
    view: views.view,
    leaf: () => undefined,
    bindAddress: '127.0.0.1',
    datacenter: 'dc1',
    host: { node: 'h1', zone: 'z' },
    // Another datacenter may have a host of the same name.
    failedHosts: new Set(['h1']),
  }).resources
}

test('endpoints name the trust domain of their datacenter, whose roots the proxies get beside our own', () => {
  const views = new Views()
    .receive(rootsSubject, { ...own, federated })
    .receive(farSubject, instance(entryOf('h1')))
  const resources = planned(views)
  expect(resources.filter(({ kind }) => kind === 'roots')).toMatchObject([
    { name: 'dc1.consul', pems: ['PEM of dc1'] },
    { name: 'dc2.consul', pems: ['PEM of dc2'] },
  ])
  const endpoints = resources.find(({ kind }) => kind === 'endpoints')
  expect(endpoints).toMatchObject({ name: 'web@dc2', datacenter: 'dc2', trustDomain: 'dc2.consul' })
  // Neither near because of the name of its host, nor failed because of it.
  expect(endpoints).toHaveProperty('instances', [
    {
      id: 'h1/web-sidecar-proxy',
      node: 'h1',
      address: '10.2.0.1',
      port: 21_000,
      health: 'passing',
      weight: 1,
    },
  ])
})

test('while nobody knows whom to trust there, there are no instances', () => {
  const views = new Views().receive(rootsSubject, own).receive(farSubject, instance(entryOf('h1')))
  expect(farInstances(views.view, 'dc2', 'web')).toEqual({ bodies: [], trustDomain: '' })
  expect(planned(views).find(({ kind }) => kind === 'endpoints')).toMatchObject({ instances: [] })
})

test.each([
  ['the address of its node', {}, {}, '10.2.0.1:21000'],
  ['the wan address of its node', {}, { wan: '203.0.113.1' }, '203.0.113.1:21000'],
  ['an address of its own', { address: '10.2.9.9' }, { wan: '203.0.113.1' }, '10.2.9.9:21000'],
  [
    'a wan address of its own',
    { address: '10.2.9.9', taggedAddresses: { wan: { address: '203.0.113.9', port: 443 } } },
    { wan: '203.0.113.1' },
    '203.0.113.9:443',
  ],
])('an instance is reached at %s', (_what, service, tagged, place) => {
  const views = new Views()
    .receive(rootsSubject, { ...own, federated })
    .receive(farSubject, instance(entryOf('h1', service, tagged)))
  const endpoints = planned(views).find(({ kind }) => kind === 'endpoints')
  const found = endpoints?.kind === 'endpoints' ? endpoints.instances[0] : undefined
  expect(`${found?.address}:${found?.port}`).toBe(place)
})

test('a view that did not change gives the same bodies, so that nothing is planned anew', () => {
  const views = new Views()
    .receive(rootsSubject, { ...own, federated })
    .receive(farSubject, instance(entryOf('h1')))
  expect(farInstances(views.view, 'dc2', 'web').bodies).toBe(farInstances(views.view, 'dc2', 'web').bodies)
})
