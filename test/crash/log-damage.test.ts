// Damage to what was acknowledged refuses the start and names the index: one flipped byte, anywhere, in every kind of
// file. Torn ends of what was never acknowledged are cut away instead; images.test.ts covers those.
import { expect, test } from 'vitest'
import { logIndex } from '../../src/model/ids.ts'
import { frameHeaderBytes, readFrame } from '../../src/server/consensus/frame.ts'
import { recoverHardState } from '../../src/server/consensus/hard-state.ts'
import { recoverLog } from '../../src/server/consensus/recovery.ts'
import { decodePreamble, preambleBytes } from '../../src/server/consensus/segment.ts'
import { VirtualClock } from '../simulation/clock.ts'
import type { SimulatedDisk } from '../simulation/disk.ts'
import { SeededRandom } from '../simulation/random.ts'
import { configurationOf, Servers } from '../simulation/servers.ts'

/** A server's disk after `writes` acknowledged writes, spread over several segments. */
function writtenDisk(writes: number, segmentBytes: number, end: 'stop' | 'kill'): SimulatedDisk {
  const servers = new Servers({ seed: 3, segmentBytes })
  servers.bootstrap(['a'])
  servers.awaitLeader()
  let acknowledged = 0
  for (let n = 0; n < writes; n += 1) {
    servers.propose('a', `word ${n} ${'x'.repeat(n % 50)}`, (result) => {
      acknowledged += result.ok ? 1 : 0
    })
    // Batches of one to three.
    if (n % 3 !== 1) servers.clock.runUntil(() => acknowledged === n + 1, 1_000)
  }
  servers.clock.runUntil(() => acknowledged === writes, 1_000)
  expect(acknowledged).toBe(writes)
  if (end === 'kill') servers.kill('a')
  else servers.driver('a').stop(() => undefined)
  if (end === 'stop') servers.clock.run(1_000)
  return servers.machine('a').disk
}

/** What a start on this disk says. */
function start(disk: SimulatedDisk): { readonly failure: string; readonly words: number } {
  const servers = new Servers({ seed: 4 })
  const machine = servers.adopt('a', disk)
  servers.start('a')
  servers.clock.run(1_000)
  return {
    failure: machine.failure === undefined ? '' : `${machine.failure.code}: ${machine.failure.message}`,
    words: machine.ledger.words.length,
  }
}

interface Place {
  readonly path: string
  readonly from: number
  readonly to: number
  /** What a refusal must name for damage here. */
  readonly index: number
  readonly kind: 'preamble' | 'entry' | 'truncate' | 'commit'
}

/** Every byte of the log belongs to a place. */
function placesOf(disk: SimulatedDisk): readonly Place[] {
  const places: Place[] = []
  let last = 0
  for (const name of disk.list('wal')) {
    const path = `wal/${name}`
    const bytes = disk.read(path) ?? new Uint8Array(0)
    const preamble = decodePreamble(bytes)
    if (preamble === undefined) throw new Error('the undamaged log is damaged')
    places.push({ path, from: 0, to: preambleBytes, index: last + 1, kind: 'preamble' })
    for (let at = preambleBytes; at < bytes.length; ) {
      const read = readFrame(bytes, at, preamble.salt)
      if (!read.ok) throw new Error('the undamaged log is damaged')
      last = read.header.index
      places.push({ path, from: at, to: read.end, index: last, kind: read.header.type })
      at = read.end
    }
  }
  return places
}

test('one flipped byte at each of 500 offsets before the last commit frame: start refused, index named', () => {
  const disk = writtenDisk(120, 4_000, 'stop')
  const places = placesOf(disk)
  const lastCommit = places.findLast((place) => place.kind === 'commit')
  const before = places.filter((place) => place !== lastCommit)
  const total = before.reduce((sum, place) => sum + place.to - place.from, 0)
  expect(disk.list('wal').length).toBeGreaterThan(3)
  let refused = 0
  for (let n = 0; n < 500; n += 1) {
    let offset = Math.floor(((n + 0.5) * total) / 500)
    const place = before.find((candidate) => {
      const isIn = offset < candidate.to - candidate.from
      if (!isIn) offset -= candidate.to - candidate.from
      return isIn
    })
    if (place === undefined) throw new Error('offset lies nowhere')
    const damaged = disk.fork(new VirtualClock(), new SeededRandom(n))
    damaged.flip(place.path, place.from + offset, 1 << (n % 8))
    const { failure } = start(damaged)
    expect(failure, `${place.kind} ${place.index} at ${place.path}:${place.from + offset}`).toContain(
      `log-damaged: the log is damaged at index ${place.index} (`,
    )
    refused += 1
  }
  expect(refused).toBe(500)
})

test('every single byte of the last acknowledged batch is guarded, even when the process died right after', () => {
  const disk = writtenDisk(10, 1e6, 'kill')
  const places = placesOf(disk)
  const lastCommit = places.length - 1
  const start0 = places.findLastIndex((place, at) => place.kind === 'commit' && at < lastCommit) + 1
  const batch = places.slice(start0)
  expect(batch.map(({ kind }) => kind)).toEqual(['entry', 'commit'])
  for (const place of batch)
    for (let offset = place.from; offset < place.to; offset += 1) {
      const damaged = disk.fork(new VirtualClock(), new SeededRandom(1))
      damaged.flip(place.path, offset, 0x10)
      const recovered = recoverLog(damaged)
      expect(recovered, `byte ${offset} of ${place.kind}`).toMatchObject({ failure: { code: 'log-damaged' } })
      if (!recovered.ok) expect(recovered.failure.message).toContain(`index ${place.index} (`)
    }
})

test('a sealed batch that was wiped as by a lost write is damage, not a torn end', () => {
  const disk = writtenDisk(10, 1e6, 'stop')
  const places = placesOf(disk)
  const entry = places.findLast((place) => place.kind === 'entry')
  if (entry === undefined) throw new Error('no entry')
  const bytes = disk.read(entry.path) ?? new Uint8Array(0)
  for (let offset = entry.from; offset < entry.to + frameHeaderBytes; offset += 1)
    disk.flip(entry.path, offset, bytes[offset] ?? 0)
  expect(start(disk).failure).toContain(`log-damaged: the log is damaged at index ${entry.index} (`)
})

test('a damaged seal loses nothing', () => {
  const disk = writtenDisk(10, 1e6, 'stop')
  const seal = placesOf(disk).at(-1)
  if (seal === undefined) throw new Error('no seal')
  for (let offset = seal.from; offset < seal.to; offset += 1) {
    const damaged = disk.fork(new VirtualClock(), new SeededRandom(1))
    damaged.flip(seal.path, offset)
    const { failure, words } = start(damaged)
    if (failure === '') expect(words).toBe(10)
    else expect(failure).toContain('log-damaged')
  }
})

test('a lost segment refuses the start, whichever it is but the last', () => {
  const disk = writtenDisk(60, 1_500, 'stop')
  const names = disk.list('wal')
  expect(names.length).toBeGreaterThan(4)
  for (const name of names.slice(0, -1)) {
    const clock = new VirtualClock()
    const damaged = disk.fork(clock, new SeededRandom(1))
    damaged.remove(`wal/${name}`, () => undefined)
    clock.run(1)
    expect(start(damaged).failure, name).toContain('log-damaged')
  }
})

test('term and vote survive any damage to one of their two records, and both damaged refuses the start', () => {
  const servers = new Servers({ seed: 5 })
  servers.bootstrap(['a', 'b', 'c'])
  servers.awaitLeader()
  servers.clock.run(1_000)
  const { disk } = servers.machine('b')
  const known = recoverHardState(disk)
  if (!known.ok) throw new Error('the undamaged record is damaged')
  expect(known.value.state.vote).toBeDefined()
  for (const slot of [0, 4_096])
    for (let offset = slot; offset < slot + 156; offset += 1) {
      const damaged = disk.fork(new VirtualClock(), new SeededRandom(1))
      damaged.flip('hard-state', offset, 0x80)
      const found = recoverHardState(damaged)
      expect(found.ok && found.value.state).toEqual(known.value.state)
    }
  disk.flip('hard-state', 5)
  disk.flip('hard-state', 4_101)
  servers.kill('b')
  expect(start(disk).failure).toContain('log-damaged: both records of term and vote are damaged')
})

test('a lost FORMAT file, a damaged one and one of a newer version refuse the start', () => {
  const clock = new VirtualClock()
  const disk = writtenDisk(5, 1e6, 'stop').fork(clock, new SeededRandom(1))
  const newer = disk.fork(clock, new SeededRandom(1))
  const digit = (newer.read('FORMAT') ?? new Uint8Array(0)).length - 2
  newer.flip('FORMAT', digit, 0x02)
  expect(start(newer).failure).toBe(
    'format-too-new: the data directory has format 3, this program knows formats up to 1',
  )
  const damaged = disk.fork(clock, new SeededRandom(1))
  damaged.flip('FORMAT', 0, 0xff)
  expect(start(damaged).failure).toContain('log-damaged')
  disk.remove('FORMAT', () => undefined)
  clock.run(1)
  expect(start(disk).failure).toContain('log-damaged: the FORMAT file of the data directory is missing')
})

test('a damaged newest snapshot is replaced by the one before while the log still reaches it', () => {
  const thresholds = { afterEntries: 20, afterBytes: 1e9, trailEntries: 0 }
  const servers = new Servers({ seed: 6, thresholds, segmentBytes: 1_000 })
  servers.bootstrap(['a'])
  servers.awaitLeader()
  for (let n = 0; n < 100; n += 1) {
    servers.propose('a', `${n}`)
    servers.clock.run(20)
  }
  const { ledger, disk } = servers.machine('a')
  expect(ledger.words).toHaveLength(100)
  servers.kill('a')
  const snapshots = disk.list('snapshots')
  expect(snapshots).toHaveLength(2)
  disk.flip(`snapshots/${snapshots[1]}`, 200)
  servers.start('a')
  servers.clock.run(1_000)
  expect(servers.machine('a').ledger.hash()).toBe(ledger.hash())

  servers.kill('a')
  for (const name of disk.list('snapshots')) disk.flip(`snapshots/${name}`, 200)
  servers.start('a')
  servers.clock.run(1_000)
  expect(servers.machine('a').failure).toMatchObject({ code: 'log-damaged' })
})

test('an entry that is damaged while the server runs is never sent to a follower', () => {
  const disk = writtenDisk(30, 1e6, 'stop')
  const entry = placesOf(disk).find((place) => place.kind === 'entry' && place.index === 12)
  if (entry === undefined) throw new Error('no entry 12')
  const servers = new Servers({ seed: 7 })
  const adopted = servers.adopt('a', disk).disk
  servers.start('a')
  servers.awaitLeader()
  servers.clock.run(500)
  adopted.flip(entry.path, entry.from + 60)
  const server = configurationOf(['b']).servers[0]
  if (server === undefined) throw new Error('no server')
  servers.start('b')
  servers.driver('a').change({ kind: 'add', server }, () => undefined)
  expect(() => servers.clock.run(2_000)).toThrow('entry 12 of the log can no longer be read')
  expect(servers.machine('b').ledger.index).toBeLessThan(logIndex(12))
})
