/** What a thread of the gossip simulator can be asked for; plain values both ways. */
import {
  type Dissemination,
  dissemination,
  type FalseDeaths,
  type Healing,
  healing,
  quietHours,
} from './experiments.ts'
import { falseDeathsBeside, type Lifeguard, type Stalls } from './stalls.ts'
import { runSeed, type SwarmResult } from './swarm.ts'

export interface Jobs {
  readonly seed: { readonly seed: number }
  readonly dissemination: {
    readonly seed: number
    readonly members: number
    readonly loss: number
    readonly changes: number
  }
  readonly quiet: {
    readonly seed: number
    readonly members: number
    readonly loss: number
    readonly hours: number
  }
  readonly stalls: {
    readonly seed: number
    readonly stalls: Stalls
    readonly lifeguard: Lifeguard
  }
  readonly healing: { readonly seed: number; readonly members: number; readonly isPlain: boolean }
}

export interface Results {
  readonly seed: SwarmResult
  readonly dissemination: Dissemination
  readonly quiet: FalseDeaths
  readonly stalls: FalseDeaths
  readonly healing: Healing
}

export type Kind = keyof Jobs

const run: { readonly [kind in Kind]: (job: Jobs[kind]) => Results[kind] } = {
  seed: ({ seed }) => runSeed(seed),
  dissemination: ({ seed, members, loss, changes }) => dissemination(seed, members, loss, changes),
  quiet: ({ seed, members, loss, hours }) => quietHours(seed, members, loss, hours),
  stalls: ({ seed, stalls, lifeguard }) => falseDeathsBeside(seed, stalls, lifeguard),
  healing: ({ seed, members, isPlain }) => healing(seed, members, isPlain),
}

export function runJob<One extends Kind>(kind: One, job: Jobs[One]): Results[One] {
  return run[kind](job)
}
