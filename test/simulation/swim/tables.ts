/**
 * The tables of what gossip promises, each row measured now and judged by its bar: how fast news spread, false deaths in
 * quiet and with stalling members, and the healing of a split beside memberlist's own rules in the same simulator.
 */
import { textsOf } from '../run/patch.ts'
import type { FalseDeaths } from './experiments.ts'
import type { Jobs, Kind, Results } from './job.ts'
import { plainRules } from './plain.ts'
import { type Lifeguard, stallScenarios } from './stalls.ts'
import { SwimThread } from './threads.ts'

export interface TableOptions {
  readonly seed: number
  /** Sizes of the pools that are split. */
  readonly sizes: readonly number[]
  /** Simulated hours of the quiet pools. */
  readonly hours: number
  /** Only the tables whose name holds this. */
  readonly only: string
  readonly say: (line: string) => void
}

const timeoutMs = 3_600_000
const newsBarMs = 2_000
const judgedLoss = 0.1
const stallsBar = { least: 200, times: 20 }

/** True if every row keeps its bar. */
export async function printTables(options: TableOptions): Promise<boolean> {
  let isKept = true
  for (const [name, print] of Object.entries(tables))
    if (name.includes(options.only) && !(await print(options))) isKept = false
  return isKept
}

const tables: Readonly<Record<string, (options: TableOptions) => Promise<boolean>>> = {
  news: newsTable,
  quiet: quietTable,
  stalls: stallTable,
  healing: healingTable,
}

async function measure<One extends Kind>(kind: One, job: Jobs[One], isPlain = false): Promise<Results[One]> {
  const thread = new SwimThread(isPlain ? textsOf(plainRules) : [])
  const outcome = await thread.run(kind, job, timeoutMs)
  await thread.end()
  if (!outcome.ok) throw new Error(`${kind}: ${outcome.error}`)
  return outcome.result
}

const verdict = (isKept: boolean): string => (isKept ? 'kept' : 'NOT KEPT')
const seconds = (ms: number | undefined): string => (ms === undefined ? '> 3600' : (ms / 1_000).toFixed(1))

async function newsTable({ seed, say }: TableOptions): Promise<boolean> {
  say(
    `\n99 % of 1,000 members know a change (bar at 10 % loss: ${seconds(newsBarMs)} s at the 95th percentile)`,
  )
  say('loss   median s   p95 s   max s')
  let isKept = true
  for (const loss of [0, judgedLoss, 0.3]) {
    const changes = loss === judgedLoss ? 60 : 10
    const { timesMs } = await measure('dissemination', { seed, members: 1_000, loss, changes })
    const at = (share: number): number =>
      timesMs[Math.min(timesMs.length - 1, Math.floor(share * timesMs.length))] ?? Number.POSITIVE_INFINITY
    if (loss === judgedLoss) isKept = at(0.95) <= newsBarMs
    say(
      `${`${loss * 100} %`.padEnd(7)}${seconds(at(0.5)).padEnd(11)}${seconds(at(0.95)).padEnd(8)}${seconds(at(1))}`,
    )
  }
  say(verdict(isKept))
  return isKept
}

async function quietTable({ seed, hours, say }: TableOptions): Promise<boolean> {
  say(`\nfalse deaths in ${hours} simulated hours, 100 members (bar: 0)`)
  say('loss   occasions')
  let isKept = true
  for (const loss of [0, 0.01, 0.03, 0.05]) {
    const { occasions } = await measure('quiet', { seed, members: 100, loss, hours })
    if (occasions > 0) isKept = false
    say(`${`${loss * 100} %`.padEnd(7)}${occasions}`)
  }
  say(verdict(isKept))
  return isKept
}

/**
 * Awareness is judged with all else as in a real pool, confirmations included. Without either it is plain SWIM, with both
 * it is Lifeguard.
 */
async function stallTable({ seed, say }: TableOptions): Promise<boolean> {
  say('\n100 members, 10 of them stalling for 5 to 20 s: false deaths of the other 90')
  say(
    `(occasions/beliefs; bar: at least ${stallsBar.least} with confirmations alone, ${stallsBar.times} times fewer with awareness too)`,
  )
  say(`${'minutes'.padEnd(9)}${columns.map(({ title }) => title.padEnd(18)).join('')}`)
  let isKept = true
  for (const { title, stalls, isJudged } of stallScenarios) {
    const deaths: FalseDeaths[] = []
    for (const { lifeguard } of columns) deaths.push(await measure('stalls', { seed, stalls, lifeguard }))
    const [, , off = 0, on = 0] = deaths.map(({ occasions }) => occasions)
    const keepsBar = off >= stallsBar.least && on * stallsBar.times <= off
    if (isJudged && !keepsBar) isKept = false
    const cells = deaths.map(({ occasions, beliefs }) => `${occasions}/${beliefs}`.padEnd(18))
    say(
      `${String(stalls.minutes).padEnd(9)}${cells.join('')}${title}${isJudged ? `: ${verdict(keepsBar)}` : ''}`,
    )
  }
  return isKept
}

const columns: readonly { readonly title: string; readonly lifeguard: Lifeguard }[] = [
  { title: 'plain SWIM', lifeguard: { isAware: false, isPatient: false } },
  { title: 'awareness', lifeguard: { isAware: true, isPatient: false } },
  { title: 'confirmations', lifeguard: { isAware: false, isPatient: true } },
  { title: 'both', lifeguard: { isAware: true, isPatient: true } },
]

async function healingTable({ seed, sizes, say }: TableOptions): Promise<boolean> {
  say(
    '\nhealing of a split in halves, until all views are equal (bar: no longer than by plain memberlist rules)',
  )
  say('members   ours s    plain s   messages: ours     plain')
  let isKept = true
  for (const members of sizes) {
    const ours = await measure('healing', { seed, members, isPlain: false })
    const plain = await measure('healing', { seed, members, isPlain: true }, true)
    const [mine, theirs] = [ours, plain].map((one) => one.healedMs ?? Number.POSITIVE_INFINITY)
    if (mine === undefined || theirs === undefined || mine > theirs) isKept = false
    const cells = [
      String(members).padEnd(10),
      seconds(ours.healedMs).padEnd(10),
      seconds(plain.healedMs).padEnd(10),
    ]
    say(`${cells.join('')}${String(ours.messages).padEnd(19)}${plain.messages}`)
  }
  say(verdict(isKept))
  return isKept
}
