// npm `consul` against the real API server over a mesh in memory; the same scenario runs against real processes.
import { operatorToken } from '../unit/api/fake-cluster.ts'
import { localToken, startTestApi } from '../unit/api/fixture.ts'
import { describeConsulClient } from './consul-scenario.ts'

describeConsulClient('a mesh in memory', async () => {
  const api = await startTestApi()
  api.cluster.addHost('host-1', '10.0.0.1')
  return {
    host: '127.0.0.1',
    port: api.port,
    token: localToken,
    operatorToken,
    datacenter: 'dc1',
    nodeName: 'host-1',
    close: () => api.close(),
  }
})
