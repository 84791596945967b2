/**
 * Which kind of check the keys describe, and its probe: one kind per check, an interval where it is run, no key that its
 * kind would ignore. Source of the kinds: Consul's documentation of checks, gathered in reference/consul.md, section 2.4.
 */
import type { Probe, ProbeTls } from '../model/check.ts'
import type { checkSchema } from './check-schema.ts'
import type { Reading } from './reading.ts'
import type { Given, Written } from './schema.ts'

export type CheckKeys = Given<typeof checkSchema.shape>
type WrittenCheck = Written<typeof checkSchema.shape>

const probeKeys = [
  'http',
  'h2ping',
  'tcp',
  'udp',
  'grpc',
  'ttl',
  'docker_container_id',
  'args',
  'alias_service',
  'alias_node',
  'os_service',
] as const
type ProbeKey = (typeof probeKeys)[number]

/** The service itself, or another one, says what they are; all others are run again and again. */
const toldKinds: ReadonlySet<ProbeKey> = new Set(['ttl', 'alias_service', 'alias_node'])

/** Undefined where the keys describe none; that has been reported. */
export function buildProbe({ keys, at, isWhole }: WrittenCheck, reading: Reading): Probe | undefined {
  const kinds = kindsOf(keys)
  const [first, second] = kinds
  if (first === undefined) {
    if (!isWhole) return undefined
    reading.report(at, {
      what: 'the check does not say what it checks',
      why: 'it has none of http, h2ping, tcp, udp, grpc, ttl, args, docker_container_id, os_service and alias_service',
      remedy: `add one, such as \`${reading.assignment('http', '"http://127.0.0.1:8080/health"')}\``,
    })
    return undefined
  }
  if (second !== undefined) {
    reading.report(keys[second]?.keyAt ?? at, {
      what: `the check has both \`${first}\` and \`${second}\``,
      why: 'a check is of one kind',
      remedy: 'remove one of them, or make two checks',
    })
    return undefined
  }
  checkTiming({ keys, at, isWhole }, first, reading)
  if (!reading.fromProgram) checkStrayKeys(keys, first, reading)
  return probeOf(keys, first, reading)
}

/** Keys that go with another kind without being one themselves: a target's node, the program in a container. */
function kindsOf(keys: CheckKeys): readonly ProbeKey[] {
  const isAlias = keys.alias_service !== undefined
  const isDocker = keys.docker_container_id !== undefined
  return probeKeys.filter(
    (key) => keys[key] !== undefined && !(key === 'alias_node' && isAlias) && !(key === 'args' && isDocker),
  )
}

function probeOf(keys: CheckKeys, kind: ProbeKey, reading: Reading): Probe | undefined {
  switch (kind) {
    case 'http':
      return httpProbe(keys)
    case 'h2ping':
      return {
        type: 'h2ping',
        address: keys.h2ping?.value ?? '',
        ...tlsOf(keys, keys.h2ping_use_tls?.value ?? true),
      }
    case 'tcp':
      return tcpProbe(keys)
    case 'udp':
      return { type: 'udp', address: keys.udp?.value ?? '' }
    case 'grpc':
      return grpcProbe(keys)
    case 'ttl':
      return { type: 'ttl', ttlMs: keys.ttl?.value ?? 0 }
    case 'args':
    case 'docker_container_id':
      return programProbe(keys, reading)
    case 'alias_service':
    case 'alias_node':
      return { type: 'alias', node: keys.alias_node?.value ?? '', serviceId: keys.alias_service?.value ?? '' }
    case 'os_service':
      return { type: 'os_service', service: keys.os_service?.value ?? '' }
  }
}

function tlsOf(keys: CheckKeys, useTls: boolean): ProbeTls {
  return {
    useTls,
    tlsServerName: keys.tls_server_name?.value ?? '',
    tlsSkipVerify: keys.tls_skip_verify?.value ?? false,
  }
}

function httpProbe(keys: CheckKeys): Probe {
  const { tlsServerName, tlsSkipVerify } = tlsOf(keys, false)
  return {
    type: 'http',
    url: keys.http?.value ?? '',
    method: keys.method?.value ?? 'GET',
    header: keys.header?.value ?? {},
    body: keys.body?.value ?? '',
    followRedirects: !(keys.disable_redirects?.value ?? false),
    tlsServerName,
    tlsSkipVerify,
  }
}

function tcpProbe(keys: CheckKeys): Probe {
  const { useTls, tlsServerName, tlsSkipVerify } = tlsOf(keys, keys.tcp_use_tls?.value ?? false)
  return {
    type: 'tcp',
    address: keys.tcp?.value ?? '',
    useTls,
    ...(keys.tls_server_name === undefined ? {} : { tlsServerName }),
    ...(keys.tls_skip_verify === undefined ? {} : { tlsSkipVerify }),
  }
}

/** `host:port/service`. */
function grpcProbe(keys: CheckKeys): Probe {
  const target = keys.grpc?.value ?? ''
  const slash = target.indexOf('/')
  return {
    type: 'grpc',
    address: slash < 0 ? target : target.slice(0, slash),
    service: slash < 0 ? '' : target.slice(slash + 1),
    ...tlsOf(keys, keys.grpc_use_tls?.value ?? false),
  }
}

function programProbe(keys: CheckKeys, reading: Reading): Probe | undefined {
  const { args } = keys
  const container = keys.docker_container_id
  if (args === undefined && container !== undefined)
    reading.report(container.at, {
      what: 'the check names a container but no program',
      why: 'the program is run inside the container',
      remedy: `add \`${reading.assignment('args', '["/path/to/program", "argument"]')}\``,
    })
  if (args?.value === undefined) return undefined
  if ((args.value[0] ?? '') === '') {
    reading.report(args.at, {
      what: '`args` names no program',
      why: 'its first item is the program to run',
      remedy: `write \`${reading.assignment('args', '["/path/to/program", "argument"]')}\``,
    })
    return undefined
  }
  if (container === undefined) return { type: 'script', args: args.value }
  return {
    type: 'docker',
    container: container.value ?? '',
    shell: keys.shell?.value ?? '',
    args: args.value,
  }
}

function checkTiming({ keys, at, isWhole }: WrittenCheck, kind: ProbeKey, reading: Reading): void {
  if (!toldKinds.has(kind) && keys.interval === undefined && isWhole)
    reading.report(at, {
      what: 'the check has no interval',
      why: `a check with \`${kind}\` is run again and again`,
      remedy: `add \`${reading.assignment('interval', '"10s"')}\``,
    })
  if (kind === 'ttl' && keys.interval !== undefined)
    reading.report(keys.interval.keyAt, {
      what: '`interval` does not go with `ttl`',
      why: 'a ttl check is not run: the service itself reports its state',
      remedy: 'remove it',
    })
}

const tlsKinds: readonly ProbeKey[] = ['http', 'h2ping', 'tcp', 'grpc']

const kindsOfKey: Readonly<Partial<Record<keyof CheckKeys, readonly ProbeKey[]>>> = {
  method: ['http'],
  header: ['http'],
  body: ['http'],
  disable_redirects: ['http'],
  tls_server_name: tlsKinds,
  tls_skip_verify: tlsKinds,
  tcp_use_tls: ['tcp'],
  h2ping_use_tls: ['h2ping'],
  grpc_use_tls: ['grpc'],
  shell: ['docker_container_id'],
}

/** Keys of another kind of check would be ignored in silence. */
function checkStrayKeys(keys: CheckKeys, kind: ProbeKey, reading: Reading): void {
  for (const [key, owners] of Object.entries(kindsOfKey)) {
    const found = keys[key as keyof CheckKeys]
    if (found !== undefined && !owners.includes(kind))
      reading.report(found.keyAt, {
        what: `\`${key}\` does not go with \`${kind}\``,
        why: `it is for checks with ${owners.map((owner) => `\`${owner}\``).join(', ')}`,
        remedy: 'remove it',
      })
  }
}
