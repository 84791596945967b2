// The order in which things become durable: hard state before the entries under it, one sync for all that waited, resets
// between what came before and after.
import { expect, test } from 'vitest'
import { logIndex, nodeId, term } from '../../../src/model/ids.ts'
import type { Entry } from '../../../src/model/log-entry.ts'
import type { Persist } from '../../../src/raft/effects.ts'
import { DurableWriter } from '../../../src/server/consensus/durable-writer.ts'
import { HardStateFile, recoverHardState } from '../../../src/server/consensus/hard-state.ts'
import { recoverLog } from '../../../src/server/consensus/recovery.ts'
import { setUpDirectory } from '../../../src/server/consensus/set-up.ts'
import { Storage } from '../../../src/server/consensus/storage.ts'
import { WriteAheadLog } from '../../../src/server/consensus/wal.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { SimulatedDisk } from '../../simulation/disk.ts'
import { SeededRandom } from '../../simulation/random.ts'

class Bench {
  readonly clock = new VirtualClock()
  readonly disk = new SimulatedDisk({ clock: this.clock, random: new SeededRandom(1), syncMaxMs: 1 })
  readonly storage: Storage
  readonly synced: number[] = []
  readonly operations: string[] = []

  constructor() {
    const { disk, clock } = this
    const writer = new DurableWriter({ disk, clock, onFull: () => undefined, onFatal: () => undefined })
    setUpDirectory(disk, writer, 5, () => undefined)
    clock.run(100)
    const log = recoverLog(disk)
    if (!log.ok) throw new Error(log.failure.message)
    const wal = new WriteAheadLog({ disk, writer, segmentBytes: 1e6 }, log.value)
    this.storage = new Storage(wal, new HardStateFile(disk, writer, 1), clock, (ticket) =>
      this.synced.push(ticket),
    )
    disk.onOperation = (operation, path) => this.operations.push(`${operation} ${path.replace(/\/.*/, '')}`)
  }
}

const entry = (index: number, at: number): Entry => ({
  index: logIndex(index),
  term: term(at),
  kind: 'command',
  data: Uint8Array.of(index),
})

const persist = (ticket: number, part: Partial<Persist>): Persist => ({
  ticket,
  hardState: undefined,
  reset: undefined,
  truncateAfter: undefined,
  entries: [],
  ...part,
})

test('what comes while a sync runs goes out together with the next', () => {
  const { storage, clock, operations, synced } = new Bench()
  for (let n = 1; n <= 50; n += 1) storage.persist(persist(n, { entries: [entry(n, 1)] }))
  clock.run(5)
  expect(synced).toEqual([1, 50])
  expect(operations).toEqual(['write wal', 'sync wal', 'write wal', 'sync wal'])
})

test('term and vote are durable, twice, before the entries that came with them', () => {
  const { storage, clock, operations } = new Bench()
  const hardState = { term: term(4), vote: nodeId('b') }
  storage.persist(persist(1, { hardState, entries: [entry(1, 4)] }))
  clock.run(5)
  const once = ['write hard-state', 'sync hard-state']
  expect(operations).toEqual([...once, ...once, 'write wal', 'sync wal'])
})

test('a snapshot’s reset stands between the entries before it and those after it', () => {
  const { storage, clock, synced, disk } = new Bench()
  storage.persist(persist(1, { entries: [entry(1, 1)] }))
  storage.persist(persist(2, { entries: [entry(2, 1)] }))
  storage.persist(persist(3, { reset: { index: logIndex(40), term: term(3) } }))
  storage.persist(persist(4, { hardState: { term: term(6), vote: undefined }, entries: [entry(41, 5)] }))
  storage.persist(
    persist(5, { truncateAfter: { index: logIndex(40), term: term(3) }, entries: [entry(41, 6)] }),
  )
  clock.run(100)
  expect(synced).toEqual([1, 2, 3, 5])
  const log = recoverLog(disk)
  expect(log).toMatchObject({ ok: true })
  if (log.ok) {
    expect(log.value.terms.base).toEqual({ index: 40, term: 3 })
    expect(log.value.terms.last).toEqual({ index: 41, term: 6 })
  }
  expect(recoverHardState(disk)).toMatchObject({ value: { state: { term: 6 } } })
})

test('an idle log is sealed once, and a busy one is not held up by that', () => {
  const { storage, clock, operations, disk } = new Bench()
  storage.persist(persist(1, { entries: [entry(1, 1)] }))
  clock.run(5)
  storage.persist(persist(2, { entries: [entry(2, 1)] }))
  clock.run(5)
  expect(operations).toHaveLength(4)
  clock.run(1_000)
  expect(operations).toHaveLength(6)
  expect(recoverLog(disk)).toMatchObject({ value: { isSealed: true } })
})

test('closing finishes what was handed over and seals it', () => {
  const { storage, clock, synced, disk } = new Bench()
  for (let n = 1; n <= 3; n += 1) storage.persist(persist(n, { entries: [entry(n, 1)] }))
  let isClosed = false
  storage.close(() => {
    isClosed = true
  })
  clock.run(10)
  expect(isClosed).toBe(true)
  expect(synced.at(-1)).toBe(3)
  expect(recoverLog(disk)).toMatchObject({ value: { isSealed: true } })
})
