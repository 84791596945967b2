/**
 * `npm run test:hosts`: builds the package, boots three hosts with systemd and own addresses, and does with them what an
 * operator does. Prints one line per step with its time. Exits 0, 1 on failure, 77 with a reason where hosts cannot be
 * booted; takes the hosts down in every case. MESH_TESTBED_SUITE=trixie tries another Debian.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildDeb } from '../../packaging/deb/build.ts'
import { firstRequest } from './first-request.ts'
import { packageLife } from './package-life.ts'
import { Steps } from './steps.ts'
import { boot, CommandFailed, type Host, rootFileSystem, tearDown, whyUnavailable } from './testbed.ts'

const skipped = 77
const units = ['mesh-server', 'mesh-agent', 'mesh-proxy']

process.exitCode = await main()

async function main(): Promise<number> {
  const reason = await whyUnavailable()
  if (reason !== undefined) return skip(reason)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void interrupted())
  const output = mkdtempSync(join(tmpdir(), 'mesh-hosts-'))
  let hosts: readonly Host[] = []
  const { step, finish } = steps()
  try {
    await tearDown()
    const deb = await step('the package is built', () => buildDeb({ compression: 'zstd', output }))
    const root = await step('the root filesystem is there', rootFileSystem)
    hosts = await step('three hosts boot', () => boot(3, root))
    const scene = { deb, hosts: new Map(hosts.map((host, i) => [`vm${i + 1}`, host])) }
    await firstRequest(step, scene)
    await packageLife(step, scene)
    finish()
    return 0
  } catch (error) {
    if (error instanceof CommandFailed && error.status === skipped) return skip(error.output.trim())
    console.error(error instanceof Error ? error.message : error)
    for (const host of hosts) await showJournals(host)
    return 1
  } finally {
    await tearDown()
    rmSync(output, { recursive: true, force: true })
  }
}

function steps(): Pick<Steps, 'step' | 'finish'> {
  const made = new Steps()
  return { step: made.step, finish: () => made.finish() }
}

function skip(reason: string): number {
  console.log(`1..0 # skipped: ${reason}`)
  return skipped
}

async function interrupted(): Promise<void> {
  await tearDown()
  process.exit(130)
}

async function showJournals(host: Host): Promise<void> {
  for (const unit of units) {
    const text = await host.journal(unit).catch((error: unknown) => String(error))
    console.error(`--- ${host.name} ${unit} ---\n${text.split('\n').slice(-40).join('\n')}`)
  }
}
