/**
 * Everything about a run that its seed decides beforehand (verification.md A8.2): sizes, rates, and which kinds of faults
 * there are at all. Drawn per seed, because a fixed mixture of faults never reaches what a lopsided one does.
 */
import { SeededRandom } from './random.ts'

export const faultKinds = [
  'loss',
  'duplicate',
  'delay',
  'clog',
  'swizzle',
  'partition',
  'isolate',
  'crash',
  'kill',
  'stop',
  'all-down',
  'pause',
  'clock-rate',
  'wall-jump',
  'slow-disk',
  'write-error',
  'sync-error',
  'disk-full',
  'rot',
  'membership',
  'transfer',
  'stream-break',
  'stream-stall',
  'agent-crash',
  'call-loss',
] as const

export type FaultKind = (typeof faultKinds)[number]

/** Bounds of the product that a run makes small, so that few entries fill what takes thousands in production. */
export interface SmallLimits {
  readonly appendBytes?: number
  readonly appendsInFlight?: number
  readonly applyBatchEntries?: number
  readonly recentLogBytes?: number
  readonly snapshotChunkBytes?: number
  readonly snapshotPieceChars?: number
  readonly snapshotPiecesPerTurn?: number
  readonly framesPerTurn?: number
  readonly bodiesPerEvent?: number
}

export interface Knobs {
  readonly seed: number
  readonly servers: number
  /** Servers that are not in the first configuration. */
  readonly spares: number
  readonly agents: number
  readonly clients: number
  readonly watchers: number
  /** Of the safety phase. */
  readonly durationMs: number
  /** Writes of all clients together. */
  readonly writesPerSecond: number
  readonly readsPerSecond: number
  readonly raftMultiplier: number
  readonly snapshotAfterEntries: number
  readonly snapshotTrailEntries: number
  readonly segmentBytes: number
  readonly eventsKept: number
  readonly limits: SmallLimits
  readonly faults: ReadonlySet<FaultKind>
  readonly loss: number
  readonly duplicate: number
  readonly delayMeanMs: number
  /** Messages between servers overtake each other; on real streams they do not. */
  readonly reorders: boolean
  readonly writeMaxMs: number
  readonly syncMaxMs: number
  /** Mean time between faults of one kind. */
  readonly faultEveryMs: number
  readonly crashEveryMs: number
  readonly aimsAtLeader: boolean
}

/** What a caller may fix; the rest is drawn. */
export type KnobChanges = Partial<Omit<Knobs, 'seed'>>

export function drawKnobs(seed: number, changes: KnobChanges = {}): Knobs {
  const random = new SeededRandom(seed)
  const servers = random.pick([1, 3, 3, 3, 5, 5, 7])
  const share = random.pick([0.1, 0.2, 0.4])
  const faults = new Set(faultKinds.filter(() => random.chance(share)))
  // Without any of these one leader leads from beginning to end.
  if (random.chance(0.8))
    faults.add(random.pick(['isolate', 'isolate', 'partition', 'crash', 'kill', 'pause']))
  const writesPerSecond = random.pick([2, 10, 20, 40])
  const drawn: Knobs = {
    seed,
    servers,
    spares: random.pick([0, 1, 2]),
    agents: random.chance(0.2) ? 0 : random.chance(0.7) ? random.between(1, 8) : random.between(9, 30),
    clients: random.between(2, 8),
    watchers: random.between(0, 4),
    durationMs: 60_000,
    writesPerSecond,
    readsPerSecond: random.pick([2, 5, 10, 20]),
    raftMultiplier: random.pick([1, 1, 1, 2]),
    // Many snapshots of a busy cluster cost more time than they find.
    snapshotAfterEntries: random.pick(writesPerSecond > 10 ? [20, 50, 100, 200] : [5, 20, 50, 100, 500]),
    snapshotTrailEntries: random.pick([0, 0, 5, 50, 500]),
    segmentBytes: random.pick([2_000, 20_000, 200_000, 2_000_000]),
    eventsKept: random.pick([1, 4, 64, 4_096]),
    limits: drawLimits(random.fork()),
    faults,
    loss: random.pick([0.01, 0.05, 0.1, 0.3]),
    duplicate: random.pick([0.01, 0.1, 0.3]),
    delayMeanMs: random.pick([1, 5, 20, 20, 50, 50, 100, 100, 200, 600]),
    reorders: random.chance(0.25),
    writeMaxMs: random.pick([0, 0, 1, 10]),
    syncMaxMs: random.pick([1, 5, 20, 100]),
    faultEveryMs: random.pick([2_000, 5_000, 15_000]),
    crashEveryMs: random.pick([80, 1_000, 2_000, 2_000, 6_000, 6_000, 20_000]),
    aimsAtLeader: random.chance(0.5),
  }
  return { ...drawn, ...changes }
}

function drawLimits(random: SeededRandom): SmallLimits {
  const small: Required<SmallLimits> = {
    appendBytes: random.pick([1, 1_500, 50_000]),
    appendsInFlight: random.pick([1, 2, 8]),
    applyBatchEntries: random.pick([1, 2, 16]),
    recentLogBytes: random.pick([0, 2_000, 50_000]),
    snapshotChunkBytes: random.pick([500, 4_000]),
    snapshotPieceChars: random.pick([500, 5_000]),
    snapshotPiecesPerTurn: random.pick([1, 2]),
    framesPerTurn: random.pick([1, 4]),
    bodiesPerEvent: random.pick([1, 2, 8]),
  }
  const entries = Object.entries(small).filter(() => random.chance(0.3))
  return Object.fromEntries(entries)
}

/** Runs `work` with some of the product's bounds made small; they are as before when it returns or throws. */
export function withLimits<Value>(
  limits: Record<string, number>,
  small: SmallLimits,
  work: () => Value,
): Value {
  const before = { ...limits }
  Object.assign(limits, small)
  try {
    return work()
  } finally {
    Object.assign(limits, before)
  }
}
