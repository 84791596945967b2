// Prints the test files that failed, from vitest's JSON report: REPORT LIMIT. Exits 1 where there is none to name (the run
// itself broke) or more than LIMIT of them. For .ci/run.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

interface Report {
  readonly testResults: readonly { readonly name: string; readonly status: string }[]
}

const [report = '', limit = '0'] = process.argv.slice(2)
const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
const failed = testResults.filter(({ status }) => status === 'failed').map(({ name }) => relative('.', name))
if (failed.length === 0 || failed.length > Number(limit)) {
  console.error(`${failed.length} test files failed: not run again`)
  process.exit(1)
}
console.log(failed.join(' '))
