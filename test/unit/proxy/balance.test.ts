// Which instance gets the next connection.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BalanceSettings, defaultBalance } from '../../../src/model/balance.ts'
import type { Endpoint, EndpointsResource } from '../../../src/model/proxy-config.ts'
import { Balancer } from '../../../src/proxy/balance/balancer.ts'
import { Balancers } from '../../../src/proxy/balance/balancers.ts'
import { UpstreamStanding } from '../../../src/proxy/balance/standing.ts'
import { endpoint, outbound, recordLog } from './lab.ts'
import { virtualClock } from './virtual-clock.ts'

const of = (instances: readonly Endpoint[]): EndpointsResource => ({
  kind: 'endpoints',
  name: 'backend',
  service: 'backend',
  datacenter: 'dc1',
  instances,
})

/** Numbers in [0, 1) that look random and are the same in each run. */
function fractions(): () => number {
  let state = 1
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const ports = (fraction: () => number = () => 0) => {
  const clock = virtualClock()
  const log = recordLog()
  return { clock, log, random: { bytes: (length: number) => new Uint8Array(length), fraction } }
}

function balancer(
  instances: readonly Endpoint[],
  settings: Partial<BalanceSettings> = {},
  run = ports(),
): Balancer {
  const balance = { ...defaultBalance, ...settings }
  return new Balancer({ balance }, of(instances), new UpstreamStanding('web/backend', run))
}

/** Connections one after another, each over before the next begins. */
function turns(
  instances: readonly Endpoint[],
  count: number,
  settings: Partial<BalanceSettings> = {},
  fraction?: () => number,
): readonly string[] {
  const chooser = balancer(instances, settings, ports(fraction))
  return Array.from({ length: count }, () => {
    const picked = chooser.pick([])
    if (picked !== undefined) chooser.released(picked)
    return picked?.id ?? 'none'
  })
}

const count = (got: readonly string[], id: string): number => got.filter((each) => each === id).length

test('instances of equal weight take turns, and a proxy does not always begin with the first', () => {
  const three = ['a', 'b', 'c'].map((id) => endpoint(id, 1))
  expect(turns(three, 6)).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])
  expect(turns(three, 3, {}, () => 0.5)).toEqual(['b', 'c', 'a'])
})

test('weights share the turns, and a heavy instance takes no more in a row than its weight', () => {
  const got = turns([endpoint('heavy', 1, { weight: 3 }), endpoint('a', 1), endpoint('b', 1)], 50)
  expect(count(got, 'heavy')).toBe(30)
  expect(got.join(' ')).not.toContain('heavy heavy heavy heavy')
})

test('with any weights the shares are right within one turn', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 12 }), (weights) => {
      const sum = weights.reduce((a, b) => a + b, 0)
      const got = turns(
        weights.map((weight, i) => endpoint(`${i}`, 1, { weight })),
        sum * 3,
      )
      weights.forEach((weight, i) => {
        expect(Math.abs(count(got, `${i}`) - weight * 3)).toBeLessThanOrEqual(1)
      })
    }),
  )
})

test('critical instances and those of weight 0 are never chosen, whatever the policy', () => {
  for (const policy of ['round-robin', 'least-connections', 'random'] as const) {
    const instances = [
      endpoint('a', 1, { health: 'critical' }),
      endpoint('b', 1, { weight: 0 }),
      endpoint('c', 1, { health: 'warning' }),
    ]
    expect(new Set(turns(instances, 5, { policy }, fractions()))).toEqual(new Set(['c']))
    expect(turns([endpoint('a', 1, { health: 'critical' })], 1, { policy })).toEqual(['none'])
  }
})

test('an instance whose host is out of sight is chosen only when nothing better is left', () => {
  const chooser = balancer([
    endpoint('far', 1, { health: 'host-unreachable' }),
    endpoint('a', 1),
    endpoint('b', 1),
  ])
  expect([chooser.pick([])?.id, chooser.pick([])?.id, chooser.pick([])?.id]).toEqual(['a', 'b', 'a'])
  expect(chooser.pick(['a'])?.id).toBe('b')
  expect(chooser.pick(['a', 'b'])?.id).toBe('far')
  expect(chooser.pick(['a', 'b', 'far'])).toBeUndefined()
  expect(chooser.usable).toBe(3)
})

test('an untried instance is always found, however heavy the tried ones are', () => {
  for (const policy of ['round-robin', 'least-connections', 'random'] as const) {
    const chooser = balancer(
      [endpoint('heavy', 1, { weight: 1_000 }), endpoint('light', 1)],
      { policy },
      ports(fractions()),
    )
    for (let i = 0; i < 20; i += 1) expect(chooser.pick(['heavy'])?.id).toBe('light')
  }
})

test('least connections: a new one goes where the fewest are open for the weight', () => {
  const chooser = balancer([endpoint('big', 1, { weight: 2 }), endpoint('small', 1)], {
    policy: 'least-connections',
  })
  const open = Array.from({ length: 9 }, () => chooser.pick([]))
  expect(open.filter((at) => at?.id === 'big')).toHaveLength(6)
  for (const at of open) if (at?.id === 'big') chooser.released(at)
  expect(Array.from({ length: 6 }, () => chooser.pick([])?.id)).toEqual(
    Array.from({ length: 6 }, () => 'big'),
  )
})

test('least connections among many instances stays even without looking at all of them', () => {
  const many = Array.from({ length: 200 }, (_, i) => endpoint(`${i}`, 1))
  const chooser = balancer(many, { policy: 'least-connections' }, ports(fractions()))
  const open = new Map<string, number>()
  for (let i = 0; i < 2_000; i += 1) {
    const id = chooser.pick([])?.id ?? ''
    open.set(id, (open.get(id) ?? 0) + 1)
  }
  expect(Math.max(...open.values())).toBeLessThanOrEqual(14)
})

test('at random: shares follow the weights', () => {
  const got = turns(
    [endpoint('heavy', 1, { weight: 3 }), endpoint('light', 1)],
    4_000,
    { policy: 'random' },
    fractions(),
  )
  expect(count(got, 'heavy') / 4_000).toBeCloseTo(0.75, 1)
  expect(got.join(' ')).toContain('light light')
})

test('near instances first, as far as it is asked for, and the others when those were tried', () => {
  const instances = [
    endpoint('far', 1),
    endpoint('zone', 1, { nearness: 'zone' }),
    endpoint('here', 1, { nearness: 'host' }),
  ]
  expect(new Set(turns(instances, 6))).toEqual(new Set(['far', 'zone', 'here']))
  expect(turns(instances, 3, { prefer: 'host' })).toEqual(['here', 'here', 'here'])
  expect(new Set(turns(instances, 6, { prefer: 'zone' }))).toEqual(new Set(['zone', 'here']))
  const chooser = balancer(instances, { prefer: 'host' })
  expect([chooser.pick(['here'])?.id, chooser.pick(['here', 'zone'])?.id]).toEqual(['zone', 'far'])
})

test('a near instance whose host is out of sight waits behind far ones in service', () => {
  const instances = [
    endpoint('here', 1, { nearness: 'host', health: 'host-unreachable' }),
    endpoint('far', 1),
  ]
  expect(turns(instances, 2, { prefer: 'host' })).toEqual(['far', 'far'])
})

const failing = { ...defaultBalance.ejection, maxFailures: 3, baseMs: 1_000, intervalMs: 10_000 }

function failTimes(chooser: Balancer, at: Endpoint, times: number): void {
  for (let i = 0; i < times; i += 1) {
    // One of the others may be chosen; what counts is how it went.
    const picked = chooser.pick([])
    if (picked !== undefined) chooser.released(picked)
    chooser.failed(at, 'connect-failed')
  }
}

test('an instance that keeps failing is left out for a while and longer each time, then comes back', () => {
  const run = ports()
  const [a, b] = [endpoint('a', 1), endpoint('b', 2)]
  const chooser = balancer([a, b], { ejection: failing }, run)
  const seen = (): Set<string> => new Set([chooser.pick([])?.id ?? '', chooser.pick([])?.id ?? ''])
  failTimes(chooser, a, 2)
  chooser.accepted(a)
  failTimes(chooser, a, 2)
  expect(seen()).toEqual(new Set(['a', 'b']))
  failTimes(chooser, a, 1)
  expect(seen()).toEqual(new Set(['b']))
  expect(run.log.lines.map((line) => line['instance'])).toEqual(['a'])
  run.clock.advance(999)
  expect(seen()).toEqual(new Set(['b']))
  run.clock.advance(1)
  expect(seen()).toEqual(new Set(['a', 'b']))
  failTimes(chooser, a, 3)
  run.clock.advance(1_999)
  expect(seen()).toEqual(new Set(['b']))
  run.clock.advance(1)
  expect(seen()).toEqual(new Set(['a', 'b']))
  // Forgiven after two quiet periods: the next time is a first one again.
  run.clock.advance(20_000)
  failTimes(chooser, a, 3)
  run.clock.advance(1_000)
  expect(seen()).toEqual(new Set(['a', 'b']))
})

test('an instance that is left out is still tried when nothing else is left', () => {
  const [a, b] = [endpoint('a', 1), endpoint('b', 2)]
  const chooser = balancer([a, b], { ejection: failing })
  failTimes(chooser, a, 3)
  expect(chooser.pick(['b'])?.id).toBe('a')
})

test('at most the share that is allowed is left out, at least one of several, and never the only one', () => {
  const run = (instances: number, maxPercent: number): number => {
    const all = Array.from({ length: instances }, (_, i) => endpoint(`${i}`, 1))
    const lab = ports()
    const chooser = balancer(all, { ejection: { ...failing, maxPercent } }, lab)
    for (const at of all) failTimes(chooser, at, 3)
    return lab.log.lines.length
  }
  expect([run(10, 50), run(10, 10), run(3, 10), run(1, 100), run(10, 0), run(4, 100)]).toEqual([
    5, 1, 1, 0, 0, 4,
  ])
})

test('refusals that say nothing against an instance, and a limit of 0 failures, leave nobody out', () => {
  const [a, b] = [endpoint('a', 1), endpoint('b', 2)]
  const patient = balancer([a, b], { ejection: { ...failing, maxFailures: 0 } })
  failTimes(patient, a, 50)
  const chooser = balancer([a, b], { ejection: failing })
  for (let i = 0; i < 20; i += 1) {
    chooser.failed(a, 'draining')
    chooser.failed(a, 'too-many-connections')
    chooser.failed(a, 'denied-by-intention')
  }
  for (const each of [patient, chooser])
    expect(new Set([each.pick([])?.id, each.pick([])?.id])).toEqual(new Set(['a', 'b']))
})

test('enforcing_consecutive_5xx is the chance that a failing instance is really left out', () => {
  const [a, b] = [endpoint('a', 1), endpoint('b', 2)]
  const left = (fraction: number): number => {
    const run = ports(() => fraction)
    failTimes(balancer([a, b], { ejection: { ...failing, enforcingPercent: 30 } }, run), a, 3)
    return run.log.lines.length
  }
  expect([left(0.29), left(0.31)]).toEqual([1, 0])
})

test('limits of connections and of openings name themselves, and are free again when those are over', () => {
  const chooser = balancer([endpoint('a', 1)], { maxConnections: 2, maxPending: 1 })
  chooser.began()
  expect(chooser.full()).toContain('max_pending_requests = 1')
  chooser.opened()
  expect(chooser.full()).toBe('')
  chooser.began()
  chooser.opened()
  expect(chooser.full()).toContain('max_connections = 2')
  chooser.ended()
  expect(chooser.full()).toBe('')
})

test('what was seen of instances outlives a change of their list, and two upstreams see each their own', () => {
  const run = ports()
  const balancers = new Balancers(run)
  const balance = { ...defaultBalance, ejection: failing }
  const [web, api] = [outbound('web', 'backend', 1, { balance }), outbound('api', 'backend', 2, { balance })]
  const configured = new Map([web, api].map((each) => [each.name, each]))
  const [a, b, c] = [endpoint('a', 1), endpoint('b', 2), endpoint('c', 3)]
  const before = of([a, b])
  const first = balancers.of(web, before, configured)
  expect(balancers.of(web, before, configured)).toBe(first)
  failTimes(first, a, 3)
  const next = balancers.of(web, of([a, b, c]), configured)
  expect(new Set(Array.from({ length: 6 }, () => next.pick([])?.id))).toEqual(new Set(['b', 'c']))
  const other = balancers.of(api, before, configured)
  expect(new Set([other.pick([])?.id, other.pick([])?.id])).toEqual(new Set(['a', 'b']))
})

test('upstreams that are gone are forgotten', () => {
  const balancers = new Balancers(ports())
  const list = of([endpoint('a', 1)])
  const last = outbound('web', 'last', 1)
  for (let i = 0; i < 1_000; i += 1) {
    const upstream = outbound('web', `backend-${i}`, 1)
    balancers.of(upstream, list, new Map([[upstream.name, upstream]]))
  }
  balancers.of(last, list, new Map([[last.name, last]]))
  expect(balancers.size).toBeLessThan(100)
})
