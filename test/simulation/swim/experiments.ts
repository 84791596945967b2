/**
 * Measurements of simulated pools against figures that are written down: how fast news spread, whether the healthy are
 * buried, and how long a pool takes to be one again after a split. Each takes a seed and gives plain numbers.
 */
import { lanParameters } from '../../../src/swim/parameters.ts'
import type { Host } from './host.ts'
import { Pool, quietLan } from './pool.ts'

export interface Dissemination {
  /** Until 99 % of the others knew a change, per change, sorted. */
  readonly timesMs: readonly number[]
}

/** `changes` members describe themselves anew, one after the other. */
export function dissemination(seed: number, members: number, loss: number, changes: number): Dissemination {
  const pool = new Pool(seed, lanParameters, { ...quietLan, loss })
  pool.addFormed(members)
  pool.run(20_000)
  let known = 0
  let subject = ''
  pool.watchers.push((_host, event) => {
    if (event.type === 'updated' && event.member.name === subject) known += 1
  })
  const timesMs: number[] = []
  for (let change = 0; change < changes; change += 1) {
    const host = pool.random.pick(pool.hosts)
    known = 0
    subject = host.name
    host.step({ type: 'update', meta: pool.random.bytes(20) })
    const wanted = Math.ceil(0.99 * (members - 1))
    timesMs.push(pool.runUntil(() => known >= wanted, 60_000, 10) ?? Number.POSITIVE_INFINITY)
    pool.run(10_000)
  }
  return { timesMs: timesMs.toSorted((a, b) => a - b) }
}

export interface FalseDeaths {
  /** Occasions: a healthy member that anybody took for dead, once per incarnation. */
  readonly occasions: number
  /** The same, counted on every member that believed it. */
  readonly beliefs: number
}

/** Counts deaths of members that `isHealthy` says run well. */
export function countFalseDeaths(pool: Pool, isHealthy: (host: Host) => boolean): { result(): FalseDeaths } {
  const occasions = new Set<string>()
  let beliefs = 0
  pool.watchers.push((_host, event) => {
    if (event.type !== 'failed') return
    const { name, record, incarnation } = event.member
    const host = pool.hosts[record.port - 1]
    if (host === undefined || !isHealthy(host)) return
    beliefs += 1
    occasions.add(`${name} ${incarnation}`)
  })
  return { result: () => ({ occasions: occasions.size, beliefs }) }
}

export function quietHours(seed: number, members: number, loss: number, hours: number): FalseDeaths {
  const pool = new Pool(seed, lanParameters, { ...quietLan, loss })
  pool.addFormed(members)
  const deaths = countFalseDeaths(pool, () => true)
  pool.run(hours * 3_600_000)
  return deaths.result()
}

export interface Healing {
  /** From the end of the split until everybody sees everybody alive; undefined: not within an hour. */
  readonly healedMs: number | undefined
  readonly messages: number
}

/** Two halves that have known each other as failed for long. `answersFirst`: as memberlist does. */
export function healing(seed: number, members: number, answersFirst: boolean): Healing {
  const pool = new Pool(seed, lanParameters, quietLan)
  pool.answersFirst = answersFirst
  pool.addSplit(members)
  pool.run(60_000)
  pool.heal()
  const before = pool.counts.messages
  const isWhole = (): boolean => pool.hosts.every((host) => host.swim.count('alive') === members)
  const healedMs = pool.runUntil(isWhole, 3_600_000, 500)
  return { healedMs, messages: pool.counts.messages - before }
}
