// Three servers with one state, which tell each other of their agents over streams in memory.
import type { Command } from '../../../src/model/command.ts'
import { type NodeId, nodeId } from '../../../src/model/ids.ts'
import type { PresenceFrame } from '../../../src/rpc/server-contract.ts'
import { GossipView } from '../../../src/server/leader/gossip-view.ts'
import { Membership } from '../../../src/server/leader/membership.ts'
import { PresenceExchange } from '../../../src/server/sessions/presence-exchange.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { type StreamPair, streamPair } from '../../simulation/streams.ts'
import { asServer, silentLog, TestServer } from '../store/server.ts'

type Pair = StreamPair<PresenceFrame, never>

export class PresenceServer extends TestServer {
  readonly id: NodeId
  readonly pairs = new Set<Pair>()
  exchange: PresenceExchange | undefined
  readonly membership = new Membership({
    store: this.store,
    presence: this.hub,
    gossip: new GossipView({ clock: this.clock, log: silentLog, metrics: this.metrics }),
    consensus: this.consensus,
    write: (command, reply) => this.admission.write(asServer, command, reply),
    clock: this.clock,
    random: this.random,
    log: silentLog,
  })

  constructor(name: string, clock: VirtualClock, leading: boolean) {
    super({ clock })
    this.id = nodeId(name)
    this.consensus.setLeading(leading)
  }
}

export class PresenceServers {
  readonly clock = new VirtualClock()
  readonly a = new PresenceServer('a', this.clock, true)
  readonly b = new PresenceServer('b', this.clock, false)
  readonly c = new PresenceServer('c', this.clock, false)
  readonly running = new Map<NodeId, PresenceServer>()
  members: readonly NodeId[] = [this.a.id, this.b.id, this.c.id]

  constructor() {
    for (const server of [this.a, this.b, this.c]) this.start(server)
  }

  start(server: PresenceServer): void {
    this.running.set(server.id, server)
    server.exchange = new PresenceExchange({
      hub: server.hub,
      store: server.store,
      publisher: server.publisher,
      links: { presence: (to) => this.#connect(server, to) },
      others: () => this.members.filter((id) => id !== server.id),
      clock: this.clock,
      random: server.random,
      log: silentLog,
    })
  }

  /** The process is gone; its connections break. */
  kill(server: PresenceServer): void {
    this.running.delete(server.id)
    server.exchange?.stop()
    for (const pair of server.pairs) pair.cut()
  }

  /** One log entry on every server. */
  applied(command: Command): number {
    const indexes = [this.a, this.b, this.c].map((server) => server.applied(command))
    return indexes[0] ?? 0
  }

  run(ms: number): void {
    this.clock.run(ms)
  }

  #connect(from: PresenceServer, to: NodeId): Pair['left'] {
    const pair: Pair = streamPair({ clock: this.clock, delayMs: 1 })
    this.clock.after(1, () => {
      const there = this.running.get(to)
      if (there === undefined || !this.running.has(from.id)) pair.cut()
      else {
        there.pairs.add(pair)
        from.pairs.add(pair)
        there.exchange?.open(from.id, pair.right)
      }
    })
    return pair.left
  }
}
