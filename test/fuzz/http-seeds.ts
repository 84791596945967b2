// Good requests for every endpoint that writes, for the HTTP fuzzer to spoil. Paths are those of the routes with their names filled in.

export interface Seed {
  /** Route, as in endpoints.ts. */
  readonly route: string
  readonly method: string
  readonly path: string
  readonly query?: string
  /** An object is sent as JSON, a string as it is. */
  readonly body?: unknown
}

const sidecar = {
  Port: 20_000,
  Proxy: {
    DestinationServiceName: 'web',
    Mode: 'direct',
    Config: { protocol: 'http', limits: { max_connections: 10 } },
    Upstreams: [
      { DestinationName: 'db', LocalBindPort: 9191, Datacenter: 'dc1', Config: { protocol: 'tcp' } },
      { DestinationName: 'cache', LocalBindSocketPath: '/run/cache.sock', LocalBindSocketMode: '0600' },
    ],
    Expose: { Checks: true, Paths: [{ Path: '/m', LocalPathPort: 8080, ListenerPort: 21_500 }] },
    MeshGateway: { Mode: 'none' },
  },
}

const service = {
  ID: 'web-1',
  Name: 'web',
  Tags: ['v1', 'primary'],
  Address: '10.0.0.7',
  TaggedAddresses: { lan: { Address: '10.0.0.7', Port: 80 }, wan: { Address: '198.51.100.7', Port: 80 } },
  Meta: { version: '4.0' },
  Port: 8080,
  EnableTagOverride: false,
  Weights: { Passing: 10, Warning: 1 },
  Check: {
    Name: 'ready',
    HTTP: 'http://127.0.0.1:8080/ready',
    Interval: '10s',
    Timeout: '1s',
    Header: { A: ['b'] },
  },
  Checks: [
    {
      CheckID: 'tcp',
      TCP: '127.0.0.1:8080',
      Interval: '10s',
      SuccessBeforePassing: 2,
      FailuresBeforeCritical: 3,
    },
    { CheckID: 'beat', TTL: '30s', Status: 'passing', DeregisterCriticalServiceAfter: '90m' },
    { Name: 'grpc', GRPC: '127.0.0.1:9090/web', Interval: '5s', GRPCUseTLS: true },
    { Name: 'alias', AliasService: 'db' },
  ],
  Connect: { SidecarService: sidecar },
}

const catalogRegistration = {
  Datacenter: 'dc1',
  ID: '40e4a748-2192-161a-0510-9bf59fe950b5',
  Node: 'external',
  Address: '192.168.10.10',
  TaggedAddresses: { lan: '192.168.10.10', wan: '10.0.10.10' },
  NodeMeta: { somekey: 'somevalue' },
  Service: {
    ID: 'redis1',
    Service: 'redis',
    Tags: ['primary'],
    Address: '127.0.0.1',
    Meta: { v: '4' },
    Port: 8000,
  },
  Check: {
    Node: 'external',
    CheckID: 'service:redis1',
    Name: 'Redis health check',
    Notes: 'Script based',
    Status: 'passing',
    ServiceID: 'redis1',
    Definition: {
      TCP: 'localhost:8888',
      Interval: '5s',
      Timeout: '1s',
      DeregisterCriticalServiceAfter: '30s',
    },
  },
  Checks: [{ Name: 'disk', Status: 'warning', Output: 'nearly full' }],
  SkipNodeUpdate: false,
}

const intentionEntry = {
  Kind: 'service-intentions',
  Name: 'db',
  Meta: { team: 'data' },
  Sources: [
    { Name: 'web', Action: 'allow', Description: 'the front' },
    { Name: '*', Action: 'deny' },
  ],
}

const session = {
  Name: 'lock of web',
  Node: 'external',
  LockDelay: '15s',
  TTL: '30s',
  Behavior: 'delete',
  NodeChecks: [],
  ServiceChecks: [{ ID: 'service:redis1', Namespace: '' }],
}

const txn = [
  { KV: { Verb: 'set', Key: 'a', Value: 'aGVsbG8=', Flags: 7 } },
  { KV: { Verb: 'cas', Key: 'b', Value: '', Index: 0 } },
  { KV: { Verb: 'get-tree', Key: 'a' } },
  { KV: { Verb: 'delete-tree', Key: 'gone/' } },
  { Node: { Verb: 'set', Node: { Node: 'txn-node', Address: '10.1.1.1', Meta: { a: 'b' } } } },
  { Service: { Verb: 'set', Node: 'external', Service: { ID: 's', Service: 's', Port: 1 } } },
  { Check: { Verb: 'set', Check: { Node: 'external', CheckID: 'c', Name: 'c', Status: 'passing' } } },
]

const autopilot = {
  CleanupDeadServers: true,
  LastContactThreshold: '200ms',
  MaxTrailingLogs: 250,
  MinQuorum: 0,
  ServerStabilizationTime: '10s',
}

const coordinate = {
  Node: 'host-1',
  Segment: '',
  Coord: { Adjustment: 0, Error: 1.5, Height: 0.1, Vec: [0, 0, 0, 0, 0, 0, 0, 0] },
}

const put = (route: string, rest: Partial<Seed> = {}): Seed => ({
  route,
  method: 'PUT',
  path: route,
  ...rest,
})
const named = (route: string, name: string, rest: Partial<Seed> = {}): Seed =>
  put(route, { path: route.replace('*', name), ...rest })

export const seeds: readonly Seed[] = [
  put('/v1/agent/service/register', { body: service, query: 'replace-existing-checks=true' }),
  put('/v1/agent/service/register', { body: { Name: 'native', Connect: { Native: true } } }),
  put('/v1/agent/service/register', {
    body: { Kind: 'connect-proxy', Name: 'web-proxy', Port: 21_700, Proxy: sidecar.Proxy },
  }),
  named('/v1/agent/service/deregister/*', 'web-1'),
  named('/v1/agent/service/maintenance/*', 'web-1', { query: 'enable=true&reason=disk' }),
  put('/v1/agent/maintenance', { query: 'enable=false' }),
  put('/v1/agent/check/register', { body: { Name: 'beat', ID: 'beat-2', TTL: '10s', Notes: 'n' } }),
  put('/v1/agent/check/register', {
    body: { Name: 'script', ServiceID: 'web-1', Args: ['/bin/true'], Interval: '10s' },
  }),
  named('/v1/agent/check/deregister/*', 'beat-2'),
  named('/v1/agent/check/pass/*', 'beat', { query: 'note=fine' }),
  named('/v1/agent/check/warn/*', 'beat'),
  named('/v1/agent/check/fail/*', 'beat'),
  named('/v1/agent/check/update/*', 'beat', { body: { Status: 'passing', Output: 'all good' } }),
  put('/v1/agent/reload'),
  put('/v1/agent/leave'),
  named('/v1/agent/join/*', '10.0.0.9', { query: 'wan=1' }),
  named('/v1/agent/force-leave/*', 'host-9', { query: 'prune' }),
  named('/v1/event/fire/*', 'deploy', { body: 'payload', query: 'service=web' }),
  put('/v1/catalog/register', { body: catalogRegistration }),
  put('/v1/catalog/deregister', { body: { Datacenter: 'dc1', Node: 'external', ServiceID: 'redis1' } }),
  put('/v1/catalog/deregister', { body: { Node: 'external', CheckID: 'service:redis1' } }),
  put('/v1/config', { body: intentionEntry }),
  put('/v1/config', { body: { Kind: 'service-defaults', Name: 'web', Protocol: 'http' }, query: 'cas=0' }),
  put('/v1/config/:kind/*', { method: 'DELETE', path: '/v1/config/service-intentions/db', query: 'cas=3' }),
  put('/v1/connect/intentions', {
    method: 'POST',
    body: { SourceName: 'web', DestinationName: 'db', Action: 'allow', Meta: { a: 'b' } },
  }),
  put('/v1/connect/intentions/exact', {
    query: 'source=web&destination=db',
    body: { Action: 'allow', Description: 'd', Meta: { a: 'b' } },
  }),
  put('/v1/connect/intentions/exact', { method: 'DELETE', query: 'source=web&destination=db' }),
  named('/v1/connect/intentions/*', '8f246b77-f3e1-ff88-5b48-8ec93abf3e05', {
    body: { SourceName: 'web', DestinationName: 'db', Action: 'deny' },
  }),
  named('/v1/connect/intentions/*', '8f246b77-f3e1-ff88-5b48-8ec93abf3e05', { method: 'DELETE' }),
  put('/v1/coordinate/update', { body: coordinate }),
  named('/v1/kv/*', 'a/b', { body: 'value', query: 'flags=42&cas=0' }),
  named('/v1/kv/*', 'a/c', { body: 'value', query: 'acquire=adf4238a-882b-9ddc-4a9d-5b6758e4159e' }),
  named('/v1/kv/*', 'a/', { method: 'DELETE', query: 'recurse' }),
  put('/v1/mesh/token', { body: { Node: 'host-7', Services: ['web', 'db-*'], TTL: '1h' } }),
  put('/v1/mesh/drain/host', { query: 'timeout=10s&reason=kernel' }),
  put('/v1/mesh/drain/host', { method: 'DELETE' }),
  named('/v1/mesh/drain/service/*', 'web-1', { query: 'timeout=10s&reason=kernel' }),
  named('/v1/mesh/drain/service/*', 'web-1', { method: 'DELETE' }),
  named('/v1/mesh/evict/*', 'host-7'),
  put('/v1/mesh/ca/root'),
  named('/v1/mesh/ca/root/*', '2f:9a:31'),
  named('/v1/mesh/ca/root/*', '2f:9a:31', { method: 'DELETE', query: 'force' }),
  put('/v1/operator/autopilot/configuration', { body: autopilot, query: 'cas=0' }),
  put('/v1/operator/keyring', { body: { Key: 'pUqJrVyVRj5jsiYEkM/tFQ==' } }),
  put('/v1/operator/keyring', { method: 'POST', body: { Key: 'pUqJrVyVRj5jsiYEkM/tFQ==' } }),
  put('/v1/operator/keyring', { method: 'DELETE', body: { Key: 'pUqJrVyVRj5jsiYEkM/tFQ==' } }),
  put('/v1/operator/raft/peer', { method: 'DELETE', query: 'id=00000002-0000-4000-8000-000000000009' }),
  put('/v1/operator/raft/transfer-leader', { method: 'POST' }),
  put('/v1/operator/raft/transfer-leader', { query: 'id=00000002-0000-4000-8000-000000000009' }),
  put('/v1/query', { method: 'POST', body: { Name: 'q', Service: { Service: 'web' } } }),
  named('/v1/query/*', 'q', { body: { Name: 'q', Service: { Service: 'web' } } }),
  named('/v1/query/*', 'q', { method: 'DELETE' }),
  put('/v1/session/create', { body: session }),
  named('/v1/session/destroy/*', 'adf4238a-882b-9ddc-4a9d-5b6758e4159e'),
  named('/v1/session/renew/*', 'adf4238a-882b-9ddc-4a9d-5b6758e4159e'),
  put('/v1/txn', { body: txn }),
  put('/v1/txn', { body: [{ KV: { Verb: 'get-tree', Key: 'a' } }], query: 'stale' }),
]
