/**
 * `npm run test:hosts [-- NAME...]`: builds the package, and for each scenario boots fresh hosts with systemd and own
 * addresses and does with them what an operator does. Prints one line per step with its time. Exits 0, 1 on failure, 77
 * with a reason where hosts cannot be booted; takes the hosts down in every case. `--list` says which scenarios there are.
 * `--once-more` is for machines that are shared: a scenario that fails is said to have failed, and played again on fresh
 * hosts; only a second failure counts.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildDeb } from '../../packaging/deb/build.ts'
import type { Scenario, Scene } from './scenario.ts'
import { scenarios } from './scenarios/all.ts'
import { type Step, Steps } from './steps.ts'
import {
  boot,
  CommandFailed,
  type Host,
  rootFileSystem,
  type Suite,
  tearDown,
  whyUnavailable,
} from './testbed.ts'

const skipped = 77
const onceMore = '--once-more'
const units = ['mesh-server', 'mesh-agent', 'mesh-proxy']

process.exitCode = await main(process.argv.slice(2))

async function main(words: readonly string[]): Promise<number> {
  if (words.includes('--list')) return list()
  const names = words.filter((word) => word !== onceMore)
  const unknown = names.find((word) => !scenarios.some(({ name }) => name === word))
  if (unknown !== undefined) return misspelt(unknown)
  const reason = await whyUnavailable()
  if (reason !== undefined) return skip(reason)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void interrupted())
  const output = mkdtempSync(join(tmpdir(), 'mesh-hosts-'))
  try {
    await tearDown()
    const { deb, step, finish } = await packed(output)
    const chosen = scenarios.filter(({ name }) => names.length === 0 || names.includes(name))
    const failed: string[] = []
    for (const scenario of chosen)
      for (const suite of scenario.suites) {
        const performance = { scenario, suite, deb }
        const isLast = !words.includes(onceMore)
        if (!(await passes(step, performance)) && (isLast || !(await passesAgain(step, performance))))
          failed.push(`${scenario.name} on ${suite}`)
      }
    finish()
    if (failed.length > 0) console.error(`failed: ${failed.join(', ')}`)
    return failed.length === 0 ? 0 : 1
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return 1
  } finally {
    await tearDown()
    rmSync(output, { recursive: true, force: true })
  }
}

async function packed(output: string): Promise<{ deb: string; step: Step; finish: () => void }> {
  const steps = new Steps()
  const deb = await steps.step('the package is built', () => buildDeb({ compression: 'zstd', output }))
  return { deb, step: steps.step, finish: () => steps.finish() }
}

interface Performance {
  readonly scenario: Scenario
  readonly suite: Suite
  readonly deb: string
}

function passesAgain(step: Step, performance: Performance): Promise<boolean> {
  console.log(`# ${performance.scenario.name} on ${performance.suite} FAILED; it is played once more`)
  return passes(step, performance)
}

/** One scenario on hosts of its own. Where it fails, their journals are shown before they go. */
async function passes(step: Step, { scenario, suite, deb }: Performance): Promise<boolean> {
  console.log(`# ${scenario.name} on ${suite}: ${scenario.about}`)
  let hosts: readonly Host[] = []
  try {
    const root = await step(`${suite} is there`, () => rootFileSystem(suite))
    hosts = await step(`${scenario.hosts} hosts boot`, () => boot(scenario.hosts, root))
    const scene = { deb, hosts: new Map(hosts.map((host, i) => [`vm${i + 1}`, host])) }
    await prepare(scene)
    await scenario.run(step, scene)
    return true
  } catch (error) {
    if (error instanceof CommandFailed && error.status === skipped) {
      console.log(`# skipped: ${error.output.trim()}`)
      return true
    }
    console.error(error instanceof Error ? error.message : error)
    for (const host of hosts) await showJournals(host)
    return false
  } finally {
    await tearDown()
  }
}

/** Hosts have their names and the package, as if an operator had carried it there. */
async function prepare({ deb, hosts }: Scene): Promise<void> {
  for (const [name, host] of hosts) {
    await host.write('/etc/hostname', `${name}\n`)
    await host.exec('hostname', name)
    await host.push(deb, '/root/mesh-agent.deb')
  }
}

function list(): number {
  for (const { name, about, suites } of scenarios) console.log(`${name} (${suites.join(', ')}): ${about}`)
  return 0
}

function misspelt(word: string): number {
  console.error(`there is no scenario ${word}; there are ${scenarios.map(({ name }) => name).join(', ')}`)
  return 2
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
