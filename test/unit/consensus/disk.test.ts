// The real disk, under a temporary folder: the port's promises that can be seen without cutting the power, and the whole
// of consensus on top of it.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Failure } from '../../../src/model/errors.ts'
import { nodeId } from '../../../src/model/ids.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createDisk } from '../../../src/platform/disk.ts'
import type { DiskError } from '../../../src/platform/ports.ts'
import type { Driver } from '../../../src/server/consensus/driver.ts'
import { openConsensus } from '../../../src/server/consensus/open.ts'
import { Ledger, wordEnvelope } from '../../simulation/ledger.ts'
import { SeededRandom } from '../../simulation/random.ts'
import { configurationOf, noMetrics, silentLog } from '../../simulation/servers.ts'

let root = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mesh-disk-'))
})

afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

const called = (start: (done: (error: DiskError | undefined) => void) => void) =>
  new Promise<DiskError | undefined>((resolve) => start(resolve))

test('files are private, written in place, read, cut and renamed', async () => {
  const disk = createDisk(root)
  disk.makeDirectory('wal')
  expect(disk.list('nowhere')).toEqual([])
  expect(disk.read('wal/x')).toBeUndefined()
  const file = disk.open('wal/x')
  expect(await called((done) => file.write(0, Uint8Array.of(1, 2, 3, 4), done))).toBeUndefined()
  expect(await called((done) => file.write(2, Uint8Array.of(9), done))).toBeUndefined()
  expect(file.size()).toBe(4)
  expect(await called((done) => file.sync(done))).toBeUndefined()
  expect(await called((done) => file.truncate(3, done))).toBeUndefined()
  expect(file.read(1, 10)).toEqual(Uint8Array.of(2, 9))
  expect(statSync(join(root, 'wal/x')).mode & 0o777).toBe(0o600)
  expect(statSync(join(root, 'wal')).mode & 0o777).toBe(0o700)
  file.close()
  expect(await called((done) => disk.rename('wal/x', 'wal/y', done))).toBeUndefined()
  expect(await called((done) => disk.syncDirectory('wal', done))).toBeUndefined()
  expect(await called((done) => disk.syncDirectory('', done))).toBeUndefined()
  expect(disk.list('wal')).toEqual(['y'])
  expect(disk.read('wal/y')).toEqual(Uint8Array.of(1, 2, 9))
  expect(await called((done) => disk.remove('wal/y', done))).toBeUndefined()
  expect(await called((done) => disk.remove('wal/y', done))).toMatchObject({ code: 'not-found' })
})

test('a file that is closed while a write runs finishes it first', async () => {
  const disk = createDisk(root)
  const file = disk.open('large')
  const data = new Uint8Array(8 * 1024 * 1024).fill(7)
  const written = called((done) => file.write(0, data, done))
  file.close()
  expect(await written).toBeUndefined()
  expect(Buffer.compare(disk.read('large') ?? new Uint8Array(0), data)).toBe(0)
  expect(() => file.sync(() => undefined)).toThrow('used after it was closed')
})

test('paths outside the data directory are refused', () => {
  const disk = createDisk(root)
  for (const path of ['/etc/passwd', '../x', 'wal/../../x'])
    expect(() => disk.open(path)).toThrow('lies below')
})

test('a missing folder is a failed disk, not an empty file', () => {
  expect(() => createDisk(root).open('nowhere/x')).toThrow(expect.objectContaining({ code: 'disk-failed' }))
})

/** A server that is alone, on real files and real time. */
function open(ledger: Ledger): Promise<Driver> {
  return new Promise((resolve, reject) => {
    const fail = (failure: Failure): void => reject(new Error(failure.message))
    openConsensus(
      {
        id: nodeId('a'),
        disk: createDisk(root),
        clock: systemClock,
        random: new SeededRandom(1),
        log: silentLog,
        metrics: noMetrics,
        transport: { send: () => undefined, onMessage: () => undefined, setServers: () => undefined },
        stateMachine: ledger,
        onFatal: fail,
        segmentBytes: 20_000,
        thresholds: { afterEntries: 100, afterBytes: 1e9, trailEntries: 10 },
      },
      (result) => (result.ok ? resolve(result.value) : fail(result.failure)),
    )
  })
}

const leads = (driver: Driver) =>
  new Promise<void>((resolve) =>
    driver.onLeadership((leading) => {
      if (leading) resolve()
    }),
  )

test('a server on the real disk keeps everything over a restart, with segments and snapshots', async () => {
  const before = new Ledger()
  const first = await open(before)
  await new Promise((resolve) => first.bootstrap(configurationOf(['a']), resolve))
  await leads(first)
  for (let n = 0; n < 500; n += 10) {
    const batch = Array.from({ length: 10 }, (_, at) => wordEnvelope(`word ${n + at}`))
    const results = await Promise.all(
      batch.map(
        (envelope) => new Promise<boolean>((resolve) => first.propose(envelope, (r) => resolve(r.ok))),
      ),
    )
    expect(results).not.toContain(false)
  }
  await new Promise<void>((resolve) => first.stop(resolve))
  expect(readdirSync(join(root, 'snapshots')).length).toBeGreaterThan(0)
  expect(readdirSync(join(root, 'wal')).length).toBeGreaterThan(1)

  const after = new Ledger()
  const second = await open(after)
  await leads(second)
  expect(after.words).toHaveLength(500)
  expect(after.hash()).toBe(before.hash())
  await new Promise<void>((resolve) => second.stop(resolve))
})
