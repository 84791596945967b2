// `npm run bench -- detect`: seven pool members of ours and seven agents of Debian's serf, with the same parameters. In
// turns one of each is killed without a word, and the time is taken until all survivors say that it failed; then it is
// started again and asked to join, and the time is taken until all survivors say that it is back.
//
//   --rounds N (20)
import { parseArgs } from 'node:util'
import { serfProgram } from '../../peers/serf.ts'
import { SeededRandom } from '../../simulation/random.ts'
import { pause } from '../load/closed-loop.ts'
import { type BenchResult, median, PeerMissing, round } from '../result.ts'
import { upperBoundOfRatio } from './bootstrap.ts'
import { lanParametersOfBoth } from './parameters.ts'
import { type Measured, type News, OurPool, SerfPool } from './pools.ts'

const members = 7
const probeIntervalMs = 1_000
const bar = 1.2
const confidence = 0.95
const givenUpAfterMs = 90_000
/** After everybody has joined, and after each return: gossip and health scores come to rest. */
const restMs = 3_000

interface Times {
  readonly deadMs: number[]
  readonly backMs: number[]
}

export async function bench(args: readonly string[]): Promise<BenchResult> {
  if (serfProgram === undefined) throw new PeerMissing('serf')
  const { values } = parseArgs({ args: [...args], options: { rounds: { type: 'string', default: '20' } } })
  const [ours, serf] = [new OurPool(members), new SerfPool(members)]
  const random = new SeededRandom(Date.now())
  const times: Record<Measured['name'], Times> = {
    ours: { deadMs: [], backMs: [] },
    serf: { deadMs: [], backMs: [] },
  }
  try {
    await ours.start()
    await serf.start()
    await pause(restMs)
    printParameters(serf.profile)
    for (let at = 0; at < Number(values.rounds); at += 1)
      for (const pool of at % 2 === 0 ? [ours, serf] : [serf, ours]) {
        const { deadMs, backMs } = await oneRound(pool, random)
        times[pool.name].deadMs.push(deadMs)
        times[pool.name].backMs.push(backMs)
        const took = `dead on all after ${deadMs.toFixed(0)} ms, back on all ${backMs.toFixed(0)} ms`
        console.log(`round ${String(at + 1).padEnd(3)} ${pool.name}  ${took} after it was asked to join`)
      }
  } finally {
    await Promise.all([ours.end(), serf.end()])
  }
  return resultOf(times)
}

function printParameters(profile: string): void {
  console.log(
    `parameters of both; serf prints "Profile: ${profile}", the figures are of its source in Debian`,
  )
  const parameters = lanParametersOfBoth()
  for (const { name, ours, theirs } of parameters)
    console.log(`  ${name.padEnd(26)}${String(ours).padEnd(10)}${theirs ?? 'source not to be had'}`)
  const different = parameters.filter(({ ours, theirs }) => theirs !== undefined && theirs !== ours)
  if (profile !== 'lan' || different.length > 0)
    throw new Error(`the parameters differ: ${profile} ${different.map(({ name }) => name).join(' ')}`)
}

async function oneRound(
  pool: Measured,
  random: SeededRandom,
): Promise<{ readonly deadMs: number; readonly backMs: number }> {
  const victim = random.below(members)
  const through = (victim + 1 + random.below(members - 1)) % members
  // At any moment of the survivors' probe intervals.
  await pause(random.fraction() * probeIntervalMs)
  const killedMs = performance.now()
  await pool.kill(victim)
  const deadMs = (await allSay(pool, victim, 'failed', killedMs)) - killedMs
  await pool.startAgain(victim)
  const askedMs = performance.now()
  const joined = pool.join(victim, through)
  const backMs = (await allSay(pool, victim, 'joined', askedMs)) - askedMs
  await joined
  await pause(restMs)
  return { deadMs, backMs }
}

/** When the last of the survivors said so. */
async function allSay(pool: Measured, victim: number, news: News, sinceMs: number): Promise<number> {
  const node = pool.nodes[victim] ?? ''
  for (;;) {
    const heard = pool.nodes
      .map((_node, by) => (by === victim ? sinceMs : pool.heardMs(by, news, node, sinceMs)))
      .filter((heardMs) => heardMs !== undefined)
    if (heard.length === members) return Math.max(...heard)
    if (performance.now() - sinceMs > givenUpAfterMs)
      throw new Error(`${heard.length - 1} of ${members - 1} survivors said that ${node} has ${news}`)
    await pause(5)
  }
}

function resultOf(times: Record<Measured['name'], Times>): BenchResult {
  const dead = comparison('dead on all survivors', times.ours.deadMs, times.serf.deadMs)
  const back = comparison('back on all survivors', times.ours.backMs, times.serf.backMs)
  return {
    bench: 'detect',
    unit: 'ms from SIGKILL until all survivors say failed, median',
    ours: dead.ours,
    peer: dead.serf,
    ratio: dead.ratio,
    runs: [dead, back],
  }
}

function comparison(what: string, ours: readonly number[], serf: readonly number[]) {
  const [mine, theirs] = [median(ours), median(serf)]
  const upper = upperBoundOfRatio(ours, serf, confidence)
  const verdict = upper <= bar ? 'kept' : 'NOT KEPT'
  console.log(
    `${what}: ours ${spread(ours)}, serf ${spread(serf)}; ratio of medians ${(mine / theirs).toFixed(3)}, ` +
      `${confidence * 100} % upper bound ${upper.toFixed(3)}: ${verdict} (bar ${bar})`,
  )
  const times = { ours: ours.map((one) => round(one, 0)), serf: serf.map((one) => round(one, 0)) }
  const [ratio, upperBound] = [round(mine / theirs), round(upper)]
  return { what, ours: round(mine, 0), serf: round(theirs, 0), ratio, upperBound, bar, times }
}

const spread = (values: readonly number[]): string =>
  `median ${median(values).toFixed(0)} ms (${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)})`
