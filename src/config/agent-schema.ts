/**
 * The keys at the top of a configuration file: Consul's names for agent and server, and a few of our own (`servers`,
 * `runtime_dir`, `enrollment_token_file`). What they become is told in agent.ts; Consul's other keys in consul-keys.ts.
 */
import type { IntentionAction } from '../model/intention.ts'
import { limits } from '../model/limits.ts'
import { hostAddressRule, splitHostPort } from './address.ts'
import { autopilotSchema } from './autopilot.ts'
import { readOwnCheck } from './check.ts'
import { readEntry } from './config-entry.ts'
import {
  aclRefusals,
  addressesRefusals,
  agentRefusals,
  caConfigRefusals,
  connectRefusals,
  limitsRefusals,
  performanceRefusals,
  portsRefusals,
  unixSocketsRefusals,
} from './consul-keys.ts'
import { dnsFields } from './dns.ts'
import { gossipFields } from './gossip.ts'
import { hostProxySchema } from './host-proxy.ts'
import {
  datacenterRule,
  fileModeRule,
  metaField,
  nodeNameRule,
  pathRule,
  portRule,
  socketPathRule,
  uuidRule,
} from './names.ts'
import { type Reader, reportKind } from './reading.ts'
import { requestLimitsSchema } from './request-limits.ts'
import { duration, oneOf, type TextRule, text, toggle, wholeNumber } from './scalars.ts'
import { blocks, type Given, list, nested, one, schema } from './schema.ts'
import { readService } from './service.ts'
import type { LogLevel } from './settings.ts'
import { wanFields } from './wan.ts'

const intentionPolicy = one(oneOf<IntentionAction>({ deny: 'deny', allow: 'allow' }))

const logLevel = oneOf<LogLevel>(
  {
    trace: 'debug',
    debug: 'debug',
    info: 'info',
    warn: 'warn',
    warning: 'warn',
    err: 'error',
    error: 'error',
  },
  'info',
)

const listenPort = (example: number, min: -1 | 0): Reader<number> =>
  wholeNumber({
    form:
      min === -1
        ? 'a port up to 65535, 0 for any free one or -1 for none'
        : 'a port up to 65535, or 0 for any free one',
    example,
    min,
    max: 65_535,
  })

const serverRule: TextRule = {
  form: 'the host:port of a server',
  example: '10.0.0.10:8300',
  maxChars: 260,
  accepts: (address) => splitHostPort(address) !== undefined,
}

const address = text(hostAddressRule)

/** Several addresses: as a list, or in one text between spaces. Templates hold spaces themselves. */
const clientAddresses: Reader<readonly string[]> = (slot, reading) => {
  const { value } = slot
  if (value.kind !== 'list' && value.kind !== 'string')
    return reportKind(slot, reading, 'an address, or a list of addresses', '"127.0.0.1"')
  const items =
    value.kind === 'list'
      ? value.items.map((item, index) => ({ ...slot, item: index + 1, at: item.at, value: item }))
      : (value.text.match(/\{\{.*?\}\}|\S+/g) ?? ['']).map((word) => ({
          ...slot,
          value: { ...value, text: word },
        }))
  const read = items.map((item) => address(item, reading))
  return read.every((word) => word !== undefined) ? read : undefined
}

/** What can only be as it is; Consul's files often say it. */
const always =
  (meaning: string): Reader<true> =>
  (slot, reading) => {
    const { value } = slot
    if (value.kind === 'boolean' && value.boolean) return true
    if (value.kind !== 'boolean') return reportKind(slot, reading, 'true', 'true')
    reading.report(value.at, { what: `\`${slot.name}\` is false`, why: meaning, remedy: 'remove the key' })
    return undefined
  }

const second = 1_000
const hour = 3_600 * second

const portsSchema = schema(
  'the `ports` block',
  {
    http: one(listenPort(8_500, -1)),
    dns: one(listenPort(8_600, -1)),
    serf_lan: one(listenPort(8_301, -1)),
    serf_wan: one(listenPort(8_302, -1)),
    server: one(listenPort(8_300, 0)),
    sidecar_min_port: one(wholeNumber(portRule(limits.sidecarMinPort))),
    sidecar_max_port: one(wholeNumber(portRule(limits.sidecarMaxPort))),
    expose_min_port: one(wholeNumber(portRule(limits.exposeMinPort))),
    expose_max_port: one(wholeNumber(portRule(limits.exposeMaxPort))),
  },
  { refusals: portsRefusals },
)

const connectSchema = schema(
  'the agent’s `connect` block',
  {
    enabled: one(always('the mesh is what mesh-agent is for and cannot be switched off')),
    ca_provider: one(oneOf({ consul: 'consul' })),
    ca_config: nested(
      schema(
        'the `ca_config` block',
        {
          leaf_cert_ttl: one(
            duration({
              example: '72h',
              minMs: limits.leafTtlMinMs,
              maxMs: 365 * 24 * hour,
              whyMin: 'a certificate must live long enough to be renewed; an hour or more is advised',
            }),
          ),
        },
        { refusals: caConfigRefusals },
      ),
    ),
  },
  { refusals: connectRefusals },
)

const shape = {
  datacenter: one(text(datacenterRule)),
  data_dir: one(text(pathRule)),
  runtime_dir: one(
    text({ ...socketPathRule, example: '/run/mesh-agent', maxChars: limits.runtimeDirectoryChars }),
  ),
  node_name: one(text(nodeNameRule)),
  node_id: one(text(uuidRule)),
  node_meta: metaField,
  server: one(toggle),
  servers: list(text(serverRule), 'a list of host:port', '["10.0.0.10:8300"]'),
  bootstrap_expect: one(
    wholeNumber({
      form: `a whole number from 1 to ${limits.serversPerCluster}`,
      example: 3,
      min: 1,
      max: limits.serversPerCluster,
    }),
  ),
  host_certificate_ttl: one(
    duration({
      example: '720h',
      minMs: limits.leafTtlMinMs,
      maxMs: 365 * 24 * hour,
      whyMin: 'a certificate must live long enough to be renewed; a day or more is advised',
    }),
  ),
  bind_addr: one(address),
  advertise_addr: one(address),
  client_addr: one(clientAddresses),
  addresses: nested(
    schema('the `addresses` block', { dns: one(clientAddresses) }, { refusals: addressesRefusals }),
  ),
  ...dnsFields,
  ...gossipFields,
  ...wanFields,
  ports: nested(portsSchema),
  enrollment_token_file: one(text({ ...pathRule, example: '/etc/mesh-agent/token' })),
  unix_sockets: nested(
    schema(
      'the `unix_sockets` block',
      {
        group: one(
          text({
            form: 'a group name',
            example: 'mesh-agent',
            maxChars: 32,
            accepts: (name) => /^[\w.-]+$/.test(name),
          }),
        ),
        mode: one(text(fileModeRule)),
      },
      { refusals: unixSocketsRefusals },
    ),
  ),
  log_level: one(logLevel),
  log_json: one(toggle),
  default_intention_policy: intentionPolicy,
  acl: nested(
    schema(
      'the `acl` block',
      { default_intention_policy: intentionPolicy, default_policy: intentionPolicy },
      { refusals: aclRefusals },
    ),
  ),
  enable_script_checks: one(toggle),
  enable_local_script_checks: one(toggle),
  discard_check_output: one(toggle),
  leave_on_terminate: one(toggle),
  check_update_interval: one(
    duration({ example: '5m', minMs: 0, maxMs: limits.checkIntervalMaxMs, whyMin: 'it cannot be negative' }),
  ),
  limits: nested(
    schema(
      'the `limits` block',
      {
        http_max_conns_per_client: one(
          wholeNumber({
            form: 'a whole number from 1 to 65535',
            example: limits.httpConnectionsPerClient,
            min: 1,
            max: 65_535,
          }),
        ),
        request_limits: nested(requestLimitsSchema),
      },
      { refusals: limitsRefusals },
    ),
  ),
  proxy: nested(hostProxySchema),
  connect: nested(connectSchema),
  autopilot: nested(autopilotSchema),
  performance: nested(
    schema(
      'the `performance` block',
      {
        rpc_hold_timeout: one(
          duration({ example: '7s', minMs: 1, maxMs: hour, whyMin: 'a request must wait for some time' }),
        ),
      },
      { refusals: performanceRefusals },
    ),
  ),
  config_entries: nested(schema('the `config_entries` block', { bootstrap: blocks(readEntry) })),
  service: blocks(readService),
  services: blocks(readService),
  check: blocks(readOwnCheck),
  checks: blocks(readOwnCheck),
}

export const agentSchema = schema('the configuration', shape, { refusals: agentRefusals })

export type AgentKeys = Given<typeof shape>
