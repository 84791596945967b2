// `node test/soak/run.ts [--minutes 10] [--seed N] [--lanes 40]`: the long soak of two proxies. Prints each look at what is left;
// the last line is the report as JSON, and the exit status is 1 where something went wrong. A short one is part of the tests.
import { parseArgs } from 'node:util'
import { soak } from './soak.ts'
import { verdictOn } from './verdict.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    lanes: { type: 'string', default: '40' },
  },
})
const wholeMs = Number(values.minutes) * 60_000
console.log(`seed ${values.seed}`)
const report = await soak({
  seed: Number(values.seed),
  stormMs: wholeMs / 3,
  disturbEveryMs: 2_500,
  calmMs: (wholeMs * 2) / 3,
  looks: 8,
  lanes: Number(values.lanes),
  say: (line) => console.log(line),
})
const faults = verdictOn(report)
for (const fault of faults) console.log(fault)
console.log(JSON.stringify({ seed: Number(values.seed), ...report, faults: faults.length }))
process.exitCode = faults.length === 0 ? 0 : 1
