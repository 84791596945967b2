// One fault after the other while clients work: members die, stand still, or lose each other. After each the cluster has a
// moment to recover. What was wrong when is kept, to say which operations met a fault.
import type { Random } from '../../src/platform/ports.ts'
import { pause } from '../bench/load/closed-loop.ts'
import type { Network } from './network.ts'
import type { SystemUnderTest } from './system.ts'

export interface Window {
  readonly fault: string
  readonly from: number
  readonly to: number
}

interface Fault {
  readonly name: string
  begin(): Promise<void> | void
  end(): Promise<void> | void
}

const holdMs = { least: 2_000, most: 5_500 } as const
const calmMs = { least: 500, most: 1_800 } as const

export class Faults {
  readonly windows: Window[] = []
  private readonly system: SystemUnderTest
  private readonly network: Network | undefined
  private readonly random: Random

  constructor(system: SystemUnderTest, network: Network | undefined, random: Random) {
    this.system = system
    this.network = network
    this.random = random
  }

  /** Goes on until `isOver`; everything is healed when it resolves. */
  async run(isOver: () => boolean): Promise<void> {
    await pause(1_000)
    while (!isOver()) {
      const fault = await this.choose()
      const from = performance.now()
      await fault.begin()
      await this.wait(holdMs, isOver)
      await fault.end()
      this.windows.push({ fault: fault.name, from, to: performance.now() })
      await this.wait(calmMs, isOver)
    }
  }

  private async wait(
    between: { readonly least: number; readonly most: number },
    isOver: () => boolean,
  ): Promise<void> {
    const until = performance.now() + between.least + this.random.fraction() * (between.most - between.least)
    while (performance.now() < until && !isOver()) await pause(50)
  }

  private async choose(): Promise<Fault> {
    const { members } = this.system
    const leader = (await this.system.leader()) ?? 0
    const other = (leader + 1 + Math.floor(this.random.fraction() * (members - 1))) % members
    const faults = [
      this.kill('kill the leader', [leader]),
      this.kill('kill a follower', [other]),
      this.kill('kill two', [leader, other]),
      this.pause('pause the leader', leader),
      this.pause('pause the leader', leader),
      this.pause('pause a follower', other),
      ...this.cuts(leader, other),
    ]
    const chosen = faults[Math.floor(this.random.fraction() * faults.length)]
    if (chosen === undefined) throw new Error('no fault to choose')
    return chosen
  }

  private kill(name: string, members: readonly number[]): Fault {
    return {
      name,
      begin: async () => {
        await Promise.all(members.map((member) => this.system.kill(member)))
      },
      end: () => {
        for (const member of members) this.system.restart(member)
      },
    }
  }

  private pause(name: string, member: number): Fault {
    return { name, begin: () => this.system.pause(member), end: () => this.system.resume(member) }
  }

  private cuts(leader: number, other: number): readonly Fault[] {
    const { network } = this
    if (network === undefined) return []
    const cut = (name: string, begin: () => void): Fault => ({ name, begin, end: () => network.heal() })
    return [
      cut('cut the leader off', () => network.isolate(leader)),
      cut('cut the leader off', () => network.isolate(leader)),
      cut('cut a follower off', () => network.isolate(other)),
      cut('the leader is not heard', () => {
        for (let to = 0; to < this.system.members; to++) if (to !== leader) network.block(leader, to)
      }),
      cut('the leader does not hear', () => {
        for (let from = 0; from < this.system.members; from++)
          if (from !== leader) network.block(from, leader)
      }),
      cut('leader and a follower lose each other', () => {
        network.block(leader, other)
        network.block(other, leader)
      }),
    ]
  }
}
