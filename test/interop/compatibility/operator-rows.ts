// reference/consul.md 1.9: status, operator, access control, peering, snapshots, coordinates.
import { z } from 'zod'
import { keyring, nodeCoordinate } from '../../unit/api/schemas.ts'
import { empty, fails, fields, is, of, Section, shaped, status } from './checks.ts'

const section = new Section('Operator, status, access control, peering')

section
  .row('GET /status/leader', '/v1/status/leader', shaped('/v1/status/leader'))
  .row('GET /status/peers', '/v1/status/peers', shaped('/v1/status/peers'))
  .row(
    'GET /operator/raft/configuration',
    '/v1/operator/raft/configuration',
    shaped('/v1/operator/raft/configuration'),
  )
  .row('GET /operator/raft/configuration', '/v1/operator/raft/configuration?stale', status(200), {
    part: '`stale`',
  })
  .row('DELETE /operator/raft/peer', '/v1/operator/raft/peer', status(400), {
    part: 'without `id` and `address`',
  })
  .row('DELETE /operator/raft/peer', '/v1/operator/raft/peer?id=a&address=b', status(400), {
    part: 'with both',
  })
  .row('POST /operator/raft/transfer-leader', '/v1/operator/raft/transfer-leader', status(500), {
    part: 'with nobody to take over',
    differs: { how: '404: the request names nobody, nothing failed', check: fails(404, /no such voter/) },
  })
  .row('GET /operator/keyring', '/v1/operator/keyring', of(z.array(keyring).min(1)))
  .row('POST /operator/keyring', '/v1/operator/keyring', empty, {
    part: 'with `encrypt` in the configuration',
    body: { Key: 'pUqJrVyVRj5jsiYEkM/tFQ==' },
  })
  .row(
    'GET /operator/autopilot/configuration',
    '/v1/operator/autopilot/configuration',
    fields(
      'CleanupDeadServers',
      'LastContactThreshold',
      'MaxTrailingLogs',
      'MinQuorum',
      'ServerStabilizationTime',
      'RedundancyZoneTag',
      'DisableUpgradeMigration',
      'UpgradeVersionTag',
      'CreateIndex',
      'ModifyIndex',
    ),
    {
      differs: {
        how: 'one field more, `DeadServerLastContact`: how long a server may be silent before it is removed',
        check: shaped('/v1/operator/autopilot/configuration'),
      },
    },
  )
  .row('PUT /operator/autopilot/configuration', '/v1/operator/autopilot/configuration', is(true), {
    body: {
      CleanupDeadServers: true,
      LastContactThreshold: '200ms',
      MaxTrailingLogs: 250,
      ServerStabilizationTime: '10s',
    },
  })
  .row('PUT /operator/autopilot/configuration', '/v1/operator/autopilot/configuration?cas=1', is(false), {
    part: '`cas`, stale',
    body: { CleanupDeadServers: true },
  })
  .row(
    'GET /operator/autopilot/health',
    '/v1/operator/autopilot/health',
    shaped('/v1/operator/autopilot/health'),
  )
  .row(
    'GET /operator/autopilot/state',
    '/v1/operator/autopilot/state',
    fields(
      'Healthy',
      'FailureTolerance',
      'OptimisticFailureTolerance',
      'Servers',
      'Leader',
      'Voters',
      'ReadReplicas',
      'RedundancyZones',
      'Upgrade',
    ),
    {
      differs: {
        how: 'no `ReadReplicas`, `RedundancyZones` and `Upgrade`, which this version has not; `FeatureLevel` is ours',
        check: shaped('/v1/operator/autopilot/state'),
      },
    },
  )
  .row('GET /operator/usage', '/v1/operator/usage', shaped('/v1/operator/usage'))
  .row('GET /snapshot', '/v1/snapshot', status(200))
  .row('PUT /snapshot', '/v1/snapshot', status(500), {
    part: 'what is no snapshot',
    body: 'junk',
    differs: { how: '400: the file is refused before anything is touched', check: status(400) },
  })
  .row('GET /coordinate/datacenters', '/v1/coordinate/datacenters', of(z.array(z.unknown()).min(1)), {
    differs: { how: 'an empty list: no host measures distances in this version', check: is([]) },
  })
  .row('GET /coordinate/nodes', '/v1/coordinate/nodes', of(z.array(nodeCoordinate).min(1)))
  .row('GET /coordinate/node/:node', '/v1/coordinate/node/alpha', of(z.array(nodeCoordinate).length(1)))
  .row('GET /coordinate/node/:node', '/v1/coordinate/node/none', status(404), { part: 'an unknown node' })
  .row('PUT /coordinate/update', '/v1/coordinate/update', status(200), {
    body: { Node: 'alpha', Coord: { Vec: [0, 0, 0, 0, 0, 0, 0, 0], Error: 1, Adjustment: 0, Height: 0 } },
  })
  .endpoints([
    'PUT /v1/acl/bootstrap',
    'GET /v1/acl/tokens',
    'GET /v1/acl/token/self',
    'PUT /v1/acl/token',
    'GET /v1/acl/policies',
    'PUT /v1/acl/policy',
    'GET /v1/acl/roles',
    'GET /v1/acl/auth-methods',
    'GET /v1/acl/binding-rules',
    'GET /v1/acl/replication',
    'POST /v1/acl/login',
    'PUT /v1/acl/logout',
    'GET /v1/peerings',
    'POST /v1/peering/token',
    'POST /v1/peering/establish',
    'GET /v1/operator/features',
  ])

export const operator = section
