// A host with one service that is well, for tests to take something away from.
import type { HostServiceJson, HostStateJson } from '../../../src/wire/http-json/host-state.ts'

export const wellService: HostServiceJson = {
  ID: 'web',
  Name: 'web',
  Address: '',
  Port: 8_080,
  Status: 'passing',
  Output: '',
  InCatalog: true,
  ProxyPort: 21_000,
  CertificateUntil: '2027-01-01T00:00:00Z',
  CertificateRefused: null,
}

export const wellHost: HostStateJson = {
  Node: 'h1',
  NodeID: 'x',
  Datacenter: 'dc1',
  Address: '10.0.0.1',
  Version: '1.0.0',
  Server: false,
  EnrolledUntil: '2027-01-01T00:00:00Z',
  Refused: null,
  ConnectedTo: 's1',
  Outage: null,
  Gossip: { Members: 2, Alive: 2 },
  Proxies: [{ Pid: 7, Version: '1.0.0', Refused: '' }],
  Services: [wellService],
  Upstreams: [],
}
