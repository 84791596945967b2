// Agents on hosts of their own: each in a network namespace, enrolled by one server. The same program with fifty
// is `npm run bench -- agents`.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { whyNoNetwork } from '../linearizability/network.ts'

const bench = join(import.meta.dirname, '../bench/run.ts')
const why = whyNoNetwork()
if (why !== undefined) process.stderr.write(`own-networks: skipped, ${why}\n`)

test.skipIf(why !== undefined)(
  'agents in networks of their own find each other, and stay alive',
  { timeout: 120_000 },
  async () => {
    const words = ['agents', '--hosts', '5', '--rest', '1', '--idle', '2']
    const { stdout } = await promisify(execFile)(process.execPath, [bench, ...words], { timeout: 110_000 })
    expect(stdout).toContain('5 agents list all as alive')
    const { runs } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as { runs: readonly object[] }
    expect(runs).toEqual([expect.objectContaining({ hosts: 5, seconds: expect.any(Number) })])
  },
)
