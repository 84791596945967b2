// The agent's rooms together, against the rooms of a real server, in memory and on virtual time: roads 1 and 2 of the
// design, from a registration to another host's plan, and from an intention to a policy and its acknowledgement.
import { describe, expect, test } from 'vitest'
import type { Leaf, Leaves } from '../../../src/agent/contract.ts'
import { ControlStream } from '../../../src/agent/control/control-stream.ts'
import { ViewStore } from '../../../src/agent/control/view-store.ts'
import { PlanDriver } from '../../../src/agent/plan/driver.ts'
import { AntiEntropy } from '../../../src/agent/registry/anti-entropy.ts'
import { LocalState } from '../../../src/agent/registry/local-state.ts'
import { limits } from '../../../src/model/limits.ts'
import type { Node } from '../../../src/model/node.ts'
import type { ProxyResource, ResourceKind } from '../../../src/model/proxy-config.ts'
import type { ServiceDefinition } from '../../../src/model/service.ts'
import type { AgentFrame, ServerClient, ServerFrame } from '../../../src/rpc/contract.ts'
import { type StreamPair, streamPair } from '../../simulation/streams.ts'
import { genesis, intention } from '../store/rows.ts'
import { asHost, TestServer } from '../store/server.ts'
import {
  checkOf,
  definitionOf,
  MemoryStateFiles,
  RecordingLog,
  RecordingMetrics,
  ttlProbe,
  upstreamOf,
} from './fakes.ts'

const api = { source: 'api', replaceChecks: false } as const

const noLeaves: Leaves = {
  want: () => undefined,
  leaf: (): Leaf | undefined => undefined,
  request: () => undefined,
  onChange: () => undefined,
}

type Resource<Kind extends ResourceKind> = Extract<ProxyResource, { readonly kind: Kind }>

class Host {
  readonly server: TestServer
  readonly log = new RecordingLog()
  readonly files: MemoryStateFiles
  readonly state: LocalState
  readonly views: ViewStore
  readonly sync: AntiEntropy
  readonly control: ControlStream
  readonly driver: PlanDriver
  resources: readonly ProxyResource[] = []
  streams: StreamPair<AgentFrame, ServerFrame>[] = []

  constructor(server: TestServer, name: string, address: string, files = new MemoryStateFiles()) {
    this.server = server
    this.files = files
    const { clock, random } = server
    const { log } = this
    const metrics = new RecordingMetrics()
    const client = this.#client(name)
    const node: Node = {
      id: `id-of-${name}`,
      name,
      address,
      datacenter: 'dc1',
      taggedAddresses: {},
      meta: {},
    }
    const scripts = { everywhere: false, files: false }
    const bindAddress = address
    const sidecarPorts = { min: 21_000, max: 21_255 }
    this.state = new LocalState({ node: name, files, clock, log, sidecarPorts, bindAddress, scripts })
    const { rows } = this.state
    const clusterSize = () => 2
    const checkUpdateIntervalMs = 300_000
    this.sync = new AntiEntropy({
      rows,
      node,
      client,
      clock,
      random,
      log,
      metrics,
      checkUpdateIntervalMs,
      clusterSize,
    })
    this.views = new ViewStore({ files, clock, log, metrics })
    const { views } = this
    const onUp = (): void => this.sync.serverUp()
    const who = { node: name, nodeId: node.id, version: '0.1.0' }
    this.control = new ControlStream({ client, views, ...who, clock, random, log, metrics, onUp })
    const link = { publish: (resources: readonly ProxyResource[]) => this.#publish(resources) }
    const registry = this.state
    this.driver = new PlanDriver({
      registry,
      views,
      leaves: noLeaves,
      link,
      bindAddress,
      datacenter: 'dc1',
      host: { node: 'n1', zone: '' },
      clock,
      metrics,
    })
    this.state.load()
    this.driver.start()
    this.control.start()
    this.sync.start()
  }

  #client(name: string): Pick<ServerClient, 'read' | 'write' | 'control'> {
    const { server } = this
    return {
      read: (request, reply) => server.reader.read(request, reply),
      write: ({ command }, reply) => server.admission.write(asHost(name), command, reply),
      control: () => {
        const pair = streamPair<AgentFrame, ServerFrame>({ clock: server.clock, delayMs: 1 })
        this.streams.push(pair)
        server.hub.open(asHost(name), pair.right)
        return pair.left
      },
    }
  }

  /** A proxy that takes every policy at once and says so. */
  #publish(resources: readonly ProxyResource[]): void {
    this.resources = resources
    const policies = resources.filter((resource) => resource.kind === 'policy')
    this.control.enforced(new Map(policies.map(({ name, index }) => [name, [index]])))
  }

  register(...definitions: readonly ServiceDefinition[]): void {
    for (const definition of definitions) this.state.register(definition, api)
  }

  resource<Kind extends ResourceKind>(kind: Kind, name: string): Resource<Kind> | undefined {
    return this.resources.find((each): each is Resource<Kind> => each.kind === kind && each.name === name)
  }

  endpoints(name: string): readonly string[] | undefined {
    return this.resource('endpoints', name)?.instances.map(
      ({ id, address, port, health }) => `${id} ${address}:${port} ${health}`,
    )
  }
}

function mesh(): { readonly server: TestServer; readonly web: Host; readonly backend: Host } {
  const server = new TestServer()
  server.applied(genesis())
  const web = new Host(server, 'n1', '127.0.0.2')
  const backend = new Host(server, 'n2', '127.0.0.3')
  web.register(definitionOf('web', { sidecar: { upstreams: [upstreamOf('backend')] } }))
  backend.register(
    definitionOf('backend', { checks: [checkOf('up', { probe: ttlProbe(1e9) })], sidecar: {} }),
  )
  server.clock.run(4_000)
  return { server, web, backend }
}

describe('a service that registers', () => {
  test('is in the plan of a host that calls it, and its health follows', () => {
    const { server, web, backend } = mesh()
    expect(web.endpoints('backend')).toEqual(['n2/backend-sidecar-proxy 127.0.0.3:21000 critical'])
    for (const { check } of backend.state.checks()) backend.state.rows.report(check.checkId, 'passing', 'ok')
    server.clock.run(50)
    expect(web.endpoints('backend')).toEqual(['n2/backend-sidecar-proxy 127.0.0.3:21000 passing'])
    backend.state.deregister('backend')
    server.clock.run(50)
    expect(web.endpoints('backend')).toEqual([])
  })

  test('stays in that plan while the stream is away, and what changed meanwhile follows when it is back', () => {
    const { server, web, backend } = mesh()
    web.streams.at(-1)?.cut()
    backend.register(definitionOf('backend2', { service: { name: 'backend' }, sidecar: {} }))
    server.clock.run(20)
    expect(web.endpoints('backend')).toHaveLength(1)
    server.clock.run(2_000)
    expect(web.endpoints('backend')).toHaveLength(2)
    expect(web.views.view({ topic: 'mesh-health', key: 'backend' })?.live).toBe(true)
  })

  test('is there again for a restarted agent that finds no server', () => {
    const { server, web } = mesh()
    server.clock.run(10_000)
    web.driver.stop()
    web.control.stop()
    web.sync.stop()
    web.views.close()
    web.state.close()
    server.consensus.setLeading(false)
    const alone = new TestServer()
    const again = new Host(alone, 'n1', '127.0.0.2', web.files)
    again.streams.at(-1)?.cut()
    alone.clock.run(limits.firstPlanWaitMs)
    expect(again.endpoints('backend')).toEqual(['n2/backend-sidecar-proxy 127.0.0.3:21000 critical'])
  })

  test('survives that the server’s state is replaced by a snapshot', () => {
    const { server, web } = mesh()
    const before = web.endpoints('backend')
    server.restoreInPlace()
    server.clock.run(1_000)
    expect(web.endpoints('backend')).toEqual(before)
    expect(web.log.at('warn')).toEqual([])
  })
})

describe('an intention', () => {
  test('is a policy on the host of its destination, and nowhere else, and the server counts who enforces it', () => {
    const { server, web, backend } = mesh()
    expect(backend.resource('policy', 'backend')?.rules).toEqual([])
    const index = server.applied(intention('web', 'backend', 'allow'))
    server.clock.run(20)
    expect(backend.resource('policy', 'backend')).toMatchObject({
      rules: [{ sourceName: 'web', destinationName: 'backend', action: 'allow' }],
    })
    expect(web.resource('policy', 'web')?.rules).toEqual([])
    server.clock.run(20)
    const args = { destination: 'backend', index }
    expect(server.answer('intentions.enforcement', args)).toEqual({ enforced: 1, total: 1, waitingFor: [] })

    const denied = server.applied(intention('web', 'backend', 'deny'))
    server.clock.run(20)
    expect(backend.resource('policy', 'backend')?.rules).toMatchObject([{ action: 'deny' }])
    backend.streams.at(-1)?.cut()
    server.clock.run(10)
    const gone = { destination: 'backend', index: denied }
    expect(server.answer('intentions.enforcement', gone)).toMatchObject({ enforced: 0, total: 1 })
    server.clock.run(2_000)
    expect(server.answer('intentions.enforcement', gone)).toMatchObject({ enforced: 1, total: 1 })
  })
})

test('while the servers have no leader registrations wait, and go when there is one', () => {
  const { server, web } = mesh()
  server.consensus.setLeading(false)
  web.register(definitionOf('late'))
  server.clock.run(60_000)
  expect(web.state.service('late')?.synced).toBe(false)
  server.consensus.setLeading(true)
  server.clock.run(31_000)
  expect(web.state.service('late')?.synced).toBe(true)
  expect(server.answer('catalog.service', { service: 'late', tags: [], nodeMeta: {} })).toHaveLength(1)
})
