// Ports of sidecars: lowest free, remembered ones kept, never one that something else has.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allocateSidecarPorts, portsInUse } from '../../../src/config/ports.ts'
import { load } from './load.ts'

const range = { min: 21_000, max: 21_009 }

function allocate(
  wanted: readonly string[],
  remembered: Readonly<Record<string, number>> = {},
  used: readonly number[] = [],
): Readonly<Record<string, number>> | string {
  const result = allocateSidecarPorts(wanted, new Map(Object.entries(remembered)), range, new Set(used))
  return result.ok ? Object.fromEntries(result.value) : result.failure.message
}

test('the lowest free ports are given in the order asked', () => {
  expect(allocate(['b', 'a'])).toEqual({ b: 21_000, a: 21_001 })
  expect(allocate(['a', 'b'], {}, [21_000, 21_002])).toEqual({ a: 21_001, b: 21_003 })
})

test('a remembered port is kept, also when another asks first', () => {
  expect(allocate(['a', 'b'], { b: 21_000 })).toEqual({ a: 21_001, b: 21_000 })
  expect(allocate(['a', 'b', 'c'], { a: 21_007, gone: 21_000 })).toEqual({ a: 21_007, b: 21_000, c: 21_001 })
})

test('a remembered port is given up where it is used, out of range or remembered twice', () => {
  expect(allocate(['a'], { a: 21_005 }, [21_005])).toEqual({ a: 21_000 })
  expect(allocate(['a'], { a: 20_000 })).toEqual({ a: 21_000 })
  expect(allocate(['a', 'b'], { a: 21_005, b: 21_005 })).toEqual({ a: 21_005, b: 21_000 })
})

test('an exhausted range says which sidecar has no port and what to change', () => {
  const ids = Array.from({ length: 11 }, (_, i) => `s${i}`)
  expect(allocate(ids)).toMatch(/^no port is left for "s10" between 21000 and 21009.*sidecar_max_port/)
})

test('ports that services, sidecars, local services and upstreams have are in use', () => {
  const { definitions } = load(`
    service { name = "a" port = 21000 }
    service { name = "b" port = 81 connect { sidecar_service { port = 21002 proxy { local_service_port = 21001
      upstreams { destination_name = "c" local_bind_port = 21003 }
      upstreams { destination_name = "d" local_bind_socket_path = "/run/d" } } } } }
    service { name = "p" kind = "connect-proxy" port = 21004 proxy { destination_service_name = "x" local_service_port = 21005 } }
  `)
  expect([...portsInUse(definitions.services)].sort((a, b) => a - b)).toEqual([
    81, 21_000, 21_001, 21_002, 21_003, 21_004, 21_005,
  ])
})

test('whatever is asked, remembered and used: distinct free ports, remembered ones kept where they can be', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const port = fc.integer({ min: 20_998, max: 21_011 })
  fc.assert(
    fc.property(
      fc.uniqueArray(id),
      fc.dictionary(id, port),
      fc.uniqueArray(port),
      (wanted, remembered, used) => {
        const result = allocateSidecarPorts(wanted, new Map(Object.entries(remembered)), range, new Set(used))
        const free = 10 - used.filter((p) => p >= range.min && p <= range.max).length
        expect(result.ok).toBe(wanted.length <= free)
        if (!result.ok) return
        const given = [...result.value.values()]
        expect([...result.value.keys()].sort()).toEqual([...wanted].sort())
        expect(new Set(given).size).toBe(given.length)
        for (const p of given) expect(p >= range.min && p <= range.max && !used.includes(p)).toBe(true)
        for (const name of wanted) {
          const kept = remembered[name]
          const rivals = wanted.filter((other) => remembered[other] === kept)
          if (
            kept !== undefined &&
            kept >= range.min &&
            kept <= range.max &&
            !used.includes(kept) &&
            rivals.length === 1
          )
            expect(result.value.get(name)).toBe(kept)
        }
      },
    ),
  )
})
