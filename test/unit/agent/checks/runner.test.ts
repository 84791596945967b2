import { describe, expect, test } from 'vitest'
import type { Probe } from '../../../../src/model/check.ts'
import { limits } from '../../../../src/model/limits.ts'
import { checkOf } from '../fakes.ts'
import { ChecksHost } from './checks-host.ts'

const http: Probe = {
  type: 'http',
  url: 'http://127.0.0.1:8080/health',
  method: 'GET',
  header: {},
  body: '',
  followRedirects: true,
  tlsServerName: '',
  tlsSkipVerify: false,
}
const script: Probe = { type: 'script', args: ['/usr/lib/check', 'disk'] }

describe('what a check shows', () => {
  const shownAfter = (probe: Probe, prepare: (host: ChecksHost) => void): unknown => {
    const host = new ChecksHost()
    prepare(host)
    host.register('web', checkOf('c', { probe }))
    host.clock.run(10_100)
    return host.shown('c')
  }

  test('of http: 2xx passes, 429 warns, anything else and no answer is critical', () => {
    const answers = [
      [200, 'OK', 'passing'],
      [204, 'No Content', 'passing'],
      [429, 'Too Many Requests', 'warning'],
      [301, 'Moved Permanently', 'critical'],
      [500, 'Internal Server Error', 'critical'],
    ] as const
    for (const [status, statusText, shown] of answers)
      expect(
        shownAfter(http, ({ probes }) => {
          probes.answer = { status, statusText, body: 'text' }
        }),
      ).toEqual([shown, `HTTP GET http://127.0.0.1:8080/health: ${status} ${statusText} Output: text`])
    expect(
      shownAfter(http, ({ probes }) => {
        probes.answer = { error: 'connect ECONNREFUSED 127.0.0.1:8080' }
      }),
    ).toEqual(['critical', 'connect ECONNREFUSED 127.0.0.1:8080'])
  })

  test('of tcp: a connection passes, none is critical', () => {
    const tcp: Probe = { type: 'tcp', address: '127.0.0.1:5432', useTls: false }
    expect(shownAfter(tcp, () => undefined)).toEqual(['passing', 'TCP connect 127.0.0.1:5432: Success'])
    expect(
      shownAfter(tcp, ({ probes }) => {
        probes.connectError = 'connect ECONNREFUSED'
      }),
    ).toEqual(['critical', 'connect ECONNREFUSED'])
  })

  test('of a script: exit status 0 passes, 1 warns, others, a signal and a timeout are critical', () => {
    const exits = [
      [0, 'passing'],
      [1, 'warning'],
      [2, 'critical'],
      [undefined, 'critical'],
    ] as const
    for (const [exitCode, shown] of exits)
      expect(
        shownAfter(script, ({ probes }) => {
          probes.result = { exitCode, timedOut: false, output: 'said' }
        }),
      ).toEqual([shown, 'said'])
    expect(
      shownAfter(script, ({ probes }) => {
        probes.result = { exitCode: undefined, timedOut: true, output: 'half' }
      }),
    ).toEqual(['critical', 'Timed out (5s) running check\n\nhalf'])
  })
})

describe('what a check of another kind shows', () => {
  const tls = { useTls: false, tlsServerName: '', tlsSkipVerify: false } as const
  const shown = (probe: Probe, prepare: (host: ChecksHost) => void = () => undefined): unknown => {
    const host = new ChecksHost()
    prepare(host)
    host.register('web', checkOf('c', { probe }))
    host.clock.run(10_100)
    return host.shown('c')
  }
  const unreachable = (host: ChecksHost): void => {
    host.probes.connectError = 'connect ECONNREFUSED'
  }

  test('h2ping and udp: passing, or critical with the reason', () => {
    const h2ping: Probe = { type: 'h2ping', address: '127.0.0.1:1', ...tls }
    expect(shown(h2ping)).toEqual(['passing', 'HTTP2 ping 127.0.0.1:1: Success'])
    expect(shown(h2ping, unreachable)).toEqual(['critical', 'connect ECONNREFUSED'])
    const udp: Probe = { type: 'udp', address: '127.0.0.1:2' }
    expect(shown(udp)).toEqual(['passing', 'UDP connect 127.0.0.1:2: Success'])
    expect(shown(udp, unreachable)).toEqual(['critical', 'connect ECONNREFUSED'])
  })

  test('grpc: SERVING passes, everything else is critical', () => {
    const grpc: Probe = { type: 'grpc', address: '127.0.0.1:3', service: 'orders', ...tls }
    expect(shown(grpc)).toEqual(['passing', 'gRPC check 127.0.0.1:3/orders: success'])
    expect(
      shown(grpc, ({ probes }) => {
        probes.health = { status: 'NOT_SERVING' }
      }),
    ).toEqual(['critical', 'gRPC check 127.0.0.1:3/orders: gRPC status is NOT_SERVING'])
    expect(
      shown(grpc, ({ probes }) => {
        probes.health = { error: 'timed out after 5s' }
      }),
    ).toEqual(['critical', 'gRPC check 127.0.0.1:3/orders: timed out after 5s'])
  })

  test('docker: as a script, its arguments one line for a shell where there is one', () => {
    const programs: unknown[] = []
    const docker = (shell: string, exitCode: number): unknown =>
      shown({ type: 'docker', container: 'c1', shell, args: ['test -e', '/x'] }, ({ probes }) => {
        probes.result = { exitCode, timedOut: false, output: 'said' }
        programs.push(probes.programs)
      })
    expect(docker('', 0)).toEqual(['passing', 'said'])
    expect(docker('/bin/sh', 1)).toEqual(['warning', 'said'])
    expect(programs.map((list) => (list as unknown[])[0])).toEqual([
      ['c1', 'test -e', '/x'],
      ['c1', '/bin/sh', '-c', 'test -e /x'],
    ])
  })

  test('os_service: active passes, any other state is critical and named', () => {
    const unit: Probe = { type: 'os_service', service: 'nginx.service' }
    const state = (exitCode: number | undefined, output: string): unknown =>
      shown(unit, ({ probes }) => {
        probes.result = { exitCode, timedOut: false, output }
      })
    expect(state(0, 'active\n')).toEqual(['passing', 'systemd unit nginx.service: active'])
    expect(state(3, 'inactive\n')).toEqual(['critical', 'systemd unit nginx.service: inactive'])
    expect(state(undefined, 'cannot start systemctl: ENOENT')).toEqual([
      'critical',
      'cannot start systemctl: ENOENT',
    ])
  })
})

describe('when checks run', () => {
  test('first soon and spread, more widely the more there are, then an interval after each end', () => {
    const host = new ChecksHost()
    host.register('web', ...Array.from({ length: 40 }, (_, i) => checkOf(`c${i}`)))
    host.clock.run(10_000)
    const first = [...host.probes.startedAtMs]
    expect(first).toHaveLength(40)
    expect(Math.max(...first) - Math.min(...first)).toBeLessThan(1_100)
    expect(new Set(first.map((ms) => Math.floor(ms / 100))).size).toBeGreaterThan(4)
    host.probes.startedAtMs.length = 0
    host.clock.run(10_010)
    const again = host.probes.startedAtMs.map((ms) => Math.round(ms)).sort((a, b) => a - b)
    expect(again).toEqual(first.map((ms) => Math.round(ms + 10_010)).sort((a, b) => a - b))
  })

  test('more often while they have not passed yet, less and less so up to the interval', () => {
    const host = new ChecksHost()
    host.probes.connectError = 'connect ECONNREFUSED'
    host.register('web', checkOf('c', { probe: { type: 'tcp', address: '127.0.0.1:5432', useTls: false } }))
    host.clock.run(60_000)
    const at = host.probes.startedAtMs
    const pauses = at.slice(1).map((ms, i) => Math.round((ms - (at[i] ?? 0)) / 10) * 10)
    expect(pauses.slice(0, 8)).toEqual([260, 510, 1_010, 2_010, 4_010, 8_010, 10_010, 10_010])
    host.probes.connectError = undefined
    host.clock.run(20_000)
    host.probes.connectError = 'connect ECONNREFUSED'
    at.length = 0
    host.clock.run(30_000)
    expect(at.length).toBeLessThanOrEqual(3)
  })

  test('no more often than once a second, whatever was asked for', () => {
    const host = new ChecksHost()
    host.register('web', checkOf('c', { intervalMs: 1 }))
    host.clock.run(60_000)
    expect(host.probes.startedAtMs.length).toBeLessThanOrEqual(60)
    expect(host.probes.startedAtMs.length).toBeGreaterThan(55)
  })

  test('at most so many at once; the others wait their turn and all get it', () => {
    const host = new ChecksHost()
    host.probes.durationMs = 5_000
    host.register('web', ...Array.from({ length: 300 }, (_, i) => checkOf(`c${i}`, { intervalMs: 2_000 })))
    host.clock.run(60_000)
    expect(host.probes.mostRunning).toBe(limits.checksInFlight)
    expect(host.state.checks().every(({ check }) => check.status === 'passing')).toBe(true)
  })

  test('with their own timeout, else 10 s, and 30 s for scripts', () => {
    const host = new ChecksHost()
    host.register('web', checkOf('a', { timeoutMs: 3_000 }))
    host.clock.run(10_000)
    host.register('web', checkOf('b', { timeoutMs: 0 }))
    host.clock.run(10_000)
    host.register('web', checkOf('c', { timeoutMs: 0, probe: script }))
    host.clock.run(10_000)
    expect([...new Set(host.probes.timeoutsMs)]).toEqual([3_000, 10_000, 30_000])
  })

  test('no longer when the check is removed, and a late result changes nothing', () => {
    const host = new ChecksHost()
    host.probes.durationMs = 8_000
    host.register('web', checkOf('c', { probe: script }))
    host.clock.runUntil(() => host.probes.running === 1, 10_000)
    host.register('web', checkOf('c', { probe: http, initialStatus: 'warning' }))
    expect(host.probes.killed).toBe(1)
    host.clock.run(7_999)
    expect(host.shown('c')).toEqual(['critical', ''])
    host.state.deregister('web')
    const { length } = host.probes.startedAtMs
    host.clock.run(60_000)
    expect(host.probes.startedAtMs.length).toBe(length)
    expect(host.state.checks()).toEqual([])
  })
})

test('thresholds hold between runs', () => {
  const host = new ChecksHost()
  host.register('web', checkOf('c', { failuresBeforeCritical: 3, failuresBeforeWarning: 3 }))
  host.clock.run(10_100)
  host.probes.connectError = 'refused'
  const seen: (string | undefined)[] = []
  for (let run = 0; run < 3; run += 1) {
    host.clock.run(10_020)
    seen.push(host.shown('c')[0])
  }
  expect(seen).toEqual(['passing', 'passing', 'critical'])
})
