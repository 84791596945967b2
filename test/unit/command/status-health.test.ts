// What `mesh status` says is wrong, from what agent and servers tell.
import { expect, test } from 'vitest'
import { healthOf } from '../../../src/command/status-health.ts'
import type { HostStateJson } from '../../../src/wire/http-json/host-state.ts'
import { wellHost, wellService } from './well-host.ts'

const host: HostStateJson = {
  ...wellHost,
  Upstreams: [
    { Service: 'web', Destination: 'db', Datacenter: 'dc1', Listen: '127.0.0.1:9', Instances: 2, Usable: 1 },
  ],
}
const health = (more: Partial<HostStateJson>, nowMs = Date.UTC(2026, 11, 1)) =>
  healthOf({ host: { ...host, ...more }, cluster: undefined, nowMs })

test('a host that is well has no line', () => {
  expect(health({})).toEqual({ lines: [] })
  expect(healthOf({ host: undefined, cluster: undefined, nowMs: 0 })).toEqual({ lines: [] })
})

test('a host outside the mesh fails, with why and what to type', () => {
  expect(health({ EnrolledUntil: '', Proxies: [] }).failure?.message).toBe('this host is not enrolled')
  const refused = health({ EnrolledUntil: '', Refused: { Code: 'token-used', Message: 'used before' } })
  expect(refused.failure?.message).toBe('this host is not let in: used before (token-used)')
  expect(refused.failure?.next).toContain('mesh token create')
})

test.each([
  [{ EnrolledUntil: '2026-11-30T00:00:00Z' }, 'the certificate of this host has expired'],
  [
    { EnrolledUntil: '2026-12-02T00:00:00Z', Refused: { Code: 'no-server', Message: 'x' } },
    'the certificate of this host ends soon and is not renewed: x (no-server)',
  ],
  [
    { ConnectedTo: '', Outage: { Code: 'no-server', Message: 'nobody there' } },
    'the agent follows no server: nobody there (no-server); what it knew stays in force',
  ],
  [{ Proxies: [] }, 'no proxy is connected: systemctl start mesh-proxy'],
  [
    { Proxies: [{ Pid: 7, Version: '1', Refused: 'port 1 is taken' }] },
    'the proxy (pid 7) refuses its configuration: port 1 is taken',
  ],
  [
    { Services: [{ ...wellService, Status: 'critical' as const, Output: 'refused\nmore' }] },
    'service web is critical: refused',
  ],
  [
    {
      Services: [
        {
          ...wellService,
          CertificateUntil: '',
          CertificateRefused: { Code: 'service-not-allowed', Message: 'x' },
        },
      ],
    },
    'service web gets no certificate: x (service-not-allowed)',
  ],
  [
    { Upstreams: [{ ...host.Upstreams[0], Instances: 0, Usable: 0 }] as HostStateJson['Upstreams'] },
    'web calls db, of which there is no instance',
  ],
  [
    { Upstreams: [{ ...host.Upstreams[0], Usable: 0 }] as HostStateJson['Upstreams'] },
    'web calls db, and none of its 2 instances can be used',
  ],
])('%j', (more, line) => expect(health(more)).toEqual({ lines: [line] }))
