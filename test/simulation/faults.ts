/**
 * When something goes wrong, and what: each kind of fault that a run has comes again and again at random times, until the
 * safety phase ends and everything is healed.
 */
import type { SimulatedAgent } from './agent.ts'
import type { Calls } from './calls.ts'
import type { Cluster } from './cluster.ts'
import type { FaultKind, Knobs } from './knobs.ts'
import type { NetworkConditions } from './network.ts'
import { Operator } from './operator.ts'
import type { SeededRandom } from './random.ts'
import type { SimulatedServer } from './server.ts'
import { kinds } from './trace.ts'

/** What a healthy network does: its streams keep their order. */
export const healthyNetwork: NetworkConditions = {
  delayMinMs: 0.5,
  delayMaxMs: 5,
  loss: 0,
  duplicate: 0,
  reorders: false,
}

const dayMs = 86_400_000
/** Of the time that operations of the run's disks take. */
const healthyDisk = 0.05
/** Many changes do nothing, because there is nothing to change just then. */
const membershipEveryMs = 3_000

export interface FaultPorts {
  readonly cluster: Cluster
  readonly agents: readonly SimulatedAgent[]
  readonly calls: Calls
  readonly random: SeededRandom
}

export class Faults {
  readonly #ports: FaultPorts
  readonly #random: SeededRandom
  readonly #operator: Operator
  readonly #knobs: Knobs
  #isOver: boolean = false
  #hasRotted: boolean = false

  constructor(ports: FaultPorts) {
    this.#ports = ports
    this.#random = ports.random
    this.#operator = new Operator(ports.cluster, ports.random.fork())
    this.#knobs = ports.cluster.world.knobs
  }

  begin(): void {
    const { network } = this.#ports.cluster.world
    network.conditions = conditionsOf(this.#knobs)
    if (this.#knobs.faults.has('call-loss')) this.#ports.calls.loss = 0.02
    if (this.#knobs.faults.has('delay')) this.#ports.calls.delayMaxMs = 200
    for (const kind of this.#knobs.faults) {
      const fault = this.#faults[kind]
      if (fault !== undefined) this.#again(kind, fault)
    }
  }

  /** Nothing new goes wrong; what is wrong is put right. Servers that are down stay so. */
  heal(): void {
    const { cluster, calls, agents } = this.#ports
    const { network } = cluster.world
    this.#isOver = true
    network.heal()
    network.conditions = healthyNetwork
    calls.loss = 0
    calls.delayMaxMs = 10
    for (const server of cluster.servers) {
      server.resume()
      if (server.isStopping) server.kill('is killed on its way down')
      server.disk.heal()
      server.disk.slowness = healthyDisk
      server.clock.wallErrorMs = 0
    }
    for (const agent of agents) {
      agent.clock.wallErrorMs = 0
      if (agent.isStalled) agent.pair?.cut()
      agent.pair?.left.pauseReading(false)
      agent.start()
    }
  }

  #again(kind: FaultKind, fault: () => void): void {
    const { clock, trace } = this.#ports.cluster.world
    const meanMs = this.#meanMs(kind)
    clock.after(-Math.log(1 - this.#random.fraction()) * meanMs, () => {
      if (this.#isOver) return
      trace.event(kinds.fault, kind.length, 0, () => `fault: ${kind}`)
      fault()
      this.#again(kind, fault)
    })
  }

  #meanMs(kind: FaultKind): number {
    const { crashEveryMs, faultEveryMs } = this.#knobs
    if (kind === 'crash') return crashEveryMs
    return kind === 'membership' ? Math.min(faultEveryMs, membershipEveryMs) : faultEveryMs
  }

  /** Kinds that are not here are conditions, not happenings. */
  readonly #faults: Partial<Record<FaultKind, () => void>> = {
    clog: () => this.#clog(),
    swizzle: () => this.#swizzle(),
    partition: () => this.#partition(),
    isolate: () => this.#isolate(),
    crash: () => this.#down((server) => server.crash()),
    kill: () => this.#down((server) => server.kill('is killed')),
    stop: () => this.#stop(),
    'all-down': () => this.#allDown(),
    pause: () => this.#pause(),
    'wall-jump': () => this.#jump(),
    'slow-disk': () => this.#slowDisk(),
    'write-error': () => this.#victim().disk.fail('write', { code: 'io', message: 'a write failed' }),
    'sync-error': () => this.#victim().disk.fail('sync', { code: 'io', message: 'a sync failed' }),
    'disk-full': () => this.#fillDisk(),
    rot: () => this.#rot(),
    membership: () => this.#operator.change(),
    transfer: () => this.#operator.transfer(),
    'stream-break': () => this.#breakStream(),
    'stream-stall': () => this.#stallStream(),
    'agent-crash': () => this.#crashAgent(),
  }

  /** The leader in half of the runs where there is one. */
  #victim(): SimulatedServer {
    const { cluster } = this.#ports
    const leader = this.#knobs.aimsAtLeader && this.#random.chance(0.6) ? cluster.leader() : undefined
    return leader ?? this.#random.pick(cluster.servers)
  }

  #down(how: (server: SimulatedServer) => void): void {
    const server = this.#victim()
    if (!server.isUp) return
    how(server)
    this.#restart(server, this.#random.between(10, 3_000))
  }

  #restart(server: SimulatedServer, afterMs: number): void {
    this.#ports.cluster.world.clock.after(afterMs, () => {
      if (!this.#isOver) server.start()
    })
  }

  #stop(): void {
    const server = this.#victim()
    server.stop()
    this.#restart(server, this.#random.between(3_000, 10_000))
  }

  #allDown(): void {
    const { cluster } = this.#ports
    cluster.world.reached.hit('all servers down')
    const isPowerCut = this.#random.chance(0.5)
    for (const server of cluster.servers) {
      if (isPowerCut) server.crash()
      else server.kill('is killed with all others')
      this.#restart(server, this.#random.between(100, 4_000))
    }
  }

  #pause(): void {
    this.#pauseFor(this.#victim(), this.#random.between(10, 10_000))
  }

  #pauseFor(server: SimulatedServer, durationMs: number): void {
    const { process } = server
    if (process === undefined || process.isPaused) return
    server.pause()
    this.#ports.cluster.world.clock.after(durationMs, () => {
      if (server.process === process) server.resume()
    })
  }

  #jump(): void {
    const { cluster, agents } = this.#ports
    const machine = this.#random.pick([...cluster.servers, ...agents])
    machine.clock.wallErrorMs = (this.#random.fraction() * 2 - 1) * dayMs
  }

  #slowDisk(): void {
    const { disk } = this.#victim()
    disk.slowness = this.#random.pick([10, 50, 200])
    this.#ports.cluster.world.clock.after(this.#random.between(100, 8_000), () => {
      if (!this.#isOver) disk.slowness = 1
    })
  }

  #fillDisk(): void {
    const { disk } = this.#victim()
    disk.freeBytes = this.#random.below(20_000)
    this.#ports.cluster.world.reached.hit('disk full')
    this.#ports.cluster.world.clock.after(this.#random.between(1_000, 10_000), () => {
      disk.freeBytes = Number.POSITIVE_INFINITY
    })
  }

  /** One byte of one server's files changes while it is down, once in a run and only where a majority stays. */
  #rot(): void {
    const { cluster } = this.#ports
    const server = this.#victim()
    if (this.#hasRotted || this.#knobs.servers < 3 || !server.isUp) return
    const files = ['wal', 'snapshots', ''].flatMap((directory) =>
      server.disk.list(directory).map((name) => (directory === '' ? name : `${directory}/${name}`)),
    )
    const file = this.#random.pick(files)
    const size = server.disk.read(file)?.length ?? 0
    if (size === 0) return
    this.#hasRotted = true
    server.hasRotted = true
    server.kill('is killed')
    server.disk.flip(file, this.#random.below(size), 1 << this.#random.below(8))
    cluster.world.trace.event(kinds.fault, 102, server.number, () => `${server.id}: ${file} rots`)
    this.#restart(server, this.#random.between(10, 2_000))
  }

  #partition(): void {
    const { network, clock } = this.#ports.cluster.world
    const ids = this.#ports.cluster.servers.map(({ id }) => id)
    const side = new Set(ids.filter(() => this.#random.chance(0.5)))
    const kind = this.#random.pick(['full', 'full', 'one-way', 'partial', 'ring'] as const)
    for (const [at, from] of ids.entries())
      for (const [other, to] of ids.entries()) {
        const distance = Math.abs(at - other)
        const isCut =
          kind === 'ring'
            ? distance > 1 && distance < ids.length - 1
            : kind === 'partial'
              ? this.#random.chance(0.3)
              : side.has(from) && !side.has(to)
        if (from === to || !isCut) continue
        network.cut(from, to)
        if (kind !== 'one-way') network.cut(to, from)
      }
    clock.after(this.#random.between(200, 10_000), () => network.heal())
  }

  /** A leader that is cut off, alone or with one other, goes on writing what will never be committed. */
  #isolate(): void {
    const { network, clock } = this.#ports.cluster.world
    const leader = this.#ports.cluster.leader()
    if (leader === undefined) return
    const side = new Set([leader.id])
    if (this.#random.chance(0.3)) side.add(this.#random.pick(this.#ports.cluster.servers).id)
    const kind = this.#random.pick(['both', 'both', 'hears', 'is heard'] as const)
    for (const { id } of this.#ports.cluster.servers)
      for (const cutOff of side)
        if (!side.has(id)) {
          if (kind !== 'hears') network.cut(id, cutOff)
          if (kind !== 'is heard') network.cut(cutOff, id)
        }
    const durationMs = this.#random.between(500, 6_000)
    clock.after(durationMs, () => network.heal())
    // One that sleeps meanwhile and wakes while it is still cut off does not know that others went on without it.
    if (this.#random.chance(0.4)) this.#pauseFor(leader, durationMs * this.#random.fraction())
  }

  #clog(): void {
    const { network } = this.#ports.cluster.world
    const ids = this.#ports.cluster.servers.map(({ id }) => id)
    network.clog(this.#random.pick(ids), this.#random.pick(ids), this.#random.between(100, 5_000))
  }

  /** Links of some servers stop one by one and are let go in another order. */
  #swizzle(): void {
    const { network, clock } = this.#ports.cluster.world
    const ids = this.#ports.cluster.servers.map(({ id }) => id)
    for (const from of ids.filter(() => this.#random.chance(0.5)))
      clock.after(this.#random.between(0, 2_000), () => {
        if (this.#isOver) return
        for (const to of ids) if (to !== from) network.clog(from, to, this.#random.between(100, 5_000))
      })
  }

  #agent(): SimulatedAgent | undefined {
    const { agents } = this.#ports
    return agents.length === 0 ? undefined : this.#random.pick(agents)
  }

  #breakStream(): void {
    const { reached } = this.#ports.cluster.world
    const agent = this.#agent()
    if (agent?.pair === undefined) return
    reached.hit('stream broken')
    agent.pair.cut()
  }

  /** The network between swallows everything, or only the agent is slow to read. */
  #stallStream(): void {
    const { clock } = this.#ports.cluster.world
    const agent = this.#agent()
    const pair = agent?.pair
    if (agent === undefined || pair === undefined) return
    const isSilent = this.#random.chance(0.5)
    if (isSilent) {
      pair.stall(true)
      agent.isStalled = true
    } else pair.left.pauseReading(true)
    clock.after(this.#random.between(1_000, 40_000), () => {
      pair.stall(false)
      pair.left.pauseReading(false)
      if (agent.pair === pair) agent.isStalled = false
    })
  }

  #crashAgent(): void {
    const { reached, clock } = this.#ports.cluster.world
    const agent = this.#agent()
    if (agent?.process === undefined) return
    agent.crash()
    reached.hit('agent restarted')
    clock.after(this.#random.between(10, 5_000), () => agent.start())
  }
}

function conditionsOf({ faults, loss, duplicate, delayMeanMs, reorders }: Knobs): NetworkConditions {
  const mostMs = 5_000
  return {
    delayMinMs: 0.5,
    reorders,
    loss: faults.has('loss') ? loss : 0,
    duplicate: faults.has('duplicate') ? duplicate : 0,
    ...(faults.has('delay') ? { delayMaxMs: mostMs, delayMeanMs } : { delayMaxMs: 5 }),
  }
}
