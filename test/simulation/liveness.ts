/**
 * The second phase of a run: faults end, a random core that is just a majority is healthy, all others are gone. The core
 * must elect a leader, take a write, answer reads on every server and come to one state within 30 simulated seconds; then
 * agents and watchers must come to know what the store says, and the catalog what the agents say. In the end all but a
 * minority is lost, and an operator brings that back.
 */
import { memberCheckId } from '../../src/model/check.ts'
import { sameValue } from '../../src/model/equality.ts'
import { logIndex } from '../../src/model/ids.ts'
import { serverServiceId } from '../../src/model/service.ts'
import { subjectKey } from '../../src/model/topic.ts'
import type { SimulatedAgent } from './agent.ts'
import type { Calls } from './calls.ts'
import { contentOf } from './checks/views.ts'
import type { SimulatedClient } from './client.ts'
import type { Cluster } from './cluster.ts'
import type { Faults } from './faults.ts'
import { demandRecovery } from './lost-majority.ts'
import { demandPromptness } from './promptness.ts'
import type { SeededRandom } from './random.ts'
import type { SimulatedServer } from './server.ts'
import { subjects } from './subjects.ts'
import { hold, Violation } from './violation.ts'
import type { Watcher } from './watcher.ts'

const coreWithinMs = 30_000
const retryAfterMs = 50
const settleMs = 100
/** Of either end of a log: reading all of it would take longer than the rest of the end of a run. */
const comparedEntries = 20
/** An agent that found no server for a while waits longer before each attempt, up to two minutes and their jitter. */
const hostsWithinMs = 200_000

export interface LivenessPorts {
  readonly cluster: Cluster
  readonly agents: readonly SimulatedAgent[]
  readonly watchers: readonly Watcher[]
  readonly clients: readonly SimulatedClient[]
  readonly calls: Calls
  readonly faults: Faults
  readonly random: SeededRandom
}

export class Liveness {
  readonly #ports: LivenessPorts
  #core: readonly SimulatedServer[] = []

  constructor(ports: LivenessPorts) {
    this.#ports = ports
  }

  demand(): void {
    const { cluster, faults, random } = this.#ports
    const { clock, network, reached } = cluster.world
    faults.heal()
    // Nobody talks until it is known who is needed.
    for (const from of cluster.servers) for (const to of cluster.servers) network.cut(from.id, to.id)
    for (const server of cluster.servers) server.start()
    clock.runUntil(
      () => cluster.servers.every((server) => !server.isUp || server.driver !== undefined),
      60_000,
    )
    // What lay before a process that was paused, a change of the membership perhaps, must be done before anybody is chosen.
    clock.run(settleMs)
    const core = cluster.core(random)
    if (core === undefined) {
      reached.hit('no healthy core')
      return
    }
    this.#core = core
    for (const server of cluster.servers) if (!core.includes(server)) server.kill('is not part of the core')
    network.heal()
    network.reconnect()
    this.#demandCore()
    this.#demandHosts()
    this.#readEverything()
    this.#demandEqualStates()
    for (const agent of this.#ports.agents) agent.compareAll()
    demandPromptness(cluster, this.#core)
    demandRecovery(cluster, this.#core, random)
  }

  /** A leader, a write, a read on every server. */
  #demandCore(): void {
    const { clock } = this.#ports.cluster.world
    const deadlineMs = clock.monotonicMs() + coreWithinMs
    const within = (): number => deadlineMs - clock.monotonicMs()
    let isWritten = false
    let isAsked = false
    const write = (): boolean => {
      const leader = this.#ports.cluster.leader()
      if (!isAsked && leader?.rooms !== undefined) {
        isAsked = true
        leader.process?.run(() =>
          leader.write({ type: 'catalog.deregister', node: 'nowhere' }, (result) => {
            isWritten = result.ok
            // Not at once: a refusal takes no time, and nothing else would ever happen.
            clock.after(retryAfterMs, () => {
              isAsked = false
            })
          }),
        )
      }
      return isWritten
    }
    this.#await('take a write', write, within())
    // The write may have committed the leader's own removal; until there is another, nobody says who is a member.
    this.#await('have a leader', () => this.#ports.cluster.leader() !== undefined, within())
    // One that was removed may not know it, and was needed by its own outdated list; nobody serves it any more.
    const members = this.#core.filter((server) => this.#ports.cluster.isMember(server))
    for (const server of this.#core) if (!members.includes(server)) server.kill('is no member')
    this.#core = members
    for (const server of this.#core) {
      let isAnswered = false
      let isReading = false
      const read = (): boolean => {
        if (!isReading && server.driver !== undefined) {
          isReading = true
          server.process?.run(() =>
            server.driver?.readBarrier((result) => {
              isAnswered = result.ok
              clock.after(retryAfterMs, () => {
                isReading = false
              })
            }),
          )
        }
        return isAnswered
      }
      this.#await(`read on ${server.id}`, read, within())
    }
    const newest = (): number => this.#ports.cluster.world.truth.newestIndex
    const isEqual = (): boolean => this.#core.every(({ store }) => store?.view().index === newest())
    this.#await('come to one state', isEqual, within())
  }

  #demandHosts(): void {
    const { agents, watchers, cluster } = this.#ports
    const { clock } = cluster.world
    const deadlineMs = clock.monotonicMs() + hostsWithinMs
    const within = (): number => deadlineMs - clock.monotonicMs()
    // Conditions can cease to hold while others are waited for, so all are looked at together in the end; before, the one
    // that did not hold is looked at first.
    let lateAgent: SimulatedAgent | undefined
    const missing = (): string | undefined => {
      for (const agent of lateAgent === undefined ? agents : [lateAgent, ...agents]) {
        const what = this.#missingOf(agent)
        if (what === undefined) continue
        lateAgent = agent
        return `${agent.name} ${what}`
      }
      const late = watchers.find((watcher) => !watcher.isCurrent())
      return late === undefined ? undefined : `${late.what} does not know the newest answer`
    }
    for (let what = missing(); what !== undefined; what = missing()) {
      if (within() <= 0) throw new Violation('liveness', `after ${hostsWithinMs / 1_000} s ${what}`)
      clock.run(500)
    }
  }

  /** What this host does not know yet, or what the catalog does not know of it. */
  #missingOf(agent: SimulatedAgent): string | undefined {
    const state = this.#ports.cluster.world.truth.newest
    for (const subject of agent.wanted()) {
      const view = agent.views?.view(subject)
      if (view?.live !== true) return `has no live view of ${subjectKey(subject)}`
      if (!sameValue(view.bodies, contentOf(state, subject)))
        return `has ${subjectKey(subject)} at index ${view.index}, which is not what the store says`
    }
    const { registry } = agent
    if (registry === undefined) return 'does not run'
    const services = registry.services().map(({ service }) => service)
    const catalog = new Map(
      Array.from(state.servicesOfNode(agent.name), (service) => [service.id, service] as const),
    )
    catalog.delete(serverServiceId)
    if (catalog.size !== services.length) return 'has other services than the catalog says'
    for (const service of services)
      if (!sameValue(service, catalog.get(service.id), rowIndexes))
        return `has another ${service.id} than the catalog`
    const checks = new Map(
      Array.from(state.checksOfNode(agent.name), (check) => [check.checkId, check] as const),
    )
    checks.delete(memberCheckId)
    const own = registry.checks().map(({ check }) => check)
    if (checks.size !== own.length) return 'has other checks than the catalog says'
    const differs = own.find((check) => checks.get(check.checkId)?.status !== check.status)
    return differs === undefined
      ? undefined
      : `has ${differs.checkId} ${differs.status}, the catalog otherwise`
  }

  /** Everything that was ever written is read again on every server: the end of each history. */
  #readEverything(): void {
    const { clients, cluster } = this.#ports
    const [client] = clients
    if (client === undefined) return
    let open = 0
    let failed = 0
    for (const server of this.#core)
      for (const subject of subjects) {
        open += 1
        client.readFrom(server, subject, 'default', (answered) => {
          open -= 1
          if (!answered) failed += 1
        })
      }
    cluster.world.clock.runUntil(() => open === 0, coreWithinMs)
    hold(open === 0 && failed === 0, 'liveness', () => `${failed} reads failed, ${open} were not answered`)
  }

  #demandEqualStates(): void {
    const { truth, trace } = this.#ports.cluster.world
    // Nothing may be on its way any more when states are compared.
    this.#await(
      'come to one state',
      () => this.#core.every(({ store }) => store?.view().index === truth.newestIndex),
      coreWithinMs,
    )
    for (const { id, hash } of this.#core.map((server) => ({ id: server.id, hash: server.stateHash() })))
      truth.compareState(id, truth.newestIndex, hash)
    trace.text(truth.hashAt(truth.newestIndex))
    for (const server of this.#core) this.#compareLog(server)
  }

  /** As the verifier of a running server reads it: its beginning, where nothing is compacted, and its end. */
  #compareLog({ id, driver }: SimulatedServer): void {
    const { raft } = this.#ports.cluster.world
    const to = driver?.status().commitIndex ?? logIndex(0)
    for (const from of [1, Math.max(1, to - comparedEntries + 1)]) {
      const range = { from: logIndex(from), to: logIndex(Math.min(to, from + comparedEntries - 1)) }
      raft.compareLog(id, range, driver?.readLog(range.from, range.to, Number.POSITIVE_INFINITY))
    }
  }

  #await(what: string, condition: () => boolean, withinMs: number): void {
    const { clock } = this.#ports.cluster.world
    if (clock.runUntil(condition, withinMs)) return
    const standing = this.#core.map(({ id, driver }) => {
      const { role, term, commitIndex, appliedIndex } = driver?.status() ?? {}
      return `${id}: ${role} of term ${term}, committed ${commitIndex}, applied ${appliedIndex}`
    })
    throw new Violation('liveness', `a healthy core does not ${what}; ${standing.join('; ')}`)
  }
}

const rowIndexes: ReadonlySet<string> = new Set(['createIndex', 'modifyIndex'])
