// Which instance gets the next connection.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Endpoint, EndpointsResource } from '../../../src/model/proxy-config.ts'
import { createBalancer } from '../../../src/proxy/balance/balancer.ts'
import { endpoint } from './lab.ts'

const of = (instances: readonly Endpoint[]): EndpointsResource => ({
  kind: 'endpoints',
  name: 'backend',
  service: 'backend',
  datacenter: 'dc1',
  instances,
})

function turns(instances: readonly Endpoint[], count: number, start = 0): readonly string[] {
  const balancer = createBalancer(of(instances), start)
  return Array.from({ length: count }, () => balancer.pick([])?.id ?? 'none')
}

test('instances of equal weight take turns', () => {
  const three = ['a', 'b', 'c'].map((id) => endpoint(id, 1))
  expect(turns(three, 6)).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])
  expect(turns(three, 3, 7)).toEqual(['b', 'c', 'a'])
})

test('weights share the turns, and a heavy instance takes no more in a row than its weight', () => {
  const got = turns([endpoint('heavy', 1, { weight: 3 }), endpoint('a', 1), endpoint('b', 1)], 50)
  expect(got.filter((id) => id === 'heavy')).toHaveLength(30)
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
        expect(Math.abs(got.filter((id) => id === `${i}`).length - weight * 3)).toBeLessThanOrEqual(1)
      })
    }),
  )
})

test('critical instances and those of weight 0 are never chosen', () => {
  const got = turns(
    [
      endpoint('a', 1, { health: 'critical' }),
      endpoint('b', 1, { weight: 0 }),
      endpoint('c', 1, { health: 'warning' }),
    ],
    5,
  )
  expect(new Set(got)).toEqual(new Set(['c']))
  expect(turns([endpoint('a', 1, { health: 'critical' })], 1)).toEqual(['none'])
})

test('an instance whose host is out of sight is chosen only when nothing better is left', () => {
  const balancer = createBalancer(
    of([endpoint('far', 1, { health: 'host-unreachable' }), endpoint('a', 1), endpoint('b', 1)]),
    0,
  )
  expect([balancer.pick([])?.id, balancer.pick([])?.id, balancer.pick([])?.id]).toEqual(['a', 'b', 'a'])
  expect(balancer.pick(['a'])?.id).toBe('b')
  expect(balancer.pick(['a', 'b'])?.id).toBe('far')
  expect(balancer.pick(['a', 'b', 'far'])).toBeUndefined()
  expect(balancer.usable).toBe(3)
})

test('an untried instance is always found, however heavy the tried ones are', () => {
  const balancer = createBalancer(of([endpoint('heavy', 1, { weight: 1_000 }), endpoint('light', 1)]), 0)
  for (let i = 0; i < 20; i += 1) expect(balancer.pick(['heavy'])?.id).toBe('light')
})
