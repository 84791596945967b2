// Checks through the proxy: which go, on which ports, what the proxy has to open, and what the catalog shows.
import { describe, expect, test } from 'vitest'
import { Exposures } from '../../../../src/agent/checks/exposures.ts'
import { LocalState } from '../../../../src/agent/registry/local-state.ts'
import type { CheckDefinition, Probe } from '../../../../src/model/check.ts'
import type { ServiceDefinition } from '../../../../src/model/service.ts'
import { VirtualClock } from '../../../simulation/clock.ts'
import { checkOf, definitionOf, MemoryStateFiles, RecordingLog, ttlProbe } from '../fakes.ts'

const http = (url: string): Probe => ({
  type: 'http',
  url,
  method: 'GET',
  header: {},
  body: '',
  followRedirects: true,
  tlsServerName: '',
  tlsSkipVerify: false,
})
const tls = { useTls: false, tlsServerName: '', tlsSkipVerify: false } as const
const byApi = { source: 'api', replaceChecks: true } as const

class Host {
  readonly log = new RecordingLog()
  readonly state: LocalState
  readonly exposures: Exposures

  constructor(ports = { min: 21_500, max: 21_755 }) {
    this.state = new LocalState({
      node: 'n1',
      files: new MemoryStateFiles(),
      clock: new VirtualClock(),
      log: this.log,
      sidecarPorts: { min: 21_000, max: 21_255 },
      bindAddress: '0.0.0.0',
      scripts: { everywhere: false, files: false },
    })
    const { rows } = this.state
    this.exposures = new Exposures({ rows, ports, bindAddress: '0.0.0.0', log: this.log })
  }

  register(exposes: boolean, ...checks: readonly CheckDefinition[]): void {
    this.state.register(exposing(exposes, checks), byApi)
  }

  shown(): readonly (readonly [string, number | undefined])[] {
    return this.state
      .checks()
      .flatMap(({ check }) =>
        check.serviceId === 'web' ? [[check.checkId, check.exposedPort] as const] : [],
      )
  }
}

function exposing(checks: boolean, list: readonly CheckDefinition[]): ServiceDefinition {
  const definition = definitionOf('web', { checks: list, sidecar: {} })
  const { sidecar } = definition
  const proxy = sidecar?.service.proxy
  if (sidecar === undefined || proxy === undefined) throw new Error('no sidecar')
  const service = { ...sidecar.service, proxy: { ...proxy, expose: { checks, paths: [] } } }
  return { ...definition, sidecar: { ...sidecar, service } }
}

const health = checkOf('health', { serviceId: 'web', probe: http('http://127.0.0.1:8080/health?full=1') })

describe('a proxy that exposes checks', () => {
  test('gets a listener per http and grpc check, for this host alone, and the check is asked there', () => {
    const host = new Host()
    const grpc = checkOf('grpc', {
      serviceId: 'web',
      probe: { type: 'grpc', address: '127.0.0.1:9090', service: 'orders', ...tls },
    })
    host.register(true, health, grpc)
    expect(host.exposures.resources()).toEqual([
      {
        kind: 'exposed',
        name: 'web-sidecar-proxy/21500',
        service: 'web',
        bindAddress: '0.0.0.0',
        bindPort: 21_500,
        protocol: 'http',
        hostOnly: true,
        paths: [{ path: '/health', localAddress: '127.0.0.1', localPort: 8080 }],
      },
      {
        kind: 'exposed',
        name: 'web-sidecar-proxy/21501',
        service: 'web',
        bindAddress: '0.0.0.0',
        bindPort: 21_501,
        protocol: 'http2',
        hostOnly: true,
        paths: [{ path: '/grpc.health.v1.Health/Check', localAddress: '127.0.0.1', localPort: 9090 }],
      },
    ])
    expect(host.exposures.probeOf(health)).toMatchObject({ url: 'http://127.0.0.1:21500/health?full=1' })
    expect(host.exposures.probeOf(grpc)).toMatchObject({ address: '127.0.0.1:21501', service: 'orders' })
    expect(host.shown()).toEqual([
      ['health', 21_500],
      ['grpc', 21_501],
    ])
    // The catalog has to hear of the port.
    expect(host.state.check('health')?.synced).toBe(false)
  })

  test('leaves alone what is encrypted or has no path', () => {
    const host = new Host()
    const checks = [
      checkOf('https', { serviceId: 'web', probe: http('https://127.0.0.1/health') }),
      checkOf('tcp', { serviceId: 'web' }),
      checkOf('ttl', { serviceId: 'web', probe: ttlProbe(1_000) }),
      checkOf('tls', {
        serviceId: 'web',
        probe: { type: 'grpc', address: 'a:1', service: '', ...tls, useTls: true },
      }),
    ]
    host.register(true, ...checks)
    expect(host.exposures.resources()).toEqual([])
    for (const check of checks) expect(host.exposures.probeOf(check)).toBe(check.probe)
  })

  test('follows changes: a check that comes and goes, a path that changes, a proxy that stops exposing', () => {
    const host = new Host()
    host.register(true)
    expect(host.exposures.resources()).toEqual([])
    host.state.registerCheck(health, 'api')
    expect(host.shown()).toEqual([['health', 21_500]])
    host.state.registerCheck({ ...health, probe: http('http://127.0.0.1/up') }, 'api')
    expect(host.exposures.resources().map(({ bindPort, paths }) => [bindPort, paths[0]?.path])).toEqual([
      [21_500, '/up'],
    ])
    host.register(false, health)
    expect([host.shown(), host.exposures.resources()]).toEqual([[['health', undefined]], []])
    expect(host.exposures.probeOf(health)).toEqual(health.probe)
    host.register(true, health)
    expect(host.shown()).toEqual([['health', 21_500]])
    host.state.deregisterCheck('health')
    expect(host.exposures.resources()).toEqual([])
  })

  test('says so when no port is left, and the check goes directly', () => {
    const host = new Host({ min: 21_500, max: 21_500 })
    const more = checkOf('more', { serviceId: 'web', probe: http('http://127.0.0.1/more') })
    host.register(true, health, more)
    expect(host.shown()).toEqual([
      ['health', 21_500],
      ['more', undefined],
    ])
    expect(host.exposures.probeOf(more)).toBe(more.probe)
    expect(host.log.at('warn').join()).toContain('No port is left')
  })
})
