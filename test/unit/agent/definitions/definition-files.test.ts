import { describe, expect, test } from 'vitest'
import { DefinitionFiles, type ReloadReport } from '../../../../src/agent/definitions/definition-files.ts'
import { LocalState } from '../../../../src/agent/registry/local-state.ts'
import { dnsDefaults } from '../../../../src/config/dns-settings.ts'
import { gossipDefaults } from '../../../../src/config/gossip-settings.ts'
import type { Configuration, Loaded, Settings, SourceFile } from '../../../../src/config/settings.ts'
import { wanDefaults } from '../../../../src/config/wan-settings.ts'
import { autopilotDefaults } from '../../../../src/model/autopilot.ts'
import type { Result } from '../../../../src/model/errors.ts'
import type { SourceFiles } from '../../../../src/platform/ports.ts'
import { VirtualClock } from '../../../simulation/clock.ts'
import { definitionOf, MemoryStateFiles, RecordingLog, RecordingMetrics } from '../fakes.ts'

const settings: Settings = {
  datacenter: 'dc1',
  nodeName: 'n1',
  nodeId: '',
  dataDirectory: '/var/lib/mesh-agent',
  runtimeDirectory: '/run/mesh-agent',
  server: false,
  bindAddress: '127.0.0.2',
  advertiseAddress: '127.0.0.2',
  clientAddresses: ['127.0.0.1'],
  dnsAddresses: ['127.0.0.1'],
  dnsDomains: ['mesh', 'consul'],
  dns: dnsDefaults,
  gossip: { ...gossipDefaults, bindAddress: '127.0.0.1', advertiseAddress: '127.0.0.1' },
  wan: { ...wanDefaults, bindAddress: '127.0.0.1', advertiseAddress: '127.0.0.1' },
  ports: {
    http: 8500,
    dns: 8600,
    server: 8300,
    sidecarMin: 21_000,
    sidecarMax: 21_255,
    exposeMin: 21_500,
    exposeMax: 21_755,
  },
  servers: [],
  enrollmentTokenFile: '',
  unixSockets: { group: '', mode: '' },
  log: { level: 'info', json: true },
  nodeMeta: {},
  defaultIntentionAction: 'deny',
  enableScriptChecks: false,
  enableLocalScriptChecks: false,
  checkUpdateIntervalMs: 300_000,
  discardCheckOutput: false,
  leaveOnTerminate: false,
  httpMaxConnectionsPerClient: 200,
  proxy: { isolation: 'host', accessLogPath: '' },
  leafTtlMs: 1,
  rpcHoldTimeoutMs: 7_000,
  autopilot: autopilotDefaults,
  bootstrapExpect: 0,
  hostCertificateTtlMs: 30 * 24 * 3_600_000,
  bootstrapEntries: [],
}

/** A configuration language of one line per file: names of services, `!` for a mistake, `key=value` for settings. */
function load(sources: readonly SourceFile[]): Loaded<Configuration> {
  const words = sources.flatMap(({ path, text }) => text.split(' ').map((word) => ({ path, word })))
  const errors = words.flatMap(({ path, word }) =>
    word === '!'
      ? [{ path, line: 3, column: 7, what: 'a mistake', why: 'it is one', remedy: 'mend it' }]
      : [],
  )
  if (errors.length > 0) return { ok: false, errors }
  const pairs = words.flatMap(({ word }) => (word.includes('=') ? [word.split('=')] : []))
  const read = Object.fromEntries(pairs)
  const level = read['level'] === 'debug' ? 'debug' : 'info'
  const services = words.flatMap(({ word }) => (/^\w+$/.test(word) ? [definitionOf(word)] : []))
  const changed = { log: { level, json: true }, nodeName: read['node'] ?? 'n1' } as const
  return { ok: true, value: { settings: { ...settings, ...changed }, definitions: { services, checks: [] } } }
}

class Host {
  readonly clock = new VirtualClock()
  readonly log = new RecordingLog()
  readonly metrics = new RecordingMetrics()
  readonly texts = new Map([['/etc/mesh-agent/a.hcl', 'web']])
  readonly changes: string[] = []
  unreadable: { path: string; message: string }[] = []
  touched: () => void = () => undefined
  reads = 0
  readonly state: LocalState
  readonly definitions: DefinitionFiles

  constructor() {
    const { clock, log, metrics } = this
    this.state = new LocalState({
      node: 'n1',
      files: new MemoryStateFiles(),
      clock,
      log,
      sidecarPorts: { min: 21_000, max: 21_255 },
      bindAddress: '127.0.0.2',
      scripts: { everywhere: false, files: false },
    })
    const files: SourceFiles = {
      read: () => {
        this.reads += 1
        const read = [...this.texts].map(([path, text]) => ({ path, text }))
        return { files: read, unreadable: this.unreadable }
      },
      watch: (_paths, onChange) => {
        this.touched = onChange
        return { close: () => undefined }
      },
    }
    const onSettings = (read: Settings, changed: readonly string[]): void => {
      this.changes.push(`${changed.join()} -> ${read.log.level}`)
    }
    const paths = ['/etc/mesh-agent']
    const { state: registry } = this
    this.definitions = new DefinitionFiles(
      { files, paths, load, registry, onSettings, clock, log, metrics },
      settings,
    )
  }

  start(): Result<ReloadReport> {
    const initial = load([...this.texts].map(([path, text]) => ({ path, text })))
    if (!initial.ok) throw new Error('the first configuration is right')
    return this.definitions.start(initial.value)
  }

  services(): readonly string[] {
    return this.state.services().map(({ service }) => service.id)
  }
}

describe('a change of the files', () => {
  test('is in force shortly after it was made, many changes by one reading', () => {
    const host = new Host()
    expect(host.start()).toMatchObject({ ok: true, value: { services: 1 } })
    host.texts.set('/etc/mesh-agent/b.hcl', 'db')
    for (let i = 0; i < 20; i += 1) {
      host.touched()
      host.clock.run(10)
    }
    expect(host.services()).toEqual(['web'])
    host.clock.run(500)
    expect([host.services(), host.reads]).toEqual([['web', 'db'], 1])
  })

  test('with a mistake leaves the old state and says where the mistake is, until it is mended', () => {
    const host = new Host()
    host.start()
    host.texts.set('/etc/mesh-agent/a.hcl', 'other !')
    const result = host.definitions.reload()
    expect(result).toEqual({
      ok: false,
      failure: {
        code: 'invalid-config',
        message:
          '/etc/mesh-agent/a.hcl:3:7: a mistake, it is one; mend it\nnothing was changed: the state before stays in force',
      },
    })
    expect(host.services()).toEqual(['web'])
    expect(host.definitions.errors()).toHaveLength(1)
    expect(host.metrics.gauges.get('mesh_config_errors')).toBe(1)
    expect(host.log.at('error').join()).toContain('a.hcl:3:7')

    host.texts.set('/etc/mesh-agent/a.hcl', 'other')
    expect(host.definitions.reload().ok).toBe(true)
    expect([host.services(), host.definitions.errors()]).toEqual([['other'], []])
    expect(host.metrics.gauges.get('mesh_config_errors')).toBe(0)
  })

  test('to a file that cannot be read does not take its services away', () => {
    const host = new Host()
    host.start()
    host.texts.clear()
    host.unreadable = [{ path: '/etc/mesh-agent/a.hcl', message: 'permission denied' }]
    const result = host.definitions.reload()
    expect(result.ok ? '' : result.failure.message).toContain(
      'a.hcl:1:1: the file cannot be read, permission denied',
    )
    expect(host.services()).toEqual(['web'])
  })

  test('that the registry refuses is told like a mistake', () => {
    const host = new Host()
    host.start()
    host.state.register(definitionOf('db'), { source: 'api', replaceChecks: false })
    host.texts.set('/etc/mesh-agent/b.hcl', 'db')
    const result = host.definitions.reload()
    expect(result.ok ? '' : result.failure.message).toContain(
      'service id "db" was registered through the HTTP API',
    )
    expect(host.services()).toEqual(['web', 'db'])
  })

  test('of settings takes effect where it can, and names what waits for a restart', () => {
    const host = new Host()
    host.start()
    host.texts.set('/etc/mesh-agent/a.hcl', 'web level=debug node=n2')
    expect(host.definitions.reload()).toMatchObject({
      ok: true,
      value: { changedSettings: ['log'], needRestart: ['nodeName'] },
    })
    expect(host.changes).toEqual(['log -> debug'])
    expect(host.definitions.settings()).toMatchObject({ nodeName: 'n1', log: { level: 'debug' } })
    host.definitions.reload()
    expect(host.changes).toHaveLength(1)
  })
})

test('an agent whose first definitions are refused follows the files all the same', () => {
  const host = new Host()
  host.state.register(definitionOf('web'), { source: 'api', replaceChecks: false })
  expect(host.start().ok).toBe(false)
  host.texts.set('/etc/mesh-agent/a.hcl', 'shop')
  host.touched()
  host.clock.run(1_000)
  expect(host.services()).toEqual(['web', 'shop'])
})

test('after a stop no change is read any more', () => {
  const host = new Host()
  host.start()
  host.touched()
  host.definitions.stop()
  host.clock.run(10_000)
  expect(host.reads).toBe(0)
})
