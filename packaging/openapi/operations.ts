/**
 * What each endpoint of the HTTP API does, by method and route: the parameters that it reads, its body and its answer. A test
 * holds the list against the routes, and the parameters against what the endpoints really read.
 */
import { z } from 'zod'
import {
  enrollmentToken,
  event,
  eviction,
  keyring,
  nodeCoordinate,
  preparedRoot,
} from '../../test/unit/api/schemas.ts'
import * as bodies from './bodies.ts'

export interface Operation {
  readonly summary: string
  readonly parameters: readonly string[]
  /** Of the part of the path that the route leaves open. */
  readonly name?: string
  readonly body?: z.ZodType | 'bytes'
  /** Where it is not the table of the route (test/unit/api/schemas.ts). */
  readonly answer?: Answer
  /** Exists to refuse with this code: clients learn that it is not there. */
  readonly refuses?: 'no-prepared-queries' | 'unsupported-feature'
}

export type Answer =
  | 'empty'
  | { readonly json: z.ZodType }
  | { readonly type: string; readonly description: string }

const place = ['dc', 'ns', 'partition', 'peer', 'sg'] as const
const fresh = ['stale', 'consistent'] as const
const blocking = [...place, ...fresh, 'max_stale', 'index', 'wait', 'cached'] as const
const list = [...blocking, 'filter'] as const
const instances = [...list, 'near', 'tag', 'node-meta', 'merge-central-config'] as const

const done: Answer = { json: z.literal(true) }
const perhaps: Answer = { json: z.boolean() }
const madeId: Answer = { json: z.strictObject({ ID: z.uuid() }) }
const lines: Answer = {
  type: 'application/json',
  description: 'One JSON object for each line, as long as the client stays.',
}
const query = (summary: string, name?: string): Operation => ({
  summary,
  parameters: [],
  refuses: 'no-prepared-queries',
  ...(name === undefined ? {} : { name }),
})
const beat = (status: string): Operation => ({
  summary: `Heartbeat of a TTL check: ${status}`,
  name: 'checkId',
  parameters: ['note'],
  answer: 'empty',
})

const agent: Readonly<Record<string, Operation>> = {
  'GET /': {
    summary: 'Says what this is',
    parameters: [],
    answer: { type: 'text/plain', description: 'A line for people.' },
  },
  'GET /v1/agent/self': { summary: 'Who this agent is', parameters: [] },
  'GET /v1/agent/version': { summary: 'Versions', parameters: [] },
  'GET /v1/agent/host': { summary: 'Memory, processors and disk of this host', parameters: [] },
  'GET /v1/agent/members': {
    summary: 'Hosts of the mesh',
    parameters: [...place, ...fresh, 'wan', 'segment', 'filter'],
  },
  'GET /v1/agent/services': { summary: 'Services of this host, by id', parameters: [...place, 'filter'] },
  'GET /v1/agent/service/*': {
    summary: 'One service of this host',
    name: 'serviceId',
    parameters: ['hash', 'wait'],
  },
  'PUT /v1/agent/service/register': {
    summary: 'Registers a service, its checks and its sidecar',
    parameters: [...place, 'replace-existing-checks'],
    body: bodies.service,
    answer: 'empty',
  },
  'PUT /v1/agent/service/deregister/*': {
    summary: 'Removes a service, its checks and its sidecar',
    name: 'serviceId',
    parameters: [],
    answer: 'empty',
  },
  'PUT /v1/agent/service/maintenance/*': {
    summary: 'Takes a service out of use, or back',
    name: 'serviceId',
    parameters: [...place, 'enable', 'reason'],
    answer: 'empty',
  },
  'PUT /v1/agent/maintenance': {
    summary: 'Takes all services of this host out of use, or back',
    parameters: [...place, 'enable', 'reason'],
    answer: 'empty',
  },
  'GET /v1/agent/checks': { summary: 'Checks of this host, by id', parameters: [...place, 'filter'] },
  'PUT /v1/agent/check/register': {
    summary: 'Registers a check',
    parameters: [...place],
    body: bodies.check,
    answer: 'empty',
  },
  'PUT /v1/agent/check/deregister/*': {
    summary: 'Removes a check',
    name: 'checkId',
    parameters: [],
    answer: 'empty',
  },
  'PUT /v1/agent/check/pass/*': beat('passing'),
  'PUT /v1/agent/check/warn/*': beat('warning'),
  'PUT /v1/agent/check/fail/*': beat('critical'),
  'PUT /v1/agent/check/update/*': {
    summary: 'Heartbeat of a TTL check with status and output',
    name: 'checkId',
    parameters: [],
    body: bodies.ttlUpdate,
    answer: 'empty',
  },
  'GET /v1/agent/health/service/id/*': {
    summary: 'Health of one service of this host, as status too: 200, 429, 503',
    name: 'serviceId',
    parameters: [...place, 'format'],
  },
  'GET /v1/agent/health/service/name/*': {
    summary: 'Health of the services of this host with a name, as status too',
    name: 'service',
    parameters: [...place, 'format'],
  },
  'GET /v1/agent/connect/ca/roots': {
    summary: 'Roots that services trust',
    parameters: [...place, ...fresh, 'max_stale', 'index', 'wait', 'pem'],
  },
  'GET /v1/agent/connect/ca/leaf/*': {
    summary: 'Certificate and key of a service of this host',
    name: 'service',
    parameters: [...place, 'index', 'wait'],
  },
  'GET /v1/agent/metrics': { summary: 'What the agent counts and measures', parameters: ['format'] },
  'GET /v1/agent/metrics/stream': {
    summary: 'The same, a line for each interval',
    parameters: [],
    answer: lines,
  },
  'GET /v1/agent/monitor': {
    summary: 'The agent’s log from now on',
    parameters: ['loglevel', 'logjson'],
    answer: { type: 'text/plain', description: 'Lines of the log, as long as the client stays.' },
  },
  'PUT /v1/agent/reload': { summary: 'Reads the configuration again', parameters: [], answer: 'empty' },
  'PUT /v1/agent/leave': {
    summary: 'Takes this host out of the mesh and ends the agent',
    parameters: [...place],
    answer: 'empty',
  },
  'PUT /v1/agent/join/*': {
    summary: 'Meets another host, and by it the rest of its gossip pool',
    name: 'address',
    parameters: ['wan'],
    answer: 'empty',
  },
  'PUT /v1/agent/force-leave/*': {
    summary: 'Takes a failed member for left',
    name: 'node',
    parameters: ['wan', 'prune'],
    answer: 'empty',
  },
}

const catalog: Readonly<Record<string, Operation>> = {
  'PUT /v1/catalog/register': {
    summary: 'Registers a node, services and checks by hand',
    parameters: [...place],
    body: bodies.catalogRegistration,
    answer: done,
  },
  'PUT /v1/catalog/deregister': {
    summary: 'Removes a check, a service or a node',
    parameters: [...place],
    body: bodies.catalogDeregistration,
    answer: done,
  },
  'GET /v1/catalog/datacenters': { summary: 'Datacenters', parameters: [] },
  'GET /v1/catalog/nodes': { summary: 'Nodes', parameters: [...list, 'near', 'node-meta'] },
  'GET /v1/catalog/services': {
    summary: 'Service names with their tags',
    parameters: [...list, 'node-meta'],
  },
  'GET /v1/catalog/service/*': {
    summary: 'Instances of a service',
    name: 'service',
    parameters: [...instances],
  },
  'GET /v1/catalog/connect/*': {
    summary: 'Instances through which a service is reached in the mesh',
    name: 'service',
    parameters: [...instances],
  },
  'GET /v1/catalog/node/*': {
    summary: 'A node with its services, by id',
    name: 'node',
    parameters: [...list, 'merge-central-config'],
  },
  'GET /v1/catalog/node-services/*': {
    summary: 'A node with its services, as a list',
    name: 'node',
    parameters: [...list, 'merge-central-config'],
  },
  'GET /v1/catalog/gateway-services/*': {
    summary: 'Services of a gateway; there are none',
    name: 'gateway',
    parameters: [...blocking],
  },
  'GET /v1/health/service/*': {
    summary: 'Instances of a service with their node and checks',
    name: 'service',
    parameters: [...instances, 'passing'],
  },
  'GET /v1/health/connect/*': {
    summary: 'The same for the mesh instances of a service',
    name: 'service',
    parameters: [...instances, 'passing'],
  },
  'GET /v1/health/ingress/*': {
    summary: 'Ingress gateways of a service; there are none',
    name: 'service',
    parameters: [...list, 'tag', 'node-meta', 'passing'],
  },
  'GET /v1/health/checks/*': {
    summary: 'Checks of the instances of a service',
    name: 'service',
    parameters: [...list, 'near', 'tag', 'node-meta'],
  },
  'GET /v1/health/node/*': {
    summary: 'Checks of a node and its services',
    name: 'node',
    parameters: [...list],
  },
  'GET /v1/health/state/*': {
    summary: 'Checks in a status',
    name: 'state',
    parameters: [...list, 'near', 'node-meta'],
  },
  'GET /v1/coordinate/datacenters': {
    summary: 'Distances between datacenters; there are none',
    parameters: [...place],
  },
  'GET /v1/coordinate/nodes': {
    summary: 'Network coordinates of the hosts that this one has measured',
    parameters: [...place, 'index', 'wait'],
  },
  'GET /v1/coordinate/node/*': {
    summary: 'Network coordinates of a host; 404 where it was not measured',
    name: 'node',
    parameters: [...place, 'index', 'wait'],
    answer: { json: z.array(nodeCoordinate).length(1) },
  },
  'PUT /v1/coordinate/update': {
    summary: 'Network coordinates of a node; refused, hosts measure them',
    parameters: [],
    refuses: 'unsupported-feature',
  },
}

const mesh: Readonly<Record<string, Operation>> = {
  'GET /v1/connect/intentions': { summary: 'Rules, by precedence', parameters: [...list] },
  'POST /v1/connect/intentions': {
    summary: 'Makes a rule',
    parameters: [...place, ...fresh],
    body: bodies.intention,
    answer: madeId,
  },
  'GET /v1/connect/intentions/*': { summary: 'A rule by its id', name: 'id', parameters: [...blocking] },
  'PUT /v1/connect/intentions/*': {
    summary: 'Changes a rule by its id',
    name: 'id',
    parameters: [...place, ...fresh],
    body: bodies.intention,
    answer: madeId,
  },
  'DELETE /v1/connect/intentions/*': {
    summary: 'Removes a rule by its id',
    name: 'id',
    parameters: [...place, ...fresh],
    answer: done,
  },
  'GET /v1/connect/intentions/exact': {
    summary: 'The rule of a pair',
    parameters: [...blocking, 'source', 'destination'],
  },
  'PUT /v1/connect/intentions/exact': {
    summary: 'Makes or changes the rule of a pair',
    parameters: [...place, 'source', 'destination'],
    body: bodies.intention,
    answer: done,
  },
  'DELETE /v1/connect/intentions/exact': {
    summary: 'Removes the rule of a pair',
    parameters: [...place, 'source', 'destination'],
    answer: done,
  },
  'GET /v1/connect/intentions/match': {
    summary: 'Rules that apply to services',
    parameters: [...blocking, 'by', 'name'],
  },
  'GET /v1/connect/intentions/check': {
    summary: 'Whether a source may reach a destination',
    parameters: [...place, ...fresh, 'source', 'destination', 'source-type'],
  },
  'GET /v1/connect/ca/roots': { summary: 'Roots that services trust', parameters: [...blocking, 'pem'] },
  'PUT /v1/config': {
    summary: 'Writes a configuration entry',
    parameters: [...place, 'cas'],
    body: bodies.configEntry,
    answer: perhaps,
  },
  'GET /v1/config/:kind': { summary: 'Configuration entries of a kind', parameters: [...list] },
  'GET /v1/config/:kind/*': { summary: 'A configuration entry', name: 'name', parameters: [...blocking] },
  'DELETE /v1/config/:kind/*': {
    summary: 'Removes a configuration entry',
    name: 'name',
    parameters: [...place, 'cas'],
    answer: { json: z.union([z.boolean(), z.strictObject({})]) },
  },
}

const storage: Readonly<Record<string, Operation>> = {
  'GET /v1/kv/*': {
    summary: 'A value, values or names',
    name: 'key',
    parameters: [...blocking, 'recurse', 'keys', 'separator', 'raw'],
  },
  'PUT /v1/kv/*': {
    summary: 'Writes a value',
    name: 'key',
    parameters: [...place, 'cas', 'flags', 'acquire', 'release'],
    body: 'bytes',
    answer: perhaps,
  },
  'DELETE /v1/kv/*': {
    summary: 'Deletes a key, or all below it',
    name: 'key',
    parameters: [...place, 'cas', 'recurse'],
    answer: perhaps,
  },
  'PUT /v1/session/create': {
    summary: 'Makes a session',
    parameters: [...place],
    body: bodies.session,
    answer: madeId,
  },
  'PUT /v1/session/destroy/*': {
    summary: 'Ends a session',
    name: 'id',
    parameters: [...place],
    answer: done,
  },
  'PUT /v1/session/renew/*': {
    summary: 'Begins the time to live of a session anew',
    name: 'id',
    parameters: [...place],
    answer: { json: bodies.sessions },
  },
  'GET /v1/session/info/*': {
    summary: 'A session',
    name: 'id',
    parameters: [...blocking],
    answer: { json: bodies.sessions },
  },
  'GET /v1/session/node/*': {
    summary: 'Sessions of a node',
    name: 'node',
    parameters: [...blocking],
    answer: { json: bodies.sessions },
  },
  'GET /v1/session/list': {
    summary: 'Sessions',
    parameters: [...blocking],
    answer: { json: bodies.sessions },
  },
  'PUT /v1/txn': {
    summary: 'Operations that are done all or none; 409 tells which could not be',
    parameters: [...place, ...fresh],
    body: bodies.txn,
    answer: { json: bodies.txnAnswer },
  },
  'PUT /v1/event/fire/*': {
    summary: 'Tells all hosts of an event; the body is its payload',
    name: 'name',
    parameters: [...place, 'node', 'service', 'tag'],
    answer: { json: event },
  },
  'GET /v1/event/list': {
    summary: 'The newest events that this host heard',
    parameters: ['name', 'index', 'wait'],
  },
  'GET /v1/query': query('Prepared queries'),
  'POST /v1/query': query('Makes a prepared query'),
  'GET /v1/query/*': query('A prepared query, or its execution', 'id'),
  'PUT /v1/query/*': query('Changes a prepared query', 'id'),
  'DELETE /v1/query/*': query('Removes a prepared query', 'id'),
}

const operator: Readonly<Record<string, Operation>> = {
  'GET /v1/status/leader': {
    summary: 'Address of the leader, "" while there is none',
    parameters: [...place, ...fresh],
  },
  'GET /v1/status/peers': { summary: 'Addresses of the servers', parameters: [...place, ...fresh] },
  'GET /v1/operator/raft/configuration': {
    summary: 'Servers and who votes',
    parameters: [...place, 'stale'],
  },
  'DELETE /v1/operator/raft/peer': {
    summary: 'Removes a server',
    parameters: [...place, 'id', 'address'],
    answer: 'empty',
  },
  'POST /v1/operator/raft/transfer-leader': {
    summary: 'Hands leadership over',
    parameters: [...place, 'id'],
    answer: { json: z.looseObject({ Success: z.boolean() }) },
  },
  'PUT /v1/operator/raft/transfer-leader': {
    summary: 'Hands leadership over',
    parameters: [...place, 'id'],
    answer: { json: z.looseObject({ Success: z.boolean() }) },
  },
  'GET /v1/operator/autopilot/configuration': {
    summary: 'How servers look after each other',
    parameters: [...place, 'stale'],
  },
  'PUT /v1/operator/autopilot/configuration': {
    summary: 'Changes that',
    parameters: [...place, 'cas'],
    body: bodies.autopilot,
    answer: perhaps,
  },
  'GET /v1/operator/autopilot/health': {
    summary: 'Health of the servers; 429 when one is not well',
    parameters: [...place],
  },
  'GET /v1/operator/autopilot/state': { summary: 'The same with votes', parameters: [...place] },
  'GET /v1/operator/usage': { summary: 'How much the mesh holds', parameters: [...blocking] },
  'GET /v1/operator/keyring': {
    summary: 'Keys of gossip, and on how many hosts each is',
    parameters: [...place, 'relay-factor'],
    answer: { json: z.array(keyring) },
  },
  ...Object.fromEntries(
    Object.entries({ POST: 'Installs', PUT: 'Uses', DELETE: 'Removes' }).map(([method, does]) => [
      `${method} /v1/operator/keyring`,
      {
        summary: `${does} a key of gossip on all hosts`,
        parameters: [...place, 'relay-factor'],
        body: bodies.gossipKey,
        answer: 'empty',
      },
    ]),
  ),
  'GET /v1/snapshot': {
    summary: 'All state as a file',
    parameters: [...place, 'stale'],
    answer: { type: 'application/gzip', description: 'A gzipped tar file.' },
  },
  'PUT /v1/snapshot': {
    summary: 'Replaces all state',
    parameters: [...place],
    body: 'bytes',
    answer: 'empty',
  },
}

const own: Readonly<Record<string, Operation>> = {
  'GET /v1/mesh/status': { summary: 'What the server knows of its cluster', parameters: [] },
  'GET /v1/mesh/host': {
    summary: 'How this host stands in the mesh: enrollment, server, proxies, services, upstreams',
    parameters: [],
  },
  'GET /v1/mesh/services': { summary: 'Services with counts of their health', parameters: [...blocking] },
  'GET /v1/mesh/enforcement/*': {
    summary: 'How many proxies enforce the rules of a destination',
    name: 'destination',
    parameters: [...place, 'index', 'wait'],
  },
  'PUT /v1/mesh/token': {
    summary: 'Makes a token with which a host enrolls',
    parameters: [...place, ...fresh],
    body: bodies.enrollmentRequest,
    answer: { json: enrollmentToken },
  },
  'PUT /v1/mesh/evict/*': {
    summary: 'Shuts a host out of the mesh',
    name: 'node',
    parameters: [...place],
    answer: { json: eviction },
  },
  'PUT /v1/mesh/ca/root': {
    summary: 'A root for services that is trusted and signs nothing yet',
    parameters: [...place],
    answer: { json: preparedRoot },
  },
  'PUT /v1/mesh/ca/root/*': {
    summary: 'This root signs from now on',
    name: 'id',
    parameters: [...place],
    answer: { json: z.literal(true) },
  },
  'DELETE /v1/mesh/ca/root/*': {
    summary: 'An old root is trusted no more',
    name: 'id',
    parameters: [...place, 'force'],
    answer: { json: z.literal(true) },
  },
  'GET /v1/mesh/drain/host': { summary: 'How far the draining of this host is', parameters: [...place] },
  'PUT /v1/mesh/drain/host': {
    summary: 'Takes all instances of this host out of use, failing no request',
    parameters: [...place, 'timeout', 'reason'],
    answer: 'empty',
  },
  'DELETE /v1/mesh/drain/host': { summary: 'Back into use', parameters: [...place], answer: 'empty' },
  'GET /v1/mesh/drain/service/*': {
    summary: 'How far the draining of a service is',
    name: 'serviceId',
    parameters: [...place],
  },
  'PUT /v1/mesh/drain/service/*': {
    summary: 'Takes an instance out of use, failing no request',
    name: 'serviceId',
    parameters: [...place, 'timeout', 'reason'],
    answer: 'empty',
  },
  'DELETE /v1/mesh/drain/service/*': {
    summary: 'Back into use',
    name: 'serviceId',
    parameters: [...place],
    answer: 'empty',
  },
  'GET /v1/mesh/debug/process': { summary: 'The agent’s process: memory, what it waits for', parameters: [] },
  'GET /v1/mesh/debug/profile': {
    summary: 'A CPU profile of the agent',
    parameters: ['seconds'],
    answer: { type: 'application/json', description: 'A profile for the developer tools of a browser.' },
  },
  'GET /v1/mesh/openapi.json': {
    summary: 'This document',
    parameters: [],
  },
}

export const operations: Readonly<Record<string, Operation>> = {
  ...agent,
  ...catalog,
  ...mesh,
  ...storage,
  ...operator,
  ...own,
}
