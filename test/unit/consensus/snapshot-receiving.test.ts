// A snapshot that comes in chunks, where two leaders send one each.
import { expect, test } from 'vitest'
import { logIndex, nodeId, term } from '../../../src/model/ids.ts'
import type { RaftMessage } from '../../../src/model/raft-message.ts'
import { SnapshotEncoder } from '../../../src/server/consensus/snapshot-file.ts'
import { SnapshotReceiving } from '../../../src/server/consensus/snapshot-receiving.ts'
import { Snapshots, snapshotPath } from '../../../src/server/consensus/snapshots.ts'
import { crc32c } from '../../../src/wire/crc32c.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { SimulatedDisk } from '../../simulation/disk.ts'
import { SeededRandom } from '../../simulation/random.ts'
import { configurationOf } from '../../simulation/servers.ts'

type Chunk = Extract<RaftMessage, { readonly type: 'snapshot-chunk' }>

const positionOf = (index: number) => ({ index: logIndex(index), term: term(1) })

function fileAt(index: number, pieceBytes: number): Uint8Array {
  const encoder = new SnapshotEncoder()
  const header = encoder.header({ last: positionOf(index), configuration: configurationOf(['a']) })
  return Buffer.concat([header, encoder.pieces([new Uint8Array(pieceBytes)]), encoder.trailer()])
}

function chunkOf(index: number, file: Uint8Array, from: number, to: number): Chunk {
  const data = file.subarray(from, to)
  const place = { last: positionOf(index), fileBytes: file.length, offset: from }
  return { type: 'snapshot-chunk', term: term(1), ...place, checksum: crc32c(data), data }
}

test('a snapshot that gets its name is not disturbed by a chunk of another one that would continue it', () => {
  const clock = new VirtualClock()
  const disk = new SimulatedDisk({ clock, random: new SeededRandom(1), syncMaxMs: 1 })
  const done: string[] = []
  const answered: string[] = []
  const receiving = new SnapshotReceiving({
    disk,
    clock,
    snapshots: new Snapshots(disk),
    answer: (to, index, offset) => answered.push(`${to} ${index} ${offset}`),
    done: (result) => done.push(result.ok ? `at ${result.value.last.index}` : result.failure.message),
  })
  const first = fileAt(10, 100)
  const second = fileAt(20, 1_000)
  let isSecondSent = false
  const writes: string[] = []
  disk.onOperation = (operation) => {
    writes.push(operation)
    // The rename is the moment after which nothing can be cancelled.
    if (operation !== 'rename' || isSecondSent) return
    isSecondSent = true
    receiving.onChunk(nodeId('b'), chunkOf(20, second, first.length, second.length))
  }
  receiving.onChunk(nodeId('a'), chunkOf(10, first, 0, first.length))
  clock.run(1_000)
  expect(isSecondSent).toBe(true)
  expect(done).toEqual(['at 10'])
  expect(writes.filter((operation) => operation === 'write')).toHaveLength(1)
  expect(disk.read(snapshotPath(positionOf(10)))).toEqual(Uint8Array.from(first))
  expect(answered).toEqual([`a 10 ${first.length}`, `a 10 ${first.length}`])
})
