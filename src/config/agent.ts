/**
 * From the joined keys of all files to the settings of one host: defaults, and rules between keys.
 * Defaults are Consul's where Consul has the key (reference/consul.md, section 2.2).
 */
import type { IntentionAction } from '../model/intention.ts'
import { limits } from '../model/limits.ts'
import type { Place } from '../wire/hcl/tree.ts'
import {
  isAnyAddress,
  isTemplate,
  joinHostPort,
  loopback,
  resolveTemplate,
  splitHostPort,
} from './address.ts'
import type { AgentKeys } from './agent-schema.ts'
import { autopilotOf } from './autopilot.ts'
import type { EntryDraft } from './config-entry.ts'
import { dnsDomains, dnsSettings } from './dns.ts'
import { gossipSettings } from './gossip.ts'
import { gossipDefaults } from './gossip-settings.ts'
import { hostProxyOf } from './host-proxy.ts'
import { isDnsLabel } from './names.ts'
import { placeSeenFrom, type Reading } from './reading.ts'
import { requestLimitsOf } from './request-limits.ts'
import type { Found } from './schema.ts'
import type { Machine, Settings } from './settings.ts'
import { wanSettings } from './wan.ts'
import { wanDefaults } from './wan-settings.ts'

const serverPort = 8_300
const httpPort = 8_500
const dnsPort = 8_600
const checkUpdateIntervalMs = 300_000
const rpcHoldTimeoutMs = 7_000

/** `home` is where a mistake is shown that no key made: the top of the first file. */
export function buildSettings(keys: AgentKeys, machine: Machine, home: Place, reading: Reading): Settings {
  const bindAddress = resolved(keys.bind_addr, machine, reading) ?? '0.0.0.0'
  const advertised = advertiseAddress(keys, bindAddress, { machine, home }, reading)
  const ports = keys.ports?.value
  const ca = keys.connect?.value?.ca_config?.value
  return {
    datacenter: keys.datacenter?.value?.toLowerCase() ?? 'dc1',
    nodeName: nodeName(keys, machine, home, reading),
    nodeId: keys.node_id?.value ?? '',
    dataDirectory: keys.data_dir?.value ?? '/var/lib/mesh-agent',
    runtimeDirectory: keys.runtime_dir?.value ?? '/run/mesh-agent',
    server: keys.server?.value ?? false,
    bindAddress,
    advertiseAddress: advertised,
    clientAddresses: addresses(keys.client_addr, machine, reading) ?? [loopback],
    dnsAddresses: addresses(keys.addresses?.value?.dns, machine, reading) ??
      addresses(keys.client_addr, machine, reading) ?? [loopback],
    dnsDomains: dnsDomains(keys),
    dns: dnsSettings(keys),
    gossip: gossipSettings(
      keys,
      {
        port: ports?.serf_lan?.value ?? gossipDefaults.port,
        bindAddress: resolved(keys.serf_lan, machine, reading) ?? bindAddress,
        advertiseAddress: advertised,
      },
      reading,
    ),
    wan: wanSettings(keys, {
      port: ports?.serf_wan?.value ?? wanDefaults.port,
      bindAddress: resolved(keys.serf_wan, machine, reading) ?? bindAddress,
      advertiseAddress: resolved(keys.advertise_addr_wan, machine, reading) ?? advertised,
    }),
    ports: {
      http: ports?.http?.value ?? httpPort,
      dns: ports?.dns?.value ?? dnsPort,
      server: ports?.server?.value ?? serverPort,
      ...sidecarRange(keys, reading),
      ...exposeRange(keys, reading),
    },
    servers: servers(keys, reading),
    bootstrapExpect: keys.bootstrap_expect?.value ?? 0,
    enrollmentTokenFile: keys.enrollment_token_file?.value ?? '',
    unixSockets: {
      group: keys.unix_sockets?.value?.group?.value ?? '',
      mode: keys.unix_sockets?.value?.mode?.value ?? '0660',
    },
    log: { level: keys.log_level?.value ?? 'info', json: keys.log_json?.value ?? false },
    nodeMeta: keys.node_meta?.value ?? {},
    defaultIntentionAction: defaultIntentionAction(keys, reading),
    enableScriptChecks: keys.enable_script_checks?.value ?? false,
    enableLocalScriptChecks: keys.enable_local_script_checks?.value ?? false,
    checkUpdateIntervalMs: keys.check_update_interval?.value ?? checkUpdateIntervalMs,
    discardCheckOutput: keys.discard_check_output?.value ?? false,
    leaveOnTerminate: keys.leave_on_terminate?.value ?? false,
    httpMaxConnectionsPerClient:
      keys.limits?.value?.http_max_conns_per_client?.value ?? limits.httpConnectionsPerClient,
    proxy: hostProxyOf(keys.proxy?.value),
    ...requestLimitsOf(keys.limits?.value?.request_limits?.value),
    leafTtlMs: ca?.leaf_cert_ttl?.value ?? limits.leafTtlMs,
    hostCertificateTtlMs: keys.host_certificate_ttl?.value ?? limits.hostCertificateTtlMs,
    rpcHoldTimeoutMs: keys.performance?.value?.rpc_hold_timeout?.value ?? rpcHoldTimeoutMs,
    autopilot: autopilotOf(keys.autopilot?.value),
    bootstrapEntries: bootstrapEntries(keys, reading),
  }
}

/** The address a key means on this machine; undefined where it is not given or means none, which is reported. */
function resolved(found: Found<string> | undefined, machine: Machine, reading: Reading): string | undefined {
  if (found?.value === undefined || !isTemplate(found.value)) return found?.value
  const address = resolveTemplate(found.value, machine)
  if (address === undefined)
    reading.report(found.at, {
      what: `\`${found.value}\` has no address on this host`,
      why: 'the host has no such interface, or no address on it',
      remedy: 'write the address, or the name of an interface that `ip address` shows',
    })
  return address
}

function nodeName(keys: AgentKeys, machine: Machine, home: Place, reading: Reading): string {
  if (keys.node_name !== undefined) return keys.node_name.value ?? ''
  const [name = ''] = machine.hostname.split('.')
  if (!isDnsLabel(name))
    reading.report(home, {
      what: `the host name "${machine.hostname}" cannot be the node name`,
      why: 'a node name is a DNS label: letters, digits and `-`',
      remedy: 'add `node_name = "host-1"`, with a name of your own',
    })
  return name
}

function advertiseAddress(
  keys: AgentKeys,
  bindAddress: string,
  { machine, home }: { readonly machine: Machine; readonly home: Place },
  reading: Reading,
): string {
  const given = resolved(keys.advertise_addr, machine, reading)
  if (given !== undefined && isAnyAddress(given))
    reading.report(keys.advertise_addr?.at ?? home, {
      what: `\`advertise_addr\` is "${given}"`,
      why: 'other hosts cannot connect to "any address"',
      remedy: 'write the address by which other hosts reach this one',
    })
  if (keys.advertise_addr !== undefined) return given ?? ''
  if (!isAnyAddress(bindAddress)) return bindAddress
  if (machine.privateAddress === '')
    reading.report(keys.bind_addr?.at ?? home, {
      what: 'no address was found by which other hosts reach this one',
      why: 'the host has no private IPv4 address',
      remedy: 'add `advertise_addr = "…"` with the address that they can use',
    })
  return machine.privateAddress
}

function addresses(
  found: Found<readonly string[]> | undefined,
  machine: Machine,
  reading: Reading,
): readonly string[] | undefined {
  if (found?.value === undefined) return undefined
  const { at, keyAt } = found
  return found.value.flatMap((value) => resolved({ value, at, keyAt }, machine, reading) ?? [])
}

function sidecarRange(
  keys: AgentKeys,
  reading: Reading,
): { readonly sidecarMin: number; readonly sidecarMax: number } {
  const { sidecar_min_port: min, sidecar_max_port: max } = keys.ports?.value ?? {}
  const sidecarMin = min?.value ?? limits.sidecarMinPort
  const sidecarMax = max?.value ?? limits.sidecarMaxPort
  checkRange(sidecarMin, sidecarMax, { place: max?.at ?? min?.at, name: 'sidecar', of: 'sidecars' }, reading)
  return { sidecarMin, sidecarMax }
}

function exposeRange(
  keys: AgentKeys,
  reading: Reading,
): { readonly exposeMin: number; readonly exposeMax: number } {
  const { expose_min_port: min, expose_max_port: max } = keys.ports?.value ?? {}
  const exposeMin = min?.value ?? limits.exposeMinPort
  const exposeMax = max?.value ?? limits.exposeMaxPort
  const place = max?.at ?? min?.at
  checkRange(exposeMin, exposeMax, { place, name: 'expose', of: 'exposed checks' }, reading)
  return { exposeMin, exposeMax }
}

function checkRange(
  min: number,
  max: number,
  { place, name, of }: { readonly place: Place | undefined; readonly name: string; readonly of: string },
  reading: Reading,
): void {
  if (min > max && place !== undefined)
    reading.report(place, {
      what: `the ports of ${of} go from ${min} to ${max}`,
      why: `\`${name}_min_port\` must not be more than \`${name}_max_port\``,
      remedy: 'correct one of them',
    })
}

function servers(keys: AgentKeys, reading: Reading): readonly string[] {
  const written = keys.servers?.value ?? []
  if (written.length > limits.serverAddresses && keys.servers !== undefined)
    reading.report(keys.servers.at, {
      what: `\`servers\` has ${written.length} addresses`,
      why: `at most ${limits.serverAddresses} are allowed; a cluster has three or five servers`,
      remedy: 'remove some',
    })
  const complete = written.map((address) => {
    const { host, port } = splitHostPort(address) ?? { host: address, port: undefined }
    return joinHostPort(host, port ?? serverPort)
  })
  return [...new Set(complete)]
}

/** The most specific key decides; two that are equally specific must agree, because this decides who may call whom. */
function defaultIntentionAction(keys: AgentKeys, reading: Reading): IntentionAction {
  const own = keys.default_intention_policy
  const inAcl = keys.acl?.value?.default_intention_policy
  if (own?.value !== undefined && inAcl?.value !== undefined && own.value !== inAcl.value)
    reading.report(inAcl.at, {
      what: `\`default_intention_policy\` is "${inAcl.value}" here`,
      why: `it is "${own.value}" ${placeSeenFrom(inAcl.at, own.at)}`,
      remedy: 'remove one of the two',
    })
  return own?.value ?? inAcl?.value ?? keys.acl?.value?.default_policy?.value ?? 'deny'
}

function bootstrapEntries(keys: AgentKeys, reading: Reading): Settings['bootstrapEntries'] {
  const drafts: readonly EntryDraft[] = keys.config_entries?.value?.bootstrap?.value ?? []
  const [first] = drafts
  if (first !== undefined && keys.server?.value !== true)
    reading.report(keys.config_entries?.keyAt ?? first.at, {
      what: 'config entries stand among the files of a host that is no server',
      why: 'they are state of the whole cluster, and only servers make its first ones',
      remedy: 'move them to the files of the servers, or to a file of their own for `mesh apply -f FILE`',
    })
  const placeByName = new Map<string, Place>()
  for (const { entry, at } of drafts) {
    const known = placeByName.get(entry.name)
    if (known === undefined) placeByName.set(entry.name, at)
    else
      reading.report(at, {
        what: `the ${entry.kind} entry "${entry.name}" is given twice`,
        why: `the first stands ${placeSeenFrom(at, known)}`,
        remedy: 'join their sources into one entry',
      })
  }
  return drafts.map((draft) => draft.entry)
}
