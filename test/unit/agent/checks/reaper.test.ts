import { expect, test } from 'vitest'
import { checkOf, ttlProbe } from '../fakes.ts'
import { ChecksHost } from './checks-host.ts'

const reaping = (afterMs: number) =>
  checkOf('t', { probe: ttlProbe(1e9), deregisterCriticalServiceAfterMs: afterMs })

test('a service that stays critical for longer than its check allows is deregistered', () => {
  const host = new ChecksHost()
  host.register('web', reaping(120_000))
  host.clock.run(119_000)
  expect(host.state.service('web')).toBeDefined()
  host.clock.run(32_000)
  expect(host.state.services()).toEqual([])
  expect(host.log.at('warn').join()).toContain('"service":"web","check":"t"')
})

test('a recovery starts the wait anew', () => {
  const host = new ChecksHost()
  host.register('web', reaping(120_000))
  host.clock.run(110_000)
  host.state.updateTtl('t', 'passing', '')
  host.state.updateTtl('t', 'critical', '')
  host.clock.run(110_000)
  expect(host.state.service('web')).toBeDefined()
  host.state.updateTtl('t', 'passing', '')
  host.clock.run(1_000_000)
  expect(host.state.service('web')).toBeDefined()
})

test('the shortest wait is a minute, and without the setting nothing is ever deregistered', () => {
  const host = new ChecksHost()
  host.register('web', reaping(1))
  host.register('db', { ...reaping(0), checkId: 'd' })
  host.clock.run(59_000)
  expect(host.state.services()).toHaveLength(2)
  host.clock.run(32_000)
  expect(host.state.services().map(({ service }) => service.id)).toEqual(['db'])
  host.clock.run(1e7)
  expect(host.state.services()).toHaveLength(1)
})
