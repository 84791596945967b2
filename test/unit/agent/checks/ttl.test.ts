import { expect, test } from 'vitest'
import { VirtualClock } from '../../../simulation/clock.ts'
import { checkOf, ttlProbe } from '../fakes.ts'
import { ChecksHost } from './checks-host.ts'

const check = checkOf('t', { probe: ttlProbe(30_000) })

test('a service that falls silent for longer than its TTL is critical, with the last thing it said', () => {
  const host = new ChecksHost()
  host.register('web', check)
  host.state.updateTtl('t', 'passing', 'alive')
  host.clock.run(29_000)
  host.state.updateTtl('t', 'warning', 'hot')
  host.clock.run(29_000)
  expect(host.shown('t')).toEqual(['warning', 'hot'])
  host.clock.run(1_001)
  expect(host.shown('t')).toEqual(['critical', 'TTL expired (last output before timeout follows): hot'])
  host.clock.run(600_000)
  host.state.updateTtl('t', 'passing', 'back')
  expect(host.shown('t')).toEqual(['passing', 'back'])
  host.clock.run(30_001)
  expect(host.shown('t')[0]).toBe('critical')
})

test('a service that never spoke says so by an expiry without text', () => {
  const host = new ChecksHost()
  host.register('web', { ...check, initialStatus: 'passing' })
  host.clock.run(30_001)
  expect(host.shown('t')).toEqual(['critical', 'TTL expired'])
})

test('after a restart only the rest of the life is left', () => {
  const host = new ChecksHost()
  host.register('web', check)
  host.state.updateTtl('t', 'passing', 'alive')
  host.clock.run(20_000)
  host.state.close()

  const clock = new VirtualClock()
  clock.wallOffsetMs = host.clock.wallMs() + 4_000
  const next = new ChecksHost({ files: host.files, clock })
  expect(next.shown('t')).toEqual(['passing', 'alive'])
  clock.run(5_999)
  expect(next.shown('t')[0]).toBe('passing')
  clock.run(2)
  expect(next.shown('t')[0]).toBe('critical')
})
