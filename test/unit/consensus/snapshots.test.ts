// Names of snapshot files while they are written.
import { expect, test } from 'vitest'
import { Snapshots } from '../../../src/server/consensus/snapshots.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { SimulatedDisk } from '../../simulation/disk.ts'
import { SeededRandom } from '../../simulation/random.ts'

test('a name that an earlier process left behind is not used again: its removal may still be under way', () => {
  const disk = new SimulatedDisk({ clock: new VirtualClock(), random: new SeededRandom(1) })
  const before = new Snapshots(disk)
  const [first, second] = [before.partialPath(), before.partialPath()]
  disk.open(second).close()
  const after = new Snapshots(disk)
  expect(after.leftovers()).toEqual([second])
  expect([first, second]).not.toContain(after.partialPath())
})
