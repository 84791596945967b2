/**
 * All servers of a run and what is asked of them together: who leads, who is a member, which of them could carry on alone.
 */
import { type ClusterConfiguration, votersOf } from '../../src/model/cluster.ts'
import { genesis } from '../unit/store/rows.ts'
import { checkSalts } from './checks/salts.ts'
import { MachineClock } from './process.ts'
import type { SeededRandom } from './random.ts'
import { SimulatedServer, type World } from './server.ts'
import { configurationOf } from './servers.ts'
import { Violation } from './violation.ts'

export class Cluster {
  readonly world: World
  /** Members of the first configuration, then spares. */
  readonly servers: readonly SimulatedServer[]

  constructor(world: World, random: SeededRandom) {
    this.world = world
    const { servers, spares, faults } = world.knobs
    this.servers = Array.from({ length: servers + spares }, (_, at) => {
      const rate = faults.has('clock-rate') ? 0.9 + random.fraction() * 0.2 : 1
      return new SimulatedServer(world, at + 1, random.fork(), new MachineClock(rate))
    })
  }

  /** Makes a new cluster and waits, in quiet, until it serves. */
  found(): void {
    const { clock, knobs } = this.world
    const first = this.servers.slice(0, knobs.servers)
    for (const server of this.servers) server.start()
    this.#await('the servers open', () => this.servers.every(({ driver }) => driver !== undefined))
    checkSalts(this.servers)
    const configuration = configurationOf(first.map(({ id }) => id))
    let durable = 0
    for (const { process, driver } of first)
      process?.run(() =>
        driver?.bootstrap(configuration, (result) => {
          durable += result.ok ? 1 : 0
        }),
      )
    this.#await('the first configuration is durable', () => durable === first.length)
    this.#await('a leader is elected', () => this.leader() !== undefined)
    this.#writeGenesis()
    this.#await('every member serves', () => first.every(({ rooms }) => rooms !== undefined))
    clock.run(100)
  }

  /** The running leader of the highest term. */
  leader(): SimulatedServer | undefined {
    let newest: SimulatedServer | undefined
    for (const server of this.servers)
      if (server.leads && (newest === undefined || termOf(server) > termOf(newest))) newest = server
    return newest
  }

  /** In the configuration of the present leader, or in doubt. */
  isMember(server: SimulatedServer): boolean {
    const configuration = this.leader()?.driver?.configuration()
    return configuration === undefined || configuration.servers.some(({ id }) => id === server.id)
  }

  /**
   * A random smallest set of servers that is a majority by every configuration that any of them may go by; undefined where
   * what is lost makes that impossible. All servers that are not lost must run.
   */
  core(random: SeededRandom): readonly SimulatedServer[] | undefined {
    const configurations = this.servers.flatMap(({ driver }) => driver?.configuration() ?? [])
    const known = configurations.filter(({ servers }) => servers.length > 0)
    const candidates = this.servers.filter(({ driver }) => driver !== undefined)
    shuffle(candidates, random)
    const chosen = new Set(candidates)
    if (!known.every((configuration) => hasMajority(configuration, chosen))) return undefined
    for (const candidate of candidates) {
      chosen.delete(candidate)
      if (!known.every((configuration) => hasMajority(configuration, chosen))) chosen.add(candidate)
    }
    return [...chosen]
  }

  #writeGenesis(): void {
    let isWritten = false
    this.#await('the cluster is founded', () => {
      const leader = this.leader()
      const { driver, process } = leader ?? {}
      if (!isWritten && driver !== undefined && process !== undefined) {
        isWritten = true
        const principal = { kind: 'server', node: leader?.id ?? '' } as const
        process.run(() =>
          driver.propose({ version: 1, principal, atMs: process.wallMs(), command: genesis() }, (result) => {
            isWritten = result.ok
          }),
        )
      }
      return leader?.rooms !== undefined
    })
  }

  #await(what: string, condition: () => boolean): void {
    if (!this.world.clock.runUntil(condition, 120_000))
      throw new Violation('founding', `in a quiet world it did not come about that ${what}`)
  }
}

const termOf = (server: SimulatedServer): number => server.driver?.status().term ?? 0

function hasMajority(configuration: ClusterConfiguration, servers: ReadonlySet<SimulatedServer>): boolean {
  const voters = votersOf(configuration)
  const there = [...servers].filter(({ id }) => voters.includes(id))
  return there.length * 2 > voters.length
}

function shuffle<Item>(items: Item[], random: SeededRandom): void {
  for (let at = items.length - 1; at > 0; at -= 1) {
    const other = random.below(at + 1)
    const moved = items[at]
    const swapped = items[other]
    if (moved === undefined || swapped === undefined) continue
    items[at] = swapped
    items[other] = moved
  }
}
