/**
 * What a quiet and healthy cluster must do at once: writes, reads on followers, changes of the list of servers and a
 * handover wait for no timer, and logs take no more files than they need. Finds what still works, but only because a
 * heartbeat or a retry mends it.
 */
import { type ClusterChange, votersOf } from '../../src/model/cluster.ts'
import type { Result } from '../../src/model/errors.ts'
import { type NodeId, nodeId } from '../../src/model/ids.ts'
import type { Driver } from '../../src/server/consensus/driver.ts'
import { walDirectory } from '../../src/server/consensus/segment.ts'
import type { Cluster } from './cluster.ts'
import type { SimulatedServer } from './server.ts'
import { hold, Violation } from './violation.ts'

const times = 5
/** Each takes at most some 30 ms of network and disk; heartbeats come every 150 ms at least. */
const timesWithinMs = 300
/** A change is one write. */
const changeWithinMs = 100
/** One that asks, is caught up already, and is elected. */
const handoverWithinMs = 500
const neverMs = 2_000

export function demandPromptness(cluster: Cluster, core: readonly SimulatedServer[]): void {
  const demands = new Demands(cluster, core)
  demands.writes()
  for (const server of core) demands.reads(server)
  demands.changes()
  demands.handover()
  for (const server of core) demands.fewFiles(server)
}

class Demands {
  readonly #cluster: Cluster
  readonly #core: readonly SimulatedServer[]
  readonly #leader: SimulatedServer

  constructor(cluster: Cluster, core: readonly SimulatedServer[]) {
    const leader = cluster.leader()
    if (leader === undefined) throw new Violation('promptness', 'there is no leader any more')
    this.#cluster = cluster
    this.#core = core
    this.#leader = leader
  }

  writes(): void {
    this.#within('five writes, known everywhere', timesWithinMs, () => {
      for (let time = 0; time < times; time += 1) this.#write()
    })
  }

  reads(server: SimulatedServer): void {
    this.#within(`five reads on ${server.id}`, timesWithinMs, () => {
      for (let time = 0; time < times; time += 1)
        this.#ask(server, (driver, done) => driver.readBarrier(done))
    })
  }

  /** A server that does not exist comes and goes: the second change must not wait for more than the first. */
  changes(): void {
    const id = nodeId('ghost')
    const added: ClusterChange = { kind: 'add', server: { id, address: 'ghost:8300', publicKey: 'none' } }
    for (const change of [added, { kind: 'remove', id } as const])
      this.#within(`to ${change.kind} a server`, changeWithinMs, () => {
        const result = this.#ask(this.#leader, (driver, done) => driver.change(change, done))
        hold(result?.ok === true, 'promptness', () => `to ${change.kind} a server: ${JSON.stringify(result)}`)
      })
  }

  handover(): void {
    const configuration = this.#leader.driver?.configuration() ?? { servers: [] }
    const voters = votersOf(configuration)
    const heir = this.#core.find((server) => server !== this.#leader && voters.includes(server.id))
    if (heir === undefined || !voters.includes(this.#leader.id)) return
    this.#within(`a handover to ${heir.id}`, handoverWithinMs, () => {
      const result = this.#ask<NodeId>(this.#leader, (driver, done) =>
        driver.transferLeadership(heir.id, done),
      )
      hold(
        result?.ok === true && result.value === heir.id && heir.leads,
        'promptness',
        () => `a handover to ${heir.id}: ${JSON.stringify(result)}, ${this.#cluster.leader()?.id} leads`,
      )
    })
  }

  /** Every segment but the last is full; some more are on their way in or out. */
  fewFiles({ id, disk }: SimulatedServer): void {
    const files = disk.list(walDirectory)
    const bytes = files.reduce((sum, name) => sum + (disk.read(`${walDirectory}/${name}`)?.length ?? 0), 0)
    const most = bytes / this.#cluster.world.knobs.segmentBytes + 3
    hold(files.length <= most, 'promptness', () => `${id} has ${files.length} log files for ${bytes} bytes`)
  }

  #write(): void {
    let index = Number.POSITIVE_INFINITY
    this.#leader.process?.run(() =>
      this.#leader.write({ type: 'catalog.deregister', node: 'nowhere' }, (result) => {
        if (result.ok) index = this.#leader.store?.view().index ?? index
      }),
    )
    const isKnown = (): boolean => this.#core.every(({ store }) => (store?.view().index ?? 0) >= index)
    this.#cluster.world.clock.runUntil(isKnown, neverMs)
  }

  /** Undefined where there is no answer at all. */
  #ask<Value>(
    server: SimulatedServer,
    work: (driver: Driver, done: (result: Result<Value>) => void) => void,
  ): Result<Value> | undefined {
    const { driver, process } = server
    let answer: Result<Value> | undefined
    if (driver !== undefined)
      process?.run(() =>
        work(driver, (result) => {
          answer = result
        }),
      )
    this.#cluster.world.clock.runUntil(() => answer !== undefined, neverMs)
    return answer
  }

  #within(what: string, withinMs: number, work: () => void): void {
    const { clock } = this.#cluster.world
    const startedMs = clock.monotonicMs()
    work()
    const tookMs = clock.monotonicMs() - startedMs
    hold(
      tookMs <= withinMs,
      'promptness',
      () => `${what}: it took ${Math.round(tookMs)} ms in a healthy cluster`,
    )
  }
}
