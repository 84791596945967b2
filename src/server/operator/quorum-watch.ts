/**
 * Explains a cluster that has no leader, in words that an operator can act on: which servers are missing, since when, and
 * what to do. Watches all the time, because since when can only be told by who looked before.
 */
import { type ClusterServer, votersOf } from '../../model/cluster.ts'
import type { NodeId } from '../../model/ids.ts'
import type { Clock, Log, Metrics, Timer } from '../../platform/ports.ts'
import type { ClusterStatus, RaftConfiguration, StatusServer } from '../../rpc/operator.ts'
import type { ClusterOperations, Consensus } from '../consensus/contract.ts'
import { majorityOf } from '../leader/server-health.ts'
import type { Store } from '../store/store.ts'

/** How another server is reached, as the transport knows it. */
export interface Reach {
  readonly id: NodeId
  readonly isConnected: boolean
  /** Monotonic time since when. */
  readonly sinceMs: number
}

export interface QuorumPorts {
  readonly store: Store
  readonly consensus: Pick<Consensus, 'status'> & Pick<ClusterOperations, 'configuration' | 'followers'>
  readonly reach: () => readonly Reach[]
  /** Asks the other servers which servers there are; tells each answer. */
  readonly askLists: (tell: (list: RaftConfiguration) => void) => void
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** Without an answer for this long a follower counts as missing at its leader. */
  readonly silenceMs: number
  readonly isDiskFull: () => boolean
}

const lookEveryMs = 1_000
/** An election takes a moment; before that nothing is worth a line. */
const firstWordAfterMs = 5_000
const sayAgainEveryMs = 60_000

export class QuorumWatch {
  readonly #ports: QuorumPorts
  #lost: { readonly sinceMs: number; readonly sinceWallMs: number } | undefined
  #saidMs: number | undefined
  #divergedAt: () => number = () => 0
  #isRemoved: boolean = false
  #timer: Timer

  constructor(ports: QuorumPorts) {
    this.#ports = ports
    this.#timer = ports.clock.after(lookEveryMs, () => this.#look())
  }

  stop(): void {
    this.#timer.cancel()
  }

  /** Tells the log index at which this server was found to differ from its leader; 0: it was not. */
  diverges(at: () => number): void {
    this.#divergedAt = at
  }

  /** One sentence for those whose request waits for a leader. */
  sentence(): string {
    const servers = this.#servers()
    const missing = servers.filter((server) => server.isVoter && server.state === 'missing')
    const voters = votersOf(this.#ports.consensus.configuration()).length
    if (missing.length === 0) return `no leader among ${voters} voters; all that are known here answer`
    return `no leader: ${majorityOf(voters)} of ${voters} voters are needed, missing: ${missing.map(named).join(', ')}`
  }

  status(): ClusterStatus {
    const { consensus, isDiskFull } = this.#ports
    const { id, role, term, leader } = consensus.status()
    const servers = this.#servers()
    return {
      id,
      role,
      term,
      leader: servers.find((server) => server.id === leader)?.address ?? '',
      hasQuorum: leader !== undefined,
      lostSinceMs: leader === undefined ? (this.#lost?.sinceWallMs ?? this.#ports.clock.wallMs()) : 0,
      servers,
      isDiskFull: isDiskFull(),
      divergedAt: this.#divergedAt(),
      advice: this.#advice(servers, leader === undefined),
    }
  }

  #look(): void {
    const { clock, consensus, metrics } = this.#ports
    this.#timer = clock.after(lookEveryMs, () => this.#look())
    const nowMs = clock.monotonicMs()
    const hasLeader = consensus.status().leader !== undefined
    // One that belongs to no cluster yet misses nobody.
    if (consensus.configuration().servers.length === 0) return
    metrics.gauge('mesh_server_has_leader', hasLeader ? 1 : 0)
    if (hasLeader) this.#found(nowMs)
    else {
      this.#lost ??= { sinceMs: nowMs, sinceWallMs: clock.wallMs() }
      this.#say(nowMs, this.#lost.sinceMs)
    }
  }

  #found(nowMs: number): void {
    if (this.#saidMs !== undefined)
      this.#ports.log.info('a leader is known again', {
        afterSeconds: Math.round((nowMs - (this.#lost?.sinceMs ?? nowMs)) / 1_000),
      })
    this.#lost = undefined
    this.#isRemoved = false
    this.#saidMs = undefined
  }

  #say(nowMs: number, sinceMs: number): void {
    const isDue =
      this.#saidMs === undefined
        ? nowMs - sinceMs >= firstWordAfterMs
        : nowMs - this.#saidMs >= sayAgainEveryMs
    if (!isDue) return
    this.#saidMs = nowMs
    this.#askWhetherRemoved()
    const servers = this.#servers()
    this.#ports.log.error('the cluster has no leader; reads may be stale and nothing can be written', {
      forSeconds: Math.round((nowMs - sinceMs) / 1_000),
      missing: servers.filter((server) => server.state === 'missing').map(named),
      advice: this.#advice(servers, true),
    })
  }

  /** The entry that takes a server out never reaches it, so it has to ask. */
  #askWhetherRemoved(): void {
    const { consensus, askLists, log } = this.#ports
    askLists(({ index, servers }) => {
      const { id, commitIndex, leader } = consensus.status()
      const isOut = servers.length > 0 && index > commitIndex && servers.every((server) => server.id !== id)
      if (!isOut || this.#isRemoved || leader !== undefined) return
      this.#isRemoved = true
      log.error('this server was taken out of its cluster', { advice: rejoinAdvice })
    })
  }

  #servers(): readonly StatusServer[] {
    const { consensus, store, reach } = this.#ports
    const view = store.view()
    const status = consensus.status()
    const followers = new Map(consensus.followers().map((follower) => [follower.id, follower.silentMs]))
    const reaches = new Map(reach().map((each) => [each.id, each]))
    return consensus.configuration().servers.map((server) => ({
      id: server.id,
      node: view.serverInfo(server.id)?.node ?? '',
      address: server.address,
      isVoter: server.suffrage === 'voter',
      ...this.#standing(server, status, {
        silentMs: followers.get(server.id),
        reach: reaches.get(server.id),
      }),
    }))
  }

  #standing(
    { id, suffrage }: ClusterServer,
    status: { readonly id: NodeId; readonly leader: NodeId | undefined },
    seen: { readonly silentMs: number | undefined; readonly reach: Reach | undefined },
  ): Pick<StatusServer, 'state' | 'heardAtMs'> {
    const { clock, silenceMs } = this.#ports
    const nowMs = clock.wallMs()
    const there = suffrage === 'voter' ? 'follower' : 'learner'
    if (id === status.leader) return { state: 'leader', heardAtMs: nowMs }
    if (id === status.id) return { state: there, heardAtMs: nowMs }
    if (seen.silentMs !== undefined)
      return { state: seen.silentMs <= silenceMs ? there : 'missing', heardAtMs: nowMs - seen.silentMs }
    if (seen.reach === undefined) return { state: 'unknown', heardAtMs: 0 }
    const { isConnected, sinceMs } = seen.reach
    const heardAtMs = isConnected ? nowMs : nowMs - (clock.monotonicMs() - sinceMs)
    return { state: isConnected ? there : 'missing', heardAtMs: Math.round(heardAtMs) }
  }

  #advice(servers: readonly StatusServer[], isLost: boolean): readonly string[] {
    const { isDiskFull } = this.#ports
    const missing = servers.filter((server) => server.isVoter && server.state === 'missing')
    const names = missing.map(named).join(' or ')
    const advice: string[] = []
    if (this.#isRemoved) return [rejoinAdvice]
    if (isLost && missing.length > 0)
      advice.push(
        `start mesh-server on ${names}, or mend the network to there`,
        'if too many are gone for good: docs/operations.md, "Recovery from a lost majority" (raft/peers.json)',
      )
    if (isLost && missing.length === 0)
      advice.push('an election should end within seconds; if not, compare clocks and logs of the servers')
    if (isDiskFull()) advice.push('free space under the data directory; writes go on by themselves')
    if (this.#divergedAt() > 0)
      advice.push(
        'the state of this server is not that of its leader: docs/operations.md, "A server whose state differs"',
      )
    return advice
  }
}

const named = ({ node, address }: StatusServer): string => (node === '' ? address : `${node} (${address})`)

const rejoinAdvice =
  'this server was taken out of its cluster; to let it in again: mesh operator raft rejoin, then a new server token'
