/**
 * Somebody who changes the cluster while it runs: adds spare servers as learners, promotes those that caught up, demotes
 * and removes others, replaces what is lost, hands leadership over. Keeps enough voters for the run to mean something.
 */

import type { ClusterChange } from '../../src/model/cluster.ts'
import { type ClusterConfiguration, votersOf } from '../../src/model/cluster.ts'
import { type NodeId, nodeId } from '../../src/model/ids.ts'
import type { Driver } from '../../src/server/consensus/driver.ts'
import type { Cluster } from './cluster.ts'
import type { SeededRandom } from './random.ts'
import type { SimulatedServer } from './server.ts'
import { kinds } from './trace.ts'
import { hold } from './violation.ts'

/** A learner this close behind is promoted. */
const caughtUpEntries = 20

export class Operator {
  readonly #cluster: Cluster
  readonly #random: SeededRandom

  constructor(cluster: Cluster, random: SeededRandom) {
    this.#cluster = cluster
    this.#random = random
  }

  /** Tries one change on the leader, or two at once, of which one at most may be taken. */
  change(): void {
    this.#changeOnce()
    if (this.#random.chance(0.5)) this.#changeOnce()
  }

  #changeOnce(): void {
    const leader = this.#cluster.leader()
    const driver = leader?.driver
    if (leader?.process === undefined || driver === undefined) return
    const change = this.#draw(driver)
    if (change === undefined) return
    const { trace, reached } = this.#cluster.world
    trace.event(kinds.fault, 100, 0, () => `operator asks ${leader.id} to ${describeChange(change)}`)
    leader.process.run(() =>
      driver.change(change, (result) => {
        if (!result.ok) return
        reached.hit(changed[change.kind])
        this.#judge(change, result.value)
        if (change.kind === 'remove') this.#retire(change.id)
      }),
    )
  }

  transfer(): void {
    const leader = this.#cluster.leader()
    const driver = leader?.driver
    if (leader?.process === undefined || driver === undefined) return
    const to = this.#random.chance(0.5) ? undefined : this.#random.pick(this.#cluster.servers).id
    const { trace, reached } = this.#cluster.world
    trace.event(kinds.fault, 101, 0, () => `operator asks ${leader.id} to hand over to ${to ?? 'any'}`)
    leader.process.run(() =>
      driver.transferLeadership(to, (result) => reached.hit(result.ok ? 'transfer done' : 'transfer failed')),
    )
  }

  #draw(driver: Driver): ClusterChange | undefined {
    const configuration = driver.configuration()
    const members = new Set<string>(configuration.servers.map(({ id }) => id))
    const lost = this.#cluster.servers.find((server) => server.lost !== undefined && members.has(server.id))
    if (lost !== undefined && votersOf(configuration).length > 1) return { kind: 'remove', id: lost.id }
    const learner = this.#caughtUp(driver, configuration)
    const spare = this.#cluster.servers.find((server) => !members.has(server.id) && server.lost === undefined)
    const { knobs } = this.#cluster.world
    const mayShrink = votersOf(configuration).length > Math.max(1, knobs.servers - 1)
    const kind = this.#random.pick(['add', 'promote', 'promote', 'demote', 'remove'] as const)
    if (kind === 'add' && spare !== undefined) return this.#addition(spare)
    if (kind === 'promote' && learner !== undefined) return { kind, id: learner }
    if ((kind === 'demote' || kind === 'remove') && mayShrink)
      return { kind, id: this.#random.pick(votersOf(configuration)) }
    return undefined
  }

  #addition(spare: SimulatedServer): ClusterChange {
    spare.isRetired = false
    spare.start()
    const { id } = spare
    return { kind: 'add', server: { id, address: `${id}:8300`, publicKey: `key of ${id}` } }
  }

  #caughtUp(driver: Driver, { servers }: ClusterConfiguration): NodeId | undefined {
    const learners = new Set(servers.filter(({ suffrage }) => suffrage === 'learner').map(({ id }) => id))
    const { commitIndex } = driver.status()
    return driver
      .followers()
      .find(({ id, match }) => learners.has(id) && match + caughtUpEntries >= commitIndex)?.id
  }

  /** A change that was acknowledged at an index is the one that was committed there. */
  #judge(change: ClusterChange, index: number): void {
    const configuration = this.#cluster.world.raft.configurationAt(index)
    const id = change.kind === 'add' ? change.server.id : change.id
    const suffrage = configuration?.servers.find((server) => server.id === id)?.suffrage
    hold(
      configuration !== undefined && (change.kind === 'update' || suffrage === wanted[change.kind]),
      'acknowledged-change',
      () =>
        `to ${describeChange(change)} is acknowledged at ${index}, where the log has ${JSON.stringify(configuration)}`,
    )
  }

  /** What left the cluster is switched off after a while. */
  #retire(id: string): void {
    const server = this.#cluster.servers.find((one) => one.id === nodeId(id))
    if (server === undefined) return
    this.#cluster.world.clock.after(this.#random.between(100, 5_000), () => {
      if (this.#cluster.isMember(server)) return
      server.kill('is retired')
      server.isRetired = true
    })
  }
}

const wanted = { add: 'learner', promote: 'voter', demote: 'learner', remove: undefined } as const

const changed = {
  add: 'server added',
  promote: 'server promoted',
  demote: 'server demoted',
  remove: 'server removed',
  update: 'server added',
} as const

function describeChange(change: ClusterChange): string {
  return `${change.kind} ${change.kind === 'add' ? change.server.id : change.id}`
}
