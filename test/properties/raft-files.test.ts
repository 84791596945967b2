// The readers of the server's files against arbitrary damage: they refuse or they give a prefix of what was written, they
// never throw and never invent an entry.
import { expect, test } from 'vitest'
import { recoverHardState } from '../../src/server/consensus/hard-state.ts'
import { recoverLog } from '../../src/server/consensus/recovery.ts'
import { SnapshotDecoder } from '../../src/server/consensus/snapshot-file.ts'
import { VirtualClock } from '../simulation/clock.ts'
import type { SimulatedDisk } from '../simulation/disk.ts'
import { SeededRandom } from '../simulation/random.ts'
import { Servers } from '../simulation/servers.ts'

function usedDisk(): SimulatedDisk {
  const thresholds = { afterEntries: 30, afterBytes: 1e9, trailEntries: 20 }
  const servers = new Servers({ seed: 1, segmentBytes: 3_000, thresholds })
  servers.bootstrap(['a'])
  servers.awaitLeader()
  for (let n = 0; n < 100; n += 1) {
    servers.propose('a', `word ${n}`)
    if (n % 3 === 0) servers.clock.run(20)
  }
  servers.driver('a').stop(() => undefined)
  servers.clock.run(1_000)
  return servers.machine('a').disk
}

/** Changes, removes or adds bytes anywhere in one file. */
function damage(disk: SimulatedDisk, path: string, random: SeededRandom): void {
  const length = disk.read(path)?.length ?? 0
  const file = disk.open(path)
  const what = random.below(4)
  if (what === 0)
    for (let n = random.between(1, 8); n > 0; n -= 1)
      disk.flip(path, random.below(length), random.between(1, 255))
  else if (what === 1) file.truncate(random.below(length), () => undefined)
  else if (what === 2) file.write(length, random.bytes(random.between(1, 200)), () => undefined)
  else file.write(random.below(length), new Uint8Array(random.between(1, 600)), () => undefined)
}

test('a damaged log is refused or gives entries that were written', () => {
  const disk = usedDisk()
  const whole = recoverLog(disk)
  if (!whole.ok) throw new Error(whole.failure.message)
  const { terms } = whole.value
  const outcomes = { refused: 0, whole: 0, shorter: 0 }
  for (let seed = 0; seed < 2_000; seed += 1) {
    const random = new SeededRandom(seed)
    const damaged = disk.fork(new VirtualClock(), random.fork())
    damage(damaged, `wal/${random.pick(disk.list('wal'))}`, random)
    const found = recoverLog(damaged)
    if (!found.ok) {
      expect(found.failure.code).toBe('log-damaged')
      outcomes.refused += 1
      continue
    }
    const { last } = found.value.terms
    expect(terms.at(last.index)).toBe(last.term)
    expect(last.index).toBeLessThanOrEqual(terms.last.index)
    if (last.index === terms.last.index) outcomes.whole += 1
    else outcomes.shorter += 1
  }
  expect(outcomes.refused).toBeGreaterThan(1_000)
  expect(outcomes.whole).toBeGreaterThan(20)
  // Cutting the file itself short looks like a torn write; a flipped or overwritten byte never does.
  expect(outcomes.shorter).toBeLessThan(200)
})

test('a damaged snapshot never reads as whole', () => {
  const disk = usedDisk()
  const [name = ''] = disk.list('snapshots')
  const path = `snapshots/${name}`
  for (let seed = 0; seed < 2_000; seed += 1) {
    const random = new SeededRandom(seed)
    const damaged = disk.fork(new VirtualClock(), random.fork())
    damage(damaged, path, random)
    const original = disk.read(path) ?? new Uint8Array(0)
    const changed = damaged.read(path) ?? new Uint8Array(0)
    if (Buffer.compare(original, changed) === 0) continue
    const decoder = new SnapshotDecoder(damaged.open(path))
    let isWhole = decoder.header().ok
    for (let read = decoder.next(); isWhole && read.kind !== 'end'; read = decoder.next())
      if (read.kind === 'damaged') isWhole = false
    expect(isWhole, `seed ${seed}`).toBe(false)
  }
})

test('a damaged record of term and vote gives the newest or nothing', () => {
  const disk = usedDisk()
  const whole = recoverHardState(disk)
  if (!whole.ok) throw new Error(whole.failure.message)
  for (let seed = 0; seed < 2_000; seed += 1) {
    const random = new SeededRandom(seed)
    const damaged = disk.fork(new VirtualClock(), random.fork())
    damage(damaged, 'hard-state', random)
    const found = recoverHardState(damaged)
    if (found.ok) expect(found.value.state).toEqual(whole.value.state)
  }
})
