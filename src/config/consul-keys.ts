/**
 * Consul's agent keys that mesh-agent does without, by the block they stand in, each with what to do instead.
 * Source: the agent configuration reference of Consul, gathered in reference/consul.md, section 2.2.
 */
import { belongs, consulOnly } from './refusals.ts'
import type { Refusals } from './schema.ts'

const enroll = 'remove it; hosts get their certificates with `mesh enroll`'
const keyring = 'remove it; keys that were rotated must outlive a restart, so the keyring is always kept'
const journal = 'remove it; the log goes to standard output, which `journalctl -u mesh-agent` shows'
const tokens = 'remove it; hosts have identities from `mesh enroll`, operators have tokens from `mesh init`'
const byToken = 'remove it; datacenters are connected by `mesh federation join`, see docs/federation.md'
const initServer = 'remove it; `mesh init --server` makes a new cluster'

export const agentRefusals: Refusals = {
  ...belongs(
    ['name', 'id', 'port', 'address', 'tags', 'meta', 'weights', 'proxy', 'upstreams', 'sidecar_service'],
    'a `service` block',
  ),
  ...belongs(['http', 'tcp', 'ttl', 'interval', 'timeout', 'args', 'script'], 'a `check` block'),
  ...consulOnly(['join'], 'remove it and write `retry_join` instead'),
  ...consulOnly(['bootstrap'], initServer),
  ...consulOnly(['disable_keyring_file'], keyring),
  ...consulOnly(
    [
      'tls',
      'auto_encrypt',
      'auto_config',
      'ca_file',
      'ca_path',
      'cert_file',
      'key_file',
      'server_name',
      'tls_min_version',
      'tls_cipher_suites',
      'verify_incoming',
      'verify_incoming_rpc',
      'verify_incoming_https',
      'verify_outgoing',
      'verify_server_hostname',
      'enable_agent_tls_for_checks',
    ],
    enroll,
  ),
  ...consulOnly(
    [
      'log_file',
      'log_rotate_bytes',
      'log_rotate_duration',
      'log_rotate_max_files',
      'enable_syslog',
      'syslog_facility',
    ],
    journal,
  ),
  ...consulOnly(
    [
      'primary_gateways',
      'primary_gateways_interval',
      'retry_max_wan',
      'advertise_addr_wan_ipv4',
      'advertise_addr_wan_ipv6',
      'gossip_wan',
      'translate_wan_addrs',
      'peering',
    ],
    byToken,
  ),
  ...consulOnly(
    [
      'acl_token',
      'acl_agent_token',
      'acl_master_token',
      'acl_datacenter',
      'acl_default_policy',
      'acl_down_policy',
      'acl_ttl',
      'acl_enforce_version_8',
    ],
    tokens,
  ),
  ...consulOnly(['advertise_addr_ipv4', 'advertise_addr_ipv6'], 'write `advertise_addr` instead'),
  ...consulOnly(['pid_file'], 'remove it; systemd knows the process'),
  ...consulOnly([
    'audit',
    'auto_reload_config',
    'cache',
    'check_output_max_size',
    'default_query_time',
    'disable_anonymous_signature',
    'disable_host_node_id',
    'disable_remote_exec',
    'disable_update_check',
    'discovery_max_stale',
    'enable_central_service_config',
    'enable_debug',
    'experiments',
    'feature_gates',
    'http_config',
    'license_path',
    'max_query_time',
    'non_voting_server',
    'partition',
    'protocol',
    'raft_boltdb',
    'raft_logstore',
    'raft_protocol',
    'raft_snapshot_interval',
    'raft_snapshot_threshold',
    'raft_trailing_logs',
    'read_replica',
    'advertise_reconnect_timeout',
    'rpc',
    'segment',
    'segments',
    'server_rejoin_age_max',
    'session_ttl_min',
    'skip_leave_on_interrupt',
    'tagged_addresses',
    'telemetry',
    'ui',
    'ui_config',
    'ui_content_path',
    'ui_dir',
    'use_streaming_backend',
    'watches',
    'xds',
  ]),
}

export const portsRefusals: Refusals = consulOnly(['https', 'grpc', 'grpc_tls'])

export const addressesRefusals: Refusals = consulOnly(
  ['http', 'https', 'grpc', 'grpc_tls'],
  'remove it and write `client_addr`',
)

export const unixSocketsRefusals: Refusals = consulOnly(
  ['user'],
  'remove it; sockets belong to the user of each program',
)

export const aclRefusals: Refusals = consulOnly(
  [
    'enabled',
    'down_policy',
    'token_ttl',
    'policy_ttl',
    'role_ttl',
    'enable_token_replication',
    'enable_token_persistence',
    'enable_key_list_policy',
    'tokens',
    'msp_disable_bootstrap',
  ],
  tokens,
)

export const limitsRefusals: Refusals = consulOnly([
  'https_handshake_timeout',
  'rpc_handshake_timeout',
  'rpc_client_timeout',
  'rpc_max_conns_per_client',
  'rpc_rate',
  'rpc_max_burst',
  'kv_max_value_size',
  'txn_max_req_len',
])

export const performanceRefusals: Refusals = consulOnly([
  'raft_multiplier',
  'leave_drain_time',
  'grpc_keepalive_interval',
  'grpc_keepalive_timeout',
  'enable_xds_load_balancing',
])

export const connectRefusals: Refusals = {
  ...belongs(
    ['sidecar_service', 'native', 'proxy', 'upstreams'],
    'a `connect` block inside a `service` block',
  ),
  ...consulOnly(['enable_mesh_gateway_wan_federation', 'enable_serverless_plugin'], byToken),
}

export const caConfigRefusals: Refusals = consulOnly([
  'intermediate_cert_ttl',
  'root_cert_ttl',
  'rotation_period',
  'private_key',
  'root_cert',
  'private_key_type',
  'private_key_bits',
  'csr_max_per_second',
  'csr_max_concurrent',
  'address',
  'token',
])
