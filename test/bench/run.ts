// `npm run bench -- NAME`: runs one benchmark; its last line is one JSON object. Exit 77: a peer is missing, or
// this machine cannot do it.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type BenchResult, CannotRun } from './result.ts'
import { yardstick } from './yardstick.ts'

const folder = import.meta.dirname
const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'bench.ts')))
  .map((entry) => entry.name)

const [name, ...args] = process.argv.slice(2)
if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- NAME, where NAME is one of: ${names.join(', ')}`)
  process.exit(2)
}
try {
  const { bench } = (await import(`./${name}/bench.ts`)) as {
    bench: (args: readonly string[]) => Promise<BenchResult>
  }
  const result = await bench(args)
  if (result.peer === null) console.log(`yardstick: ${yardstick()} SHA-256 of 4 KiB per CPU second`)
  console.log(JSON.stringify(result))
} catch (error) {
  if (!(error instanceof CannotRun)) throw error
  console.error(`bench ${name}: ${error.message}`)
  process.exit(77)
}
