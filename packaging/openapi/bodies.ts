/**
 * Bodies that the HTTP API takes, in the spelling of Consul's documentation. Keys may also come in any case and with
 * underscores, and durations as text or as nanoseconds; the readers themselves are in src/config and src/wire/http-json.
 */
import { z } from 'zod'

const text = z.string()
const textMap = z.record(z.string(), z.string())
const port = z.int().min(0).max(65_535)
const duration = z.union([text, z.int()])
const flag = z.boolean()

const probe = {
  Name: text.optional(),
  CheckID: text.optional(),
  Notes: text.optional(),
  Status: z.enum(['passing', 'warning', 'critical', '']).optional(),
  Interval: duration.optional(),
  Timeout: duration.optional(),
  TTL: duration.optional(),
  HTTP: text.optional(),
  Method: text.optional(),
  Header: z.record(text, z.array(text)).optional(),
  Body: text.optional(),
  TCP: text.optional(),
  UDP: text.optional(),
  GRPC: text.optional(),
  GRPCUseTLS: flag.optional(),
  H2PING: text.optional(),
  H2PingUseTLS: flag.optional(),
  OSService: text.optional(),
  Args: z.array(text).optional(),
  AliasNode: text.optional(),
  AliasService: text.optional(),
  TLSServerName: text.optional(),
  TLSSkipVerify: flag.optional(),
  OutputMaxSize: z.int().optional(),
  SuccessBeforePassing: z.int().optional(),
  FailuresBeforeWarning: z.int().optional(),
  FailuresBeforeCritical: z.int().optional(),
  DeregisterCriticalServiceAfter: duration.optional(),
}

export const check = z.object({
  ...probe,
  Name: text.min(1),
  ID: text.optional(),
  ServiceID: text.optional(),
})

const upstream = z.object({
  DestinationName: text.min(1),
  DestinationType: z.literal('service').optional(),
  Datacenter: text.optional(),
  LocalBindAddress: text.optional(),
  LocalBindPort: port.optional(),
  LocalBindSocketPath: text.optional(),
  LocalBindSocketMode: text.optional(),
  Config: z.record(text, z.unknown()).optional(),
})
const proxy = z.object({
  DestinationServiceName: text.optional(),
  DestinationServiceID: text.optional(),
  LocalServiceAddress: text.optional(),
  LocalServicePort: port.optional(),
  LocalServiceSocketPath: text.optional(),
  Mode: z.enum(['', 'direct']).optional(),
  Config: z.record(text, z.unknown()).optional(),
  Upstreams: z.array(upstream).optional(),
  Expose: z
    .object({
      Checks: flag.optional(),
      Paths: z
        .array(z.object({ Path: text, LocalPathPort: port, ListenerPort: port, Protocol: text.optional() }))
        .optional(),
    })
    .optional(),
})
const instance = {
  Kind: z.enum(['', 'connect-proxy']).optional(),
  ID: text.optional(),
  Tags: z.array(text).optional(),
  Address: text.optional(),
  Port: port.optional(),
  SocketPath: text.optional(),
  TaggedAddresses: z.record(text, z.object({ Address: text, Port: port.optional() })).optional(),
  Meta: textMap.optional(),
  Weights: z.object({ Passing: z.int(), Warning: z.int().optional() }).optional(),
  EnableTagOverride: flag.optional(),
  Proxy: proxy.optional(),
}
const sidecar = z.object({ ...instance, Name: text.optional(), Checks: z.array(z.object(probe)).optional() })

export const service = z.object({
  ...instance,
  Name: text.min(1),
  Check: z.object(probe).optional(),
  Checks: z.array(z.object(probe)).optional(),
  Connect: z.object({ Native: flag.optional(), SidecarService: sidecar.optional() }).optional(),
})

export const ttlUpdate = z.object({
  Status: z.enum(['passing', 'warning', 'critical']),
  Output: text.optional(),
})

const catalogCheck = z.object({
  Node: text.optional(),
  CheckID: text.optional(),
  Name: text.optional(),
  Notes: text.optional(),
  Output: text.optional(),
  Status: z.enum(['passing', 'warning', 'critical']).optional(),
  ServiceID: text.optional(),
  Definition: z.record(text, z.unknown()).optional(),
})
export const catalogRegistration = z.object({
  Datacenter: text.optional(),
  ID: text.optional(),
  Node: text.min(1),
  Address: text.optional(),
  TaggedAddresses: textMap.optional(),
  NodeMeta: textMap.optional(),
  SkipNodeUpdate: flag.optional(),
  Service: z.object({ ...instance, Service: text.min(1) }).optional(),
  Check: catalogCheck.optional(),
  Checks: z.array(catalogCheck).optional(),
})
export const catalogDeregistration = z.object({
  Datacenter: text.optional(),
  Node: text.min(1),
  ServiceID: text.optional(),
  CheckID: text.optional(),
})

const action = z.enum(['allow', 'deny'])

export const intention = z.object({
  SourceName: text.optional(),
  DestinationName: text.optional(),
  SourceType: z.literal('consul').optional(),
  Action: action,
  Description: text.optional(),
  Meta: textMap.optional(),
})
export const configEntry = z.object({
  Kind: z.literal('service-intentions'),
  Name: text.min(1),
  Sources: z.array(z.object({ Name: text.min(1), Action: action, Description: text.optional() })),
  Meta: textMap.optional(),
})

export const session = z.object({
  Name: text.optional(),
  Node: text.optional(),
  LockDelay: duration.optional(),
  TTL: text.optional(),
  Behavior: z.enum(['release', 'delete']).optional(),
  NodeChecks: z.array(text).optional(),
  ServiceChecks: z.array(z.object({ ID: text, Namespace: text.optional() })).optional(),
  Checks: z.array(text).optional(),
})
export const sessions = z.array(
  z.strictObject({
    ID: z.uuid(),
    Name: text,
    Node: text,
    LockDelay: z.int(),
    Behavior: z.enum(['release', 'delete']),
    TTL: text,
    NodeChecks: z.array(text).nullable(),
    ServiceChecks: z.array(z.object({ ID: text, Namespace: text })).nullable(),
    CreateIndex: z.int(),
    ModifyIndex: z.int(),
  }),
)

const verb = text.min(1)
export const txn = z.array(
  z.union([
    z.object({
      KV: z.object({
        Verb: verb,
        Key: text.min(1),
        Value: text.optional(),
        Flags: z.int().optional(),
        Index: z.int().optional(),
        Session: text.optional(),
      }),
    }),
    z.object({ Node: z.object({ Verb: verb, Node: z.record(text, z.unknown()) }) }),
    z.object({ Service: z.object({ Verb: verb, Node: text, Service: z.record(text, z.unknown()) }) }),
    z.object({ Check: z.object({ Verb: verb, Check: z.record(text, z.unknown()) }) }),
  ]),
)
export const txnAnswer = z.object({
  Results: z.array(z.record(text, z.unknown())).nullable(),
  Errors: z.array(z.object({ OpIndex: z.int(), What: text })).nullable(),
})

export const gossipKey = z.object({ Key: text.min(1) })

export const autopilot = z.object({
  CleanupDeadServers: flag.optional(),
  LastContactThreshold: duration.optional(),
  MaxTrailingLogs: z.int().optional(),
  MinQuorum: z.int().optional(),
  ServerStabilizationTime: duration.optional(),
  DeadServerLastContact: duration.optional(),
})

export const enrollmentRequest = z.object({
  Node: text.optional(),
  Services: z.array(text).optional(),
  Server: flag.optional(),
  TTL: duration.optional(),
})
