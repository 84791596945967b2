/**
 * `npm run sim:planted`: plants each bug, runs seeds until a checker finds it, and prints which did, at which seed and
 * after how long. Exit code 1 unless all are found and the seeds that found them are clean without them.
 */
import { parseArgs } from 'node:util'
import { textsOf } from '../run/patch.ts'
import { listedBugs, type PlantedBug } from './bugs.ts'
import { holdOut } from './holdout.ts'
import { Controls, type Hunted, type HuntOptions, hunt } from './hunt.ts'
import { ownBugs } from './own-bugs.ts'

const usage = `usage: npm run sim:planted -- [options]
  --only TEXT      bugs whose name, or mutations whose place (file:line kind), holds the text
  --seed S         first seed (1)
  --seeds N        most seeds for one bug (1000)
  --seconds T      most time of a core for one bug (600)
  --jobs N         threads (2)
  --holdout SEED   40 random mutations of the consensus code instead`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '600' },
      jobs: { type: 'string', default: '2' },
      holdout: { type: 'string' },
    },
  })
  const options: HuntOptions = {
    threads: Number(values.jobs),
    firstSeed: Number(values.seed),
    seedsMost: Number(values.seeds),
    withinCpuMs: Number(values.seconds) * 1_000,
    runTimeoutMs: 60_000,
  }
  if (values.holdout !== undefined) {
    const controls = new Controls(options.runTimeoutMs)
    const isEnough = await holdOut(Number(values.holdout), values.only ?? '', controls, options)
    return isEnough ? 0 : 1
  }
  const bugs = [...listedBugs, ...ownBugs].filter(({ name }) => name.includes(values.only ?? ''))
  return huntAll(bugs, options)
}

async function huntAll(bugs: readonly PlantedBug[], options: HuntOptions): Promise<number> {
  const controls = new Controls(options.runTimeoutMs)
  const width = Math.max(...bugs.map(({ name }) => name.length))
  console.log(
    row(['planted bug'.padEnd(width), 'found by'.padEnd(24), ' seed', 'seeds', '    s', 'what it said']),
  )
  let found = 0
  // All texts first: a patch that does not fit any more should be told before an hour has passed.
  const planted = bugs.map(({ name, patches }) => ({ name, texts: textsOf(patches) }))
  for (const { name, texts } of planted) {
    const hunted = await hunt(texts, controls, options)
    if (hunted.kill !== undefined) found += 1
    console.log(row([name.padEnd(width), ...cellsOf(hunted)]))
  }
  console.log(`\n${found} of ${bugs.length} planted bugs found`)
  const { failing } = controls
  if (failing.length > 0) console.log(`seeds that fail without any bug: ${failing.join(', ')}`)
  return found === bugs.length && failing.length === 0 ? 0 : 1
}

function cellsOf({ kill, seeds, wallMs }: Hunted): readonly string[] {
  const told = [String(seeds).padStart(5), (wallMs / 1_000).toFixed(0).padStart(5)]
  if (kill === undefined) return ['NOT FOUND'.padEnd(24), '    -', ...told, '']
  const { finding, seed } = kill
  return [
    finding.rule.padEnd(24),
    String(seed).padStart(5),
    ...told,
    finding.message.slice(finding.rule.length + 2).slice(0, 90),
  ]
}

const row = (cells: readonly string[]): string => cells.join('  ')

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  process.exitCode = 2
}
