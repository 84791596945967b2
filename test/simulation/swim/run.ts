/**
 * `npm run sim -- --swim`: random pools seed by seed, or with `--planted` bugs that must be found, or with `--tables` the
 * figures that gossip promises. Exit code 1 on a violation, a bug that was not found or a bar that was not kept.
 */
import { parseArgs } from 'node:util'
import { huntAll } from './hunt.ts'
import { printTables } from './tables.ts'
import { SwimThread } from './threads.ts'

const usage = `usage: npm run sim -- --swim [options]
  --seeds N     how many random pools (100; with --planted the most per bug, 200)
  --seed S      the first of them (1)
  --planted     plants bugs one at a time
  --tables      measures the promised figures (news, quiet, stalls, healing);
                --sizes 500,1000,5000 of the pools that are split, --hours H of quiet (24)
  --only TEXT   bugs or tables whose name holds the text`

const timeoutMs = 120_000
const threads = 2

export async function runSwim(args: readonly string[]): Promise<number> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        swim: { type: 'boolean' },
        seeds: { type: 'string' },
        seed: { type: 'string', default: '1' },
        planted: { type: 'boolean' },
        only: { type: 'string', default: '' },
        tables: { type: 'boolean' },
        sizes: { type: 'string', default: '500,1000,5000' },
        hours: { type: 'string', default: '24' },
      },
    })
    const seed = wholeNumber('--seed', values.seed)
    if (values.planted === true)
      return await plant(wholeNumber('--seeds', values.seeds ?? '200'), values.only)
    if (values.tables === true) {
      const sizes = values.sizes.split(',').map((size) => wholeNumber('--sizes', size))
      const hours = wholeNumber('--hours', values.hours)
      return (await printTables({ seed, sizes, hours, only: values.only, say: console.log })) ? 0 : 1
    }
    return await runSeeds(seed, wholeNumber('--seeds', values.seeds ?? '100'))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    return 2
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1) return value
  throw new Error(`${name} needs a whole number of at least 1, not "${text}"`)
}

async function plant(seeds: number, only: string): Promise<number> {
  const all = await huntAll(seeds, only, ({ bug, seed, said }) =>
    console.log(
      `${(seed === undefined ? 'NOT FOUND' : `seed ${seed}`).padEnd(10)}  ${bug.padEnd(46)}  ${said.slice(0, 90)}`,
    ),
  )
  const found = all.filter(({ seed }) => seed !== undefined).length
  console.log(`\n${found} of ${all.length} planted bugs found`)
  return found === all.length ? 0 : 1
}

async function runSeeds(first: number, count: number): Promise<number> {
  const startedMs = performance.now()
  let next = first
  let failing = 0
  let delivered = 0
  let simulatedMs = 0
  const serve = async (): Promise<void> => {
    const thread = new SwimThread()
    while (next < first + count) {
      const seed = next
      next += 1
      const outcome = await thread.run('seed', { seed }, timeoutMs)
      const violations = outcome.ok ? outcome.result.violations : [outcome.error]
      if (outcome.ok) {
        delivered += outcome.result.delivered
        simulatedMs += outcome.result.simulatedMs
      }
      if (violations.length === 0) continue
      failing += 1
      console.log(`seed ${seed}: ${outcome.ok ? outcome.result.summary : ''}\n  ${violations.join('\n  ')}`)
    }
    await thread.end()
  }
  await Promise.all(Array.from({ length: threads }, serve))
  const hours = simulatedMs / 3_600_000
  const wallSeconds = (performance.now() - startedMs) / 1_000
  console.log(
    `${count} pools, ${hours.toFixed(1)} simulated hours, ${delivered} messages, ${failing} with violations, ${wallSeconds.toFixed(0)} s`,
  )
  return failing === 0 ? 0 : 1
}
