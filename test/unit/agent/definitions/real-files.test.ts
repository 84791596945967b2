import { expect, test } from 'vitest'
import { plan } from '../../../../src/agent/plan/plan.ts'
import { LocalState } from '../../../../src/agent/registry/local-state.ts'
import { loadConfiguration } from '../../../../src/config/load.ts'
import { VirtualClock } from '../../../simulation/clock.ts'
import { MemoryStateFiles, RecordingLog } from '../fakes.ts'

const text = `
node_name = "n1"
data_dir  = "/tmp/x"
bind_addr = "127.0.0.2"

service {
  name = "web"
  port = 8080
  check {
    http     = "http://127.0.0.1:8080/health"
    interval = "10s"
  }
  connect {
    sidecar_service {
      proxy {
        upstreams = [{ destination_name = "backend", local_bind_port = 9191 }]
      }
    }
  }
}
`

test('a service file becomes the service, its sidecar on a port of its own, and checks that look in the right place', () => {
  const machine = { hostname: 'host', privateAddress: '10.0.0.1', interfaceAddresses: {} }
  const loaded = loadConfiguration([{ path: 'web.hcl', text }], machine)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
  const { settings, definitions } = loaded.value
  const state = new LocalState({
    node: settings.nodeName,
    files: new MemoryStateFiles(),
    clock: new VirtualClock(),
    log: new RecordingLog(),
    sidecarPorts: { min: settings.ports.sidecarMin, max: settings.ports.sidecarMax },
    bindAddress: settings.bindAddress,
    scripts: { everywhere: settings.enableScriptChecks, files: settings.enableLocalScriptChecks },
  })
  expect(state.replaceFileDefinitions(definitions.services, definitions.checks)).toEqual({
    ok: true,
    value: true,
  })
  expect(state.services().map(({ service }) => [service.id, service.kind, service.port])).toEqual([
    ['web', '', 8080],
    ['web-sidecar-proxy', 'connect-proxy', 21_000],
  ])
  expect(
    state.checks().map(({ check, definition }) => [check.checkId, check.type, definition.probe]),
  ).toMatchObject([
    ['service:web', 'http', { url: 'http://127.0.0.1:8080/health' }],
    ['service:web-sidecar-proxy:1', 'tcp', { address: '127.0.0.2:21000' }],
    ['service:web-sidecar-proxy:2', 'alias', { serviceId: 'web' }],
  ])
  const { resources } = plan({
    services: state.services().map(({ service }) => service),
    view: () => undefined,
    leaf: () => undefined,
    bindAddress: settings.bindAddress,
    datacenter: settings.datacenter,
    host: { node: settings.nodeName, zone: '' },
  })
  expect(resources.map(({ kind, name }) => `${kind}/${name}`)).toEqual(['policy/web', 'endpoints/backend'])
})
