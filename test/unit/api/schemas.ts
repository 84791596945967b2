// Shapes of every endpoint's answer, written from the tables of reference/consul.md (1.5, 1.6, 1.7, 1.9, section 5): each
// field's name, type and nullability, and nothing else. Used here against memory and by test/processes against real ones.
import { z } from 'zod'

const text = z.string()
const count = z.number().int().nonnegative()
const index = count
const flag = z.boolean()
const textMap = z.record(z.string(), z.string())
const port = z.number().int().min(0).max(65_535)
const empty = z.strictObject({})
/** RFC 3339 in UTC as Go writes it: a fraction never ends in 0. */
const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z$/)
const goDuration = z.string().regex(/^(|-?(\d+(\.\d+)?(ns|µs|ms|s|m|h))+)$/)
const status = z.enum(['passing', 'warning', 'critical'])
const action = z.enum(['allow', 'deny'])

/** A node's addresses: present with lan and wan (Appendix A, 12). */
const nodeAddresses = z.looseObject({ lan: text, wan: text }).and(textMap)
const serviceAddresses = z.record(z.string(), z.strictObject({ Address: text, Port: port }))
const weights = z.strictObject({ Passing: count, Warning: count })
const connect = z.strictObject({ Native: z.literal(true).optional() })

const upstream = z.strictObject({
  DestinationType: z.literal('service'),
  DestinationName: text.min(1),
  Datacenter: text.min(1).optional(),
  LocalBindAddress: text.min(1).optional(),
  LocalBindPort: port.optional(),
  LocalBindSocketPath: text.min(1).optional(),
  LocalBindSocketMode: text.min(1).optional(),
  Config: z.record(z.string(), z.unknown()).optional(),
  MeshGateway: empty,
})

/** `Mode`, `MeshGateway` and `Expose` are there even when nothing is set (Appendix A, 25). */
const proxy = z.strictObject({
  DestinationServiceName: text.min(1).optional(),
  DestinationServiceID: text.min(1).optional(),
  LocalServiceAddress: text.min(1).optional(),
  LocalServicePort: port.optional(),
  LocalServiceSocketPath: text.min(1).optional(),
  Mode: z.enum(['', 'direct', 'transparent']),
  Config: z.record(z.string(), z.unknown()).optional(),
  Upstreams: z.array(upstream).min(1).optional(),
  MeshGateway: empty,
  Expose: z.strictObject({
    Checks: z.literal(true).optional(),
    Paths: z
      .array(
        z.strictObject({
          ListenerPort: port,
          Path: text,
          LocalPathPort: port,
          Protocol: z.enum(['http', 'http2']),
        }),
      )
      .optional(),
  }),
})

const service = {
  Kind: z.literal('connect-proxy').optional(),
  ID: text.min(1),
  Service: text.min(1),
  Tags: z.array(text),
  Meta: textMap,
  Port: port,
  Address: text,
  SocketPath: text.min(1).optional(),
  TaggedAddresses: serviceAddresses,
  Weights: weights,
  EnableTagOverride: flag,
  Datacenter: text.min(1),
}

/** In /agent/services. */
export const agentService = z.strictObject({
  ...service,
  Proxy: proxy.optional(),
  Connect: connect.optional(),
})
/** In /agent/service/:id. */
export const hashedService = z.strictObject({
  ...agentService.shape,
  ContentHash: text.regex(/^[0-9a-f]{16}$/),
})
/** In the catalog and health endpoints. */
export const catalogInstance = z.strictObject({
  ...service,
  Proxy: proxy,
  Connect: connect,
  CreateIndex: index,
  ModifyIndex: index,
})

export const node = z.strictObject({
  ID: text,
  Node: text.min(1),
  Address: text,
  Datacenter: text.min(1),
  TaggedAddresses: nodeAddresses,
  Meta: textMap,
  CreateIndex: index,
  ModifyIndex: index,
})

export const check = z.strictObject({
  Node: text.min(1),
  CheckID: text.min(1),
  Name: text,
  Status: status,
  Notes: text,
  Output: text,
  ServiceID: text,
  ServiceName: text,
  ServiceTags: z.array(text),
  Type: text,
  Interval: goDuration,
  Timeout: goDuration,
  ExposedPort: count,
  Definition: z.record(z.string(), z.unknown()),
  CreateIndex: index,
  ModifyIndex: index,
})

export const catalogService = z.strictObject({
  ID: text,
  Node: text.min(1),
  Address: text,
  Datacenter: text.min(1),
  TaggedAddresses: nodeAddresses,
  NodeMeta: textMap,
  ServiceKind: z.enum(['', 'connect-proxy']),
  ServiceID: text.min(1),
  ServiceName: text.min(1),
  ServiceAddress: text,
  ServiceTaggedAddresses: serviceAddresses,
  ServiceTags: z.array(text),
  ServiceMeta: textMap,
  ServicePort: port,
  // Consul has it since 1.10; the table leaves it out.
  ServiceSocketPath: text,
  ServiceWeights: weights,
  ServiceEnableTagOverride: flag,
  ServiceProxy: proxy,
  ServiceConnect: connect,
  CreateIndex: index,
  ModifyIndex: index,
})

export const serviceEntry = z.strictObject({ Node: node, Service: catalogInstance, Checks: z.array(check) })

export const intention = z.strictObject({
  ID: z.uuid(),
  Description: text,
  SourceNS: z.literal('default'),
  SourceName: text.min(1),
  DestinationNS: z.literal('default'),
  DestinationName: text.min(1),
  SourceType: z.literal('consul'),
  Action: action,
  Meta: textMap,
  Precedence: z.union([z.literal(9), z.literal(8), z.literal(6), z.literal(5)]),
  CreatedAt: time,
  UpdatedAt: time,
  Hash: z.base64(),
  CreateIndex: index,
  ModifyIndex: index,
})

export const configEntry = z.strictObject({
  Kind: z.literal('service-intentions'),
  Name: text.min(1),
  Sources: z.array(
    z.strictObject({
      Name: text.min(1),
      Action: action,
      Precedence: count,
      Type: z.literal('consul'),
      Description: text.min(1).optional(),
    }),
  ),
  Meta: textMap.optional(),
  CreateIndex: index,
  ModifyIndex: index,
})

export const caRoots = z.strictObject({
  ActiveRootID: text.min(1),
  TrustDomain: text.regex(/\.consul$/),
  Roots: z
    .array(
      z.strictObject({
        ID: text.min(1),
        Name: text,
        SerialNumber: z.number().nonnegative(),
        SigningKeyID: text,
        ExternalTrustDomain: text,
        NotBefore: time,
        NotAfter: time,
        RootCert: text.startsWith('-----BEGIN CERTIFICATE-----\n'),
        IntermediateCerts: z.array(text),
        Active: flag,
        PrivateKeyType: text,
        PrivateKeyBits: count,
        CreateIndex: index,
        ModifyIndex: index,
      }),
    )
    .min(1),
})

export const leaf = z.strictObject({
  SerialNumber: text.regex(/^[0-9a-f]{2}(:[0-9a-f]{2})*$/),
  CertPEM: text.startsWith('-----BEGIN CERTIFICATE-----\n'),
  PrivateKeyPEM: text.regex(/^-----BEGIN (EC )?PRIVATE KEY-----\n/),
  Service: text.min(1),
  ServiceURI: text.startsWith('spiffe://'),
  ValidAfter: time,
  ValidBefore: time,
  CreateIndex: index,
  ModifyIndex: index,
})

export const member = z.strictObject({
  Name: text.min(1),
  Addr: text,
  Port: port,
  Tags: textMap,
  Status: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4)]),
  ProtocolMin: count,
  ProtocolMax: count,
  ProtocolCur: count,
  DelegateMin: count,
  DelegateMax: count,
  DelegateCur: count,
})

const coord = z.strictObject({
  Vec: z.array(z.number()).length(8),
  Error: z.number(),
  Adjustment: z.number(),
  Height: z.number(),
})

export const nodeCoordinate = z.strictObject({ Node: text.min(1), Segment: z.literal(''), Coord: coord })

export const event = z.strictObject({
  ID: z.uuid(),
  Name: text.min(1),
  Payload: z.base64().nullable(),
  NodeFilter: text,
  ServiceFilter: text,
  TagFilter: text,
  Version: count,
  LTime: count,
})

export const keyring = z.strictObject({
  WAN: flag,
  Datacenter: text.min(1),
  Segment: z.literal(''),
  Messages: textMap,
  Keys: z.record(text, count),
  PrimaryKeys: z.record(text, count),
  NumNodes: count,
})

export const self = z.strictObject({
  Config: z.strictObject({
    Datacenter: text.min(1),
    PrimaryDatacenter: text.min(1),
    NodeName: text.min(1),
    NodeID: z.uuid(),
    Revision: text,
    Server: flag,
    Version: text.regex(/^\d+\.\d+\.\d+\+mesh-agent\.\d+\.\d+\.\d+$/),
    BuildDate: time,
  }),
  DebugConfig: z.record(z.string(), z.unknown()),
  Coord: z.strictObject({
    Vec: z.array(z.number()).length(8),
    Error: z.number(),
    Adjustment: z.number(),
    Height: z.number(),
  }),
  Member: member,
  Stats: z.record(z.string(), textMap),
  Meta: textMap,
  xDS: z.strictObject({
    SupportedProxies: z.record(z.string(), z.array(text)),
    Port: z.number().int(),
    Ports: z.strictObject({ Plaintext: z.number().int(), TLS: z.number().int() }),
  }),
})

/** `Value` is null for no bytes; there is no `Session` while nobody holds a lock (1.8). */
export const kvEntry = z.strictObject({
  LockIndex: count,
  Key: text.min(1),
  Flags: z.number().nonnegative(),
  Value: z.base64().min(1).nullable(),
  Session: z.uuid().exactOptional(),
  CreateIndex: index,
  ModifyIndex: index,
})

/** 1.8 and Appendix A, trap 9: the delay is a number of nanoseconds, the time to live a text. */
export const session = z.strictObject({
  ID: z.uuid(),
  Name: text,
  Node: text.min(1),
  LockDelay: count,
  Behavior: z.enum(['release', 'delete']),
  TTL: text,
  NodeChecks: z.array(text),
  ServiceChecks: z.array(z.strictObject({ ID: text, Namespace: text })),
  CreateIndex: index,
  ModifyIndex: index,
})

const serverHealth = {
  ID: text.min(1),
  Name: text,
  Address: text.min(1),
  Version: text,
  LastContact: goDuration,
  LastTerm: count,
  LastIndex: count,
  Healthy: flag,
  StableSince: time,
}

/** Answer of each GET endpoint by the path that the API registers. */
const amount = z.number().nonnegative()
const counter = z.strictObject({
  Name: text.min(1),
  Count: count,
  Rate: z.number(),
  Sum: z.number(),
  Min: z.number(),
  Max: z.number(),
  Mean: z.number(),
  Stddev: amount,
  Labels: textMap,
})
const metrics = z.strictObject({
  Timestamp: z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/),
  Gauges: z.array(z.strictObject({ Name: text.min(1), Value: z.number(), Labels: textMap })),
  Points: z.array(z.never()),
  Counters: z.array(counter),
  Samples: z.array(counter),
})
/** Names of gopsutil's structs, as far as they say something on Linux. */
const machine = z.strictObject({
  Memory: z.strictObject({ total: count, available: count, used: count, usedPercent: amount, free: count }),
  CPU: z.array(z.strictObject({ cpu: count, modelName: text, mhz: amount })).min(1),
  Host: z.looseObject({ hostname: text.min(1), uptime: count, bootTime: count, procs: count, os: text }),
  Disk: z.looseObject({ path: text.min(1), total: count, free: count, used: count, usedPercent: amount }),
  CollectionTime: z.number().positive(),
  Errors: z.null(),
})

const serviceHealth = z.strictObject({
  AggregatedStatus: z.enum(['passing', 'warning', 'critical', 'maintenance']),
  Service: agentService,
  Checks: z.array(check),
})

const problem = z.strictObject({ Code: text.min(1), Message: text }).nullable()
const drainProgress = z.strictObject({
  ServiceID: text,
  Phase: z.enum(['none', 'leaving', 'closing', 'drained']),
  Proxies: count.nullable(),
  Total: count.nullable(),
  Open: count.nullable(),
  Cut: count,
  LeftMs: count,
})

export const answers = {
  '/v1/agent/self': self,
  '/v1/agent/metrics': metrics,
  '/v1/agent/host': machine,
  '/v1/agent/version': z.strictObject({
    SHA: text,
    BuildDate: text.min(1),
    HumanVersion: text.min(1),
    FIPS: text,
    MeshAgent: text.min(1),
    Version: text.min(1),
  }),
  '/v1/mesh/debug/process': z.looseObject({
    Pid: count,
    UptimeSeconds: count,
    Heap: z.record(z.string(), z.number()),
    ActiveResources: z.record(z.string(), count),
  }),
  '/v1/operator/usage': z.strictObject({
    Usage: z.record(
      z.string(),
      z.strictObject({
        Services: count,
        ServiceInstances: count,
        ConnectServiceInstances: z.record(z.string(), count),
        BillableServiceInstances: count,
        Nodes: count,
      }),
    ),
    Index: index,
    LastContact: count,
    KnownLeader: flag,
    ConsistencyLevel: text,
    NotModified: flag,
    Backend: count,
    ResultsFilteredByACLs: flag,
  }),
  '/v1/agent/members': z.array(member),
  '/v1/agent/services': z.record(z.string(), agentService),
  '/v1/agent/service/*': hashedService,
  '/v1/agent/checks': z.record(z.string(), check),
  '/v1/agent/health/service/id/*': serviceHealth,
  '/v1/agent/health/service/name/*': z.array(serviceHealth).min(1),
  '/v1/agent/connect/ca/roots': caRoots,
  '/v1/agent/connect/ca/leaf/*': leaf,
  '/v1/connect/ca/roots': caRoots,
  '/v1/catalog/datacenters': z.array(text).min(1),
  '/v1/catalog/nodes': z.array(node),
  '/v1/catalog/services': z.record(z.string(), z.array(text)),
  '/v1/catalog/service/*': z.array(catalogService),
  '/v1/catalog/connect/*': z.array(catalogService),
  '/v1/catalog/node/*': z
    .strictObject({ Node: node, Services: z.record(z.string(), catalogInstance) })
    .nullable(),
  '/v1/catalog/node-services/*': z.strictObject({
    Node: node.nullable(),
    Services: z.array(catalogInstance),
  }),
  /** There are no gateways, so the lists are empty. */
  '/v1/catalog/gateway-services/*': z.array(z.never()),
  '/v1/health/ingress/*': z.array(z.never()),
  '/v1/coordinate/datacenters': z.array(z.never()),
  '/v1/coordinate/nodes': z.array(nodeCoordinate),
  '/v1/event/list': z.array(event),
  '/v1/health/service/*': z.array(serviceEntry),
  '/v1/health/connect/*': z.array(serviceEntry),
  '/v1/health/checks/*': z.array(check),
  '/v1/health/node/*': z.array(check),
  '/v1/health/state/*': z.array(check),
  '/v1/connect/intentions': z.array(intention),
  '/v1/connect/intentions/exact': intention,
  '/v1/connect/intentions/*': intention,
  '/v1/connect/intentions/match': z.record(z.string(), z.array(intention)),
  '/v1/connect/intentions/check': z.strictObject({ Allowed: flag }),
  '/v1/config/:kind': z.array(configEntry),
  '/v1/config/:kind/*': configEntry,
  '/v1/kv/*': z.union([z.array(kvEntry).min(1), z.array(text)]),
  '/v1/session/info/*': z.array(session).max(1),
  '/v1/session/node/*': z.array(session),
  '/v1/session/list': z.array(session),
  '/v1/status/leader': text,
  '/v1/status/peers': z.array(text),
  '/v1/operator/raft/configuration': z.strictObject({
    Servers: z.array(
      z.strictObject({
        ID: text.min(1),
        Node: text.min(1),
        Address: text.min(1),
        Leader: flag,
        ProtocolVersion: text.min(1),
        Voter: flag,
        LastIndex: count,
      }),
    ),
    Index: index,
  }),
  '/v1/operator/autopilot/configuration': z.strictObject({
    CleanupDeadServers: flag,
    LastContactThreshold: goDuration,
    MaxTrailingLogs: count,
    MinQuorum: count,
    ServerStabilizationTime: goDuration,
    DeadServerLastContact: goDuration,
    RedundancyZoneTag: text,
    DisableUpgradeMigration: flag,
    UpgradeVersionTag: text,
    CreateIndex: index,
    ModifyIndex: index,
  }),
  '/v1/operator/autopilot/health': z.strictObject({
    Healthy: flag,
    FailureTolerance: count,
    Servers: z.array(z.strictObject({ ...serverHealth, SerfStatus: text, Leader: flag, Voter: flag })),
  }),
  '/v1/operator/autopilot/state': z.strictObject({
    Healthy: flag,
    FailureTolerance: count,
    OptimisticFailureTolerance: count,
    Servers: z.record(
      z.string(),
      z.strictObject({
        ...serverHealth,
        NodeStatus: z.enum(['alive', 'failed', 'left']),
        Status: z.enum(['leader', 'voter', 'non-voter']),
        ReadReplica: z.literal(false),
        NodeType: z.enum(['voter', 'non-voter']),
      }),
    ),
    Leader: text,
    Voters: z.array(text),
    FeatureLevel: count,
  }),
  // Ours; their tables are in docs.
  '/v1/mesh/status': z.strictObject({
    ID: text.min(1),
    Role: text.min(1),
    Term: count,
    Leader: text,
    HasQuorum: flag,
    LostSince: z.union([time, z.literal('')]),
    Servers: z.array(
      z.strictObject({
        ID: text.min(1),
        Node: text,
        Address: text.min(1),
        Voter: flag,
        State: z.enum(['leader', 'follower', 'learner', 'missing', 'unknown']),
        LastHeard: z.union([time, z.literal('')]),
      }),
    ),
    DiskFull: flag,
    DivergedAt: index,
    Advice: z.array(text),
  }),
  '/v1/mesh/host': z.strictObject({
    Node: text.min(1),
    NodeID: text.min(1),
    Datacenter: text.min(1),
    Address: text.min(1),
    Version: text.min(1),
    Server: flag,
    EnrolledUntil: z.union([time, z.literal('')]),
    Refused: problem,
    ConnectedTo: text,
    Outage: problem,
    Gossip: z.strictObject({ Members: count, Alive: count }),
    Proxies: z.array(z.strictObject({ Pid: count, Version: text.min(1), Refused: text })),
    Services: z.array(
      z.strictObject({
        ID: text.min(1),
        Name: text.min(1),
        Address: text,
        Port: count,
        Status: z.enum(['passing', 'warning', 'critical', 'maintenance']),
        Output: text,
        InCatalog: flag,
        ProxyPort: count,
        CertificateUntil: z.union([time, z.literal('')]),
        CertificateRefused: problem,
      }),
    ),
    Upstreams: z.array(
      z.strictObject({
        Service: text.min(1),
        Destination: text.min(1),
        Datacenter: text.min(1),
        Listen: text.min(1),
        Instances: count,
        Usable: count,
      }),
    ),
  }),
  '/v1/mesh/services': z.array(
    z.strictObject({
      Name: text.min(1),
      Kind: z.enum(['', 'connect-proxy']),
      Tags: z.array(text),
      Instances: count,
      Passing: count,
      Warning: count,
      Critical: count,
      MeshInstances: count,
    }),
  ),
  '/v1/mesh/openapi.json': z.looseObject({
    openapi: z.literal('3.1.0'),
    info: z.looseObject({ title: text, version: text }),
    paths: z.record(text.startsWith('/'), z.record(z.string(), z.unknown())),
  }),
  '/v1/mesh/drain/service/*': drainProgress,
  '/v1/mesh/drain/host': drainProgress,
  '/v1/mesh/enforcement/*': z.strictObject({
    Destination: text.min(1),
    Index: index,
    Enforced: count,
    Total: count,
    WaitingFor: z.array(text),
  }),
} as const satisfies Readonly<Record<string, z.ZodType>>

/** Answer of `PUT /v1/mesh/token`. */
export const enrollmentToken = z.strictObject({
  Token: text.min(1),
  Node: text,
  Services: z.array(text.min(1)),
  Server: z.boolean(),
  ExpiresAt: time,
})

/** Answer of `PUT /v1/mesh/ca/root`. */
export const preparedRoot = z.strictObject({ ID: text.min(1), Index: index })

/** Answer of `PUT /v1/mesh/evict/:node`. */
export const eviction = z.strictObject({ Node: text.min(1), Changed: z.boolean() })

/** Headers of every read that a server or a view answered. */
export const readHeaders = z.looseObject({
  'x-consul-index': text.regex(/^[1-9]\d*$/),
  'x-consul-lastcontact': text.regex(/^\d+$/),
  'x-consul-knownleader': z.enum(['true', 'false']),
  'x-consul-effective-consistency': z.enum(['leader', 'stale', 'consistent']),
  'x-consul-default-acl-policy': action,
  'x-consul-query-backend': z.enum(['blocking-query', 'streaming']),
})
