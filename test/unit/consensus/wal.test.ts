// The write-ahead log by itself: what is read back is what was written, suffixes are replaced without overwriting,
// segments go when a snapshot covers them, and a crash in the middle of anything leaves a log that opens.
import { expect, test } from 'vitest'
import { type LogIndex, logIndex, term } from '../../../src/model/ids.ts'
import type { Entry } from '../../../src/model/log-entry.ts'
import { DurableWriter } from '../../../src/server/consensus/durable-writer.ts'
import { recoverLog } from '../../../src/server/consensus/recovery.ts'
import { setUpDirectory } from '../../../src/server/consensus/set-up.ts'
import { type LogChange, WriteAheadLog } from '../../../src/server/consensus/wal.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { SimulatedDisk } from '../../simulation/disk.ts'
import { SeededRandom } from '../../simulation/random.ts'

const entry = (index: number, at: number, size = 20): Entry => ({
  index: logIndex(index),
  term: term(at),
  kind: 'command',
  data: new Uint8Array(size).fill(index % 256),
})

const add = (index: number, at: number, size?: number): LogChange => ({
  kind: 'entry',
  entry: entry(index, at, size),
})

class Bench {
  readonly clock = new VirtualClock()
  disk: SimulatedDisk
  wal: WriteAheadLog
  readonly segmentBytes: number
  isFull = false
  fatal = ''

  constructor(segmentBytes = 1_000) {
    this.segmentBytes = segmentBytes
    this.disk = new SimulatedDisk({ clock: this.clock, random: new SeededRandom(1) })
    setUpDirectory(this.disk, this.#writer(), 7, () => undefined)
    this.clock.run(100)
    this.wal = this.reopen()
  }

  reopen(): WriteAheadLog {
    const recovered = recoverLog(this.disk)
    if (!recovered.ok) throw new Error(recovered.failure.message)
    for (const repair of recovered.value.repairs)
      if (repair.kind === 'truncate') this.disk.open(repair.path).truncate(repair.bytes, () => undefined)
      else this.disk.remove(repair.path, () => undefined)
    this.clock.run(10)
    const options = { disk: this.disk, writer: this.#writer(), segmentBytes: this.segmentBytes }
    this.wal = new WriteAheadLog(options, recovered.value)
    return this.wal
  }

  #writer(): DurableWriter {
    return new DurableWriter({
      disk: this.disk,
      clock: this.clock,
      onFull: (isFull) => {
        this.isFull = isFull
      },
      onFatal: (failure) => {
        this.fatal = failure.code
      },
    })
  }

  append(...changes: readonly LogChange[]): void {
    let isDone = false
    this.wal.append(changes, () => {
      isDone = true
    })
    this.clock.run(10)
    expect(isDone).toBe(true)
  }

  /** Terms of the entries that a restart finds, and their contents checked. */
  found(): readonly number[] {
    const recovered = recoverLog(this.disk)
    if (!recovered.ok) throw new Error(recovered.failure.message)
    const { terms, locations } = recovered.value
    expect(locations.last).toBe(terms.last.index)
    const from = terms.base.index + 1
    return Array.from(
      { length: terms.last.index - terms.base.index },
      (_, at) => terms.at(logIndex(from + at)) ?? -1,
    )
  }
}

test('what was written is read back, across segments and in pieces of any size', () => {
  const bench = new Bench()
  for (let index = 1; index <= 60; index += 2) bench.append(add(index, 1, index * 3), add(index + 1, 1))
  for (const wal of [bench.wal, bench.reopen()])
    for (const bytesMax of [1, 200, 5_000, 1e6]) {
      let next: LogIndex = logIndex(1)
      while (next <= 60) {
        const entries = wal.entries(next, logIndex(60), bytesMax)
        expect(entries.length).toBeGreaterThan(0)
        for (const read of entries) {
          expect(read).toEqual(entry(next, 1, next % 2 === 1 ? next * 3 : 20))
          next = logIndex(next + 1)
        }
      }
    }
})

test('a read stays near the size that was asked for', () => {
  const bench = new Bench(1e6)
  for (let index = 1; index <= 50; index += 1) bench.append(add(index, 1, 1_000))
  expect(bench.wal.entries(logIndex(1), logIndex(50), 10_000).length).toBeLessThan(12)
  expect(bench.wal.entries(logIndex(5), logIndex(5), 1e6)).toHaveLength(1)
})

test('a conflicting suffix is replaced in one batch, also across segments', () => {
  const bench = new Bench(300)
  for (let index = 1; index <= 9; index += 1) bench.append(add(index, 1))
  bench.append({ kind: 'truncate', after: { index: logIndex(4), term: term(1) } }, add(5, 3), add(6, 3))
  expect(bench.found()).toEqual([1, 1, 1, 1, 3, 3])
  bench.reopen()
  bench.append(add(7, 4))
  expect(bench.found()).toEqual([1, 1, 1, 1, 3, 3, 4])
  expect(bench.wal.entries(logIndex(4), logIndex(7), 1e6).map((read) => read.term)).toEqual([1, 3, 3, 4])
})

test('a crash while a suffix is replaced leaves the old suffix or the new one, never a mixture', () => {
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 200; seed += 1) {
    const bench = new Bench(1e6)
    for (let index = 1; index <= 6; index += 1) bench.append(add(index, 1, 400))
    const changes: LogChange[] = [{ kind: 'truncate', after: { index: logIndex(3), term: term(1) } }]
    for (let index = 4; index <= 6; index += 1) changes.push(add(index, 2, 400))
    bench.wal.append(changes, () => undefined)
    bench.disk.crash(new SeededRandom(seed))
    outcomes.add(bench.found().join(''))
  }
  expect([...outcomes].sort()).toEqual(['111111', '111222'])
})

test('a torn end is cut away and the next batch takes its place', () => {
  for (let seed = 0; seed < 100; seed += 1) {
    const bench = new Bench(1e6)
    bench.append(add(1, 1, 700))
    bench.wal.append([add(2, 1, 700), add(3, 1, 700)], () => undefined)
    bench.disk.crash(new SeededRandom(seed), 0.5)
    const found = bench.found()
    expect([1, 3]).toContain(found.length)
    bench.reopen()
    bench.append(add(found.length + 1, 2, 300))
    expect(bench.found()).toEqual([...found, 2])
  }
})

test('segments that a snapshot covers go away, and the rest opens again', () => {
  const bench = new Bench(500)
  for (let index = 1; index <= 40; index += 1) bench.append(add(index, 1, 100))
  const before = bench.disk.list('wal').length
  const base = bench.wal.compact(logIndex(25), logIndex(25))
  bench.clock.run(100)
  expect(base).toBeGreaterThan(15)
  expect(base).toBeLessThanOrEqual(25)
  expect(bench.disk.list('wal').length).toBeLessThan(before)
  expect(bench.wal.entries(logIndex(base + 1), logIndex(40), 1e6)).toHaveLength(40 - base)
  bench.reopen()
  expect(bench.found()).toHaveLength(40 - base)
  expect(bench.wal.compact(logIndex(0), logIndex(0))).toBe(base)
})

test('a crash while segments are removed leaves no gap', () => {
  for (let seed = 0; seed < 60; seed += 1) {
    const bench = new Bench(500)
    for (let index = 1; index <= 40; index += 1) bench.append(add(index, 1, 100))
    bench.wal.compact(logIndex(39), logIndex(39))
    const steps = seed % 12
    for (let n = 0; n < steps; n += 1) bench.clock.step()
    bench.disk.crash(new SeededRandom(seed))
    expect(bench.found().at(-1)).toBe(1)
  }
})

test('a truncation below entries that were compacted since still opens', () => {
  const bench = new Bench(400)
  for (let index = 1; index <= 10; index += 1) bench.append(add(index, 1, 100))
  bench.append({ kind: 'truncate', after: { index: logIndex(6), term: term(1) } }, add(7, 2, 100))
  for (let index = 8; index <= 20; index += 1) bench.append(add(index, 2, 100))
  const base = bench.wal.compact(logIndex(7), logIndex(7))
  bench.clock.run(100)
  expect(base).toBeGreaterThanOrEqual(6)
  bench.reopen()
  const found = bench.found()
  expect(found).toEqual(Array.from({ length: 20 - base }, () => 2))
  expect(bench.wal.entries(logIndex(base + 1), logIndex(20), 1e6)).toHaveLength(20 - base)
})

test('a snapshot replaces the log, and a crash on the way leaves the old one or the new one', () => {
  const lengths = new Set<number>()
  for (let seed = 0; seed < 60; seed += 1) {
    const bench = new Bench(400)
    for (let index = 1; index <= 10; index += 1) bench.append(add(index, 1, 100))
    bench.wal.reset({ index: logIndex(50), term: term(4) }, () => undefined)
    const steps = seed % 6
    for (let n = 0; n < steps; n += 1) bench.clock.step()
    bench.disk.crash(new SeededRandom(seed))
    const found = bench.found()
    lengths.add(found.length)
    bench.reopen()
    const next = found.length === 10 ? 11 : 51
    bench.append(add(next, 5))
    expect(bench.found().at(-1)).toBe(5)
  }
  expect([...lengths].sort()).toEqual([0, 10])
})

test('a full disk is waited out, and nothing is lost or written twice', () => {
  const bench = new Bench()
  bench.append(add(1, 1))
  bench.disk.freeBytes = 30
  let isDone = false
  bench.wal.append([add(2, 1, 500)], () => {
    isDone = true
  })
  bench.clock.run(5_000)
  expect(isDone).toBe(false)
  expect(bench.isFull).toBe(true)
  bench.disk.freeBytes = 1e6
  bench.clock.run(1_500)
  expect(isDone).toBe(true)
  expect(bench.isFull).toBe(false)
  bench.append(add(3, 1))
  expect(bench.found()).toEqual([1, 1, 1])
})

test('a failed sync is final', () => {
  const bench = new Bench()
  bench.disk.fail('sync', { code: 'io', message: 'planted' })
  let isDone = false
  bench.wal.append([add(1, 1)], () => {
    isDone = true
  })
  bench.clock.run(10_000)
  expect(isDone).toBe(false)
  expect(bench.fatal).toBe('disk-failed')
})

test('user data that looks like a frame of a later batch is not taken for one', () => {
  const bench = new Bench(1e6)
  bench.append(add(1, 1, 200))
  const [name = ''] = bench.disk.list('wal')
  const stolen = (bench.disk.read(`wal/${name}`) ?? new Uint8Array(0)).slice(112)
  // Another log has another salt: its frames mean nothing here.
  const other = new Bench(1e6)
  const foreign = new SimulatedDisk({ clock: other.clock, random: new SeededRandom(9) })
  setUpDirectory(
    foreign,
    new DurableWriter({
      disk: foreign,
      clock: other.clock,
      onFull: () => undefined,
      onFatal: () => undefined,
    }),
    8,
    () => undefined,
  )
  other.clock.run(100)
  other.disk = foreign
  other.reopen()
  let torn = 0
  for (let seed = 0; seed < 50; seed += 1) {
    const image = other.disk.fork(other.clock, new SeededRandom(seed))
    const crashed = new Bench(1e6)
    crashed.disk = image
    crashed.reopen()
    const data = new Uint8Array(3_000)
    for (let at = 0; at + stolen.length < data.length; at += 520) data.set(stolen, at)
    const padded = { ...entry(1, 1), data }
    crashed.wal.append([{ kind: 'entry', entry: padded }], () => undefined)
    image.crash(new SeededRandom(seed), 0.7)
    if (crashed.found().length === 0) torn += 1
  }
  expect(torn).toBeGreaterThan(5)
})
