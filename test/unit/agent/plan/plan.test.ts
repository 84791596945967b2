import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Leaf, View } from '../../../../src/agent/contract.ts'
import { subjectsWanted } from '../../../../src/agent/plan/mesh-services.ts'
import { type Plan, type PlanInput, plan } from '../../../../src/agent/plan/plan.ts'
import type { PublicCaRoot } from '../../../../src/model/authority.ts'
import { defaultBalance } from '../../../../src/model/balance.ts'
import { type Check, memberCheckId } from '../../../../src/model/check.ts'
import { type ProxyResource, resourceKey, resourceOrder } from '../../../../src/model/proxy-config.ts'
import type { Service, ServiceDefinition } from '../../../../src/model/service.ts'
import { type EventBody, type Subject, subjectKey } from '../../../../src/model/topic.ts'
import { health, intentions, rules, upsert } from '../control/fake-control.ts'
import { definitionOf, upstreamOf } from '../fakes.ts'

const root: PublicCaRoot = {
  id: 'aa:bb',
  plane: 'service',
  name: 'root',
  trustDomain: 'cluster.consul',
  certificatePem: 'ROOT PEM',
  serialNumber: '01',
  signingKeyId: 'cc',
  notBeforeMs: 0,
  notAfterMs: 1,
  active: true,
  privateKeyType: 'ec',
  privateKeyBits: 256,
}
const roots: EventBody = { topic: 'roots', trustDomain: 'cluster.consul', roots: [root] }
const rootsSubject: Subject = { topic: 'roots', key: '' }

const leafOf = (service: string): Leaf => ({
  service,
  uri: `spiffe://cluster.consul/ns/default/dc/dc1/svc/${service}`,
  certificatePem: `${service} PEM`,
  privateKeyPem: `${service} KEY`,
  serialNumber: '02',
  notBeforeMs: 0,
  notAfterMs: 5_000,
  generation: 1,
})

/** What a plan is made from, as data that a test may change piece by piece. */
class World {
  readonly views = new Map<string, View>()
  readonly leaves = new Map<string, Leaf>()
  services: readonly Service[] = []
  bindAddress = '127.0.0.2'
  host = { node: 'n1', zone: '' }
  readonly failedHosts = new Set<string>()
  #plan: Plan | undefined

  receive(subject: Subject, index: number, ...bodies: readonly EventBody[]): void {
    this.views.set(subjectKey(subject), { subject, index, bodies, live: true })
  }

  define(...definitions: readonly ServiceDefinition[]): void {
    this.services = definitions.flatMap(({ service, sidecar }) =>
      sidecar === undefined
        ? [service]
        : [service, { ...sidecar.service, port: sidecar.service.port || 21_000 }],
    )
  }

  input(): PlanInput {
    return {
      services: this.services,
      view: (subject) => this.views.get(subjectKey(subject)),
      leaf: (service) => this.leaves.get(service),
      bindAddress: this.bindAddress,
      datacenter: 'dc1',
      host: this.host,
      failedHosts: this.failedHosts,
    }
  }

  plan(): readonly ProxyResource[] {
    this.#plan = plan(this.input(), this.#plan)
    return this.#plan.resources
  }
}

function quickstart(): World {
  const world = new World()
  world.define(
    definitionOf('web', { sidecar: { upstreams: [upstreamOf('backend')] } }),
    definitionOf('plain', { service: { port: 7 } }),
  )
  world.leaves.set('web', leafOf('web'))
  world.receive(rootsSubject, 4, roots)
  world.receive(intentions('web'), 9, rules('deny', 'shop'))
  world.receive(
    health('backend'),
    12,
    upsert('n2', 'backend-sidecar-proxy', { checks: [{ status: 'warning' }] }),
    upsert('n3', 'backend-sidecar-proxy', {
      service: { address: '10.9.9.9', weights: { passing: 7, warning: 2 } },
    }),
  )
  return world
}

const keys = (resources: readonly ProxyResource[]): readonly string[] => resources.map(resourceKey)
const find = (resources: readonly ProxyResource[], key: string): ProxyResource | undefined =>
  resources.find((resource) => resourceKey(resource) === key)

test('the plan of the quickstart’s first host', async () => {
  const text = `${JSON.stringify(quickstart().plan(), undefined, 2)}\n`
  await expect(text).toMatchFileSnapshot('./golden/quickstart.json')
})

test('the plan of a host with sockets, own bind addresses, two instances of a service and another datacenter', async () => {
  const world = new World()
  const upstreams = [
    upstreamOf('db', { localBindPort: 0, localBindSocketPath: '/run/db.sock', localBindSocketMode: '0600' }),
    upstreamOf('db', { datacenter: 'dc1', localBindPort: 9_001 }),
    upstreamOf('db', { datacenter: 'dc2', localBindPort: 9_002, connectTimeoutMs: 100 }),
  ]
  const sidecar = { upstreams }
  const web2 = definitionOf('web', {
    service: { id: 'web2', port: 8_081 },
    sidecar: { service: { port: 21_001 } },
  })
  const bound = definitionOf('bound', { service: { port: 90 }, sidecar: {} })
  world.define(definitionOf('web', { sidecar }), web2, bound)
  const config = { bind_address: '0.0.0.0', bind_port: 22_000, local_connect_timeout_ms: 250 }
  world.services = world.services.map((service) =>
    service.id === 'bound-sidecar-proxy' && service.proxy !== undefined
      ? {
          ...service,
          proxy: { ...service.proxy, config, localServiceSocketPath: '/run/bound.sock', localServicePort: 0 },
        }
      : service,
  )
  world.leaves.set('web', leafOf('web')).set('bound', leafOf('bound'))
  world.receive(rootsSubject, 4, roots)
  world.receive(health('db'), 5, upsert('n2', 'db'))
  await expect(`${JSON.stringify(world.plan(), undefined, 2)}\n`).toMatchFileSnapshot('./golden/sockets.json')
})

describe('a local service whose intentions were never received', () => {
  test('lets nobody in, at index 0', () => {
    const world = quickstart()
    world.views.delete('intentions/web')
    expect(find(world.plan(), 'policy/web')).toEqual({
      kind: 'policy',
      name: 'web',
      index: 0,
      defaultAction: 'deny',
      rules: [],
    })
  })
})

test('listeners wait for the certificate and the roots; the rest of the plan does not', () => {
  const world = quickstart()
  world.leaves.clear()
  expect(keys(world.plan())).toEqual(['roots/cluster.consul', 'policy/web', 'endpoints/backend'])
  world.leaves.set('web', leafOf('web'))
  world.views.delete('roots/')
  expect(keys(world.plan())).toEqual(['leaf/web', 'policy/web', 'endpoints/backend'])
  world.receive(rootsSubject, 4, roots)
  expect(keys(world.plan())).toEqual([
    'roots/cluster.consul',
    'leaf/web',
    'policy/web',
    'endpoints/backend',
    'inbound/web-sidecar-proxy',
    'outbound/web-sidecar-proxy/backend',
  ])
})

describe('a host that gossip found failed', () => {
  const healths = (resources: readonly ProxyResource[]): unknown => {
    const resource = find(resources, 'endpoints/backend')
    return resource?.kind === 'endpoints'
      ? resource.instances.map(({ node, health: found, weight }) => [node, found, weight])
      : undefined
  }

  test('is chosen last at once, whatever the servers still say, and is back when it is alive', () => {
    const world = quickstart()
    const before = world.plan()
    expect(healths(before)).toEqual([
      ['n2', 'warning', 1],
      ['n3', 'passing', 7],
    ])
    world.failedHosts.add('n3')
    expect(healths(world.plan())).toEqual([
      ['n2', 'warning', 1],
      ['n3', 'host-unreachable', 7],
    ])
    world.failedHosts.delete('n3')
    expect(healths(world.plan())).toEqual(healths(before))
  })

  test('changes nothing where it has no instance, and nothing that is critical anyway', () => {
    const world = quickstart()
    world.receive(health('backend'), 20, upsert('n2', 'b', { checks: [{ status: 'critical' }] }))
    const before = world.plan()
    world.failedHosts.add('n2')
    world.failedHosts.add('elsewhere')
    expect(healths(world.plan())).toEqual([['n2', 'critical', 1]])
    expect(world.plan(), 'nothing is sent').toBe(before)
  })
})

describe('health of an instance', () => {
  const member = (status: 'passing' | 'critical'): Partial<Check> => ({ checkId: memberCheckId, status })
  const own = (status: 'passing' | 'warning' | 'critical'): Partial<Check> => ({ checkId: 'own', status })
  const weights = { passing: 10, warning: 3 }
  const shown = (...checks: readonly Partial<Check>[]): unknown => {
    const world = quickstart()
    world.receive(health('backend'), 20, upsert('n2', 'b', { checks, service: { weights } }))
    const resource = find(world.plan(), 'endpoints/backend')
    return resource?.kind === 'endpoints'
      ? resource.instances.map((endpoint) => [endpoint.health, endpoint.weight])
      : undefined
  }

  test('is the worst of its checks, and passing without any', () => {
    expect(shown()).toEqual([['passing', 10]])
    expect(shown(member('passing'), own('passing'))).toEqual([['passing', 10]])
    expect(shown(member('passing'), own('warning'))).toEqual([['warning', 3]])
    expect(shown(member('passing'), own('critical'))).toEqual([['critical', 3]])
  })

  test('is only in doubt when nothing but the membership of its host failed', () => {
    expect(shown(member('critical'))).toEqual([['host-unreachable', 10]])
    expect(shown(member('critical'), own('warning'))).toEqual([['host-unreachable', 3]])
    expect(shown(member('critical'), own('critical'))).toEqual([['critical', 3]])
  })

  test('is critical in maintenance, of the service or of the host', () => {
    expect(shown(member('passing'), { checkId: '_service_maintenance:b', status: 'critical' })).toEqual([
      ['critical', 3],
    ])
    expect(shown(member('critical'), { checkId: '_node_maintenance', status: 'critical' })).toEqual([
      ['critical', 3],
    ])
  })
})

test('an instance without a port is left out', () => {
  const world = quickstart()
  world.receive(health('backend'), 20, upsert('n2', 'b', { service: { port: 0 } }))
  expect(find(world.plan(), 'endpoints/backend')).toMatchObject({ instances: [] })
})

describe('sharing between plans', () => {
  test('nothing changed: the very same array', () => {
    const world = quickstart()
    expect(world.plan()).toBe(world.plan())
  })

  test('only what changed is another object', () => {
    const world = quickstart()
    const before = world.plan()
    world.receive(intentions('web'), 10, rules('deny', 'shop', 'web'))
    const after = world.plan()
    const changed = after.filter((resource, at) => resource !== before[at])
    expect(keys(changed)).toEqual(['policy/web'])
    expect(changed[0]).toMatchObject({ index: 10 })
  })

  test('rules that are the same at a later index are a policy of that index', () => {
    const world = quickstart()
    const bodies = world.views.get('intentions/web')?.bodies ?? []
    world.plan()
    world.views.set('intentions/web', { subject: intentions('web'), index: 30, bodies, live: true })
    expect(find(world.plan(), 'policy/web')).toMatchObject({ index: 30 })
  })

  test('a check that only says something else plans nothing new', () => {
    const world = quickstart()
    world.receive(health('backend'), 12, upsert('n2', 'b', { checks: [{ output: 'one' }] }))
    const before = world.plan()
    world.receive(health('backend'), 13, upsert('n2', 'b', { checks: [{ output: 'two' }] }))
    expect(world.plan()).toBe(before)
  })

  test('the order of registration does not matter', () => {
    const world = quickstart()
    const text = JSON.stringify(world.plan())
    world.services = [...world.services].reverse()
    expect(JSON.stringify(world.plan())).toBe(text)
  })

  test('never changes what comes out', () => {
    const service = fc.constantFrom('a', 'b', 'c')
    const step = fc.record({
      service,
      upstream: service,
      index: fc.integer({ min: 1, max: 4 }),
      what: fc.nat(4),
    })
    const property = fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const world = new World()
      world.receive(rootsSubject, 1, roots)
      const defined = new Map<string, ServiceDefinition>()
      for (const { service: name, upstream, index, what } of steps) {
        if (what === 0)
          defined.set(name, definitionOf(name, { sidecar: { upstreams: [upstreamOf(upstream)] } }))
        if (what === 1) defined.delete(name)
        if (what === 2) world.receive(health(upstream), index, upsert(`n${index}`, upstream))
        if (what === 3) world.receive(intentions(name), index, rules('deny', upstream))
        if (what === 4) world.leaves.set(name, { ...leafOf(name), notAfterMs: index })
        world.define(...defined.values())
        const shared = world.plan()
        expect(shared).toEqual(plan(world.input()).resources)
        const order = shared.map((resource) => resourceOrder.indexOf(resource.kind))
        expect(order).toEqual([...order].sort((x, y) => x - y))
        expect(new Set(keys(shared)).size).toBe(shared.length)
      }
    })
    fc.assert(property, { numRuns: 100 })
  })
})

test('wanted are the intentions of local mesh services, the roots, and the instances of upstreams, here and elsewhere', () => {
  const upstreams = [
    upstreamOf('db'),
    upstreamOf('db', { datacenter: 'dc1', localBindPort: 1 }),
    upstreamOf('far', { datacenter: 'dc2', localBindPort: 2 }),
  ]
  const world = new World()
  world.define(
    definitionOf('web', { sidecar: { upstreams } }),
    definitionOf('api', { sidecar: {} }),
    definitionOf('x'),
  )
  expect(subjectsWanted(world.services, 'dc1').map(subjectKey)).toEqual([
    'intentions/api',
    'intentions/web',
    'roots/',
    'mesh-health/db',
    'datacenter-health/dc2/far',
  ])
})

describe('balancing', () => {
  const balanceFor = (config: Readonly<Record<string, unknown>>): unknown => {
    const world = quickstart()
    world.define(definitionOf('web', { sidecar: { upstreams: [upstreamOf('backend', { config })] } }))
    const resource = find(world.plan(), 'outbound/web-sidecar-proxy/backend')
    return resource?.kind === 'outbound' ? resource.balance : 'no outbound resource'
  }

  test('an upstream that says nothing of it has no settings of its own', () => {
    expect(balanceFor({ connect_timeout_ms: 5, protocol: 'tcp' })).toBeUndefined()
  })

  test('all of Consul’s words and ours arrive, in any case, as text or as nanoseconds, also in lists of one', () => {
    const wanted = {
      policy: 'least-connections',
      prefer: 'host',
      maxConnections: 3,
      maxPending: 2,
      ejection: { maxFailures: 7, enforcingPercent: 60, maxPercent: 50, baseMs: 1_500, intervalMs: 20_000 },
    }
    const health = { max_failures: 7, enforcing_consecutive_5xx: 60, max_ejection_percent: 50 }
    expect(
      balanceFor({
        balance: { policy: 'least_connections', prefer: 'host' },
        limits: { max_connections: 3, max_pending_requests: 2 },
        passive_health_check: { ...health, interval: '20s', base_ejection_time: '1.5s' },
      }),
    ).toEqual(wanted)
    expect(
      balanceFor({
        balance: [{ Policy: 'LEAST_REQUEST', Prefer: 'host' }],
        limits: [{ MaxConnections: 3, MaxPendingRequests: 2 }],
        passive_health_check: [{ ...health, Interval: 20_000_000_000, BaseEjectionTime: 1_500_000_000 }],
      }),
    ).toEqual(wanted)
  })

  test('what cannot be understood is as if it were not said', () => {
    const nonsense = { balance: 'fast', limits: { max_connections: -1 }, passive_health_check: [1, 2] }
    expect(balanceFor(nonsense)).toEqual(defaultBalance)
  })

  test('the ways in and out of a host come from the config of proxy and upstream', () => {
    const world = quickstart()
    const config = { tls_min_version: 'TLSv1_2', local_proxy_protocol: 'v2' }
    world.services = world.services.map((service) =>
      service.proxy === undefined
        ? service
        : {
            ...service,
            proxy: {
              ...service.proxy,
              config,
              upstreams: service.proxy.upstreams.map((each) => ({
                ...each,
                config: { allowed_uids: [1_000] },
              })),
            },
          },
    )
    const ways = world.plan().flatMap((resource): readonly unknown[] => {
      if (resource.kind === 'inbound') return [resource.tlsMinVersion, resource.localProxyProtocol]
      return resource.kind === 'outbound' ? [resource.allowedUids] : []
    })
    expect(new Set(ways.map((way) => JSON.stringify(way)))).toEqual(new Set(['"TLSv1_2"', '"v2"', '[1000]']))
  })

  test('an upstream for datagrams has its own listener and finds the same instances', () => {
    const world = quickstart()
    world.services = world.services.map((service) =>
      service.proxy === undefined
        ? service
        : {
            ...service,
            proxy: {
              ...service.proxy,
              config: { local_udp_port: 53 },
              upstreams: service.proxy.upstreams.flatMap((each) => [
                each,
                { ...each, config: { protocol: 'udp' } },
              ]),
            },
          },
    )
    world.receive(health('backend'), 20, upsert('n1', 'b'))
    const resources = world.plan()
    const of = (name: string): unknown => find(resources, name)
    expect(of('outbound/web-sidecar-proxy/backend+udp')).toMatchObject({
      protocol: 'udp',
      target: 'backend+udp',
    })
    expect(of('outbound/web-sidecar-proxy/backend')).not.toHaveProperty('protocol')
    const [bytes, datagrams] = ['endpoints/backend', 'endpoints/backend+udp'].map((name) =>
      find(resources, name),
    )
    expect(datagrams).toEqual({ ...bytes, name: 'backend+udp' })
    expect(of('inbound/web-sidecar-proxy')).toMatchObject({ localUdpPort: 53 })
  })

  test('instances of this host and of its zone are near, and a host that moves sees others near', () => {
    const world = quickstart()
    const nearness = (): unknown => {
      const resource = find(world.plan(), 'endpoints/backend')
      return resource?.kind === 'endpoints' ? resource.instances.map((each) => each.nearness) : []
    }
    const inZone = (node: string, zone: string): EventBody => {
      const body = upsert(node, 'b')
      if (!('entry' in body)) throw new Error('not an instance')
      return { ...body, entry: { ...body.entry, node: { ...body.entry.node, meta: { zone } } } }
    }
    world.receive(health('backend'), 20, inZone('n1', 'z2'), inZone('n2', 'z1'), inZone('n3', 'z2'))
    expect(nearness()).toEqual(['host', undefined, undefined])
    world.host = { node: 'n1', zone: 'z1' }
    expect(nearness()).toEqual(['host', 'zone', undefined])
  })
})

test('max_inbound_connections of a proxy reaches its listener, and 0 is no limit', () => {
  const limitOf = (config: Readonly<Record<string, unknown>>): unknown => {
    const world = quickstart()
    world.services = world.services.map((service) =>
      service.proxy === undefined ? service : { ...service, proxy: { ...service.proxy, config } },
    )
    const resource = find(world.plan(), 'inbound/web-sidecar-proxy')
    return resource?.kind === 'inbound' ? resource.maxConnections : 'no inbound resource'
  }
  expect([
    limitOf({ max_inbound_connections: 7 }),
    limitOf({ max_inbound_connections: 0 }),
    limitOf({}),
  ]).toEqual([7, undefined, undefined])
})
