// One run: a cluster, clients, faults, then the verdict. Prints what happened; throws where the store broke its word.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SeededRandom } from '../simulation/random.ts'
import { edit, editKinds } from './edits.ts'
import { Faults, type Window } from './faults.ts'
import { checkKey, History, type Recorded } from './history.ts'
import type { Network } from './network.ts'
import type { SystemUnderTest } from './system.ts'
import { Workload } from './workload.ts'

export interface RunOptions {
  readonly clients: number
  readonly operationsPerClient: number
  readonly pauseMs: number
  readonly seed: number
  /** Folder for the recorded history; '' for none. */
  readonly record: string
}

export interface RunFigures {
  readonly system: string
  readonly operations: number
  readonly keys: number
  readonly seconds: number
  readonly faults: Readonly<Record<string, number>>
  /** Shares of all operations. */
  readonly duringFault: number
  readonly unknownOutcome: number
  readonly refused: number
  readonly acknowledgedWritesLost: number
  readonly editedHistoriesRejected: number
}

const editedHistories = 20

export async function run(
  system: SystemUnderTest,
  network: Network | undefined,
  options: RunOptions,
): Promise<RunFigures> {
  const random = new SeededRandom(options.seed)
  const history = new History()
  const workload = new Workload(system, history, { ...options, random })
  const faults = new Faults(system, network, new SeededRandom(options.seed + 1))
  await system.start()
  const begunMs = performance.now()
  let isOver = false
  const working = workload.run().finally(() => {
    isOver = true
  })
  await Promise.all([working, faults.run(() => isOver)])
  const seconds = (performance.now() - begunMs) / 1_000
  network?.heal()
  await awaitLeader(system)
  const { lost } = await workload.finalReads()
  if (options.record !== '') {
    mkdirSync(options.record, { recursive: true })
    history.save(join(options.record, `${system.name}.ndjson`))
  }
  if (lost.length > 0)
    throw new Error(`${system.name} lost acknowledged writes: ${lost.slice(0, 10).join(', ')}`)
  decide(system.name, history)
  const { operations } = history
  const isUnknown = ({ returnedAt }: Recorded): boolean => returnedAt === Number.POSITIVE_INFINITY
  return {
    system: system.name,
    operations: operations.length,
    keys: history.byKey().size,
    seconds,
    faults: countFaults(faults.windows),
    duringFault: shareDuring(operations, faults.windows),
    unknownOutcome: operations.filter(isUnknown).length / operations.length,
    refused: workload.refused,
    acknowledgedWritesLost: lost.length,
    editedHistoriesRejected: rejectEdited(history, random),
  }
}

async function awaitLeader(system: SystemUnderTest): Promise<void> {
  const deadline = performance.now() + 30_000
  while ((await system.leader()) === undefined)
    if (performance.now() > deadline) throw new Error(`${system.name} has no leader after the last fault`)
}

function decide(name: string, history: History): void {
  for (const [key, operations] of history.byKey()) {
    const verdict = checkKey(operations)
    if (verdict.linearizable) continue
    const near = operations.filter((each) => Math.abs(each.calledAt - verdict.stuckAt.calledAt) < 3_000)
    throw new Error(
      `${name}: ${key} is not linearizable; no order passes ${JSON.stringify(verdict.stuckAt)}. Around it:\n${near.map((each) => JSON.stringify(each)).join('\n')}`,
    )
  }
}

function countFaults(windows: readonly Window[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { fault } of windows) counts[fault] = (counts[fault] ?? 0) + 1
  return counts
}

function shareDuring(operations: readonly Recorded[], windows: readonly Window[]): number {
  const met = operations.filter(({ calledAt, gaveUpAt }) =>
    windows.some(({ from, to }) => calledAt <= to && gaveUpAt >= from),
  )
  return met.length / operations.length
}

/** The proof that this very history would have been rejected for one wrong answer. */
function rejectEdited(history: History, random: SeededRandom): number {
  let rejected = 0
  const keys = [...history.byKey()].filter(([key]) => key.startsWith('key/'))
  for (let at = 0; rejected < editedHistories && at < 50 * editedHistories; at++) {
    const [key, operations] = keys[Math.floor(random.fraction() * keys.length)] ?? ['', []]
    const kind = editKinds[at % editKinds.length]
    const edited =
      kind === undefined ? undefined : edit(operations, kind, Math.floor(random.fraction() * 1_000))
    if (edited === undefined) continue
    if (checkKey(edited).linearizable) throw new Error(`the checker accepts ${key} with a ${kind} answer`)
    rejected += 1
  }
  if (rejected < editedHistories) throw new Error(`only ${rejected} histories had a place for an edit`)
  return rejected
}
