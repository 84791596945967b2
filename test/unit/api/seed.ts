// A small mesh to ask about: two hosts, `backend` on both with a sidecar each, `web` that warns, three intentions.
import type { ServiceDefinition } from '../../../src/model/service.ts'
import { checkRow, operatorToken, serviceRow } from './fake-cluster.ts'
import type { TestApi } from './fixture.ts'

export const asOperator = { 'X-Consul-Token': operatorToken } as const

export async function seed(api: TestApi): Promise<void> {
  const { cluster } = api
  cluster.addHost('host-1', '10.0.0.1', { rack: 'r1' })
  cluster.addHost('host-2', '10.0.0.2', { rack: 'r2:a' })
  for (const node of ['host-2', 'host-1']) {
    cluster.addService(node, serviceRow('backend', 9090, { tags: ['v1', node], meta: { team: 'x' } }))
    cluster.addService(node, sidecarOf('backend', 21_000))
    cluster.addCheck(
      checkRow(node, 'service:backend', {
        serviceId: 'backend',
        serviceName: 'backend',
        serviceTags: ['v1', node],
        type: 'http',
        interval: '10s',
        timeout: '2s',
      }),
    )
  }
  cluster.addService('host-1', serviceRow('web', 8080))
  cluster.addCheck(
    checkRow('host-1', 'service:web', {
      serviceId: 'web',
      serviceName: 'web',
      status: 'warning',
      output: 'slow',
    }),
  )
  for (const [source, destination, Action] of [
    ['web', 'backend', 'allow'],
    ['*', 'backend', 'deny'],
    ['*', '*', 'deny'],
  ])
    await api.ask('PUT', `/v1/connect/intentions/exact?source=${source}&destination=${destination}`, {
      body: {
        Action,
        Description: source === 'web' ? 'the front' : '',
        Meta: source === 'web' ? { by: 'ann' } : {},
      },
      headers: asOperator,
    })
  await api.ask('PUT', '/v1/config', {
    body: { Kind: 'service-intentions', Name: 'db', Sources: [{ Name: 'backend', Action: 'allow' }] },
    headers: asOperator,
  })
}

export function sidecarOf(name: string, port: number): ReturnType<typeof serviceRow> {
  return serviceRow(`${name}-sidecar-proxy`, port, {
    kind: 'connect-proxy',
    proxy: {
      destinationServiceName: name,
      destinationServiceId: name,
      localServiceAddress: '127.0.0.1',
      localServicePort: 9090,
      localServiceSocketPath: '',
      mode: '',
      config: { local_connect_timeout_ms: 1000 },
      upstreams: [
        {
          destinationName: 'db',
          datacenter: '',
          localBindAddress: '127.0.0.1',
          localBindPort: 9191,
          localBindSocketPath: '',
          localBindSocketMode: '',
          connectTimeoutMs: 5_000,
          config: {},
        },
        {
          destinationName: 'cache',
          datacenter: 'dc2',
          localBindAddress: '',
          localBindPort: 0,
          localBindSocketPath: '/run/cache.sock',
          localBindSocketMode: '0600',
          connectTimeoutMs: 5_000,
          config: { protocol: 'tcp' },
        },
      ],
      expose: { checks: true, paths: [{ path: '/m', localPathPort: 1, listenerPort: 2, protocol: 'http' }] },
    },
  })
}

export const native: ServiceDefinition = {
  service: serviceRow('native', 7000, {
    connectNative: true,
    socketPath: '/run/native.sock',
    taggedAddresses: { wan: { address: '1.2.3.4', port: 70 } },
    weights: { passing: 10, warning: 1 },
  }),
  checks: [],
}
