/**
 * On a host with a server: the agent's own line to it, over which it tells what gossip knows. By mutual TLS as this host, not by
 * the server's unix socket: whoever may use that socket may read, but only this host's key may say who is alive.
 */
import { isAnyAddress, joinHostPort } from '../config/address.ts'
import type { Settings } from '../config/settings.ts'
import type { Clock, Log, Metrics, Random } from '../platform/ports.ts'
import type { ClientIdentity } from '../rpc/channel-credentials.ts'
import { createGrpcClient } from '../rpc/grpc-client.ts'
import type { Membership } from './contract.ts'
import type { HostEnrollment } from './enrollment/enrollment.ts'
import { ServerFeed } from './membership/server-feed.ts'

export interface ServerFeedSurroundings {
  readonly configuration: { readonly settings: Settings }
  readonly enrollment: Pick<HostEnrollment, 'onChange'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

export interface RunningServerFeed {
  /** To be called when this host is enrolled. */
  start(): void
  stop(): void
}

/** The server answers from memory, so a call that takes longer will not be answered. */
const holdTimeoutMs = 2_000

/** Undefined on hosts without a server. */
export function openServerFeed(
  surroundings: ServerFeedSurroundings,
  membership: Membership,
  identity: () => ClientIdentity,
): RunningServerFeed | undefined {
  const { settings } = surroundings.configuration
  if (!settings.server) return undefined
  const client = createGrpcClient({
    ...surroundings,
    // The feed itself says once what is wrong; a server that starts would otherwise fill the log.
    log: whispering(surroundings.log),
    servers: () => [ownServer(settings)],
    identity,
    holdTimeoutMs,
  })
  surroundings.enrollment.onChange(() => client.identityChanged())
  const feed = new ServerFeed({ ...surroundings, membership, server: client })
  return {
    start: () => feed.start(),
    stop: () => {
      feed.stop()
      client.close()
    },
  }
}

function ownServer({ bindAddress, ports }: Settings): string {
  return joinHostPort(isAnyAddress(bindAddress) ? '127.0.0.1' : bindAddress, ports.server)
}

function whispering(log: Log): Log {
  const debug = log.debug.bind(log)
  return { debug, info: debug, warn: debug, error: debug, with: (fields) => whispering(log.with(fields)) }
}
