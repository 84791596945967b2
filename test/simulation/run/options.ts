/**
 * What `npm run sim` can be told. A word that it does not know is refused: a mistyped option would quietly test
 * something else.
 */
import { parseArgs } from 'node:util'
import { type FaultKind, faultKinds, type KnobChanges } from '../knobs.ts'

export interface RunOptions {
  readonly firstSeed: number
  readonly seeds: number
  readonly jobs: number
  readonly changes: KnobChanges
  /** Runs the profile by which speed is compared. */
  readonly isSpeed: boolean
  /** Prints the whole trace of each run. */
  readonly isVerbose: boolean
}

export const usage = `usage: npm run sim -- [options]
  --seeds N        how many seeds (100; 1 with --seed alone)
  --seed S         the first of them (1)
  --seconds T      simulated seconds of faults per seed (300; npm test runs 60)
  --jobs N         threads (2)
  --servers N  --spares N  --agents N  --clients N  --watchers N  --writes N (per second)
  --faults a,b     only these kinds, or "none" (drawn per seed): ${faultKinds.join(' ')}
  --speed          5 servers, 20 agents, 20 writes per second: how many times faster than real time
  --trace          print the last events of each run`

/** A text says what cannot be understood. */
export function readOptions(args: readonly string[]): RunOptions | string {
  try {
    return fromValues(parse(args))
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const parse = (args: readonly string[]): Values =>
  parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      seconds: { type: 'string' },
      jobs: { type: 'string' },
      servers: { type: 'string' },
      spares: { type: 'string' },
      agents: { type: 'string' },
      clients: { type: 'string' },
      watchers: { type: 'string' },
      writes: { type: 'string' },
      faults: { type: 'string' },
      speed: { type: 'boolean' },
      trace: { type: 'boolean' },
    },
  }).values

type Values = {
  readonly [name in (typeof numbers)[number] | 'faults']?: string | undefined
} & { readonly speed?: boolean | undefined; readonly trace?: boolean | undefined }

const numbers = [
  'seeds',
  'seed',
  'seconds',
  'jobs',
  'servers',
  'spares',
  'agents',
  'clients',
  'watchers',
  'writes',
] as const

function fromValues(values: Values): RunOptions {
  const number = (name: (typeof numbers)[number], least: number): number | undefined => {
    const text = values[name]
    if (text === undefined) return undefined
    const value = Number(text)
    if (text === '' || !Number.isFinite(value) || value < least)
      throw new Error(`--${name} needs a number of at least ${least}, not "${text}"`)
    return value
  }
  const seed = number('seed', 0)
  const seconds = number('seconds', 0.001) ?? 300
  const speed = values.speed === true ? { servers: 5, agents: 20, writesPerSecond: 20 } : {}
  const changes = {
    servers: number('servers', 1),
    spares: number('spares', 0),
    agents: number('agents', 0),
    clients: number('clients', 1),
    watchers: number('watchers', 0),
    writesPerSecond: number('writes', 0.001),
    durationMs: seconds * 1_000,
    faults: values.faults === undefined ? undefined : faultsOf(values.faults),
  }
  const given = Object.entries(changes).filter(([, value]) => value !== undefined)
  return {
    firstSeed: seed ?? 1,
    seeds: number('seeds', 1) ?? (values.speed === true ? 30 : seed === undefined ? 100 : 1),
    jobs: number('jobs', 1) ?? 2,
    changes: { ...speed, ...Object.fromEntries(given) },
    isSpeed: values.speed === true,
    isVerbose: values.trace === true,
  }
}

function faultsOf(text: string): ReadonlySet<FaultKind> {
  if (text === 'none') return new Set()
  return new Set(
    text.split(',').map((name) => {
      const kind = faultKinds.find((one) => one === name)
      if (kind === undefined) throw new Error(`there is no kind of fault "${name}"`)
      return kind
    }),
  )
}
