/**
 * Members that stand still again and again, and how many healthy ones are taken for dead because of them: what Lifeguard
 * is for (Dadgar, Phillips, Currey: "Lifeguard", arXiv 1707.00788). Each part of it can be switched off.
 */
import { lanParameters, type SwimParameters } from '../../../src/swim/parameters.ts'
import { countFalseDeaths, type FalseDeaths } from './experiments.ts'
import type { Host } from './host.ts'
import { Pool, quietLan } from './pool.ts'

export interface Lifeguard {
  /** Health scores, and the look at the own clock. */
  readonly isAware: boolean
  /** Suspicions that wait for confirmations. */
  readonly isPatient: boolean
}

type Range = readonly [low: number, high: number]

export interface Stalls {
  readonly members: number
  /** Always the same ones; the others are healthy. */
  readonly stalling: number
  /** Nothing of the process runs, or its timers do and only its messages wait. */
  readonly what: 'process' | 'messages'
  /** All at the same moments, or each by itself. */
  readonly isTogether: boolean
  readonly stallMs: Range
  /** Between two stalls of one member. */
  readonly pauseMs: Range
  /** One way through the network. */
  readonly delayMs: Range
  readonly minutes: number
}

function parametersWith({ isAware, isPatient }: Lifeguard): SwimParameters {
  return {
    ...lanParameters,
    ...(isAware ? {} : { awarenessMax: 1, lateMs: Number.POSITIVE_INFINITY }),
    ...(isPatient ? {} : { suspicionMaxMultiplier: 1 }),
  }
}

/** Deaths of members that never stalled. */
export function falseDeathsBeside(seed: number, stalls: Stalls, lifeguard: Lifeguard): FalseDeaths {
  const [delayMinMs, delayMaxMs] = stalls.delayMs
  const pool = new Pool(seed, parametersWith(lifeguard), { ...quietLan, delayMinMs, delayMaxMs })
  pool.addFormed(stalls.members)
  pool.run(10_000)
  const every = Math.floor(stalls.members / stalls.stalling)
  const stalling = pool.hosts.filter((_host, at) => at % every === 0).slice(0, stalls.stalling)
  const deaths = countFalseDeaths(pool, (host) => !stalling.includes(host))
  for (const group of stalls.isTogether ? [stalling] : stalling.map((host) => [host]))
    keepStalling(pool, group, stalls)
  pool.run(stalls.minutes * 60_000)
  return deaths.result()
}

function keepStalling(pool: Pool, group: readonly Host[], { what, stallMs, pauseMs }: Stalls): void {
  const next = (): void => {
    const durationMs = pool.random.between(...stallMs)
    for (const host of group)
      if (what === 'process') host.stall(durationMs)
      else host.clog(durationMs)
    pool.wheel.call(pool.nowMs + durationMs + pool.random.between(...pauseMs), next)
  }
  pool.wheel.call(pool.nowMs + pool.random.between(0, 10_000), next)
}

const standard = { members: 100, stalling: 10, stallMs: [5_000, 20_000], delayMs: [0.2, 1.5] } as const
const alike = { ...standard, what: 'messages', isTogether: true } as const

export interface Scenario {
  readonly title: string
  readonly stalls: Stalls
  /** Whether the bar holds for it: Lifeguard's own experiment; the others are here to be seen. */
  readonly isJudged: boolean
}

/** The pauses are of the set that Lifeguard's authors used, and so is standing still all at once. */
export const stallScenarios: readonly Scenario[] = [
  ...[16, 64, 256].map((pause) => ({
    title: `messages wait, all at once, ${pause} ms between`,
    stalls: { ...alike, pauseMs: [pause, pause], minutes: 10 } as const,
    isJudged: true,
  })),
  {
    title: 'messages wait, each by itself, 256 ms between',
    stalls: { ...alike, isTogether: false, pauseMs: [256, 256], minutes: 10 },
    isJudged: false,
  },
  {
    title: 'processes stand still, all at once, 1 ms between',
    stalls: { ...alike, what: 'process', pauseMs: [1, 1], minutes: 10 },
    isJudged: false,
  },
  {
    // Probes are under way long enough for stalls to fall into them.
    title: 'processes stand still, each by itself, round trips of 100 to 300 ms',
    stalls: {
      ...alike,
      what: 'process',
      isTogether: false,
      pauseMs: [50, 1_000],
      delayMs: [50, 150],
      minutes: 60,
    },
    isJudged: false,
  },
]
