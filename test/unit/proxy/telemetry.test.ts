// Counters per pair, and the watch over the proxy's own certificates.
import { expect, test } from 'vitest'
import { unwrap } from '../../../src/model/errors.ts'
import { limits } from '../../../src/model/limits.ts'
import { refusalCodes } from '../../../src/model/refusal.ts'
import type { LineFile } from '../../../src/platform/ports.ts'
import { createExpiryWatch } from '../../../src/proxy/identity/expiry.ts'
import { createServiceIdentity } from '../../../src/proxy/identity/service-identity.ts'
import { createAccessLog } from '../../../src/proxy/telemetry/access-log.ts'
import { PairCounters } from '../../../src/proxy/telemetry/counters.ts'
import { durationBoundsMs } from '../../../src/wire/link/message.ts'
import { TestAuthority } from './authority.ts'
import { recordLog } from './lab.ts'
import { virtualClock } from './virtual-clock.ts'

test('what was counted is reported once per change, with every refusal under its own name', () => {
  const counters = new PairCounters()
  const slot = counters.slot('inbound', 'web', 'backend')
  counters.connection(slot)
  for (const ms of [10.1, 25, 200_000_000]) counters.ended(slot, ms)
  counters.toDestination(slot, 10)
  counters.toDestination(slot, 5)
  counters.toSource(slot, 7)
  for (const code of refusalCodes) counters.refused(slot, code)
  const pair = {
    direction: 'inbound',
    source: 'web',
    destination: 'backend',
    connections: 1,
    bytesToDestination: 15,
    bytesToSource: 7,
    refusals: Object.fromEntries(refusalCodes.map((code) => [code, 1])),
    durations: [...durationBoundsMs.map((bound) => (bound === 25 ? 2 : 0)), 1],
    durationMs: 200_000_035,
  }
  expect(counters.takeChanged()).toEqual([pair])
  expect(counters.takeChanged()).toEqual([])
  counters.toSource(slot, 1)
  expect(counters.takeChanged()).toEqual([{ ...pair, bytesToSource: 8 }])
  expect(counters.all()).toHaveLength(1)
})

test('many pairs are kept apart, and beyond the limit they share one row', () => {
  const counters = new PairCounters()
  for (let i = 0; i < limits.telemetryPairs + 100; i += 1) {
    const slot = counters.slot('outbound', `service-${i}`, 'backend')
    counters.toDestination(slot, i + 1)
  }
  const rows = counters.all()
  expect(rows).toHaveLength(limits.telemetryPairs + 1)
  expect(rows[70]).toMatchObject({ source: 'service-70', bytesToDestination: 71 })
  expect(rows.at(-1)).toMatchObject({ source: '(other)', destination: '(other)' })
  const sum = rows.reduce((total, row) => total + row.bytesToDestination, 0)
  const count = limits.telemetryPairs + 100
  expect(sum).toBe((count * (count + 1)) / 2)
})

test('an own certificate that runs out is said loudly, once when it is late and once when it is over', () => {
  const authority = new TestAuthority()
  const startMs = Date.now()
  const clock = virtualClock(startMs)
  const log = recordLog()
  const watch = createExpiryWatch(clock, log)
  const hour = 3_600_000
  // Issued an hour ago for three hours in all.
  watch.update([unwrap(createServiceIdentity(authority.leafResource('web', 2 * hour)))])
  clock.advance(1.3 * hour)
  expect([log.lines.length, watch.expired()]).toEqual([0, 0])
  clock.advance(0.2 * hour)
  expect(log.lines.map((line) => [line.level, line['service']])).toEqual([['warn', 'web']])
  clock.advance(0.6 * hour)
  expect(log.lines.map((line) => line.level)).toEqual(['warn', 'error'])
  expect(watch.expired()).toBe(1)

  watch.update([unwrap(createServiceIdentity(authority.leafResource('web', 20 * hour)))])
  clock.advance(hour)
  expect([log.lines.length, watch.expired()]).toEqual([2, 0])
  // The time of day may jump.
  clock.setWall(startMs + 24 * hour)
  clock.advance(60_000)
  expect(watch.expired()).toBe(1)
  watch.stop()
})

test('a flood of strangers is counted, and logged only so often; what proven peers do is logged always', () => {
  const clock = virtualClock()
  const log = recordLog()
  const counters = new PairCounters()
  const accessLog = createAccessLog({ log, counters, clock, file: undefined })
  const facts = {
    direction: 'inbound',
    listener: 'backend-sidecar-proxy',
    source: '',
    destination: 'backend',
    instance: '',
    address: '192.0.2.9:1',
    peerUri: '',
    tlsVersion: '',
  } as const
  for (let i = 0; i < 5_000; i += 1) accessLog.refused(facts, 'handshake-failed', '')
  expect(log.lines).toHaveLength(limits.strangersLoggedPerSecond)
  for (let i = 0; i < 100; i += 1) accessLog.refused({ ...facts, source: 'web' }, 'denied-by-default', '')
  expect(log.refusals('denied-by-default')).toHaveLength(100)
  clock.advance(1_000)
  accessLog.refused(facts, 'handshake-failed', '')
  expect(log.lines.at(-1)).toMatchObject({ unlogged: 5_000 - limits.strangersLoggedPerSecond })
  accessLog.refused(facts, 'handshake-failed', '')
  expect(log.lines.at(-1)).not.toHaveProperty('unlogged')
  expect(counters.all().find((row) => row.source === '')?.refusals).toEqual({ 'handshake-failed': 5_002 })
})

const facts = {
  direction: 'outbound',
  listener: 'web-sidecar-proxy/backend',
  source: 'web',
  destination: 'backend',
  instance: 'beta/backend-sidecar-proxy',
  address: '10.0.0.2:21000',
  peerUri: 'spiffe://mesh/ns/default/dc/dc1/svc/backend',
  tlsVersion: 'TLSv1.3',
} as const

function recordedFile(): LineFile & { readonly lines: unknown[] } {
  const lines: unknown[] = []
  return { lines, append: (line) => lines.push(JSON.parse(line)), reopen: () => {}, close: (done) => done() }
}

test('with a file of its own the access log has a JSON line per connection and per refusal, the log only refusals', () => {
  const [log, file] = [recordLog(), recordedFile()]
  const counters = new PairCounters()
  const accessLog = createAccessLog({ log, counters, clock: virtualClock(1_700_000_000_000), file })
  const bytes = { bytesToDestination: 12, bytesToSource: 34 }
  accessLog.ended(facts, { code: 'closed', ...bytes, durationMs: 7.123456 })
  accessLog.refused({ ...facts, instance: '', tlsVersion: '' }, 'no-healthy-instance', 'none is left')
  const common = { time: '2023-11-14T22:13:20.000Z', protocol: 'tcp' }
  expect(file.lines).toEqual([
    { ...facts, ...common, event: 'ended', tls: true, code: 'closed', ...bytes, durationMs: 7.123 },
    {
      ...{ ...facts, ...common, event: 'refused', tls: false, instance: '', tlsVersion: '' },
      ...{ code: 'no-healthy-instance', text: 'none is left' },
    },
  ])
  expect(log.lines.map((line) => line.message)).toEqual(['connection refused'])
  expect(counters.all()[0]?.durations[1]).toBe(1)
})

test('a flood of refusals is sampled to the log, and whole in the file of the access log', () => {
  const [log, file, clock] = [recordLog(), recordedFile(), virtualClock()]
  const counters = new PairCounters()
  const accessLog = createAccessLog({ log, counters, clock, file })
  for (let i = 0; i < 5_000; i += 1) accessLog.refused(facts, 'denied-by-intention', '')
  expect([log.lines.length, file.lines.length]).toEqual([limits.refusalsLoggedPerSecond, 5_000])
  expect(counters.all()[0]?.refusals).toEqual({ 'denied-by-intention': 5_000 })
  clock.advance(1_000)
  accessLog.refused(facts, 'denied-by-intention', '')
  expect(log.lines.at(-1)).toMatchObject({ unlogged: 5_000 - limits.refusalsLoggedPerSecond })
})
