import { describe, expect, test } from 'vitest'
import { LocalState, type LocalStateOptions } from '../../../../src/agent/registry/local-state.ts'
import type { Result } from '../../../../src/model/errors.ts'
import { VirtualClock } from '../../../simulation/clock.ts'
import { checkOf, definitionOf, MemoryStateFiles, RecordingLog, ttlProbe } from '../fakes.ts'

const api = { source: 'api', replaceChecks: false } as const
const apiReplacing = { source: 'api', replaceChecks: true } as const
const accepted = { ok: true, value: true }

class Host {
  readonly files = new MemoryStateFiles()
  readonly clock = new VirtualClock()
  readonly log = new RecordingLog()
  readonly options: Partial<LocalStateOptions>
  state: LocalState

  constructor(options: Partial<LocalStateOptions> = {}) {
    this.options = options
    this.state = this.start()
  }

  /** A new process: nothing but the files is left of the one before. `orderly`: it could write what was in memory. */
  restart(options: { readonly orderly: boolean } = { orderly: true }): LocalState {
    if (options.orderly) this.state.close()
    this.state = this.start()
    return this.state
  }

  start(): LocalState {
    const state = new LocalState({
      node: 'n1',
      files: this.files,
      clock: this.clock,
      log: this.log,
      sidecarPorts: { min: 21_000, max: 21_255 },
      bindAddress: '127.0.0.2',
      scripts: { everywhere: false, files: false },
      ...this.options,
    })
    state.load()
    return state
  }

  services(): readonly string[] {
    return this.state.services().map(({ service }) => `${service.id}:${service.port}`)
  }

  checks(): readonly string[] {
    return this.state.checks().map(({ check }) => `${check.checkId}=${check.status}`)
  }
}

const messageOf = (result: Result<unknown>): string => (result.ok ? 'accepted' : result.failure.message)

describe('a service that the HTTP API registers', () => {
  test('is on disk when the caller hears ok, and is back after a restart with its sidecar on the same port', () => {
    const host = new Host()
    host.state.register(definitionOf('first', { sidecar: {} }), api)
    const result = host.state.register(definitionOf('web', { checks: [checkOf('c')], sidecar: {} }), api)
    expect(result).toEqual(accepted)
    const before = host.services()
    expect(before).toEqual(['first:8080', 'first-sidecar-proxy:21000', 'web:8080', 'web-sidecar-proxy:21001'])

    host.state.deregister('first')
    host.restart({ orderly: false })
    expect(host.services()).toEqual(['web:8080', 'web-sidecar-proxy:21001'])
    expect(host.state.check('c')?.check).toMatchObject({ serviceId: 'web', serviceName: 'web', node: 'n1' })
  })

  test('is refused and leaves nothing behind when the disk does not take it', () => {
    const host = new Host()
    host.files.failure = { code: 'no-space', message: 'no space left on device' }
    expect(messageOf(host.state.register(definitionOf('web'), api))).toContain('no space left on device')
    host.files.failure = undefined
    expect(host.services()).toEqual([])
    expect(host.restart().services()).toEqual([])
  })

  test('stays when the disk does not let go of it: it would come back with the next start', () => {
    const host = new Host()
    host.state.register(definitionOf('web'), api)
    host.files.failure = { code: 'io', message: 'read-only file system' }
    expect(messageOf(host.state.deregister('web'))).toContain('read-only file system')
    expect(host.services()).toEqual(['web:8080'])
  })

  test('keeps the checks it had when it is registered again, unless they are to be replaced', () => {
    const host = new Host()
    host.state.register(definitionOf('web', { checks: [checkOf('a'), checkOf('b')] }), api)
    host.state.registerCheck(checkOf('alone', { serviceId: 'web' }), 'api')

    host.state.register(definitionOf('web', { checks: [checkOf('b'), checkOf('c')] }), api)
    expect(host.state.checks().map(({ check }) => check.checkId)).toEqual(['a', 'b', 'alone', 'c'])

    host.state.register(definitionOf('web', { checks: [checkOf('c')] }), apiReplacing)
    expect(host.state.checks().map(({ check }) => check.checkId)).toEqual(['c'])
    expect(
      host
        .restart()
        .checks()
        .map(({ check }) => check.checkId),
    ).toEqual(['c'])
  })

  test('keeps the status of a check whose definition changes', () => {
    const host = new Host()
    host.state.register(definitionOf('web', { checks: [checkOf('c')] }), api)
    host.state.rows.report('c', 'passing', 'fine')
    host.state.register(definitionOf('web', { checks: [checkOf('c', { intervalMs: 20_000 })] }), api)
    expect(host.state.check('c')?.check).toMatchObject({ status: 'passing', output: 'fine', interval: '20s' })
  })

  test('shows its new name and tags on its checks', () => {
    const host = new Host()
    host.state.register(definitionOf('web', { checks: [checkOf('c')] }), api)
    const renamed = { id: 'web', name: 'shop', tags: ['v2'] }
    host.state.register(definitionOf('shop', { service: renamed, checks: [checkOf('c')] }), api)
    expect(host.state.check('c')?.check).toMatchObject({ serviceName: 'shop', serviceTags: ['v2'] })
  })

  test('takes its sidecar and all its checks along when it is deregistered', () => {
    const host = new Host()
    host.state.register(definitionOf('web', { checks: [checkOf('a')], sidecar: {} }), api)
    host.state.registerCheck(checkOf('alone', { serviceId: 'web' }), 'api')
    expect(host.state.deregister('web')).toEqual(accepted)
    expect([host.services(), host.checks()]).toEqual([[], []])
    host.state.register(definitionOf('web'), api)
    host.restart()
    expect([host.services(), host.checks()]).toEqual([['web:8080'], []])
    expect(host.state.register(definitionOf('db', { checks: [checkOf('alone')] }), api)).toEqual(accepted)
  })

  test('goes on without its sidecar when only the sidecar is deregistered', () => {
    const host = new Host()
    host.state.register(definitionOf('web', { checks: [checkOf('a')], sidecar: {} }), api)
    expect(host.state.deregister('web-sidecar-proxy')).toEqual(accepted)
    expect([host.services(), host.checks()]).toEqual([['web:8080'], ['a=critical']])
    host.restart()
    expect(host.services()).toEqual(['web:8080'])
  })
})

describe('an id that does not exist', () => {
  test('is refused in the words of Consul', () => {
    const { state } = new Host()
    expect(messageOf(state.deregister('x'))).toBe(
      'Unknown service ID "x". Ensure that the service ID is passed, not the service name.',
    )
    const unknownCheck = 'Unknown check ID "x". Ensure that the check ID is passed, not the check name.'
    expect(messageOf(state.deregisterCheck('x'))).toBe(unknownCheck)
    expect(messageOf(state.updateTtl('x', 'passing', ''))).toBe(unknownCheck)
    expect(messageOf(state.registerCheck(checkOf('c', { serviceId: 'x' }), 'api'))).toBe(
      'ServiceID "x" does not exist',
    )
  })
})

describe('an id that has an owner', () => {
  test('is not taken over by the other side, whether files or the API had it first', () => {
    const host = new Host()
    expect(host.state.replaceFileDefinitions([definitionOf('web')], [checkOf('disk')])).toEqual(accepted)
    host.state.register(definitionOf('db'), api)

    expect(messageOf(host.state.register(definitionOf('web'), api))).toContain(
      'service id "web" is defined by a configuration file of this host',
    )
    expect(messageOf(host.state.registerCheck(checkOf('disk'), 'api'))).toContain(
      'check id "disk" is defined by a configuration file',
    )
    expect(messageOf(host.state.replaceFileDefinitions([definitionOf('db')], []))).toContain(
      'service id "db" was registered through the HTTP API',
    )
    expect(host.services()).toEqual(['web:8080', 'db:8080'])
  })

  test('is not shared by two services of one side', () => {
    const host = new Host()
    host.state.register(definitionOf('web', { checks: [checkOf('c')], sidecar: {} }), api)
    expect(messageOf(host.state.register(definitionOf('db', { checks: [checkOf('c')] }), api))).toContain(
      'check id "c" is already used by service "web"',
    )
    expect(messageOf(host.state.register(definitionOf('web-sidecar-proxy'), api))).toContain(
      'service id "web-sidecar-proxy" is already used by service "web"',
    )
    expect(host.services()).toEqual(['web:8080', 'web-sidecar-proxy:21000'])
  })

  test('passes to a service that names a check which stood for it by itself', () => {
    const host = new Host()
    host.state.register(definitionOf('web'), api)
    host.state.registerCheck(checkOf('c', { serviceId: 'web' }), 'api')
    host.state.rows.report('c', 'passing', 'up')
    expect(host.state.register(definitionOf('web', { checks: [checkOf('c')] }), api)).toEqual(accepted)
    expect(host.checks()).toEqual(['c=passing'])
    expect(host.restart().deregisterCheck('c')).toEqual(accepted)
    expect(host.checks()).toEqual([])
    expect(host.restart().checks()).toEqual([])
  })

  test('is replaced in its service when the check is registered again by itself', () => {
    const host = new Host()
    host.state.register(definitionOf('web', { checks: [checkOf('c')] }), api)
    const again = checkOf('c', { serviceId: 'web', intervalMs: 30_000 })
    expect(host.state.registerCheck(again, 'api')).toEqual(accepted)
    expect(host.restart().check('c')?.check.interval).toBe('30s')
  })
})

describe('a reload of the files', () => {
  test('replaces what files defined and leaves what the API registered', () => {
    const host = new Host()
    host.state.register(definitionOf('db'), api)
    host.state.replaceFileDefinitions([definitionOf('web', { checks: [checkOf('a')] })], [checkOf('disk')])
    host.state.replaceFileDefinitions([definitionOf('shop', { checks: [checkOf('a')] })], [])
    expect(host.services()).toEqual(['db:8080', 'shop:8080'])
    expect(host.state.checks().map(({ check }) => [check.checkId, check.serviceId])).toEqual([['a', 'shop']])
  })

  test('changes nothing when one of its definitions is refused', () => {
    const host = new Host()
    host.state.replaceFileDefinitions([definitionOf('web', { checks: [checkOf('a')] })], [])
    const script = checkOf('s', { probe: { type: 'script', args: ['/bin/true'] } })
    const orphan = checkOf('o', { serviceId: 'nowhere' })
    for (const [services, checks] of [
      [[definitionOf('new'), definitionOf('bad', { checks: [script] })], []],
      [[definitionOf('new')], [orphan]],
      [[definitionOf('new'), definitionOf('new')], []],
      [[definitionOf('new')], [checkOf('d'), checkOf('d')]],
    ] as const)
      expect(host.state.replaceFileDefinitions(services, checks).ok).toBe(false)
    expect([host.services(), host.checks()]).toEqual([['web:8080'], ['a=critical']])
  })

  test('does not disturb what did not change', () => {
    const host = new Host()
    const web = definitionOf('web', { checks: [checkOf('a')], sidecar: {} })
    host.state.replaceFileDefinitions([web], [])
    const seen: string[] = []
    host.state.rows.observe((event) => seen.push(event.kind))
    host.state.replaceFileDefinitions([web, definitionOf('db')], [])
    expect(seen).toEqual(['service'])
  })

  test('keeps the status of a check that moves to another service', () => {
    const host = new Host()
    host.state.replaceFileDefinitions(
      [definitionOf('web', { checks: [checkOf('a')] }), definitionOf('db')],
      [],
    )
    host.state.rows.report('a', 'passing', 'up')
    host.state.replaceFileDefinitions(
      [definitionOf('web'), definitionOf('db', { checks: [checkOf('a')] })],
      [],
    )
    expect(host.state.check('a')?.check).toMatchObject({ serviceId: 'db', status: 'passing' })
  })

  test('brings back what the API took away from a file', () => {
    const host = new Host()
    const web = definitionOf('web')
    host.state.replaceFileDefinitions([web], [])
    expect(host.state.deregister('web')).toEqual(accepted)
    expect(host.services()).toEqual([])
    host.state.replaceFileDefinitions([web], [])
    expect(host.services()).toEqual(['web:8080'])
  })
})

describe('sidecar ports', () => {
  test('are the lowest free ones, kept over restarts and in whatever order services come back', () => {
    const host = new Host()
    const explicit = definitionOf('fixed', { service: { port: 21_001 } })
    host.state.replaceFileDefinitions(
      [explicit, definitionOf('a', { sidecar: {} }), definitionOf('b', { sidecar: {} })],
      [],
    )
    expect(host.state.service('a-sidecar-proxy')?.service.port).toBe(21_000)
    expect(host.state.service('b-sidecar-proxy')?.service.port).toBe(21_002)

    host.restart()
    host.state.replaceFileDefinitions([definitionOf('b', { sidecar: {} })], [])
    host.state.register(definitionOf('a', { sidecar: {} }), api)
    expect(host.state.service('b-sidecar-proxy')?.service.port).toBe(21_002)
    expect(host.state.service('a-sidecar-proxy')?.service.port).toBe(21_000)
  })

  test('run out with a refusal that names the range', () => {
    const host = new Host({ sidecarPorts: { min: 21_000, max: 21_000 } })
    host.state.register(definitionOf('a', { sidecar: {} }), api)
    const refusal = messageOf(host.state.register(definitionOf('b', { sidecar: {} }), api))
    expect(refusal).toContain('between 21000 and 21000')
    expect(host.services()).toEqual(['a:8080', 'a-sidecar-proxy:21000'])
  })

  test('are checked where the proxy listens, not where the definition was written', () => {
    const addressOf = (host: Host, id: string): unknown => {
      const probe = host.state.check(`service:${id}-sidecar-proxy:1`)?.definition.probe
      return probe?.type === 'tcp' ? probe.address : undefined
    }
    const host = new Host()
    host.state.register(definitionOf('web', { sidecar: {} }), api)
    expect(addressOf(host, 'web')).toBe('127.0.0.2:21000')

    const anywhere = new Host({ bindAddress: '0.0.0.0' })
    anywhere.state.register(definitionOf('web', { sidecar: {} }), api)
    expect(addressOf(anywhere, 'web')).toBe('127.0.0.1:21000')
  })
})

describe('script checks', () => {
  const script = checkOf('s', { probe: { type: 'script', args: ['/bin/true'] } })

  test('are refused from everywhere unless enabled', () => {
    const { state } = new Host()
    expect(messageOf(state.registerCheck(script, 'api'))).toContain('Scripts are disabled on this agent')
    expect(messageOf(state.register(definitionOf('w', { checks: [script] }), api))).toContain(
      'Scripts are disabled',
    )
    expect(messageOf(state.replaceFileDefinitions([], [script]))).toContain(
      'Scripts are disabled on this agent',
    )
    expect(state.checks()).toEqual([])
  })

  test('are taken from files alone when only local ones are enabled', () => {
    const { state } = new Host({ scripts: { everywhere: false, files: true } })
    expect(messageOf(state.registerCheck(script, 'api'))).toContain('from remote calls')
    expect(state.replaceFileDefinitions([], [script])).toEqual(accepted)
  })

  test('that were saved while they were allowed do not come back when they no longer are', () => {
    const host = new Host({ scripts: { everywhere: true, files: false } })
    expect(host.state.registerCheck(script, 'api')).toEqual(accepted)
    Object.assign(host.options, { scripts: { everywhere: false, files: false } })
    expect(host.restart().checks()).toEqual([])
    expect(host.log.at('error').join()).toContain('Scripts are disabled')
  })
})

describe('after a restart', () => {
  test('a check has the status it had, without having run', () => {
    const host = new Host()
    host.state.register(definitionOf('web', { checks: [checkOf('c')] }), api)
    host.state.rows.report('c', 'passing', 'HTTP GET: 200 OK')
    host.clock.run(2_000)
    host.restart({ orderly: false })
    expect(host.state.check('c')?.check).toMatchObject({ status: 'passing', output: 'HTTP GET: 200 OK' })
  })

  test('a TTL check has its status for what is left of its life, and is critical once that is over', () => {
    const host = new Host()
    const check = checkOf('t', { probe: ttlProbe(30_000) })
    host.state.register(definitionOf('web', { checks: [check] }), api)
    host.state.updateTtl('t', 'passing', 'alive')
    host.clock.run(10_000)
    const left: number[] = []
    const collect = (state: LocalState): void =>
      state.rows.observe((event) => {
        if (event.kind === 'check-defined') left.push(event.ttlLeftMs)
      })
    host.state.close()
    host.state = new LocalState({
      node: 'n1',
      files: host.files,
      clock: host.clock,
      log: host.log,
      sidecarPorts: { min: 21_000, max: 21_255 },
      bindAddress: '127.0.0.2',
      scripts: { everywhere: false, files: false },
    })
    collect(host.state)
    host.state.load()
    expect(host.state.check('t')?.check).toMatchObject({ status: 'passing', output: 'alive' })
    expect(left).toEqual([20_000])

    host.clock.run(21_000)
    expect(host.restart().check('t')?.check.status).toBe('critical')
  })

  test('a crash leaves at least half of a TTL on disk, with few writes', () => {
    const host = new Host()
    host.state.register(definitionOf('web', { checks: [checkOf('t', { probe: ttlProbe(60_000) })] }), api)
    for (let second = 0; second < 600; second += 1) {
      host.state.updateTtl('t', 'passing', `beat ${second}`)
      host.clock.run(1_000)
    }
    const writes = host.files.written.filter((path) => path.startsWith('check-state/')).length
    expect(writes).toBeLessThan(30)
    host.clock.run(25_000)
    expect(host.restart({ orderly: false }).check('t')?.check.status).toBe('passing')
  })

  test('a check that the API added to a service of a file waits for that file', () => {
    const host = new Host()
    host.state.replaceFileDefinitions([definitionOf('web')], [])
    host.state.registerCheck(checkOf('extra', { serviceId: 'web' }), 'api')
    host.restart()
    expect(host.checks()).toEqual([])
    host.state.replaceFileDefinitions([definitionOf('web')], [])
    expect(host.checks()).toEqual(['extra=critical'])
  })

  test('a damaged file costs that service only, is named, and is left where it is', () => {
    const host = new Host()
    host.state.register(definitionOf('a'), api)
    host.state.register(definitionOf('b'), api)
    const [path = ''] = host.files.written.filter((name) => name.startsWith('services/'))
    host.files.write(path, new TextEncoder().encode('{"version":1,"definition'))
    host.restart()
    expect(host.services()).toEqual(['b:8080'])
    expect(host.log.at('error').join()).toContain(path)
    expect(host.files.read(path)).toBeDefined()
  })
})

test('only a TTL check takes a heartbeat', () => {
  const { state } = new Host()
  state.registerCheck(checkOf('tcp'), 'api')
  expect(messageOf(state.updateTtl('tcp', 'passing', ''))).toBe('CheckID "tcp" does not have associated TTL')
})

test('output is cut to the bytes that the check keeps, in whole characters', () => {
  const { state } = new Host()
  state.registerCheck(checkOf('c', { outputMaxBytes: 10 }), 'api')
  state.rows.report('c', 'warning', 'déjà vu, €€€')
  const { output = '' } = state.check('c')?.check ?? {}
  expect([output, Buffer.byteLength(output)]).toEqual(['déjà vu,', 10])
})

test('a listener hears of every change of a service, a check and a status', () => {
  const { state } = new Host()
  let calls = 0
  state.onChange(() => {
    calls += 1
  })
  const heard = (work: () => unknown): boolean => {
    const before = calls
    work()
    return calls > before
  }
  expect(heard(() => state.register(definitionOf('web', { checks: [checkOf('c')] }), api))).toBe(true)
  expect(heard(() => state.rows.report('c', 'passing', ''))).toBe(true)
  expect(heard(() => state.rows.report('c', 'passing', ''))).toBe(false)
  expect(heard(() => state.deregister('web'))).toBe(true)
})
