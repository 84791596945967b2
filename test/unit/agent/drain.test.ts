// Draining on virtual time: who is told, when new streams are refused, what happens at the deadline, and departures.
import { describe, expect, test } from 'vitest'
import { Drains } from '../../../src/agent/drain/drains.ts'
import { LocalState } from '../../../src/agent/registry/local-state.ts'
import { failed, ok } from '../../../src/model/errors.ts'
import type { Service } from '../../../src/model/service.ts'
import type { ServerClient } from '../../../src/rpc/contract.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { definitionOf, MemoryStateFiles, RecordingLog, RecordingMetrics } from './fakes.ts'

const sidecar = 'web-sidecar-proxy'
const second = 1_000

class Host {
  readonly clock = new VirtualClock()
  readonly log = new RecordingLog()
  readonly state: LocalState
  readonly drains: Drains
  /** What the proxy says. */
  open = 0
  proxies = 1
  refusing = 0
  /** What the servers say: `undefined`, no server answers. */
  enforcement: { enforced: number; total: number } | undefined = { enforced: 1, total: 1 }
  readonly asked: unknown[] = []
  #services: readonly Service[] = []

  constructor() {
    const { clock, log } = this
    this.state = new LocalState({
      node: 'n1',
      files: new MemoryStateFiles(),
      clock,
      log,
      sidecarPorts: { min: 21_000, max: 21_255 },
      bindAddress: '127.0.0.2',
      scripts: { everywhere: false, files: false },
    })
    this.drains = new Drains({
      node: 'n1',
      bindAddress: '127.0.0.2',
      registry: this.state,
      link: {
        draining: () => ({ proxies: this.proxies, refusing: this.refusing, open: this.open }),
      },
      read: this.#read as ServerClient['read'],
      clock,
      log,
      metrics: new RecordingMetrics(),
    })
    // The proxy does as it is told, as soon as it is told.
    this.drains.onChange(() => {
      this.refusing = this.drains.drainOf(sidecar) === undefined ? 0 : this.proxies
    })
    this.register()
  }

  /** As the plan's driver tells it. */
  follow(): void {
    const now = this.state.services().map(({ service }) => service)
    this.drains.registered(this.#services, now)
    this.#services = now
  }

  register(): void {
    this.state.register(definitionOf('web', { sidecar: {} }), { source: 'api', replaceChecks: true })
    this.follow()
  }

  begin(timeoutMs = 30 * second): void {
    expect(this.drains.begin('web', { timeoutMs, reason: 'test' })).toEqual(ok(true))
  }

  phase(): string | undefined {
    return this.drains.progress('web')?.phase
  }

  #read = (request: { name: string; args: unknown }, reply: (result: unknown) => void) => {
    const timer = this.clock.after(1, () => {
      this.asked.push([request.name, request.args])
      if (this.enforcement === undefined) return reply(failed('no-server', 'none'))
      const meta = { index: 100 }
      const checks = this.state.checks().map(({ check }) => ({ ...check, modifyIndex: 77 }))
      if (request.name === 'catalog.node') return reply(ok({ meta, answer: { checks } }))
      return reply(ok({ meta, answer: { ...this.enforcement, waitingFor: [] } }))
    })
    return timer
  }
}

describe('a drain', () => {
  test('takes the instance out first, refuses new streams once all proxies know, and ends when nothing is open', () => {
    const host = new Host()
    host.open = 2
    host.enforcement = { enforced: 1, total: 3 }
    host.begin()
    expect(host.state.check(`_service_maintenance:${sidecar}`)?.check).toMatchObject({
      status: 'critical',
      notes: 'test',
    })
    host.clock.run(second)
    expect([host.phase(), host.drains.drainOf(sidecar)]).toEqual(['leaving', undefined])
    expect(host.drains.progress('web')).toMatchObject({ known: { proxies: 1, total: 3 } })
    host.enforcement = { enforced: 3, total: 3 }
    host.clock.run(second)
    expect([host.phase(), host.drains.drainOf(sidecar)]).toEqual(['closing', 'refuse'])
    expect(host.drains.progress('web')).toMatchObject({ open: 2, known: { proxies: 3, total: 3 } })
    expect(host.asked).toContainEqual(['intentions.enforcement', { destination: 'upstream:web', index: 77 }])
    host.open = 0
    host.clock.run(second)
    expect(host.drains.progress('web')).toMatchObject({ phase: 'drained', cut: 0, leftMs: 0 })
    // It stays out of use until somebody says otherwise.
    expect(host.state.check('_service_maintenance:web')).toBeDefined()
  })

  test('cuts what is open at the deadline and says how much that was', () => {
    const host = new Host()
    host.open = 5
    host.begin(10 * second)
    host.clock.run(9 * second)
    expect([host.phase(), host.drains.drainOf(sidecar)]).toEqual(['closing', 'refuse'])
    host.clock.run(2 * second)
    expect([host.phase(), host.drains.drainOf(sidecar)]).toEqual(['drained', 'cut'])
    expect(host.drains.progress('web')?.cut).toBe(5)
  })

  test('goes on by time where no server answers or a proxy never learns of it', () => {
    for (const enforcement of [undefined, { enforced: 1, total: 2 }]) {
      const host = new Host()
      host.open = 1
      host.enforcement = enforcement
      host.begin()
      host.clock.run(2.5 * second)
      expect(host.phase()).toBe('leaving')
      host.clock.run(second)
      expect(host.phase()).toBe('closing')
    }
  })

  test('does not end while a proxy of this host still takes new streams', () => {
    const host = new Host()
    host.proxies = 2
    host.drains.onChange(() => {
      host.refusing = 1
    })
    host.begin()
    host.clock.run(20 * second)
    expect(host.drains.progress('web')).toMatchObject({ phase: 'closing', open: undefined })
    host.refusing = 2
    host.clock.run(second)
    expect(host.phase()).toBe('drained')
  })

  test('is over when it is undone, when maintenance is ended otherwise, and when its service goes', () => {
    const ends: ((host: Host) => unknown)[] = [
      (host) => host.drains.undo('web'),
      (host) => host.state.setMaintenance('web', undefined),
      (host) => host.state.deregister('web'),
    ]
    for (const end of ends) {
      const host = new Host()
      host.open = 1
      host.begin()
      host.clock.run(5 * second)
      end(host)
      expect([host.phase(), host.drains.drainOf(sidecar)]).toEqual([undefined, undefined])
    }
    expect(new Host().drains.undo('web')).toMatchObject({ ok: false, failure: { code: 'not-found' } })
  })

  test('of the whole host counts for each of its proxies', () => {
    const host = new Host()
    host.open = 1
    expect(host.drains.begin('', { timeoutMs: 5 * second, reason: 'r' })).toEqual(ok(true))
    expect(host.state.check('_node_maintenance')).toBeDefined()
    host.clock.run(2 * second)
    expect(host.drains.drainOf(sidecar)).toBe('refuse')
    host.drains.undo('')
    expect(host.drains.drainOf(sidecar)).toBeUndefined()
  })

  test('of an unknown service is refused', () => {
    expect(new Host().drains.begin('nope', { timeoutMs: 1, reason: '' })).toMatchObject({ ok: false })
  })
})

describe('a service that is deregistered', () => {
  test('stays with the proxy, first open, then refusing, until its last connection has ended', () => {
    const host = new Host()
    host.open = 1
    host.state.deregister('web')
    host.follow()
    expect(host.drains.departing().map(({ id }) => id)).toEqual([sidecar])
    expect(host.drains.drainOf(sidecar)).toBeUndefined()
    host.clock.run(4 * second)
    expect(host.drains.drainOf(sidecar)).toBe('refuse')
    host.open = 0
    host.clock.run(second)
    expect(host.drains.departing()).toEqual([])
  })

  test('is let go at the deadline whatever is open', () => {
    const host = new Host()
    host.open = 1
    host.state.deregister('web')
    host.follow()
    host.clock.run(29 * second)
    expect(host.drains.departing()).toHaveLength(1)
    host.clock.run(2 * second)
    expect(host.drains.departing()).toEqual([])
  })

  test('is in use at once when it comes back, and makes room for another on its port', () => {
    const host = new Host()
    host.open = 1
    host.state.deregister('web')
    host.follow()
    host.register()
    expect(host.drains.departing()).toEqual([])
    host.state.deregister('web')
    host.follow()
    expect(host.drains.departing()).toHaveLength(1)
    host.state.register(definitionOf('other', { sidecar: { service: { port: 21_000 } } }), {
      source: 'api',
      replaceChecks: true,
    })
    host.follow()
    expect(host.drains.departing()).toEqual([])
  })
})
