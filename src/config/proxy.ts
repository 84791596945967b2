/**
 * From the keys of a proxy to its settings: whom it serves, where its service listens, and its upstreams without two that
 * mean the same. Conflicts between different services are found in conflicts.ts.
 */
import { limits } from '../model/limits.ts'
import type { ProxySettings } from '../model/service.ts'
import { carriesDatagrams, type Upstream, upstreamKey } from '../model/upstream.ts'
import type { Place, Words } from '../wire/hcl/tree.ts'
import { loopback } from './address.ts'
import { buildExpose, type ExposeDraft } from './expose.ts'
import type { proxySchema, WrittenUpstream } from './proxy-schema.ts'
import { placeSeenFrom, type Reading } from './reading.ts'
import type { Given } from './schema.ts'

export type ProxyKeys = Given<typeof proxySchema.shape>

/** An upstream with the place of its local end. */
export interface UpstreamDraft {
  readonly upstream: Upstream
  readonly at: Place
}

export interface ProxyDraft {
  readonly settings: ProxySettings
  readonly upstreams: readonly UpstreamDraft[]
  readonly exposed: readonly ExposeDraft[]
}

/** What a proxy takes from the service it stands for, where it does not say otherwise. */
export interface Destination {
  readonly name: string
  readonly id: string
  readonly port: number
  readonly socketPath: string
}

export function buildProxy(keys: ProxyKeys, destination: Destination, reading: Reading): ProxyDraft {
  const port = keys.local_service_port
  const socket = keys.local_service_socket_path
  if (port !== undefined && socket !== undefined)
    reading.report(socket.keyAt, {
      what: 'the proxy has both `local_service_port` and `local_service_socket_path`',
      why: 'its service is reached in one way',
      remedy: 'remove one of them',
    })
  const upstreams = buildUpstreams(keys, reading)
  const expose = buildExpose(keys.expose?.value, reading)
  const ownSocket = port === undefined ? destination.socketPath : ''
  const localServiceSocketPath = socket?.value ?? ownSocket
  return {
    settings: {
      destinationServiceName: keys.destination_service_name?.value ?? destination.name,
      destinationServiceId: keys.destination_service_id?.value ?? destination.id,
      localServiceAddress: keys.local_service_address?.value ?? loopback,
      localServicePort: localServiceSocketPath === '' ? (port?.value ?? destination.port) : 0,
      localServiceSocketPath,
      mode: keys.mode?.value ?? '',
      config: keys.config?.value ?? {},
      upstreams: upstreams.map((draft) => draft.upstream),
      expose: expose.settings,
    },
    upstreams,
    exposed: expose.drafts,
  }
}

function buildUpstreams(keys: ProxyKeys, reading: Reading): readonly UpstreamDraft[] {
  const written = keys.upstreams?.value ?? []
  const surplus = written[limits.upstreamsPerProxy]
  if (surplus !== undefined)
    reading.report(surplus.at, {
      what: `the proxy has ${written.length} upstreams`,
      why: `at most ${limits.upstreamsPerProxy} are allowed`,
      remedy: 'remove those that are not used',
    })
  const drafts: UpstreamDraft[] = []
  const firsts = new Map<string, Place>()
  for (const item of written) {
    const draft = buildUpstream(item, reading)
    if (draft === undefined) continue
    const key = upstreamKey(draft.upstream)
    const first = firsts.get(key)
    if (first === undefined) {
      firsts.set(key, item.at)
      drafts.push(draft)
    } else
      reading.report(item.keys.destination_name?.at ?? item.at, {
        what: `a second upstream leads to "${key}"`,
        why: `the first stands ${placeSeenFrom(item.at, first)}`,
        remedy: 'remove one of them; a local port or socket serves any number of connections',
      })
  }
  return drafts
}

const connectTimeoutDefaultMs = 5_000

/** Undefined where the upstream could not be read or breaks a rule; that has been reported. */
function buildUpstream({ keys, at, isWhole }: WrittenUpstream, reading: Reading): UpstreamDraft | undefined {
  const name = keys.destination_name
  if (name === undefined && isWhole)
    reading.report(at, {
      what: 'the upstream does not say where it leads',
      why: '`destination_name` is missing',
      remedy: `add \`${reading.assignment('destination_name', '"db"')}\``,
    })
  const problem = bindProblem(keys, reading)
  if (problem !== undefined && (isWhole || problem.at !== undefined))
    reading.report(problem.at ?? at, problem.words)
  const port = keys.local_bind_port
  const socketPath = keys.local_bind_socket_path
  const config = keys.config?.value ?? {}
  const timeoutMs = config['connect_timeout_ms']
  const isBound = port === undefined ? socketPath?.value !== undefined : port.value !== undefined
  if (name?.value === undefined || problem !== undefined || !isBound) return undefined
  return {
    upstream: {
      destinationName: name.value,
      datacenter: keys.datacenter?.value?.toLowerCase() ?? '',
      localBindAddress: port === undefined ? '' : (keys.local_bind_address?.value ?? loopback),
      localBindPort: port?.value ?? 0,
      localBindSocketPath: socketPath?.value ?? '',
      localBindSocketMode: keys.local_bind_socket_mode?.value ?? '',
      connectTimeoutMs: typeof timeoutMs === 'number' ? timeoutMs : connectTimeoutDefaultMs,
      config,
    },
    at: port?.at ?? socketPath?.at ?? at,
  }
}

/** What an upstream for datagrams cannot have. */
function datagramProblem(
  keys: WrittenUpstream['keys'],
  reading: Reading,
): { readonly at: Place | undefined; readonly words: Words } | undefined {
  const config = keys.config?.value ?? {}
  if (!carriesDatagrams({ config })) return undefined
  if (keys.local_bind_socket_path !== undefined)
    return {
      at: keys.local_bind_socket_path.keyAt,
      words: {
        what: '`local_bind_socket_path` stands in an upstream for datagrams',
        why: 'datagrams are taken at a port',
        remedy: `write \`${reading.assignment('local_bind_port', '9191')}\` instead`,
      },
    }
  if (config['allowed_uids'] === undefined) return undefined
  return {
    at: keys.config?.keyAt,
    words: {
      what: '`allowed_uids` stands in an upstream for datagrams',
      why: 'who sent a datagram cannot be asked of the kernel',
      remedy: 'remove one of `allowed_uids` and `protocol`',
    },
  }
}

/** What is wrong with where the upstream listens. */
function bindProblem(
  keys: WrittenUpstream['keys'],
  reading: Reading,
): { readonly at: Place | undefined; readonly words: Words } | undefined {
  const port = keys.local_bind_port
  const socketPath = keys.local_bind_socket_path
  if (port === undefined && socketPath === undefined)
    return {
      at: undefined,
      words: {
        what: 'the upstream has no local port and no local socket',
        why: 'the service reaches it through one of them',
        remedy: `add \`${reading.assignment('local_bind_port', '9191')}\`, any port that is free on this host`,
      },
    }
  if (port !== undefined && socketPath !== undefined)
    return {
      at: socketPath.keyAt,
      words: {
        what: 'the upstream has both `local_bind_port` and `local_bind_socket_path`',
        why: 'it listens in one place',
        remedy: 'remove one of them',
      },
    }
  const datagrams = datagramProblem(keys, reading)
  if (datagrams !== undefined) return datagrams
  if (socketPath !== undefined && keys.config?.value?.['allowed_uids'] !== undefined)
    return {
      at: keys.config.keyAt,
      words: {
        what: '`allowed_uids` stands with `local_bind_socket_path`',
        why: 'the owner and the mode of a socket say who may use it',
        remedy: `write \`${reading.assignment('local_bind_socket_mode', '"0660"')}\` instead`,
      },
    }
  const stray = port === undefined ? keys.local_bind_address : keys.local_bind_socket_mode
  if (stray === undefined) return undefined
  const [name, with_] =
    port === undefined
      ? ['local_bind_address', 'local_bind_port']
      : ['local_bind_socket_mode', 'local_bind_socket_path']
  return {
    at: stray.keyAt,
    words: {
      what: `\`${name}\` stands without \`${with_}\``,
      why: `it is used with \`${with_}\` only`,
      remedy: 'remove it',
    },
  }
}
