/**
 * Builds what makes any server as good as another for hosts and operators: writes on their way to the leader, agents known
 * across all servers, calls that wait for newer state. One part of the server's composition root (start-rooms.ts).
 */
import type { NodeId } from '../model/ids.ts'
import type { Clock, Log, Metrics, Random } from '../platform/ports.ts'
import type { ServerLinks, ServerPeerApi } from '../rpc/server-contract.ts'
import { forwardCodec, forwardPath, presenceCodec, presencePath } from '../rpc/server-frame-codec.ts'
import { createPeerCalls } from './calls.ts'
import { CatchingUp } from './catching-up.ts'
import { AppliedWaiting } from './forward/applied-waiting.ts'
import { ForwardDesk } from './forward/desk.ts'
import { Forwarding } from './forward/forwarding.ts'
import { sayGoodbye } from './goodbye.ts'
import type { SessionHub } from './sessions/hub.ts'
import { PresenceExchange } from './sessions/presence-exchange.ts'
import { Spreading } from './sessions/spreading.ts'
import type { Cluster } from './start-cluster.ts'

export interface RequestOptions {
  readonly cluster: Cluster
  readonly hub: SessionHub
  /** How long a write waits for a leader. */
  readonly holdTimeoutMs: number
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

export interface Requests {
  readonly forwarding: Forwarding
  readonly catchingUp: CatchingUp
  /** What the other servers may ask of this one. */
  readonly peers: ServerPeerApi
  /** Sends agents to other servers, where there are any, and calls back when nobody waits for this one. */
  leave(done: () => void): void
  stop(): void
}

export function openRequests(options: RequestOptions): Requests {
  const { cluster, hub } = options
  const { store, publisher, consensus, admission, transport, peerServers } = cluster
  const links: ServerLinks = {
    forward: (to) => transport.open(to, forwardPath, forwardCodec.opener),
    presence: (to) => transport.open(to, presencePath, presenceCodec.opener),
  }
  const applied = new AppliedWaiting(store, options.clock)
  const forwarding = new Forwarding({
    ...options,
    consensus,
    admission,
    links,
    explain: () => consensus.noLeaderWords(),
    whenApplied: (index, done) => applied.whenApplied(index, done),
  })
  const others = (): readonly NodeId[] => {
    const { id } = consensus.status()
    return consensus.configuration().servers.flatMap((server) => (server.id === id ? [] : [server.id]))
  }
  const presence = new PresenceExchange({ ...options, hub, store, publisher, links, others })
  const isHeard = (server: NodeId): boolean => presence.hears(server)
  const addresses = (): readonly string[] => consensus.configuration().servers.map(({ address }) => address)
  const spreading = new Spreading({ ...options, consensus, others, isHeard, addresses })
  const desk = new ForwardDesk({ consensus, admission, view: () => store.view(), log: options.log })
  return {
    forwarding,
    catchingUp: new CatchingUp(consensus),
    peers: createPeerCalls({ serverOf: (peer) => peerServers.idOf(peer), desk, presence }),
    leave: (done) => {
      spreading.stop()
      if (others().length > 0) sayGoodbye({ ...options, forwarding }, done)
      else {
        hub.stop()
        done()
      }
    },
    stop: () => {
      presence.stop()
      forwarding.stop()
    },
  }
}
