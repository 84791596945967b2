/**
 * `mesh debug`: what the people who look for a fault ask for first, in one file: who the agent is, its machine, metrics and
 * process over a while, its log, a CPU profile. Holds no token, no key and no definition of a service.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { parseDurationMs } from '../model/duration.ts'
import { limits } from '../model/limits.ts'
import { tarArchive } from '../wire/tar.ts'
import { collectText } from './client-stream.ts'
import type { ConnectionFlags } from './connection.ts'
import { knownSecrets, withoutSecrets } from './debug-secrets.ts'
import type { Context } from './declare.ts'
import { CommandFailure, systemReason, UsageFailure } from './failure.ts'

export interface DebugOptions extends ConnectionFlags {
  readonly duration: string
  readonly interval: string
  readonly file?: string
  readonly capture?: string
}

/** What is taken, by name. */
export const captures = ['agent', 'host', 'cluster', 'metrics', 'process', 'logs', 'profile'] as const
type Capture = (typeof captures)[number]

/** Once, at the beginning. */
const oncePaths: Partial<Readonly<Record<Capture, readonly (readonly [string, string])[]>>> = {
  agent: [
    ['agent.json', '/v1/agent/self'],
    ['version.json', '/v1/agent/version'],
  ],
  host: [['host.json', '/v1/agent/host']],
  cluster: [
    ['members.json', '/v1/agent/members'],
    ['cluster.json', '/v1/mesh/status'],
    ['usage.json', '/v1/operator/usage'],
  ],
}

/** Again after every interval. */
const repeatedPaths: Partial<Readonly<Record<Capture, readonly (readonly [string, string])[]>>> = {
  metrics: [['metrics.json', '/v1/agent/metrics']],
  process: [['process.json', '/v1/mesh/debug/process']],
}

interface Plan {
  readonly wanted: ReadonlySet<Capture>
  readonly durationMs: number
  readonly intervalMs: number
}

export async function debug(context: Context, options: DebugOptions): Promise<void> {
  const plan = planOf(options)
  const { terminal } = context
  const beganAt = new Date()
  const stamp = beganAt.toISOString().replace(/[-:]|\.\d+/g, '')
  const target = options.file ?? `mesh-debug-${stamp}.tar.gz`
  if (existsSync(target))
    throw new CommandFailure(`${target} is there already`, { next: `mesh debug -file ${target}.2` })
  await context.client().ask('GET', '/v1/agent/version')
  terminal.note(`Collecting for ${plan.durationMs / 1_000} s: ${[...plan.wanted].join(', ')}`)
  const bundle = new Bundle(knownSecrets(options, process.env))
  await collectAll(context, options, { plan, bundle })
  bundle.add(
    'index.json',
    JSON.stringify(
      { began: beganAt.toISOString(), ...plan, wanted: [...plan.wanted], failures: bundle.failures },
      null,
      2,
    ),
  )
  try {
    writeFileSync(target, bundle.archive(beganAt.getTime()), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw new CommandFailure(`${target} cannot be written: ${systemReason(error)}`)
  }
  for (const failure of bundle.failures) terminal.note(`missing: ${failure}`)
  terminal.show({ File: target, Failures: bundle.failures }, () => terminal.line(`Saved: ${target}`))
}

function planOf({ duration, interval, capture }: DebugOptions): Plan {
  const names = capture === undefined ? captures : capture.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !captures.some((known) => known === name))
  if (unknown !== undefined)
    throw new UsageFailure(`-capture ${unknown}: use names of ${captures.join(', ')}, with commas between`)
  const durationMs = timeOf('duration', duration, [1_000, limits.debugMaxMs])
  const intervalMs = timeOf('interval', interval, [1_000, durationMs])
  return { wanted: new Set(captures.filter((name) => names.includes(name))), durationMs, intervalMs }
}

function timeOf(flag: string, text: string, [least, most]: readonly [number, number]): number {
  const ms = parseDurationMs(text)
  if (ms === undefined || ms < least || ms > most)
    throw new UsageFailure(`-${flag} ${text}: write a duration from ${least / 1_000}s to ${most / 1_000}s`)
  return ms
}

/** Files of the bundle, each without secrets from the moment it is added. */
class Bundle {
  readonly failures: string[] = []
  private readonly files = new Map<string, Uint8Array>()
  private readonly secrets: readonly string[]

  constructor(secrets: readonly string[]) {
    this.secrets = secrets
  }

  add(name: string, text: string): void {
    this.files.set(name, Buffer.from(withoutSecrets(text, this.secrets)))
  }

  async take(name: string, read: () => Promise<string>): Promise<void> {
    try {
      this.add(name, await read())
    } catch (error) {
      this.failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  archive(modifiedMs: number): Uint8Array {
    const files = [...this.files].sort(([a], [b]) => (a < b ? -1 : 1))
    return gzipSync(
      tarArchive(
        files.map(([name, content]) => ({ path: `mesh-debug/${name}`, content })),
        modifiedMs,
      ),
    )
  }
}

async function collectAll(
  context: Context,
  flags: ConnectionFlags,
  { plan, bundle }: { readonly plan: Plan; readonly bundle: Bundle },
): Promise<void> {
  const { wanted, durationMs } = plan
  const fetched = async (path: string): Promise<string> => {
    const reply = await context.client().ask('GET', path)
    return reply.text.startsWith('{') || reply.text.startsWith('[')
      ? JSON.stringify(JSON.parse(reply.text), null, 2)
      : reply.text
  }
  const tasks: Promise<void>[] = []
  for (const name of wanted)
    for (const [file, path] of oncePaths[name] ?? []) tasks.push(bundle.take(file, () => fetched(path)))
  if (wanted.has('logs')) {
    const path = '/v1/agent/monitor?loglevel=debug&logjson=true'
    tasks.push(
      bundle.take('agent.log', () =>
        collectText(flags, path, { durationMs, maxBytes: limits.debugLogBytes }),
      ),
    )
  }
  if (wanted.has('profile')) {
    const seconds = Math.min(durationMs, limits.profileMaxMs) / 1_000
    tasks.push(bundle.take('agent.cpuprofile', () => fetched(`/v1/mesh/debug/profile?seconds=${seconds}s`)))
  }
  tasks.push(repeat(plan, bundle, fetched))
  await Promise.all(tasks)
  if (wanted.has('metrics'))
    await bundle.take('metrics.prom', () => fetched('/v1/agent/metrics?format=prometheus'))
}

async function repeat(plan: Plan, bundle: Bundle, fetched: (path: string) => Promise<string>): Promise<void> {
  const rounds = Math.floor(plan.durationMs / plan.intervalMs)
  for (let round = 0; round <= rounds; round += 1) {
    const folder = String(round).padStart(3, '0')
    for (const name of plan.wanted)
      for (const [file, path] of repeatedPaths[name] ?? [])
        await bundle.take(`${folder}/${file}`, () => fetched(path))
    if (round < rounds) await new Promise((resolve) => setTimeout(resolve, plan.intervalMs))
  }
}
