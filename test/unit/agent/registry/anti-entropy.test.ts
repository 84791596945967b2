import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AntiEntropy, scaledIntervalMs } from '../../../../src/agent/registry/anti-entropy.ts'
import { LocalState } from '../../../../src/agent/registry/local-state.ts'
import { failed } from '../../../../src/model/errors.ts'
import { limits } from '../../../../src/model/limits.ts'
import type { Node } from '../../../../src/model/node.ts'
import type { Random } from '../../../../src/platform/ports.ts'
import { VirtualClock } from '../../../simulation/clock.ts'
import { SeededRandom } from '../../../simulation/random.ts'
import {
  checkOf,
  definitionOf,
  MemoryStateFiles,
  RecordingLog,
  RecordingMetrics,
  serviceOf,
  ttlProbe,
} from '../fakes.ts'
import { FakeCatalog } from './fake-catalog.ts'

const api = { source: 'api', replaceChecks: false } as const
const minuteMs = 60_000
const node: Node = {
  id: '11111111-2222-4333-8444-555555555555',
  name: 'n1',
  address: '10.0.0.1',
  datacenter: 'dc1',
  taggedAddresses: { lan: '10.0.0.1', wan: '10.0.0.1' },
  meta: { rack: 'a' },
}

class Host {
  readonly clock = new VirtualClock()
  readonly log = new RecordingLog()
  readonly metrics = new RecordingMetrics()
  readonly catalog = new FakeCatalog(this.clock)
  readonly state: LocalState
  readonly sync: AntiEntropy

  constructor(options: { readonly random?: Random; readonly checkUpdateIntervalMs?: number } = {}) {
    const { clock, log, metrics } = this
    this.state = new LocalState({
      node: node.name,
      files: new MemoryStateFiles(),
      clock,
      log,
      sidecarPorts: { min: 21_000, max: 21_255 },
      bindAddress: '127.0.0.2',
      scripts: { everywhere: false, files: false },
    })
    this.sync = new AntiEntropy({
      rows: this.state.rows,
      node,
      client: this.catalog.client,
      clock,
      random: options.random ?? new SeededRandom(1),
      log,
      metrics,
      checkUpdateIntervalMs: options.checkUpdateIntervalMs ?? 300_000,
      clusterSize: () => 1,
    })
    this.state.load()
  }

  /** A host whose catalog is up to date. */
  static settled(options: ConstructorParameters<typeof Host>[0] = {}): Host {
    const host = new Host(options)
    host.sync.start()
    host.clock.run(4_000)
    host.catalog.commands.length = 0
    return host
  }

  rows(): ReturnType<FakeCatalog['holdings']> {
    const services = this.state.services().map(({ service }) => service)
    const checks = this.state.checks().map(({ check }) => check)
    return {
      services: services.sort((a, b) => (a.id < b.id ? -1 : 1)),
      checks: checks.sort((a, b) => (a.checkId < b.checkId ? -1 : 1)),
    }
  }
}

describe('a host that starts', () => {
  test('registers itself, its services and their checks in one command within the stagger of 3 seconds', () => {
    const host = new Host()
    host.state.register(definitionOf('web', { checks: [checkOf('c')], sidecar: {} }), api)
    host.sync.start()
    expect(host.catalog.commands).toEqual([])
    host.clock.run(3_100)
    expect(host.catalog.commands).toHaveLength(1)
    expect(host.catalog.node).toEqual(node)
    expect(host.catalog.holdings()).toEqual(host.rows())
    expect(host.state.services().every((row) => row.synced)).toBe(true)
    expect(host.state.checks().every((row) => row.synced)).toBe(true)
  })

  test('writes nothing when the catalog is right already', () => {
    const host = new Host()
    host.state.register(definitionOf('web', { checks: [checkOf('c')] }), api)
    host.catalog.node = node
    host.catalog.services.set('web', host.rows().services[0] ?? serviceOf('?'))
    for (const check of host.rows().checks) host.catalog.checks.set(check.checkId, check)
    host.sync.start()
    host.clock.run(10 * minuteMs)
    expect(host.catalog.commands).toEqual([])
    expect(host.catalog.reads).toBeGreaterThan(4)
    expect(host.state.service('web')?.synced).toBe(true)
  })

  test('removes what it does not own, but never membership nor the servers’ own service', () => {
    const host = new Host()
    host.catalog.node = node
    host.catalog.addMemberCheck('n1')
    host.catalog.services.set('consul', serviceOf('consul'))
    host.catalog.services.set('ghost', serviceOf('ghost'))
    host.state.register(definitionOf('web'), api)
    const ghost = { ...host.rows().checks[0], checkId: 'left-over', serviceId: 'web', node: 'n1' }
    host.catalog.services.set('web', serviceOf('web'))
    host.catalog.checks.set('left-over', ghost as never)
    host.sync.start()
    host.clock.run(5_000)
    expect([...host.catalog.services.keys()]).toEqual(['consul', 'web'])
    expect([...host.catalog.checks.keys()]).toEqual(['serfHealth'])
  })
})

describe('a change on the host', () => {
  test('reaches the catalog at once, several of one turn in one command', () => {
    const host = Host.settled()
    host.state.register(definitionOf('a', { checks: [checkOf('c')] }), api)
    host.state.register(definitionOf('b'), api)
    host.clock.run(20)
    expect(host.catalog.commands).toHaveLength(1)
    expect(host.catalog.commands[0]).toMatchObject({ type: 'catalog.register', node: 'n1' })

    host.state.rows.report('c', 'passing', 'ok')
    host.clock.run(20)
    expect(host.catalog.checks.get('c')).toMatchObject({ status: 'passing', output: 'ok' })

    host.state.deregister('a')
    host.clock.run(20)
    expect([...host.catalog.services.keys()]).toEqual(['b'])
    expect(host.catalog.checks.size).toBe(0)
  })

  test('that comes while the one before is on its way is sent after it, never beside it', () => {
    const host = Host.settled()
    host.state.register(definitionOf('a'), api)
    host.clock.run(2)
    host.state.register(definitionOf('b'), api)
    host.state.deregister('a')
    host.clock.run(100)
    expect([...host.catalog.services.keys()]).toEqual(['b'])
    expect(host.catalog.mostInFlight).toBe(1)
  })

  test('to a row that is on its way is sent too', () => {
    const host = Host.settled()
    host.state.register(definitionOf('a', { service: { port: 1 } }), api)
    host.clock.run(2)
    host.state.register(definitionOf('a', { service: { port: 2 } }), api)
    host.clock.run(50)
    expect(host.catalog.services.get('a')?.port).toBe(2)
  })

  test('of the host’s own row is sent with its next command', () => {
    const host = Host.settled()
    host.sync.update({ ...node, meta: { rack: 'b' } }, 300_000)
    host.clock.run(20)
    expect(host.catalog.node?.meta).toEqual({ rack: 'b' })
    host.sync.update({ ...node, meta: { rack: 'c' } }, 300_000)
    host.clock.run(2)
    host.sync.update({ ...node, meta: { rack: 'd' } }, 300_000)
    host.clock.run(50)
    expect(host.catalog.node?.meta).toEqual({ rack: 'd' })
  })

  test('of the output alone waits half to all of the interval; a status goes at once and takes the output along', () => {
    const host = Host.settled({ checkUpdateIntervalMs: 100_000 })
    host.state.register(definitionOf('web', { checks: [checkOf('c'), checkOf('d')] }), api)
    host.clock.run(100)
    const outputs = (): unknown => [
      host.catalog.checks.get('c')?.output,
      host.catalog.checks.get('d')?.output,
    ]

    host.state.rows.report('c', 'critical', 'first')
    host.state.rows.report('d', 'critical', 'first')
    host.clock.run(49_000)
    host.state.rows.report('d', 'critical', 'second')
    expect(outputs()).toEqual(['', ''])
    host.clock.run(51_500)
    expect(outputs()).toEqual(['first', 'second'])

    host.state.rows.report('c', 'critical', 'third')
    host.state.rows.report('c', 'passing', 'fourth')
    host.clock.run(20)
    expect(outputs()).toEqual(['fourth', 'second'])
  })

  test('of an output is not pushed early by a comparison', () => {
    const host = Host.settled({ checkUpdateIntervalMs: 20 * minuteMs })
    host.state.register(definitionOf('web', { checks: [checkOf('c')] }), api)
    host.clock.run(100)
    host.state.rows.report('c', 'critical', 'noise')
    const { reads } = host.catalog
    host.clock.run(9 * minuteMs)
    expect(host.catalog.reads).toBeGreaterThan(reads)
    expect(host.catalog.checks.get('c')?.output).toBe('')
  })
})

describe('while no server answers', () => {
  test('nothing is sent between attempts, which come 15 to 30 seconds apart; one warning is logged', () => {
    const host = Host.settled()
    host.catalog.outage = { code: 'no-server', message: 'away' }
    host.state.register(definitionOf('web'), api)
    host.clock.run(100)
    const before = host.catalog.calls
    host.state.register(definitionOf('db'), api)
    host.clock.run(14_000)
    expect(host.catalog.calls).toBe(before)
    host.clock.run(5 * minuteMs)
    const attempts = host.catalog.calls - before
    expect(attempts).toBeGreaterThanOrEqual(10)
    expect(attempts).toBeLessThanOrEqual(21)
    expect(host.log.at('warn')).toHaveLength(1)

    host.catalog.outage = undefined
    host.clock.run(31_000)
    expect([...host.catalog.services.keys()].sort()).toEqual(['db', 'web'])
  })

  test('a server that comes up is used within 3 seconds', () => {
    const host = Host.settled()
    host.catalog.outage = { code: 'no-server', message: 'away' }
    host.state.register(definitionOf('web'), api)
    host.clock.run(100)
    host.catalog.outage = undefined
    host.sync.serverUp()
    host.clock.run(3_100)
    expect([...host.catalog.services.keys()]).toEqual(['web'])
  })

  test('servers that come and go all the time do not put the comparison off', () => {
    const host = new Host({ random: { fraction: () => 0.9, bytes: (length) => new Uint8Array(length) } })
    host.state.register(definitionOf('web'), api)
    host.sync.start()
    for (let i = 0; i < 40; i += 1) {
      host.clock.run(100)
      host.sync.serverUp()
    }
    expect([...host.catalog.services.keys()]).toEqual(['web'])
  })
})

describe('a catalog that loses or is given rows', () => {
  test('is repaired by the next comparison, within two minutes', () => {
    const host = Host.settled()
    host.state.register(definitionOf('web', { checks: [checkOf('c')] }), api)
    host.clock.run(100)
    host.catalog.services.set('web', serviceOf('web', { port: 1 }))
    host.catalog.services.set('intruder', serviceOf('intruder'))
    host.catalog.checks.delete('c')
    host.clock.run(2 * minuteMs + 1_000)
    expect(host.catalog.holdings()).toEqual(host.rows())
  })

  test('that lost the whole node gets it back as soon as the host writes', () => {
    const host = Host.settled()
    host.state.register(definitionOf('web', { checks: [checkOf('c')] }), api)
    host.clock.run(100)
    host.catalog.node = undefined
    host.catalog.services.clear()
    host.catalog.checks.clear()
    host.state.rows.report('c', 'passing', '')
    host.clock.run(4_000)
    expect(host.catalog.node).toEqual(node)
    expect(host.catalog.holdings()).toEqual(host.rows())
  })

  test('keeps tags that others wrote where the service allows it, and only there', () => {
    const host = Host.settled()
    host.state.register(definitionOf('open', { service: { tags: ['a'], enableTagOverride: true } }), api)
    host.state.register(definitionOf('own', { service: { tags: ['a'] } }), api)
    host.clock.run(100)
    for (const id of ['open', 'own'])
      host.catalog.services.set(id, { ...(host.catalog.services.get(id) ?? serviceOf('?')), tags: ['b'] })
    host.clock.run(2 * minuteMs + 1_000)
    expect(host.catalog.services.get('open')?.tags).toEqual(['b'])
    expect(host.state.service('open')?.service.tags).toEqual(['b'])
    expect(host.catalog.services.get('own')?.tags).toEqual(['a'])
  })
})

describe('a service that the servers refuse', () => {
  const refusing = (host: Host, id: string): void => {
    host.catalog.refuse = (command) =>
      command.type === 'catalog.register' && command.services.some((service) => service.id === id)
        ? failed('service-not-allowed', `the host is not enrolled for ${id}`).failure
        : undefined
  }

  test('does not keep the others from the catalog, is named in the log, and waits for the next comparison', () => {
    const host = new Host()
    refusing(host, 's7')
    for (let i = 0; i < 20; i += 1)
      host.state.register(definitionOf(`s${i}`, { checks: [checkOf(`c${i}`)] }), api)
    host.sync.start()
    host.clock.run(5_000)
    expect(host.catalog.services.size).toBe(19)
    expect(host.state.service('s7')?.synced).toBe(false)
    expect(host.log.at('error')).toEqual([
      expect.stringMatching(/refuses a registration.*not enrolled for s7.*"rows":\["s7","c7"\]/),
    ])

    host.catalog.commands.length = 0
    host.state.rows.report('c1', 'passing', '')
    host.clock.run(100)
    expect(host.catalog.commands).toHaveLength(1)

    host.catalog.refuse = () => undefined
    host.clock.run(2 * minuteMs + 1_000)
    expect(host.catalog.holdings()).toEqual(host.rows())
  })

  test('is tried again at once when it changes', () => {
    const host = Host.settled()
    refusing(host, 'web')
    host.state.register(definitionOf('web'), api)
    host.clock.run(100)
    expect(host.catalog.services.size).toBe(0)
    host.catalog.refuse = () => undefined
    host.state.register(definitionOf('web', { service: { port: 9 } }), api)
    host.clock.run(100)
    expect(host.catalog.services.get('web')?.port).toBe(9)
  })
})

test('many services go in commands that fit, each service with its checks', () => {
  const host = new Host()
  const definitions = Array.from({ length: 400 }, (_, i) =>
    definitionOf(`s${i}`, {
      service: { meta: { note: 'x'.repeat(500) } },
      checks: [0, 1, 2].map((n) => checkOf(`s${i}-c${n}`, { notes: 'y'.repeat(200) })),
    }),
  )
  host.state.replaceFileDefinitions(definitions, [])
  host.sync.start()
  host.clock.run(10_000)
  expect(host.catalog.holdings()).toEqual(host.rows())
  for (const command of host.catalog.commands) {
    expect(JSON.stringify(command).length).toBeLessThan(limits.commandBytes)
    if (command.type !== 'catalog.register') continue
    const services = new Set(command.services.map(({ id }) => id))
    expect(command.checks.every((check) => services.has(check.serviceId))).toBe(true)
  }
  expect(host.catalog.commands.length).toBeLessThan(10)
})

test('a service whose checks fill more than one command is sent whole', () => {
  const host = new Host()
  const checks = Array.from({ length: 1_000 }, (_, i) => checkOf(`c${i}`, { notes: 'n'.repeat(1_000) }))
  host.state.replaceFileDefinitions([definitionOf('huge', { checks })], [])
  host.sync.start()
  host.clock.run(10_000)
  expect(host.catalog.checks.size).toBe(1_000)
})

test('the more hosts there are, the rarer each compares', () => {
  expect([1, 128, 129, 256, 257, 5_000].map((hosts) => scaledIntervalMs(hosts) / minuteMs)).toEqual([
    1, 1, 2, 2, 3, 7,
  ])
})

test('whatever happens on the host and in the catalog, both are equal once it is quiet', () => {
  const name = fc.integer({ min: 0, max: 4 }).map((n) => `s${n}`)
  const step = fc.oneof(
    fc.record({ kind: fc.constant('register' as const), name, checks: fc.nat(2), replace: fc.boolean() }),
    fc.record({ kind: fc.constant('deregister' as const), name }),
    fc.record({ kind: fc.constant('report' as const), name, status: fc.constantFrom('passing', 'critical') }),
    fc.record({ kind: fc.constant('drift' as const), name }),
    fc.record({ kind: fc.constant('outage' as const), on: fc.boolean() }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40_000 }) }),
  )
  const property = fc.property(fc.array(step, { maxLength: 40 }), fc.integer(), (steps, seed) => {
    const host = new Host({ random: new SeededRandom(seed) })
    host.sync.start()
    for (const each of steps)
      switch (each.kind) {
        case 'register': {
          const checks = Array.from({ length: each.checks }, (_, i) =>
            checkOf(`${each.name}-${i}`, { probe: ttlProbe(1e9) }),
          )
          host.state.register(definitionOf(each.name, { checks }), {
            source: 'api',
            replaceChecks: each.replace,
          })
          break
        }
        case 'deregister':
          host.state.deregister(each.name)
          break
        case 'report':
          host.state.updateTtl(
            `${each.name}-0`,
            each.status === 'passing' ? 'passing' : 'critical',
            `${seed}`,
          )
          break
        case 'drift':
          if (!host.catalog.services.delete(each.name))
            host.catalog.services.set(each.name, serviceOf(each.name, { port: 1 }))
          break
        case 'outage':
          host.catalog.outage = each.on ? { code: 'no-leader', message: 'none' } : undefined
          break
        case 'wait':
          host.clock.run(each.ms)
      }
    host.catalog.outage = undefined
    host.clock.run(10 * minuteMs)
    expect(host.catalog.holdings()).toEqual(host.rows())
    expect(host.catalog.mostInFlight).toBeLessThanOrEqual(1)
    expect(host.state.rows.pending().services.size).toBe(0)
    host.sync.stop()
  })
  fc.assert(property, { numRuns: 150 })
})
