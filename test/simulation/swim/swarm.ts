/**
 * Random pools: each seed draws size, weather and mishaps, lets them happen for a while, then lets the pool rest and
 * asks the checkers.
 */
import { lanParameters } from '../../../src/swim/parameters.ts'
import { SeededRandom } from '../random.ts'
import { Checker } from './checkers.ts'
import type { Host } from './host.ts'
import { Pool, quietLan } from './pool.ts'

/** How long mishaps happen, and the rest until everything must be right. */
const stormMs = 90_000
const restMs = 300_000
/** Those that ever were; more would only be dead names. */
const mostHosts = 70

export interface SwarmResult {
  readonly violations: readonly string[]
  readonly summary: string
  readonly delivered: number
  readonly simulatedMs: number
}

class Storm {
  readonly #pool: Pool
  readonly #checker: Checker
  readonly #random: SeededRandom
  readonly #mishaps: readonly (() => void)[]
  /** Goodbyes are judged only where nothing else could swallow them. */
  readonly #isCalm: boolean

  constructor(pool: Pool, checker: Checker, random: SeededRandom) {
    this.#pool = pool
    this.#checker = checker
    this.#random = random
    const kinds = [
      () => this.#crash(),
      () => this.#restart(),
      () => this.#leave(),
      () => this.#join(),
      () => this.#describe(),
      () => this.#move(),
      () => this.#impostor(),
      () => this.#stall(),
      () => this.#split(),
      () => this.#deafen(),
    ]
    // Now and then nothing that could swallow a goodbye: then goodbyes are judged.
    const gentle = random.chance(0.3) ? 6 : kinds.length
    this.#mishaps = kinds.filter((_kind, at) => random.chance(0.5) && at < gentle)
    this.#isCalm = !this.#mishaps.some((kind) => kinds.indexOf(kind) >= 6)
  }

  /** One mishap after another, with pauses. */
  rage(): void {
    for (const host of this.#pool.hosts) this.#keepJoined(host, false)
    const untilMs = this.#pool.nowMs + stormMs
    const pauseMs = this.#random.pick([500, 3_000, 10_000])
    while (this.#pool.nowMs < untilMs) {
      if (this.#mishaps.length > 0) this.#random.pick(this.#mishaps)()
      this.#pool.run(this.#random.between(1, pauseMs))
    }
  }

  #living(): Host[] {
    return this.#pool.hosts.filter((host) => host.isUp && !host.hasLeft)
  }

  /** Somebody must be left to talk to. */
  #victim(): Host | undefined {
    const living = this.#living()
    return living.length > 2 ? this.#random.pick(living) : undefined
  }

  #crash(): void {
    this.#victim()?.crash()
  }

  #restart(): void {
    const down = this.#pool.hosts.filter((host) => !host.isUp && !this.#isNameTaken(host))
    if (down.length === 0) return
    const host = this.#random.pick(down)
    this.#start(host)
  }

  #isNameTaken(host: Host): boolean {
    return this.#pool.hosts.some((other) => other !== host && other.name === host.name && other.isUp)
  }

  #start(host: Host): void {
    this.#checker.forget(host)
    this.#pool.start(host)
    this.#keepJoined(host, true)
  }

  /** As the shell does: join, and again whenever it is alone. */
  #keepJoined(host: Host, isFresh: boolean): void {
    // Several addresses, or two that start at the same time might found a pool of their own.
    let isNew = isFresh
    const { swim } = host
    const join = (): void => {
      if (!host.isUp || host.hasLeft || host.swim !== swim) return
      const seen = swim.count('alive')
      if (seen > this.#living().length / 2) isNew = false
      if (isNew || seen + swim.count('suspect') <= 1)
        for (let tries = 0; tries < 3; tries += 1) this.#pool.rejoin(host)
      this.#pool.wheel.call(this.#pool.nowMs + 3_000, join)
    }
    join()
  }

  #leave(): void {
    const host = this.#victim()
    if (host === undefined) return
    this.#pool.leave(host)
    host.leftCleanly = this.#isCalm && this.#checker.isStrict && this.#pool.nowMs - host.startedMs > 10_000
  }

  #join(): void {
    if (this.#pool.hosts.length < mostHosts) this.#start(this.#pool.addHost())
  }

  #describe(): void {
    this.#victim()?.step({ type: 'update', meta: this.#random.bytes(20) })
  }

  /** A host comes back elsewhere under its old name. */
  #move(): void {
    const host = this.#victim()
    if (host === undefined || this.#pool.hosts.length >= mostHosts) return
    host.crash()
    const { reclaimAfterMs } = this.#pool.parameters
    this.#pool.wheel.call(this.#pool.nowMs + reclaimAfterMs + 60_000, () => {
      if (!host.isUp && !this.#isNameTaken(host)) this.#start(this.#pool.addHost(host.name))
    })
  }

  /** Another host takes a living one's name for a while. */
  #impostor(): void {
    const host = this.#victim()
    if (host === undefined || this.#pool.hosts.length >= mostHosts) return
    const impostor = this.#pool.addHost(host.name)
    this.#start(impostor)
    this.#pool.wheel.call(this.#pool.nowMs + this.#random.between(1_000, 20_000), () => impostor.crash())
  }

  #stall(): void {
    this.#victim()?.stall(this.#random.between(50, 20_000))
  }

  #split(): void {
    if (this.#pool.isSplit) this.#pool.heal()
    else this.#pool.split(() => this.#random.below(2))
  }

  /** Datagrams between two hosts are lost one way; everything else works. */
  #deafen(): void {
    const from = this.#victim()
    const to = this.#victim()
    if (from !== undefined && to !== undefined) this.#pool.deafTo.add(from.index * 65_536 + to.index)
  }
}

export function runSeed(seed: number): SwarmResult {
  const random = new SeededRandom(seed)
  const loss = random.pick([0, 0, 0.02, 0.1, 0.3])
  const conditions = {
    ...quietLan,
    loss,
    duplicate: random.pick([0, 0, 0.1]),
    delayMaxMs: random.pick([1.5, 20, 100]),
  }
  const pool = new Pool(random.next(), lanParameters, conditions)
  const checker = new Checker(pool)
  checker.isStrict = loss <= 0.02
  const drift = random.pick([0, 0, 0.1])
  pool.addFormed(random.pick([3, 5, 7, 12, 25, 50]), () => 1 + (random.fraction() * 2 - 1) * drift)
  pool.run(2_000)
  new Storm(pool, checker, random).rage()
  pool.heal()
  pool.conditions = { ...conditions, loss: 0, duplicate: 0 }
  pool.deafTo.clear()
  pool.run(restMs)
  checker.checkQuiet()
  const { delivered } = pool.counts
  return {
    violations: checker.violations,
    summary: `seed ${seed}: ${pool.hosts.length} hosts, loss ${loss}, drift ${drift}, ${delivered} messages`,
    delivered,
    simulatedMs: pool.nowMs,
  }
}
