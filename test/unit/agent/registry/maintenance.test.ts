// Maintenance in the registry: it survives a restart and a new registration, and goes with its service.
import { describe, expect, test } from 'vitest'
import { LocalState } from '../../../../src/agent/registry/local-state.ts'
import type { ServiceDefinition } from '../../../../src/model/service.ts'
import { VirtualClock } from '../../../simulation/clock.ts'
import { checkOf, definitionOf, MemoryStateFiles, RecordingLog, ttlProbe } from '../fakes.ts'

const files = (): MemoryStateFiles => new MemoryStateFiles()

function start(on: MemoryStateFiles): LocalState {
  const state = new LocalState({
    node: 'n1',
    files: on,
    clock: new VirtualClock(),
    log: new RecordingLog(),
    sidecarPorts: { min: 21_000, max: 21_255 },
    bindAddress: '127.0.0.2',
    scripts: { everywhere: false, files: false },
  })
  state.load()
  return state
}

const web = (): ServiceDefinition =>
  definitionOf('web', {
    checks: [checkOf('c', { probe: ttlProbe(60_000), initialStatus: 'passing' })],
    sidecar: {},
  })
const byApi = (replaceChecks: boolean) => ({ source: 'api', replaceChecks }) as const
const maintenanceOf = (state: LocalState): readonly string[] =>
  state.checks().flatMap(({ check }) => (check.checkId.startsWith('_') ? [check.checkId] : []))

const both = ['_service_maintenance:web', '_service_maintenance:web-sidecar-proxy']

describe('maintenance', () => {
  test('is there after a restart, of a service that the API registered and of one from a file', () => {
    const disk = files()
    const before = start(disk)
    before.register(web(), byApi(true))
    before.replaceFileDefinitions([definitionOf('db')], [])
    before.setMaintenance('web', { reason: 'r' })
    before.setMaintenance('db', { reason: 'r' })
    before.setMaintenance('', { reason: 'r' })
    before.close()
    const after = start(disk)
    after.replaceFileDefinitions([definitionOf('db')], [])
    expect(maintenanceOf(after).toSorted()).toEqual(['_node_maintenance', '_service_maintenance:db', ...both])
    for (const id of ['web', 'db', '']) after.setMaintenance(id, undefined)
    expect(maintenanceOf(start(disk))).toEqual([])
  })

  test('stays when the service registers itself again, with its checks replaced or not, and when files are read again', () => {
    const state = start(files())
    state.register(web(), byApi(true))
    state.setMaintenance('web', { reason: 'r' })
    for (const replace of [false, true]) {
      state.register(web(), byApi(replace))
      expect(maintenanceOf(state)).toEqual(both)
    }
    state.replaceFileDefinitions([], [])
    expect(maintenanceOf(state)).toEqual(both)
  })

  test('goes with its service, and a new one of the same id is in use', () => {
    const disk = files()
    const state = start(disk)
    state.register(web(), byApi(true))
    state.setMaintenance('web', { reason: 'r' })
    state.deregister('web')
    state.register(web(), byApi(true))
    expect(maintenanceOf(state)).toEqual([])
    expect(maintenanceOf(start(disk))).toEqual([])
  })

  test('takes a new reason, and is refused for what is not registered here', () => {
    const state = start(files())
    state.register(web(), byApi(true))
    state.setMaintenance('web', { reason: 'one' })
    state.setMaintenance('web', { reason: 'two' })
    expect(state.check('_service_maintenance:web')?.check.notes).toBe('two')
    expect(state.setMaintenance('nope', { reason: '' })).toMatchObject({ ok: false })
  })
})

test('a host that discards outputs shows statuses only', () => {
  const state = new LocalState({
    node: 'n1',
    files: files(),
    clock: new VirtualClock(),
    log: new RecordingLog(),
    sidecarPorts: { min: 21_000, max: 21_255 },
    bindAddress: '127.0.0.2',
    scripts: { everywhere: false, files: false },
    discardOutput: true,
  })
  state.register(web(), byApi(true))
  state.updateTtl('c', 'warning', 'secret words')
  expect(state.check('c')?.check).toMatchObject({ status: 'warning', output: '' })
})
