/** The gossip pool among the agent's rooms: the adapters of the machine that it needs, and when it is opened and joined. */
import type { Configuration } from '../config/settings.ts'
import { systemHostNames } from '../platform/host-names.ts'
import { systemPoolSockets } from '../platform/pool-sockets.ts'
import type { Clock, Log, Metrics, Random, StateFiles } from '../platform/ports.ts'
import type { LocalRegistry, UserEvents } from './contract.ts'
import type { HostEnrollment } from './enrollment/enrollment.ts'
import { FailedHosts } from './membership/failed-hosts.ts'
import { LanMembership } from './membership/lan-membership.ts'
import { Meeting } from './membership/meeting.ts'
import { HostEvents } from './membership/user-events.ts'
import type { AgentClient } from './start-client.ts'
import { openServerFeed } from './start-server-feed.ts'

export interface MembershipSurroundings {
  readonly configuration: Configuration
  readonly nodeId: string
  readonly version: string
  readonly enrollment: Pick<HostEnrollment, 'identity' | 'onChange' | 'onGossipKeys'>
  readonly files: StateFiles
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

export interface AgentMembership {
  readonly membership: LanMembership
  readonly userEvents: UserEvents
  readonly failedHosts: FailedHosts
  /** This host is enrolled: the key of gossip is known, and servers may be asked for other hosts. */
  join(): void
  /** Says goodbye to the other hosts, and meets none of them any more. */
  leave(done: () => void): void
  stop(): void
}

/** The pool is opened here only where its key is known before this host is enrolled. */
export function startMembership(
  surroundings: MembershipSurroundings,
  { client, identity, findServersBy }: Pick<AgentClient, 'client' | 'identity' | 'findServersBy'>,
  registry: Pick<LocalRegistry, 'services'>,
): AgentMembership {
  const { configuration, enrollment } = surroundings
  const { settings } = configuration
  const membership = new LanMembership({
    ...surroundings,
    settings,
    sockets: systemPoolSockets,
    names: systemHostNames,
  })
  const meeting = new Meeting({
    ...surroundings,
    node: settings.nodeName,
    port: settings.gossip.port,
    membership,
    read: (request, reply) => client.read(request, reply),
  })
  const userEvents = new HostEvents({ ...surroundings, node: settings.nodeName, membership, registry })
  const failedHosts = new FailedHosts(membership)
  const feed = openServerFeed(surroundings, membership, identity)
  findServersBy(membership)
  if (membership.isConfigured) membership.open([])
  enrollment.onGossipKeys((keys) => membership.useKeys(keys))
  return {
    membership,
    userEvents,
    failedHosts,
    join: () => {
      membership.open(enrollment.identity()?.gossipKeys ?? [])
      meeting.start()
      feed?.start()
    },
    leave: (done) => {
      meeting.stop()
      membership.leave(done)
    },
    stop: () => {
      feed?.stop()
      meeting.stop()
      membership.stop()
    },
  }
}
